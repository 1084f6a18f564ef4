//! The list of system tables. Numbers and names are CockroachDB's where it has the table. A column
//! may be added at the end of a table, nullable; nothing else may change, because stores out there
//! hold rows of these shapes.

use std::sync::LazyLock;

use super::BackupPolicy::{Exclude, Include};
use super::RestoreRows::{Keep, Replace, ReplaceWithNewIds};
use super::{Declaration, SystemTable};
use crate::types::Type::{self, Bool, Bytea, Int8, Numeric, Oid, Text, Timestamp, Timestamptz};

const NOT_NULL: bool = true;
const NULL: bool = false;

macro_rules! system_tables {
    ($(
        $(#[$doc:meta])*
        $constant:ident = $id:literal $name:literal ($policy:expr) $writable:literal {
            $($column:ident $ty:expr, $null:ident;)*
        } primary ($($primary:ident),*)
        $(index $index:ident ($($indexed:ident),*) storing ($($stored:ident),*))*;
    )*) => {
        $(
            $(#[$doc])*
            pub static $constant: LazyLock<SystemTable> = LazyLock::new(|| {
                Declaration {
                    id: $id,
                    name: $name,
                    policy: $policy,
                    writable: $writable,
                    columns: vec![$((stringify!($column), $ty, $null)),*],
                    primary: &[$(stringify!($primary)),*],
                    indexes: &[$((
                        stringify!($index),
                        &[$(stringify!($indexed)),*],
                        &[$(stringify!($stored)),*],
                    )),*],
                }
                .build()
            });
        )*
        /// Every system table, by number.
        pub(super) static ALL: &[&LazyLock<SystemTable>] = &[$(&$constant),*];
    };
}

fn array_of(element: Type) -> Type {
    Type::Array(Box::new(element))
}

system_tables! {
    /// Every descriptor as JSON. A backup carries descriptors in its manifest.
    DESCRIPTOR = 3 "descriptor" (Exclude) false {
        id Int8, NOT_NULL; descriptor Bytea, NULL;
    } primary (id);

    /// Users and roles.
    USERS = 4 "users" (Include { restore: Replace }) false {
        username Text, NOT_NULL; hashedPassword Bytea, NULL; isRole Bool, NOT_NULL;
        user_id Oid, NOT_NULL;
    } primary (username);

    /// Zone configurations as JSON, by descriptor; 0 is the cluster's.
    ZONES = 5 "zones" (Include { restore: ReplaceWithNewIds }) false {
        id Int8, NOT_NULL; config Bytea, NULL;
    } primary (id);

    /// Cluster settings that differ from their defaults.
    SETTINGS = 6 "settings" (Include { restore: Replace }) false {
        name Text, NOT_NULL; value Text, NOT_NULL; lastUpdated Timestamp, NOT_NULL;
        valueType Text, NULL;
    } primary (name);

    /// What happened. It tells this cluster's story, not that of the one it was restored from.
    EVENTLOG = 12 "eventlog" (Exclude) false {
        timestamp Timestamp, NOT_NULL; eventType Text, NOT_NULL; targetID Int8, NOT_NULL;
        reportingID Int8, NOT_NULL; info Text, NULL; uniqueID Bytea, NOT_NULL;
    } primary (timestamp, uniqueID);

    /// What the console remembers.
    UI = 14 "ui" (Include { restore: Replace }) true {
        key Text, NOT_NULL; value Bytea, NULL; lastUpdated Timestamp, NOT_NULL;
    } primary (key);

    /// Jobs. The restoring job itself is a row here, so rows are added rather than replaced.
    JOBS = 15 "jobs" (Include { restore: Keep }) false {
        id Int8, NOT_NULL; status Text, NOT_NULL; created Timestamp, NOT_NULL;
        payload Bytea, NOT_NULL; progress Bytea, NULL; created_by_type Text, NULL;
        created_by_id Int8, NULL; claim_session_id Bytea, NULL; claim_instance_id Int8, NULL;
        num_runs Int8, NULL; last_run Timestamp, NULL; job_type Text, NULL;
    } primary (id)
      index jobs_status_created_idx (status, created) storing ()
      index jobs_created_by_type_created_by_id_idx (created_by_type, created_by_id) storing (status);

    /// Table statistics. They travel in a file of their own.
    TABLE_STATISTICS = 20 "table_statistics" (Exclude) false {
        tableID Int8, NOT_NULL; statisticID Int8, NOT_NULL; name Text, NULL;
        columnIDs array_of(Int8), NOT_NULL; createdAt Timestamp, NOT_NULL;
        rowCount Int8, NOT_NULL; distinctCount Int8, NOT_NULL; nullCount Int8, NOT_NULL;
        histogram Bytea, NULL;
    } primary (tableID, statisticID);

    /// Coordinates of localities, for maps.
    LOCATIONS = 21 "locations" (Include { restore: Replace }) true {
        localityKey Text, NOT_NULL; localityValue Text, NOT_NULL; latitude Numeric, NOT_NULL;
        longitude Numeric, NOT_NULL;
    } primary (localityKey, localityValue);

    /// Who is a member of which role.
    ROLE_MEMBERS = 23 "role_members" (Include { restore: Replace }) false {
        role Text, NOT_NULL; member Text, NOT_NULL; isAdmin Bool, NOT_NULL;
    } primary (role, member)
      index role_members_member_idx (member) storing (isAdmin);

    /// COMMENT ON.
    COMMENTS = 24 "comments" (Include { restore: ReplaceWithNewIds }) false {
        type Int8, NOT_NULL; object_id Int8, NOT_NULL; sub_id Int8, NOT_NULL;
        comment Text, NOT_NULL;
    } primary (type, object_id, sub_id);

    /// Names; a row keeps two objects from having the same. Follows from the descriptors.
    NAMESPACE = 30 "namespace" (Exclude) false {
        parentID Int8, NOT_NULL; parentSchemaID Int8, NOT_NULL; name Text, NOT_NULL;
        id Int8, NULL;
    } primary (parentID, parentSchemaID, name);

    /// Options of roles.
    ROLE_OPTIONS = 33 "role_options" (Include { restore: Replace }) false {
        username Text, NOT_NULL; option Text, NOT_NULL; value Text, NULL;
    } primary (username, option);

    /// Schedules.
    SCHEDULED_JOBS = 37 "scheduled_jobs" (Include { restore: Replace }) false {
        schedule_id Int8, NOT_NULL; schedule_name Text, NOT_NULL; created Timestamptz, NOT_NULL;
        owner Text, NOT_NULL; next_run Timestamptz, NULL; schedule_state Bytea, NULL;
        schedule_expr Text, NULL; schedule_details Bytea, NULL; executor_type Text, NOT_NULL;
        execution_args Bytea, NOT_NULL;
    } primary (schedule_id)
      index next_run_idx (next_run) storing ();

    /// ALTER ROLE … SET. Database 0 is every database, an empty name every role.
    DATABASE_ROLE_SETTINGS = 44 "database_role_settings" (Include { restore: ReplaceWithNewIds }) false {
        database_id Oid, NOT_NULL; role_name Text, NOT_NULL; settings array_of(Text), NOT_NULL;
    } primary (database_id, role_name);

    /// Privileges on things that have no descriptor: the cluster (path `/global/`) and external
    /// connections (`/externalconn/name`). Held and grantable are bits of `privilege::Privilege`.
    PRIVILEGES = 52 "privileges" (Include { restore: Replace }) false {
        username Text, NOT_NULL; path Text, NOT_NULL; privileges Int8, NOT_NULL;
        grant_options Int8, NOT_NULL;
    } primary (username, path);

    /// External connections.
    EXTERNAL_CONNECTIONS = 53 "external_connections" (Include { restore: Replace }) false {
        connection_name Text, NOT_NULL; created Timestamp, NOT_NULL; updated Timestamp, NOT_NULL;
        connection_type Text, NOT_NULL; connection_details Bytea, NOT_NULL; owner Text, NOT_NULL;
    } primary (connection_name);

    /// Larger facts of jobs (checkpoints), by key. A restored job is never continued.
    JOB_INFO = 54 "job_info" (Exclude) false {
        job_id Int8, NOT_NULL; info_key Text, NOT_NULL; written Timestamptz, NOT_NULL;
        value Bytea, NULL;
    } primary (job_id, info_key);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_a_layout_and_a_number_of_its_own() {
        let mut last = 2;
        for table in super::super::all() {
            assert!(table.id() > last && table.id() < 99, "{}", table.name());
            last = table.id();
            assert!(table.codec().is_ok(), "{}", table.name());
            let descriptor = table.descriptor();
            assert!(!descriptor.primary_index.columns.is_empty());
            for index in descriptor.all_indexes() {
                for column in &index.columns {
                    assert!(descriptor.column(column.column).is_some(), "{}", index.name);
                }
            }
        }
    }

    #[test]
    fn what_follows_from_descriptors_is_not_backed_up_twice() {
        for table in [&DESCRIPTOR, &NAMESPACE, &EVENTLOG, &TABLE_STATISTICS] {
            assert_eq!(table.policy(), Exclude, "{}", table.name());
        }
        assert_eq!(USERS.policy(), Include { restore: Replace });
        assert_eq!(JOBS.policy(), Include { restore: Keep });
    }
}
