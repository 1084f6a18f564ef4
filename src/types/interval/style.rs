//! How intervals are written: the four values of `IntervalStyle`.

use std::fmt::Write as _;

use super::{HOUR, Interval, MINUTE};

/// `P1Y2M3DT4H5M6S`.
pub(super) fn iso(value: &Interval, out: &mut String) {
    if *value == Interval::default() {
        return out.push_str("PT0S");
    }
    out.push('P');
    for (n, unit) in [(value.months / 12, 'Y'), (value.months % 12, 'M'), (value.days, 'D')] {
        if n != 0 {
            let _ = write!(out, "{n}{unit}");
        }
    }
    if value.micros != 0 {
        out.push('T');
        let (h, m) = (value.micros / HOUR, value.micros % HOUR / MINUTE);
        if h != 0 {
            let _ = write!(out, "{h}H");
        }
        if m != 0 {
            let _ = write!(out, "{m}M");
        }
        let s = value.micros % MINUTE;
        if s != 0 {
            write_seconds(s, 1, out);
            out.push('S');
        }
    }
}

/// `1 year 2 mons 3 days 04:05:06`.
pub(super) fn postgres(value: &Interval, out: &mut String) {
    let mut words = Vec::new();
    let mut negative_before = false;
    let parts = [(value.months / 12, "year"), (value.months % 12, "mon"), (value.days, "day")];
    for (n, unit) in parts {
        if n != 0 {
            let sign = if negative_before && n > 0 { "+" } else { "" };
            let plural = if n == 1 { "" } else { "s" };
            words.push(format!("{sign}{n} {unit}{plural}"));
            negative_before = n < 0;
        }
    }
    if value.micros != 0 || words.is_empty() {
        let sign = match (value.micros < 0, negative_before) {
            (true, _) => "-",
            (false, true) => "+",
            (false, false) => "",
        };
        words.push(format!("{sign}{}", clock_text(value.micros, 2)));
    }
    out.push_str(&words.join(" "));
}

/// `@ 1 year 2 mons 3 days 4 hours 5 mins 6 secs`: what is counted backwards ends in `ago`, with
/// the signs of the first part turned around.
pub(super) fn verbose(value: &Interval, out: &mut String) {
    out.push('@');
    let parts = [
        (i64::from(value.months / 12), "year"),
        (i64::from(value.months % 12), "mon"),
        (i64::from(value.days), "day"),
        (value.micros / HOUR, "hour"),
        (value.micros % HOUR / MINUTE, "min"),
    ];
    let seconds = value.micros % MINUTE;
    let mut first = None;
    for (n, unit) in parts.into_iter().filter(|(n, _)| *n != 0) {
        let ago = *first.get_or_insert(n < 0);
        let shown = if ago { -n } else { n };
        let plural = if shown == 1 { "" } else { "s" };
        let _ = write!(out, " {shown} {unit}{plural}");
    }
    if seconds != 0 {
        let ago = *first.get_or_insert(seconds < 0);
        out.push(' ');
        write_seconds(if ago { -seconds } else { seconds }, 1, out);
        out.push_str(if seconds.abs() == 1_000_000 { " sec" } else { " secs" });
    }
    match first {
        None => out.push_str(" 0"),
        Some(true) => out.push_str(" ago"),
        Some(false) => {}
    }
}

/// `1-2` or `3 4:05:06`, as the standard writes them; `+1-2 +3 +4:05:06` for what the standard has
/// no form for.
pub(super) fn sql_standard(value: &Interval, out: &mut String) {
    let signs = [i64::from(value.months), i64::from(value.days), value.micros];
    let (minus, plus) = (signs.iter().any(|n| *n < 0), signs.iter().any(|n| *n > 0));
    let (has_months, has_days) = (value.months != 0, value.days != 0);
    let months = value.months.unsigned_abs();
    let (months, days) = (format!("{}-{}", months / 12, months % 12), value.days.unsigned_abs());
    let time = clock_text(value.micros, 1);
    if !minus && !plus {
        return out.push('0');
    }
    if (minus && plus) || (has_months && (has_days || value.micros != 0)) {
        let [m, d, t] = signs.map(|n| if n < 0 { '-' } else { '+' });
        let _ = write!(out, "{m}{months} {d}{days} {t}{time}");
        return;
    }
    if minus {
        out.push('-');
    }
    let _ = match (has_months, has_days) {
        (true, _) => write!(out, "{months}"),
        (false, true) => write!(out, "{days} {time}"),
        (false, false) => write!(out, "{time}"),
    };
}

/// `04:05:06.7`, without a sign and with at least `width` digits of hours.
fn clock_text(micros: i64, width: usize) -> String {
    let micros = micros.unsigned_abs();
    let (hour, minute) = (HOUR.unsigned_abs(), MINUTE.unsigned_abs());
    let mut text = format!("{:0width$}:{:02}:", micros / hour, micros % hour / minute);
    write_seconds((micros % minute).cast_signed(), 2, &mut text);
    text
}

/// Seconds with their fraction, at least `width` digits before the point.
fn write_seconds(micros: i64, width: usize, out: &mut String) {
    let sign = if micros < 0 { "-" } else { "" };
    let (whole, fraction) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let _ = write!(out, "{sign}{whole:0width$}");
    if fraction != 0 {
        out.push_str(format!(".{fraction:06}").trim_end_matches('0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(form: fn(&Interval, &mut String), months: i32, days: i32, micros: i64) -> String {
        let mut out = String::new();
        form(&Interval { months, days, micros }, &mut out);
        out
    }

    #[test]
    fn the_standard_has_one_sign_for_all() {
        assert_eq!(written(sql_standard, -14, 3, -(4 * HOUR)), "-1-2 +3 -4:00:00");
        assert_eq!(written(sql_standard, -14, 0, 0), "-1-2");
        assert_eq!(written(sql_standard, 0, -1, -(2 * HOUR)), "-1 2:00:00");
        assert_eq!(written(sql_standard, 0, 1, -HOUR), "+0-0 +1 -1:00:00");
        assert_eq!(written(sql_standard, 0, 0, 500_000), "0:00:00.5");
        assert_eq!(written(sql_standard, 0, 0, 0), "0");
    }

    #[test]
    fn verbose_says_ago_for_what_begins_negative() {
        let back = -(4 * HOUR + 5 * MINUTE + 6_000_000);
        assert_eq!(
            written(verbose, -14, 3, back),
            "@ 1 year 2 mons -3 days 4 hours 5 mins 6 secs ago"
        );
        assert_eq!(written(verbose, 0, 1, -1_000_000), "@ 1 day -1 sec");
        assert_eq!(written(verbose, 0, 0, 0), "@ 0");
    }
}
