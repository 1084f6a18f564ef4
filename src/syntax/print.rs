//! Canonical words for statements about backups and jobs, with their secrets taken out.
//!
//! Keywords are in upper case, `TABLE` is always written, names are quoted when they must be, and
//! options follow WITH without parentheses, as 21.x printed them. What is printed parses again, to the
//! same tree except for the secrets.

use std::fmt::{self, Display, Formatter, Write};

use sqlparser::ast::{Expr, Ident};

use super::ast::*;
use super::text::{HIDDEN, quote_identifier, quote_literal, redact_text, redact_uri};

/// Items with commas between them.
struct List<'a, T>(&'a [T]);

impl<T: Display> Display for List<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, item) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            item.fmt(f)?;
        }
        Ok(())
    }
}

/// A name as it must be written.
struct Name<'a>(&'a Ident);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&quote_identifier(&self.0.value))
    }
}

/// Something of sqlparser's. It writes literals as they are, so the text is looked through.
struct Shown<'a, T>(&'a T);

impl<T: Display> Display for Shown<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&redact_text(&self.0.to_string()))
    }
}

impl Display for StringArg {
    /// A literal without the secrets of the URI that it may be; a placeholder as itself.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            StringArg::Text(text) => f.write_str(&quote_literal(&redact_uri(text))),
            StringArg::Placeholder(n) => write!(f, "${n}"),
        }
    }
}

impl Display for TablePattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for name in &self.prefix {
            write!(f, "{}.", Name(name))?;
        }
        match &self.table {
            Some(name) => Name(name).fmt(f),
            None => f.write_char('*'),
        }
    }
}

impl Display for Targets {
    /// Nothing for a whole cluster.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Targets::Cluster => Ok(()),
            Targets::Tables(patterns) => write!(f, "TABLE {}", List(patterns)),
            Targets::Databases(names) => {
                write!(f, "DATABASE {}", List(&names.iter().map(Name).collect::<Vec<_>>()))
            }
            Targets::Tenant(number) => write!(f, "TENANT {number}"),
            Targets::SystemUsers => f.write_str("SYSTEM USERS"),
        }
    }
}

impl Display for Destination {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        strings(f, &self.uris)
    }
}

/// One string bare, several in parentheses.
fn strings(f: &mut impl Write, list: &[StringArg]) -> fmt::Result {
    match list {
        [one] => write!(f, "{one}"),
        several => write!(f, "({})", List(several)),
    }
}

impl Display for Subdirectory {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Subdirectory::Latest => f.write_str("LATEST"),
            Subdirectory::Named(name) => name.fmt(f),
        }
    }
}

impl Display for Backup {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("BACKUP ")?;
        if self.targets != Targets::Cluster {
            write!(f, "{} ", self.targets)?;
        }
        match &self.into {
            BackupInto::New(to) => write!(f, "INTO {to}")?,
            BackupInto::Append(subdirectory, to) => write!(f, "INTO {subdirectory} IN {to}")?,
            BackupInto::To { destination, .. } => write!(f, "TO {destination}")?,
        }
        as_of(f, self.as_of.as_ref())?;
        if let BackupInto::To { incremental_from, .. } = &self.into
            && !incremental_from.is_empty()
        {
            write!(f, " INCREMENTAL FROM {}", List(incremental_from))?;
        }
        self.options.fmt(f)
    }
}

fn as_of(f: &mut Formatter<'_>, time: Option<&Expr>) -> fmt::Result {
    match time {
        Some(time) => write!(f, " AS OF SYSTEM TIME {}", Shown(time)),
        None => Ok(()),
    }
}

impl Display for Restore {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("RESTORE ")?;
        match &self.targets {
            Targets::Cluster => {}
            Targets::Tables(patterns) if !self.renames.is_empty() => {
                let named = patterns.iter().zip(&self.renames).map(|(pattern, name)| match name {
                    Some(name) => format!("{pattern} AS {name}"),
                    None => pattern.to_string(),
                });
                write!(f, "TABLE {} ", named.collect::<Vec<_>>().join(", "))?;
            }
            targets => write!(f, "{targets} ")?,
        }
        match &self.from {
            RestoreFrom::Collection(subdirectory, place) => {
                write!(f, "FROM {subdirectory} IN {place}")?;
            }
            RestoreFrom::Chain(layers) => write!(f, "FROM {}", List(layers))?,
        }
        as_of(f, self.as_of.as_ref())?;
        self.options.fmt(f)
    }
}

