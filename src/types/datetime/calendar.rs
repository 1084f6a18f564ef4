//! The proleptic Gregorian calendar: days to years, months and days, and back.

use super::USECS_PER_DAY;

/// Days from 2000-01-01 back to 0000-03-01, where the 400-year cycles below begin.
const DAYS_TO_ERA: i64 = 730_425;
/// Days of 400 years.
const DAYS_PER_ERA: i64 = 146_097;
/// The Julian day of 2000-01-01.
pub const JULIAN_OF_EPOCH: i64 = 2_451_545;
/// Days from 1970-01-01 to 2000-01-01.
pub const UNIX_DAYS_OF_EPOCH: i64 = 10_957;

/// Days since 2000-01-01 of a date; the year is astronomical (0 is 1 BC). A month or day outside
/// its range counts on into the neighbouring ones.
pub fn days_from_civil(year: i32, month: i32, day: i32) -> i64 {
    let months = i64::from(year) * 12 + i64::from(month) - 1;
    // Years that begin in March have the leap day at their end.
    let shifted = months - 2;
    let (y, m) = (shifted.div_euclid(12), shifted.rem_euclid(12));
    let (era, year_of_era) = (y.div_euclid(400), y.rem_euclid(400));
    let day_of_year = (153 * m + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_ERA + day_of_era - DAYS_TO_ERA
}

/// Year (astronomical: 0 is 1 BC), month and day of a count of days since 2000-01-01.
pub fn civil_from_days(days: i32) -> (i32, i32, i32) {
    civil_from_long_days(i64::from(days))
}

/// [`civil_from_days`] for the days of time stamps and sums, which may leave an `i32`'s range on
/// the way.
pub fn civil_from_long_days(days: i64) -> (i32, i32, i32) {
    let z = days + DAYS_TO_ERA;
    let (era, day_of_era) = (z.div_euclid(DAYS_PER_ERA), z.rem_euclid(DAYS_PER_ERA));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let m = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * m + 2) / 5 + 1;
    let month = if m < 10 { m + 3 } else { m - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month as i32, day as i32)
}

/// Whether an astronomical year has a 29th of February.
pub fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month, 1 to 12.
pub fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Day of the week, Sunday 0.
pub fn day_of_week(days: i64) -> i32 {
    // 2000-01-01 was a Saturday.
    (days + 6).rem_euclid(7) as i32
}

/// Day of the year, from 1.
pub fn day_of_year(year: i32, month: i32, day: i32) -> i32 {
    (days_from_civil(year, month, day) - days_from_civil(year, 1, 1) + 1) as i32
}

/// The days of the Monday on which an ISO year begins.
pub fn iso_year_start(year: i32) -> i64 {
    let fourth = days_from_civil(year, 1, 4);
    fourth - i64::from((day_of_week(fourth) + 6) % 7)
}

/// ISO year and ISO week of a date.
pub fn iso_week(days: i64) -> (i32, i32) {
    let (year, _, _) = civil_from_long_days(days);
    let iso_year = if days >= iso_year_start(year + 1) {
        year + 1
    } else if days < iso_year_start(year) {
        year - 1
    } else {
        year
    };
    (iso_year, ((days - iso_year_start(iso_year)) / 7 + 1) as i32)
}

/// A time stamp taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    /// Astronomical: 0 is 1 BC.
    pub year: i32,
    /// 1 to 12.
    pub month: i32,
    /// 1 to 31.
    pub day: i32,
    /// 0 to 23.
    pub hour: i32,
    /// 0 to 59.
    pub minute: i32,
    /// 0 to 59.
    pub second: i32,
    /// 0 to 999,999.
    pub micros: i32,
}

impl Fields {
    /// The fields of a finite time stamp.
    pub fn of(timestamp: i64) -> Fields {
        let (days, time) =
            (timestamp.div_euclid(USECS_PER_DAY), timestamp.rem_euclid(USECS_PER_DAY));
        let (year, month, day) = civil_from_long_days(days);
        let (hour, minute, second, micros) = split_time(time);
        Fields { year, month, day, hour, minute, second, micros }
    }

    /// The count of microseconds again; `None` when it does not fit.
    pub fn timestamp(&self) -> Option<i64> {
        days_from_civil(self.year, self.month, self.day)
            .checked_mul(USECS_PER_DAY)?
            .checked_add(join_time(self.hour, self.minute, self.second, self.micros))
    }
}

/// Hours, minutes, seconds and microseconds of a time of day (up to 24:00:00).
pub fn split_time(time: i64) -> (i32, i32, i32, i32) {
    let seconds = time / 1_000_000;
    (
        (seconds / 3600) as i32,
        (seconds / 60 % 60) as i32,
        (seconds % 60) as i32,
        (time % 1_000_000) as i32,
    )
}

/// The time of day of hours, minutes, seconds and microseconds.
pub fn join_time(hour: i32, minute: i32, second: i32, micros: i32) -> i64 {
    (i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second)) * 1_000_000
        + i64::from(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        assert_eq!(days_from_civil(2000, 1, 1), 0);
        assert_eq!(days_from_civil(1970, 1, 1), -UNIX_DAYS_OF_EPOCH);
        assert_eq!(days_from_civil(-4713, 11, 24), -JULIAN_OF_EPOCH);
        assert_eq!(civil_from_days(59), (2000, 2, 29));
        assert_eq!(days_from_civil(2001, 13, 1), days_from_civil(2002, 1, 1));
        assert_eq!(day_of_week(days_from_civil(2024, 2, 29)), 4);
        assert_eq!(iso_week(days_from_civil(2021, 1, 3)), (2020, 53));
        assert_eq!(iso_week(days_from_civil(2024, 12, 30)), (2025, 1));
    }

    #[test]
    fn days_and_dates_agree_over_two_cycles() {
        for days in (-300_000..300_000).step_by(13) {
            let (y, m, d) = civil_from_days(days);
            assert_eq!(days_from_civil(y, m, d), i64::from(days));
            assert!((1..=days_in_month(y, m)).contains(&d));
        }
    }
}
