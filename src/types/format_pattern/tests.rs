//! Tests of patterns; the recorded calls in `fixtures/functions/format.txt` go further.

use super::*;
use crate::types::Numeric;
use crate::types::datetime::days_from_civil;

#[test]
fn ordinals_end_as_english_has_them() {
    for (number, ending) in [("1", "st"), ("11", "th"), ("22", "nd"), ("103", "rd"), ("10", "th")] {
        assert_eq!(ordinal(number, false), ending, "{number}");
    }
}

#[test]
fn what_a_pattern_writes_it_reads() {
    let day = i32::try_from(days_from_civil(2024, 2, 29)).unwrap();
    let midnight = i64::from(day) * 86_400_000_000;
    for pattern in
        ["YYYY-MM-DD", "DD Month YYYY", "FMMonth FMDDth, YYYY", "J", "IYYY-IW-ID", "YYYYDDD"]
    {
        let text = timestamp_to_char(midnight, pattern).unwrap().unwrap();
        assert_eq!(to_date(&text, pattern).unwrap(), day, "{pattern}: {text}");
    }
}

#[test]
fn numbers_that_do_not_fit_are_crossed_out() {
    assert_eq!(int_to_char(1234, "999").unwrap(), " ###");
    assert_eq!(numeric_to_char(&Numeric::parse("-12.5").unwrap(), "FM999.00").unwrap(), "-12.50");
    assert_eq!(to_number("-12.50", "S99.99").unwrap().to_string(), "-12.50");
}