/// Options on their way out: WITH stands in front of the first.
#[derive(Default)]
struct Options(String);

impl Options {
    fn word(&mut self, text: &str) {
        self.0.push_str(if self.0.is_empty() { " WITH " } else { ", " });
        self.0.push_str(text);
    }

    fn flag(&mut self, name: &str, set: bool) {
        if set {
            self.word(name);
        }
    }

    fn switch(&mut self, name: &str, value: Option<bool>) {
        match value {
            Some(true) => self.word(name),
            Some(false) => self.word(&format!("{name} = false")),
            None => {}
        }
    }

    fn text(&mut self, name: &str, value: Option<&StringArg>) {
        if let Some(value) = value {
            self.word(&format!("{name} = {value}"));
        }
    }

    /// A literal is hidden whole; which parameter holds a passphrase is no secret.
    fn passphrase(&mut self, value: Option<&StringArg>) {
        match value {
            Some(StringArg::Text(_)) => self.word(&format!("encryption_passphrase = {HIDDEN}")),
            placeholder => self.text("encryption_passphrase", placeholder),
        }
    }

    fn texts(&mut self, name: &str, values: &[StringArg]) {
        if !values.is_empty() {
            let mut option = format!("{name} = ");
            if strings(&mut option, values).is_ok() {
                self.word(&option);
            }
        }
    }
}

impl Display for BackupOptions {
    /// With a blank and WITH in front; nothing when no option was written.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut o = Options::default();
        o.switch("revision_history", self.revision_history);
        o.passphrase(self.encryption_passphrase.as_ref());
        o.switch("detached", self.detached);
        o.texts("kms", &self.kms);
        o.texts("incremental_location", &self.incremental_location);
        o.flag("include_deprecated_interleaves", self.include_deprecated_interleaves);
        o.text("execution locality", self.execution_locality.as_ref());
        o.flag("strict storage locality", self.strict_storage_locality);
        o.switch("include_all_virtual_clusters", self.include_all_virtual_clusters);
        o.switch("updates_cluster_monitoring_metrics", self.updates_cluster_monitoring_metrics);
        f.write_str(&o.0)
    }
}

impl Display for RestoreOptions {
    /// With a blank and WITH in front; nothing when no option was written.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut o = Options::default();
        o.passphrase(self.encryption_passphrase.as_ref());
        o.texts("kms", &self.kms);
        o.text("into_db", self.into_db.as_ref());
        o.text("debug_pause_on", self.debug_pause_on.as_ref());
        o.flag("skip_missing_foreign_keys", self.skip_missing_foreign_keys);
        o.flag("skip_missing_sequence_owners", self.skip_missing_sequence_owners);
        o.flag("skip_missing_sequences", self.skip_missing_sequences);
        o.flag("skip_missing_views", self.skip_missing_views);
        o.flag("skip_missing_udfs", self.skip_missing_udfs);
        o.switch("detached", self.detached);
        o.flag("skip_localities_check", self.skip_localities_check);
        o.text("into_schema", self.into_schema.as_ref());
        o.text("new_db_name", self.new_db_name.as_ref());
        o.texts("incremental_location", &self.incremental_location);
        o.text("virtual_cluster_name", self.virtual_cluster_name.as_ref());
        o.text("virtual_cluster", self.virtual_cluster.as_ref());
        o.switch("include_all_virtual_clusters", self.include_all_virtual_clusters);
        o.flag("schema_only", self.schema_only);
        o.flag("verify_backup_table_data", self.verify_backup_table_data);
        o.flag("grants", self.grants);
        o.flag("unsafe_restore_incompatible_version", self.unsafe_restore_incompatible_version);
        o.text("execution locality", self.execution_locality.as_ref());
        o.flag("experimental deferred copy", self.experimental_deferred_copy);
        o.flag("experimental copy", self.experimental_copy);
        o.flag("remove_regions", self.remove_regions);
        f.write_str(&o.0)
    }
}

impl Display for ShowBackups {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "SHOW BACKUPS IN {}", self.collection)?;
        if let Some(time) = &self.newer_than {
            write!(f, " NEWER THAN {}", Shown(time))?;
        }
        if let Some(time) = &self.older_than {
            write!(f, " OLDER THAN {}", Shown(time))?;
        }
        Ok(())
    }
}

