//! The name of every file and directory.

use chrono::{DateTime, Utc};

use crate::clock::Timestamp;
use crate::cloud::{Store, path};
use crate::error::{Error, Result, sqlstate};

/// Names the newest full backup of a collection, in its root.
pub const LATEST: &str = "LATEST";
/// The manifest. While it is there the layer is complete.
pub const MANIFEST: &str = "BACKUP";
/// What a running job has done so far.
pub const CHECKPOINT: &str = "BACKUP-CHECKPOINT";
/// Beginning of the name of a lock file; the job's id follows.
pub const LOCK_PREFIX: &str = "BACKUP-LOCK-";
/// The table statistics.
pub const STATISTICS: &str = "BACKUP-STATISTICS";
/// How the key of an encrypted chain is found; in the full backup's directory only.
pub const ENCRYPTION_INFO: &str = "ENCRYPTION-INFO";
/// The directory of the data files, in a layer's directory.
pub const DATA_DIR: &str = "data";
/// Ending of a data file's name.
pub const DATA_SUFFIX: &str = ".cdf";

/// The lock file of a job.
pub fn lock_file(job_id: i64) -> String {
    format!("{LOCK_PREFIX}{job_id}")
}

/// A directory on a store, for messages.
pub fn described(store: &dyn Store, dir: &str) -> String {
    match dir {
        "" => store.describe(),
        _ => format!("\"{dir}\" in {}", store.describe()),
    }
}

/// A data file's path within its layer.
pub fn data_file(id: &str) -> String {
    format!("{DATA_DIR}/{id}{DATA_SUFFIX}")
}

/// A name for a data file that no other has.
pub fn fresh_data_file() -> String {
    data_file(&uuid::Uuid::new_v4().simple().to_string())
}

/// The directory of a full backup that ends at `end`: `/2021/03/23-213101.37`, in UTC.
pub fn full_dir(end: Timestamp) -> String {
    let (time, centis) = civil(end);
    format!("{}.{centis:02}", time.format("/%Y/%m/%d-%H%M%S"))
}

/// The directory, below its full backup's, of an incremental that ends at `end`:
/// `20210324/155530.50`, in UTC.
pub fn incremental_dir(end: Timestamp) -> String {
    let (time, centis) = civil(end);
    format!("{}.{centis:02}", time.format("%Y%m%d/%H%M%S"))
}

fn civil(at: Timestamp) -> (DateTime<Utc>, u64) {
    // Every u64 of nanoseconds is a date before the year 2555.
    let seconds = i64::try_from(at.wall / 1_000_000_000).unwrap_or_default();
    let time = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    (time, at.wall % 1_000_000_000 / 10_000_000)
}

/// Whether text has the shape of a pattern in which `0` stands for any digit.
fn shaped(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(b, p)| match p {
            b'0' => b.is_ascii_digit(),
            _ => b == p,
        })
}

/// Whether a path within a collection has the shape of a full backup's directory.
pub fn is_full_dir(dir: &str) -> bool {
    shaped(dir.trim_start_matches('/'), "0000/00/00-000000.00")
}

/// Whether a name has the shape of the first part of an incremental's directory (`20210324`).
pub fn is_incremental_date(name: &str) -> bool {
    shaped(name, "00000000")
}

/// Whether a name has the shape of the second part of an incremental's directory (`155530.50`).
pub fn is_incremental_time(name: &str) -> bool {
    shaped(name, "000000.00")
}

/// The end time that a layer's directory names, to a hundredth of a second; `None` for a name
/// chosen by hand.
pub fn end_time(dir: &str) -> Option<Timestamp> {
    let names: Vec<&str> = dir.split('/').filter(|name| !name.is_empty()).collect();
    let tail = |n: usize| names.get(names.len().checked_sub(n)?..).map(|tail| tail.join("/"));
    let incremental = tail(2).filter(|tail| {
        tail.split_once('/')
            .is_some_and(|(date, time)| is_incremental_date(date) && is_incremental_time(time))
    });
    let named = incremental.or_else(|| tail(3).filter(|tail| is_full_dir(tail)))?;
    let digits: String = named.chars().filter(char::is_ascii_digit).collect();
    let (time, centis) = digits.split_at_checked(14)?;
    let time = chrono::NaiveDateTime::parse_from_str(time, "%Y%m%d%H%M%S").ok()?.and_utc();
    let nanos = time.timestamp_nanos_opt().and_then(|nanos| u64::try_from(nanos).ok())?;
    Some(Timestamp::from_nanos(nanos + centis.parse::<u64>().ok()? * 10_000_000))
}

