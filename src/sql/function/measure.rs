//! Waiting for a time, and sizes in words.

use std::time::Duration;

use super::args::{f8, i8, num, span};
use super::row::{Row, f};
use crate::error::Result;
use crate::sql::exec::context::EvalContext;
use crate::types::{Datum, Numeric};

pub(super) const FUNCTIONS: &[Row] = &[
    f(2626, "pg_sleep", "float8", "void", |context, a| wait(context, f8(a, 0)?)).volatile(),
    f(3935, "pg_sleep_for", "interval", "void", |context, a| {
        let micros = span(a, 0)?.normalized_micros();
        wait(context, micros as f64 / 1e6)
    })
    .volatile(),
    f(2288, "pg_size_pretty", "int8", "text", |_, a| Ok(Datum::text(size_in_words(i8(a, 0)?)))),
    f(3166, "pg_size_pretty", "numeric", "text", |_, a| {
        Ok(Datum::text(match num(a, 0)?.trunc(0).to_i64() {
            Ok(bytes) => size_in_words(bytes),
            Err(_) => format!("{} PB", num(a, 0)?.div_trunc(&Numeric::from_i64(1 << 50))?),
        }))
    }),
];

/// Waits, unless the statement is told to stop.
fn wait(context: &EvalContext<'_>, seconds: f64) -> Result<Datum> {
    if let Ok(limit) = Duration::try_from_secs_f64(seconds) {
        context.interrupt.wait(limit.min(Duration::from_secs(u32::MAX.into())))?;
    }
    Ok(Datum::text(""))
}

/// A number of bytes in the largest unit of which there are at least ten, rounded half away from
/// zero.
fn size_in_words(bytes: i64) -> String {
    const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];
    let limit = 10 * 1024;
    let mut size = i128::from(bytes);
    let mut unit = 0;
    // From the second unit on the size is kept in halves, so that rounding happens once.
    while unit + 1 < UNITS.len() && size.abs() >= if unit == 0 { limit } else { 2 * limit - 1 } {
        size /= if unit == 0 { 512 } else { 1024 };
        unit += 1;
    }
    if unit > 0 {
        size = (size + size.signum()) / 2;
    }
    format!("{size} {}", UNITS.get(unit).unwrap_or(&"PB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_postgresqls() {
        for (bytes, words) in [
            (0, "0 bytes"),
            (10239, "10239 bytes"),
            (10240, "10 kB"),
            (-10240, "-10 kB"),
            (1_048_576, "1024 kB"),
            (10_485_247, "10239 kB"),
            (10_485_248, "10 MB"),
            (1_000_000_000, "954 MB"),
            (1_000_000_000_000, "931 GB"),
            (i64::MAX, "8192 PB"),
        ] {
            assert_eq!(size_in_words(bytes), words);
        }
    }
}
