//! BACKUP, RESTORE and what looks at or tends backups.

use sqlparser::ast::{Expr, Ident};

use super::StringArg;

/// What a BACKUP, RESTORE or GRANT names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targets {
    /// Nothing named: everything.
    Cluster,
    /// `[TABLE] pattern, ...`.
    Tables(Vec<TablePattern>),
    /// `DATABASE name, ...`.
    Databases(Vec<Ident>),
    /// `TENANT n` (also `VIRTUAL CLUSTER n`).
    Tenant(u64),
    /// `SYSTEM USERS`, in RESTORE only.
    SystemUsers,
}

/// `tbl`, `db.tbl`, `db.schema.tbl`, `*`, `db.*`, `db.schema.*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TablePattern {
    /// The names before the last dot, outermost first; at most two.
    pub prefix: Vec<Ident>,
    /// The table, or `None` for `*`.
    pub table: Option<Ident>,
}

/// Where a backup lives: one URI, or the parenthesised list of a locality-aware one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// At least one.
    pub uris: Vec<StringArg>,
}

impl Destination {
    /// A destination of one URI.
    pub fn one(uri: StringArg) -> Self {
        Destination { uris: vec![uri] }
    }
}

/// A directory inside a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subdirectory {
    /// `LATEST`.
    Latest,
    /// `'2021/03/23-213101.37'`.
    Named(StringArg),
}

/// `BACKUP`.
#[derive(Debug, Clone, PartialEq)]
pub struct Backup {
    /// What.
    pub targets: Targets,
    /// Where.
    pub into: BackupInto,
    /// As of when.
    pub as_of: Option<Expr>,
    /// How.
    pub options: BackupOptions,
}

/// Where a BACKUP writes, which also says whether it is a full or an incremental one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupInto {
    /// `INTO collection`: a new full backup.
    New(Destination),
    /// `INTO {LATEST | 'subdir'} IN collection`: append.
    Append(Subdirectory, Destination),
    /// `TO uri [INCREMENTAL FROM uri, ...]`: the deprecated form.
    To {
        /// Written to directly.
        destination: Destination,
        /// The whole earlier chain, oldest first; empty when not given.
        incremental_from: Vec<Destination>,
    },
}

/// Options of BACKUP; `None` and `false` mean that the option was not written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackupOptions {
    /// Keep every version in the window.
    pub revision_history: Option<bool>,
    /// Encrypt with a key from this.
    pub encryption_passphrase: Option<StringArg>,
    /// Encrypt with a data key that each of these wraps.
    pub kms: Vec<StringArg>,
    /// Return when the job exists.
    pub detached: Option<bool>,
    /// Accepted for old scripts; there are no interleaved tables.
    pub include_deprecated_interleaves: bool,
    /// Where the incrementals of this collection live.
    pub incremental_location: Vec<StringArg>,
    /// Nodes that may do the work.
    pub execution_locality: Option<StringArg>,
    /// Refuse writes across localities.
    pub strict_storage_locality: bool,
    /// Include other tenants.
    pub include_all_virtual_clusters: Option<bool>,
    /// Update the last-backup metric.
    pub updates_cluster_monitoring_metrics: Option<bool>,
}

/// `RESTORE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Restore {
    /// What.
    pub targets: Targets,
    /// `AS name`, for each pattern of [`Targets::Tables`]; empty if there is none at all.
    pub renames: Vec<Option<TablePattern>>,
    /// Where from.
    pub from: RestoreFrom,
    /// As of when.
    pub as_of: Option<Expr>,
    /// How.
    pub options: RestoreOptions,
}

/// Where a RESTORE reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestoreFrom {
    /// `FROM {LATEST | 'subdir'} IN collection`.
    Collection(Subdirectory, Destination),
    /// `FROM full_uri, inc_uri, ...`: the deprecated form; at least one.
    Chain(Vec<Destination>),
}

/// Options of RESTORE; `None` and `false` mean that the option was not written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoreOptions {
    /// Put tables into this database.
    pub into_db: Option<StringArg>,
    /// Put tables into this schema of their database.
    pub into_schema: Option<StringArg>,
    /// Give the one restored database another name.
    pub new_db_name: Option<StringArg>,
    /// Drop foreign keys whose parent is absent.
    pub skip_missing_foreign_keys: bool,
    /// Drop defaults that use absent sequences.
    pub skip_missing_sequences: bool,
    /// Drop OWNED BY links to the absent.
    pub skip_missing_sequence_owners: bool,
    /// Leave out views whose dependencies are absent.
    pub skip_missing_views: bool,
    /// Drop defaults that use absent functions.
    pub skip_missing_udfs: bool,
    /// The passphrase of the backup.
    pub encryption_passphrase: Option<StringArg>,
    /// Keys of the backup, any one of them.
    pub kms: Vec<StringArg>,
    /// Return when the job exists.
    pub detached: Option<bool>,
    /// Ignore that regions differ.
    pub skip_localities_check: bool,
    /// Drop multi-region settings.
    pub remove_regions: bool,
    /// `'error'`: pause instead of failing.
    pub debug_pause_on: Option<StringArg>,
    /// Where the incrementals live.
    pub incremental_location: Vec<StringArg>,
    /// No rows.
    pub schema_only: bool,
    /// With `schema_only`: read and check every row, keep none.
    pub verify_backup_table_data: bool,
    /// Keep grants of users that exist here.
    pub grants: bool,
    /// Nodes that may do the work.
    pub execution_locality: Option<StringArg>,
    /// Restore a backup of a newer or much older version.
    pub unsafe_restore_incompatible_version: bool,
    /// Name for a restored tenant.
    pub virtual_cluster_name: Option<StringArg>,
    /// Number for a restored tenant.
    pub virtual_cluster: Option<StringArg>,
    /// Include other tenants.
    pub include_all_virtual_clusters: Option<bool>,
    /// Online restore: serve reads from the backup while copying.
    pub experimental_deferred_copy: bool,
    /// Online restore, copying first.
    pub experimental_copy: bool,
}

