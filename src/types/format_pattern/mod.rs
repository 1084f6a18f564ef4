//! `to_char`, `to_date`, `to_timestamp` and `to_number`: values by patterns such as
//! `YYYY-MM-DD HH24:MI:SS` and `FM999,990.00`.
//!
//! ```text
//!   pattern text ──▶ date_pattern ──▶ [Node] ──▶ date_output   time stamps and intervals as text
//!                                       └──────▶ date_input    text as dates and time stamps
//!   pattern text ──▶ number_pattern ──▶ number_output, number_input
//! ```
//!
//! What it is not: input and output of values without a pattern (`types::text`, `types::datetime`).

mod date_input;
mod date_output;
mod date_pattern;
mod number_input;
mod number_output;
mod number_pattern;

pub use date_input::{to_date, to_timestamp};
pub use date_output::{interval_to_char, timestamp_to_char, timestamptz_to_char};
pub use number_input::to_number;
pub use number_output::{float_to_char, int_to_char, integer_to_char, numeric_to_char};

/// The ending of an ordinal: `st`, `nd`, `rd`, `th`.
fn ordinal(number: &str, upper: bool) -> &'static str {
    let digits = number.trim_start_matches(['-', ' ']).as_bytes();
    let last = digits.last().copied();
    let teen = digits.len() > 1 && digits.get(digits.len() - 2) == Some(&b'1');
    let at = match last {
        Some(b'1') if !teen => 0,
        Some(b'2') if !teen => 1,
        Some(b'3') if !teen => 2,
        _ => 3,
    };
    if upper { ["ST", "ND", "RD", "TH"][at] } else { ["st", "nd", "rd", "th"][at] }
}

#[cfg(test)]
mod tests;