impl Display for ShowBackup {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("SHOW BACKUP ")?;
        f.write_str(match self.details {
            BackupDetails::Objects => "",
            BackupDetails::Schemas => "SCHEMAS ",
            BackupDetails::Files => "FILES ",
            BackupDetails::Ranges => "RANGES ",
            BackupDetails::Validate => "VALIDATE ",
        })?;
        match &self.from {
            ShowBackupFrom::Uri(uri) => uri.fmt(f)?,
            ShowBackupFrom::Collection(subdirectory, place) => {
                write!(f, "FROM {subdirectory} IN {place}")?;
            }
        }
        let o = &self.options;
        let mut out = Options::default();
        out.flag("as_json", o.as_json);
        out.flag("check_files", o.check_files);
        out.flag("debug_ids", o.debug_ids);
        out.texts("incremental_location", &o.incremental_location);
        out.texts("kms", &o.kms);
        out.passphrase(o.encryption_passphrase.as_ref());
        out.flag("privileges", o.privileges);
        out.flag("skip size", o.skip_size);
        out.text("encryption_info_dir", o.encryption_info_dir.as_ref());
        out.flag("debug_dump_metadata_sst", o.debug_dump_metadata_sst);
        f.write_str(&out.0)
    }
}

impl Display for IdSource {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            IdSource::Expr(id) => Shown(id).fmt(f),
            IdSource::Query(query) => Shown(query).fmt(f),
        }
    }
}

/// `JOB id`, `JOBS query`; the same with SCHEDULE.
fn numbered(f: &mut Formatter<'_>, noun: &str, when: &str, ids: &IdSource) -> fmt::Result {
    let plural = if matches!(ids, IdSource::Query(_)) { "S" } else { "" };
    write!(f, "{noun}{plural}{when} {ids}")
}

impl Display for ShowJobs {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("SHOW ")?;
        let when = if self.when_complete { " WHEN COMPLETE" } else { "" };
        match &self.which {
            ShowJobsWhich::All => write!(f, "JOBS{when}"),
            ShowJobsWhich::Automatic => write!(f, "AUTOMATIC JOBS{when}"),
            ShowJobsWhich::Ids(ids) => numbered(f, "JOB", when, ids),
            ShowJobsWhich::Schedules(ids) => {
                write!(f, "JOBS{when} FOR ")?;
                numbered(f, "SCHEDULE", "", ids)
            }
        }
    }
}