/// `SHOW BACKUPS IN collection`.
#[derive(Debug, Clone, PartialEq)]
pub struct ShowBackups {
    /// Where.
    pub collection: Destination,
    /// `NEWER THAN`.
    pub newer_than: Option<Expr>,
    /// `OLDER THAN`.
    pub older_than: Option<Expr>,
}

/// `SHOW BACKUP`.
#[derive(Debug, Clone, PartialEq)]
pub struct ShowBackup {
    /// Which columns.
    pub details: BackupDetails,
    /// Which backup.
    pub from: ShowBackupFrom,
    /// How.
    pub options: ShowBackupOptions,
}

/// Which columns SHOW BACKUP gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BackupDetails {
    /// Objects and sizes.
    #[default]
    Objects,
    /// And CREATE statements.
    Schemas,
    /// Data files.
    Files,
    /// Key ranges.
    Ranges,
    /// Whether files and descriptors hold together.
    Validate,
}

/// Which backup SHOW BACKUP reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShowBackupFrom {
    /// `'uri'` of one backup's directory: the old form.
    Uri(Destination),
    /// `[FROM] {LATEST | 'subdir'} IN collection`.
    Collection(Subdirectory, Destination),
}

/// Options of SHOW BACKUP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShowBackupOptions {
    /// Add privileges and owner.
    pub privileges: bool,
    /// The manifests as JSON.
    pub as_json: bool,
    /// Add ids.
    pub debug_ids: bool,
    /// The passphrase of the backup.
    pub encryption_passphrase: Option<StringArg>,
    /// Keys of the backup, any one of them.
    pub kms: Vec<StringArg>,
    /// Where the incrementals live.
    pub incremental_location: Vec<StringArg>,
    /// Where ENCRYPTION-INFO lives.
    pub encryption_info_dir: Option<StringArg>,
    /// Look for every file; add file_bytes.
    pub check_files: bool,
    /// Leave sizes out.
    pub skip_size: bool,
    /// Hidden: the raw metadata.
    pub debug_dump_metadata_sst: bool,
}

/// `CHECK EXTERNAL CONNECTION 'uri' [WITH transfer = '..', time = '..', concurrently = n]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckConnection {
    /// Where.
    pub uri: StringArg,
    /// Bytes to move, as a size text.
    pub transfer: Option<StringArg>,
    /// For how long, as an interval text.
    pub time: Option<StringArg>,
    /// Workers.
    pub concurrently: Option<u64>,
}

/// `VERIFY BACKUP {LATEST | 'subdir'} IN collection [WITH encryption_passphrase, kms, detached ...]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyBackup {
    /// Which backup.
    pub subdirectory: Subdirectory,
    /// Where.
    pub collection: Destination,
    /// Of SHOW BACKUP's options only the keys and `incremental_location` are allowed.
    pub options: ShowBackupOptions,
    /// Return when the job exists.
    pub detached: bool,
}

/// `BACKUP OF table FROM {LATEST | 'subdir'} IN collection [AS OF SYSTEM TIME t] [WITH ...]`, the rows
/// of a table as they lie in a backup; in a FROM only.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadBackup {
    /// The table.
    pub table: TablePattern,
    /// Which backup.
    pub subdirectory: Subdirectory,
    /// Where.
    pub collection: Destination,
    /// As of when.
    pub as_of: Option<Expr>,
    /// Of SHOW BACKUP's options only the keys are allowed.
    pub options: ShowBackupOptions,
}

/// `DROP BACKUP [IF EXISTS] 'subdir' IN collection`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropBackup {
    /// Do not mind its absence.
    pub if_exists: bool,
    /// Which backup.
    pub subdirectory: Subdirectory,
    /// Where.
    pub collection: Destination,
}

/// `EXPIRE BACKUPS IN collection OLDER THAN when [KEEP n] [WITH dry_run]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpireBackups {
    /// Where.
    pub collection: Destination,
    /// A timestamp, or an interval before now.
    pub older_than: Expr,
    /// Fulls that stay whatever their age.
    pub keep: Option<u64>,
    /// Only say what would go.
    pub dry_run: bool,
}

/// `ALTER BACKUP {LATEST | 'subdir'} IN collection ADD NEW_KMS = k WITH OLD_KMS = k`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterBackup {
    /// Which backup.
    pub subdirectory: Subdirectory,
    /// Where.
    pub collection: Destination,
    /// Keys that shall open it too.
    pub new_kms: Vec<StringArg>,
    /// Keys that open it now.
    pub old_kms: Vec<StringArg>,
}

/// `CREATE EXTERNAL CONNECTION [IF NOT EXISTS] name AS 'uri'`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateConnection {
    /// Do not mind its presence.
    pub if_not_exists: bool,
    /// Its name.
    pub name: Ident,
    /// Where it leads.
    pub uri: StringArg,
}
