//! The SHOW forms that look at the catalog and at sessions.

use sqlparser::ast::{Ident, ObjectName};

use super::{GrantObjects, TablePattern};

/// `SHOW ...` of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Show {
    /// `SHOW DATABASES [WITH COMMENT]`.
    Databases {
        /// With a comment column.
        with_comment: bool,
    },
    /// `SHOW TABLES [FROM db[.schema]] [WITH COMMENT]`.
    Tables {
        /// Database, schema, or both.
        from: Option<ObjectName>,
        /// With a comment column.
        with_comment: bool,
    },
    /// `SHOW SCHEMAS [FROM db]`.
    Schemas {
        /// The database.
        from: Option<Ident>,
    },
    /// `SHOW SEQUENCES [FROM db]`.
    Sequences {
        /// The database.
        from: Option<Ident>,
    },
    /// `SHOW TYPES`, `SHOW ENUMS [FROM db]`.
    Types,
    /// `SHOW ENUMS [FROM db[.schema]]`.
    Enums {
        /// Database or schema.
        from: Option<ObjectName>,
    },
    /// `SHOW FUNCTIONS [FROM db[.schema]]`.
    Functions {
        /// Database or schema.
        from: Option<ObjectName>,
    },
    /// `SHOW COLUMNS FROM table [WITH COMMENT]`.
    Columns {
        /// The table.
        table: ObjectName,
        /// With a comment column.
        with_comment: bool,
    },
    /// `SHOW {INDEXES | INDEX | KEYS} FROM table [WITH COMMENT]`.
    Indexes {
        /// The table.
        table: ObjectName,
        /// With a comment column.
        with_comment: bool,
    },
    /// `SHOW {INDEXES | INDEX | KEYS} FROM DATABASE db [WITH COMMENT]`.
    DatabaseIndexes {
        /// The database.
        database: Ident,
        /// With a comment column.
        with_comment: bool,
    },
    /// `SHOW CONSTRAINTS FROM table`.
    Constraints {
        /// The table.
        table: ObjectName,
    },
    /// `SHOW CREATE ...`.
    Create(ShowCreate),
    /// `SHOW GRANTS [ON objects] [FOR roles]`.
    Grants {
        /// On what.
        on: Option<GrantObjects>,
        /// For whom.
        grantees: Vec<Ident>,
    },
    /// `SHOW GRANTS ON ROLE [roles] [FOR roles]`.
    RoleGrants {
        /// On which roles.
        roles: Vec<Ident>,
        /// For whom.
        grantees: Vec<Ident>,
    },
    /// `SHOW DEFAULT PRIVILEGES [FOR ROLE roles | FOR ALL ROLES]`.
    DefaultPrivileges {
        /// For whom.
        roles: Vec<Ident>,
        /// `FOR ALL ROLES`.
        all_roles: bool,
    },
    /// `SHOW USERS`.
    Users,
    /// `SHOW ROLES`.
    Roles,
    /// `SHOW [ALL] [CLUSTER | LOCAL] {QUERIES | STATEMENTS}`.
    Queries {
        /// Internal ones too.
        all: bool,
    },
    /// `SHOW [ALL] [CLUSTER | LOCAL] SESSIONS`.
    Sessions {
        /// Internal ones too.
        all: bool,
    },
    /// `SHOW [ALL] [CLUSTER | LOCAL] TRANSACTIONS`.
    Transactions {
        /// Internal ones too.
        all: bool,
    },
    /// `SHOW STATISTICS [USING JSON] FOR TABLE table`.
    Statistics {
        /// The table.
        table: ObjectName,
        /// As one JSON document.
        json: bool,
    },
    /// `SHOW {RANGES | RANGE} FROM {TABLE table | DATABASE db | INDEX ..}`.
    Ranges {
        /// One table; all when `None`.
        table: Option<TablePattern>,
    },
    /// `SHOW TRANSACTION STATUS`.
    TransactionStatus,
    /// `SHOW SAVEPOINT STATUS`.
    SavepointStatus,
    /// `SHOW EXTERNAL CONNECTIONS`, `SHOW EXTERNAL CONNECTION name`.
    ExternalConnections {
        /// Only this.
        name: Option<Ident>,
    },
    /// `SHOW CREATE [ALL] EXTERNAL CONNECTION(S)`.
    CreateExternalConnections {
        /// Only this.
        name: Option<Ident>,
    },
    /// `SHOW COMMIT TIMESTAMP`.
    CommitTimestamp,
    /// `SHOW LAST QUERY STATISTICS`.
    LastQueryStatistics,
    /// `SHOW LOCALITY`.
    Locality,
}

/// `SHOW CREATE ...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShowCreate {
    /// `SHOW CREATE [TABLE | VIEW | SEQUENCE] name`: any relation.
    Relation(ObjectName),
    /// `SHOW CREATE DATABASE name`.
    Database(Ident),
    /// `SHOW CREATE SCHEMA name`.
    Schema(ObjectName),
    /// `SHOW CREATE TYPE name`.
    Type(ObjectName),
    /// `SHOW CREATE FUNCTION name`.
    Function(ObjectName),
    /// `SHOW CREATE INDEXES FROM table`.
    Indexes(ObjectName),
    /// `SHOW CREATE ALL TABLES`.
    AllTables,
    /// `SHOW CREATE ALL SCHEMAS`.
    AllSchemas,
    /// `SHOW CREATE ALL TYPES`.
    AllTypes,
}