impl Display for ControlJobs {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.command {
            JobCommand::Pause => "PAUSE ",
            JobCommand::Resume => "RESUME ",
            JobCommand::Cancel => "CANCEL ",
        })?;
        match &self.which {
            ControlJobsWhich::Ids(ids) => numbered(f, "JOB", "", ids)?,
            ControlJobsWhich::Schedules(ids) => {
                f.write_str("JOBS FOR ")?;
                numbered(f, "SCHEDULE", "", ids)?;
            }
            ControlJobsWhich::AllOfType(kind) => write!(f, "ALL {kind} JOBS")?,
        }
        match &self.reason {
            Some(reason) => write!(f, " WITH REASON = {reason}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::syntax::{Statement, parse};

    fn printed(sql: &str) -> String {
        match parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement {
            Statement::Backup(s) => s.to_string(),
            Statement::Restore(s) => s.to_string(),
            Statement::ShowBackups(s) => s.to_string(),
            Statement::ShowBackup(s) => s.to_string(),
            Statement::ShowJobs(s) => s.to_string(),
            Statement::ControlJobs(s) => s.to_string(),
            other => panic!("{sql}: {other:?}"),
        }
    }

    #[test]
    fn statements_print_in_canonical_words() {
        for (sql, canonical) in [
            ("backup into 'a'", "BACKUP INTO 'a'"),
            (
                "backup database bank, \"Two\" into latest in ('a?AWS_SESSION_TOKEN=x', $2) as of system time '-10s' with options (detached, kms = ('k', 'l'))",
                "BACKUP DATABASE bank, \"Two\" INTO LATEST IN ('a?AWS_SESSION_TOKEN=redacted', $2) AS OF SYSTEM TIME '-10s' WITH detached, kms = ('k', 'l')",
            ),
            (
                "backup a, b.*, c.d.\"select\" to 'x' incremental from 'y', ('z', 'w') with encryption_passphrase = 'hush', revision_history",
                "BACKUP TABLE a, b.*, c.d.\"select\" TO 'x' INCREMENTAL FROM 'y', ('z', 'w') WITH revision_history, encryption_passphrase = '*****'",
            ),
            (
                "backup tenant 7 into x with encryption_passphrase = $1, detached = false",
                "BACKUP TENANT 7 INTO 'x' WITH encryption_passphrase = $1, detached = false",
            ),
            (
                "backup into 'x' with execution locality = 'a=b', strict storage locality, updates_cluster_monitoring_metrics",
                "BACKUP INTO 'x' WITH execution locality = 'a=b', strict storage locality, updates_cluster_monitoring_metrics",
            ),
            (
                "restore table bank from 'userfile:///foo/inc?AWS_SESSION_TOKEN=x' with into_db = 'restoredb'",
                "RESTORE TABLE bank FROM 'userfile:///foo/inc?AWS_SESSION_TOKEN=redacted' WITH into_db = 'restoredb'",
            ),
            (
                "restore from '/2021/03/23-213101.37' in 'x' with skip_missing_views, tenant_name = 'y', grants",
                "RESTORE FROM '/2021/03/23-213101.37' IN 'x' WITH skip_missing_views, virtual_cluster_name = 'y', grants",
            ),
            ("restore system users from latest in 'x'", "RESTORE SYSTEM USERS FROM LATEST IN 'x'"),
            (
                "restore database a from 'x', 'y' as of system time '2020-01-01'",
                "RESTORE DATABASE a FROM 'x', 'y' AS OF SYSTEM TIME '2020-01-01'",
            ),
            (
                "show backups in 'x' newer than '-1d' older than '2020-01-01'",
                "SHOW BACKUPS IN 'x' NEWER THAN '-1d' OLDER THAN '2020-01-01'",
            ),
            (
                "show backup 'latest' in 'x' with privileges, skip size, encryption_passphrase = 'y'",
                "SHOW BACKUP FROM LATEST IN 'x' WITH encryption_passphrase = '*****', privileges, skip size",
            ),
            ("show backup files 'x'", "SHOW BACKUP FILES 'x'"),
            ("show jobs", "SHOW JOBS"),
            ("show automatic jobs", "SHOW AUTOMATIC JOBS"),
            ("show job when complete 12", "SHOW JOB WHEN COMPLETE 12"),
            (
                "show jobs for schedules select id from a",
                "SHOW JOBS FOR SCHEDULES SELECT id FROM a",
            ),
            ("pause job 1 with reason = 'y'", "PAUSE JOB 1 WITH REASON = 'y'"),
            ("cancel jobs for schedule 3", "CANCEL JOBS FOR SCHEDULE 3"),
            ("resume all restore jobs", "RESUME ALL RESTORE JOBS"),
            ("cancel jobs values (1)", "CANCEL JOBS VALUES (1)"),
        ] {
            assert_eq!(printed(sql), canonical, "{sql}");
            assert_eq!(printed(canonical), canonical);
        }
    }

    proptest! {
        #[test]
        fn no_secret_survives(form in 0usize..4, wrap in "[A-Za-z0-9+/=:@%# ]{0,6}") {
            let secret = format!("{wrap}5ecr3t{wrap}");
            let uri = format!("'s3://b/p?X=1&AWS_SECRET_ACCESS_KEY={secret}'");
            let sql = match form {
                0 => format!("BACKUP INTO LATEST IN ({uri}, {uri}) WITH encryption_passphrase = '{secret}'"),
                1 => format!("BACKUP TO {uri} INCREMENTAL FROM {uri} WITH kms = ({uri}), incremental_location = {uri}"),
                2 => format!("RESTORE a FROM {uri} IN {uri} WITH kms = {uri}, encryption_passphrase = '{secret}'"),
                _ => format!("SHOW BACKUP FILES {uri} WITH encryption_passphrase = '{secret}', kms = {uri}"),
            };
            let shown = printed(&sql);
            prop_assert!(!shown.contains("5ecr3t"), "{} -> {}", sql, shown);
            prop_assert_eq!(printed(&shown), shown);
        }
    }
}