/// Refuses a manifest that lies in a directory which names another end time: somebody swapped
/// manifests or directories. A directory with a hand-chosen name cannot be checked.
pub fn check_place(dir: &str, end: Timestamp) -> Result<()> {
    let names: Vec<&str> = dir.split('/').filter(|name| !name.is_empty()).collect();
    let tail = |n: usize| names.get(names.len().wrapping_sub(n)..).map(|tail| tail.join("/"));
    let wrong = |expected: String| {
        Err(Error::corrupt(format!(
            "the backup in \"{dir}\" belongs into a directory named \"{expected}\""
        ))
        .with_hint("Somebody moved backups or their manifests; put them back."))
    };
    if let Some(tail) = tail(2)
        && let Some((date, time)) = tail.split_once('/')
        && is_incremental_date(date)
        && is_incremental_time(time)
    {
        let expected = incremental_dir(end);
        return if tail == expected { Ok(()) } else { wrong(expected) };
    }
    if let Some(tail) = tail(3)
        && is_full_dir(&tail)
    {
        let expected = full_dir(end);
        return if expected[1..] == tail { Ok(()) } else { wrong(expected) };
    }
    Ok(())
}

/// Checks a subdirectory that a user or a LATEST file names; gives it with its leading slash.
pub fn check_subdir(subdir: &str) -> Result<String> {
    let clean = path::clean(subdir)?;
    if clean.is_empty() {
        return Err(Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            "the subdirectory of a backup must have a name",
        ));
    }
    Ok(format!("/{clean}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let time: DateTime<Utc> = text.parse().unwrap();
        Timestamp::from_nanos(time.timestamp_nanos_opt().unwrap() as u64)
    }

    #[test]
    fn directories_are_named_by_end_time_in_utc() {
        let end = at("2021-03-23T21:31:01.379999Z");
        assert_eq!(full_dir(end), "/2021/03/23-213101.37");
        assert_eq!(incremental_dir(at("2021-03-24T15:55:30.5Z")), "20210324/155530.50");
        assert!(is_full_dir(&full_dir(end)));
        assert!(is_full_dir(&full_dir(Timestamp::MIN)));
        assert!(is_full_dir(&full_dir(Timestamp::MAX)));
        for other in ["/2021/03/23-213101.3", "2021/03/23-213101x37", "a/2021/03/23-213101.37"] {
            assert!(!is_full_dir(other), "{other}");
        }
    }

    #[test]
    fn a_directory_tells_when_its_layer_ends() {
        let end = at("2021-03-23T21:31:01.37Z");
        assert_eq!(end_time(&full_dir(end)), Some(end));
        let later = at("2021-03-24T15:55:30.5Z");
        let dir = format!("{}/{}", full_dir(end), incremental_dir(later));
        assert_eq!(end_time(&dir), Some(later));
        for other in ["", "by hand", "2021/13/23-213101.37", "20210324"] {
            assert_eq!(end_time(other), None, "{other}");
        }
    }

    #[test]
    fn a_manifest_in_another_layers_directory_is_noticed() {
        let end = at("2021-03-23T21:31:01.37Z");
        assert!(check_place("/2021/03/23-213101.37", end).is_ok());
        assert!(check_place("/base/2021/03/23-213101.37", end).is_ok());
        assert!(check_place("/2021/03/23-213101.38", end).is_err());
        assert!(check_place("/2021/03/23-213101.37/20210323/213101.37", end).is_ok());
        assert!(check_place("/2021/03/23-213101.37/20210324/155530.50", end).is_err());
        assert!(check_place("by hand", end).is_ok());
        assert!(check_place("", end).is_ok());
    }
}
