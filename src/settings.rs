//! Cluster settings: one entry each, with its type, default and meaning.
//!
//! `SET CLUSTER SETTING` stores an override as a row of `system.settings`; this room holds the
//! list and the values in force. Whoever needs a setting reads it at the moment of use, so that a
//! change takes effect without a restart.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::RwLock;

use crate::error::{Error, Result, sqlstate};

/// What a setting's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// A size in bytes; accepts units (`16MiB`).
    Bytes,
    /// A span of time; accepts units (`1m30s`, `500ms`, `336h`).
    Duration,
    /// Free text.
    Text,
}

impl Kind {
    /// The letter that `SHOW CLUSTER SETTINGS` prints in CockroachDB.
    pub fn letter(self) -> &'static str {
        match self {
            Kind::Bool => "b",
            Kind::Int => "i",
            Kind::Float => "f",
            Kind::Bytes => "z",
            Kind::Duration => "d",
            Kind::Text => "s",
        }
    }
}

/// One cluster setting.
#[derive(Debug)]
pub struct Setting {
    /// The name typed in `SET CLUSTER SETTING`.
    pub name: &'static str,
    /// The form of its value.
    pub kind: Kind,
    /// The value while nobody changed it, in the form a person would type.
    pub default: &'static str,
    /// What it does, in one line.
    pub description: &'static str,
}

macro_rules! settings {
    ($($constant:ident $name:literal $kind:ident $default:literal $description:literal;)*) => {
        $(#[doc = $description] pub const $constant: &Setting = &Setting {
            name: $name, kind: Kind::$kind, default: $default, description: $description,
        };)*
        /// Every setting, by name.
        pub const ALL: &[&Setting] = &[$($constant),*];
    };
}

settings! {
    BACKUP_CHECKPOINT_INTERVAL "bulkio.backup.checkpoint_interval" Duration "1m"
        "longest time between two checkpoints of a running backup";
    BACKUP_FILE_SIZE "bulkio.backup.file_size" Bytes "64MiB"
        "target size of a backup's data file before compression";
    BACKUP_FULL_WITH_SUBDIR "bulkio.backup.deprecated_full_backup_with_subdir.enabled" Bool "true"
        "whether BACKUP INTO 'subdir' IN takes a full backup where the subdirectory holds none";
    BACKUP_READ_WITH_PRIORITY_AFTER "bulkio.backup.read_with_priority_after" Duration "1m"
        "accepted for compatibility; a backup here never waits for a writer, so it has nothing to do";
    BACKUP_WORKERS "bulkio.backup.workers" Int "2"
        "threads that export a backup's spans";
    RESTORE_WORKERS "bulkio.restore.workers" Int "2"
        "threads that load a restore's files";
    BULK_IO_MAX_RATE "kv.bulk_io_write.max_rate" Bytes "1TiB"
        "bytes per second that backups and restores may write";
    CLOUD_TIMEOUT "cloudstorage.timeout" Duration "10m"
        "longest time for one request to external storage, retries included";
    FEATURE_BACKUP "feature.backup.enabled" Bool "true"
        "whether BACKUP may be used";
    FEATURE_RESTORE "feature.restore.enabled" Bool "true"
        "whether RESTORE may be used";
    JOBS_PAUSEPOINTS "jobs.debug.pausepoints" Text ""
        "comma-separated names of the places at which jobs pause, for tests and operators";
    JOBS_RETENTION_TIME "jobs.retention_time" Duration "336h"
        "how long the rows of finished jobs are kept";
    JOBS_ADOPT_INTERVAL "jobs.registry.interval.adopt" Duration "30s"
        "how often the registry looks for jobs that nobody runs";
    JOBS_SCHEDULER_ENABLED "jobs.scheduler.enabled" Bool "true"
        "whether schedules run";
    JOBS_SCHEDULER_PACE "jobs.scheduler.pace" Duration "1m"
        "how often the scheduler looks for schedules that are due";
    TRANSACTION_MEMORY "kv.transaction.write_buffer" Bytes "64MiB"
        "writes of one transaction that are kept in memory; more go to temporary files";
    TRANSACTION_LOCKS "kv.transaction.max_row_locks" Int "200000"
        "row locks of one transaction before it locks whole indexes instead";
    SCHEDULE_GC_PROTECTION "schedules.backup.gc_protection.enabled" Bool "true"
        "whether schedules keep the history since their last backup for the next incremental one";
    SERVER_STATEMENT_MEMORY "sql.statement.memory_limit" Bytes "512MiB"
        "memory that one statement may hold in sorts and hash tables";
    SQL_DEFAULT_GC_TTL "gc.default_ttl" Duration "25h"
        "how long old versions are kept where no zone says otherwise";
    GC_SWEEP_INTERVAL "gc.sweep_interval" Duration "10m"
        "how long garbage collection rests between two rounds over everything";
}

/// The values in force.
#[derive(Debug, Default)]
pub struct Settings {
    overrides: RwLock<BTreeMap<String, String>>,
}

impl Settings {
    /// All settings at their defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Finds a setting by name.
    pub fn find(name: &str) -> Result<&'static Setting> {
        ALL.iter().copied().find(|s| s.name == name).ok_or_else(|| {
            Error::new(sqlstate::UNDEFINED_OBJECT, format!("unknown cluster setting \"{name}\""))
                .with_hint("SHOW ALL CLUSTER SETTINGS lists the settings.")
        })
    }

    /// Checks a value; on success returns it in the form that is stored.
    pub fn validate(setting: &Setting, value: &str) -> Result<String> {
        let bad = |what: &str| {
            Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!("invalid value \"{value}\" for cluster setting \"{}\"", setting.name),
            )
            .with_detail(format!("The setting takes {what}."))
        };
        match setting.kind {
            Kind::Bool => match value.to_ascii_lowercase().as_str() {
                "true" | "t" | "on" | "yes" | "1" => Ok("true".into()),
                "false" | "f" | "off" | "no" | "0" => Ok("false".into()),
                _ => Err(bad("true or false")),
            },
            Kind::Int => {
                value.trim().parse::<i64>().map(|v| v.to_string()).map_err(|_| bad("an integer"))
            }
            Kind::Float => {
                value.trim().parse::<f64>().map(|v| v.to_string()).map_err(|_| bad("a number"))
            }
            Kind::Bytes => parse_bytes(value)
                .map(|_| value.trim().to_owned())
                .ok_or_else(|| bad("a size such as 16MiB")),
            Kind::Duration => parse_duration(value)
                .map(|_| value.trim().to_owned())
                .ok_or_else(|| bad("a duration such as 1m30s")),
            Kind::Text => Ok(value.to_owned()),
        }
    }

    /// Puts an override in force; `None` returns to the default. The value must be validated.
    pub fn apply(&self, setting: &Setting, value: Option<String>) {
        let mut overrides = self.overrides.write();
        match value {
            Some(value) => overrides.insert(setting.name.to_owned(), value),
            None => overrides.remove(setting.name),
        };
    }

    /// The value in force, as text.
    pub fn text(&self, setting: &Setting) -> String {
        self.overrides
            .read()
            .get(setting.name)
            .cloned()
            .unwrap_or_else(|| setting.default.to_owned())
    }

    /// The value in force of a boolean setting.
    pub fn bool(&self, setting: &Setting) -> bool {
        self.text(setting) == "true"
    }

    /// The value in force of an integer setting.
    pub fn int(&self, setting: &Setting) -> i64 {
        self.text(setting).parse().unwrap_or_default()
    }

    /// The value in force of a size setting, in bytes.
    pub fn bytes(&self, setting: &Setting) -> u64 {
        parse_bytes(&self.text(setting)).unwrap_or_default()
    }

    /// The value in force of a duration setting.
    pub fn duration(&self, setting: &Setting) -> Duration {
        parse_duration(&self.text(setting)).unwrap_or_default()
    }
}

/// Reads a size with an optional unit (`B`, `KB`, `KiB`, `MB`, `MiB`, …). `None` if malformed.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: f64 = number.parse().ok()?;
    let factor: f64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" | "k" => 1e3,
        "mb" | "m" => 1e6,
        "gb" | "g" => 1e9,
        "tb" | "t" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = number * factor;
    (bytes >= 0.0 && bytes < u64::MAX as f64).then_some(bytes as u64)
}

/// Reads a duration in Go's form (`1h2m3.5s`, `500ms`); a bare `0` is allowed. `None` if malformed.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let factor = match &rest[..letters] {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return None,
        };
        seconds += number * factor;
        rest = &rest[letters..];
    }
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_valid() {
        for setting in ALL {
            assert!(Settings::validate(setting, setting.default).is_ok(), "{}", setting.name);
        }
    }

    #[test]
    fn sizes_and_durations_take_units() {
        assert_eq!(parse_bytes("16MiB"), Some(16 << 20));
        assert_eq!(parse_bytes("1.5kb"), Some(1_500));
        assert_eq!(parse_bytes("x"), None);
        assert_eq!(parse_duration("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse_duration("90"), None);
    }

    #[test]
    fn an_override_is_in_force_until_it_is_taken_back() {
        let settings = Settings::new();
        let value = Settings::validate(FEATURE_BACKUP, "off").unwrap();
        settings.apply(FEATURE_BACKUP, Some(value));
        assert!(!settings.bool(FEATURE_BACKUP));
        settings.apply(FEATURE_BACKUP, None);
        assert!(settings.bool(FEATURE_BACKUP));
        assert_eq!(Settings::find("no.such").unwrap_err().code(), sqlstate::UNDEFINED_OBJECT);
    }
}
