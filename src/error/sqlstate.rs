//! The SQLSTATE list: PostgreSQL 15's appendix A as far as Cairn uses it, plus CockroachDB's 42C01.

use std::fmt;

/// A SQLSTATE: five characters, the first two of which are the class.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SqlState([u8; 5]);

impl SqlState {
    /// A state from its five characters.
    pub const fn new(code: &[u8; 5]) -> Self {
        SqlState(*code)
    }

    /// A state that came from elsewhere (a stored job, a peer); `None` unless five ASCII characters.
    pub fn parse(code: &str) -> Option<Self> {
        let bytes: [u8; 5] = code.as_bytes().try_into().ok()?;
        bytes
            .iter()
            .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
            .then_some(SqlState(bytes))
    }

    /// The five characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XX000")
    }

    /// The two characters of the class.
    pub fn class(&self) -> &str {
        &self.as_str()[..2]
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `00000`.
pub const SUCCESSFUL_COMPLETION: SqlState = SqlState::new(b"00000");
/// `01000`.
pub const WARNING: SqlState = SqlState::new(b"01000");
/// `02000`.
pub const NO_DATA: SqlState = SqlState::new(b"02000");
/// `08000`.
pub const CONNECTION_EXCEPTION: SqlState = SqlState::new(b"08000");
/// `08006`.
pub const CONNECTION_FAILURE: SqlState = SqlState::new(b"08006");
/// `08P01`.
pub const PROTOCOL_VIOLATION: SqlState = SqlState::new(b"08P01");
/// `0A000`.
pub const FEATURE_NOT_SUPPORTED: SqlState = SqlState::new(b"0A000");
/// `0LP01`.
pub const INVALID_GRANT_OPERATION: SqlState = SqlState::new(b"0LP01");
/// `21000`.
pub const CARDINALITY_VIOLATION: SqlState = SqlState::new(b"21000");
/// `22001`.
pub const STRING_DATA_RIGHT_TRUNCATION: SqlState = SqlState::new(b"22001");
/// `22003`.
pub const NUMERIC_VALUE_OUT_OF_RANGE: SqlState = SqlState::new(b"22003");
/// `22007`.
pub const INVALID_DATETIME_FORMAT: SqlState = SqlState::new(b"22007");
/// `22008`.
pub const DATETIME_FIELD_OVERFLOW: SqlState = SqlState::new(b"22008");
/// `22009`.
pub const INVALID_TIME_ZONE_DISPLACEMENT_VALUE: SqlState = SqlState::new(b"22009");
/// `22011`.
pub const SUBSTRING_ERROR: SqlState = SqlState::new(b"22011");
/// `22013`
pub const INVALID_PRECEDING_OR_FOLLOWING_SIZE: SqlState = SqlState::new(b"22013");
/// `22014`
pub const INVALID_ARGUMENT_FOR_NTILE: SqlState = SqlState::new(b"22014");
/// `22016`
pub const INVALID_ARGUMENT_FOR_NTH_VALUE: SqlState = SqlState::new(b"22016");
/// `22012`.
pub const DIVISION_BY_ZERO: SqlState = SqlState::new(b"22012");
/// `22015`.
pub const INTERVAL_FIELD_OVERFLOW: SqlState = SqlState::new(b"22015");
/// `22019`.
pub const INVALID_ESCAPE_CHARACTER: SqlState = SqlState::new(b"22019");
/// `2201E`.
pub const INVALID_ARGUMENT_FOR_LOGARITHM: SqlState = SqlState::new(b"2201E");
/// `2201F`.
pub const INVALID_ARGUMENT_FOR_POWER_FUNCTION: SqlState = SqlState::new(b"2201F");
/// `2201G`.
pub const INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION: SqlState = SqlState::new(b"2201G");
/// `2200H`.
pub const SEQUENCE_GENERATOR_LIMIT_EXCEEDED: SqlState = SqlState::new(b"2200H");
/// `2201W`.
pub const INVALID_ROW_COUNT_IN_LIMIT_CLAUSE: SqlState = SqlState::new(b"2201W");
/// `2201X`.
pub const INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE: SqlState = SqlState::new(b"2201X");
/// `22021`.
pub const CHARACTER_NOT_IN_REPERTOIRE: SqlState = SqlState::new(b"22021");
/// `22023`.
pub const INVALID_PARAMETER_VALUE: SqlState = SqlState::new(b"22023");
/// `22025`.
pub const INVALID_ESCAPE_SEQUENCE: SqlState = SqlState::new(b"22025");
/// `2202E`.
pub const ARRAY_SUBSCRIPT_ERROR: SqlState = SqlState::new(b"2202E");
/// `2201B`.
pub const INVALID_REGULAR_EXPRESSION: SqlState = SqlState::new(b"2201B");
/// `22004`.
pub const NULL_VALUE_NOT_ALLOWED: SqlState = SqlState::new(b"22004");
/// `22P02`.
pub const INVALID_TEXT_REPRESENTATION: SqlState = SqlState::new(b"22P02");
/// `22P03`.
pub const INVALID_BINARY_REPRESENTATION: SqlState = SqlState::new(b"22P03");
/// `22P04`.
pub const BAD_COPY_FILE_FORMAT: SqlState = SqlState::new(b"22P04");
/// `22P05`.
pub const UNTRANSLATABLE_CHARACTER: SqlState = SqlState::new(b"22P05");
/// `23000`.
pub const INTEGRITY_CONSTRAINT_VIOLATION: SqlState = SqlState::new(b"23000");
/// `23502`.
pub const NOT_NULL_VIOLATION: SqlState = SqlState::new(b"23502");
/// `23503`.
pub const FOREIGN_KEY_VIOLATION: SqlState = SqlState::new(b"23503");
/// `23505`.
pub const UNIQUE_VIOLATION: SqlState = SqlState::new(b"23505");
/// `23514`.
pub const CHECK_VIOLATION: SqlState = SqlState::new(b"23514");
/// `24000`.
pub const INVALID_CURSOR_STATE: SqlState = SqlState::new(b"24000");
/// `25000`.
pub const INVALID_TRANSACTION_STATE: SqlState = SqlState::new(b"25000");
/// `25001`.
pub const ACTIVE_SQL_TRANSACTION: SqlState = SqlState::new(b"25001");
/// `25006`.
pub const READ_ONLY_SQL_TRANSACTION: SqlState = SqlState::new(b"25006");
/// `25P01`.
pub const NO_ACTIVE_SQL_TRANSACTION: SqlState = SqlState::new(b"25P01");
/// `25P02`.
pub const IN_FAILED_SQL_TRANSACTION: SqlState = SqlState::new(b"25P02");
/// `25P03`.
pub const IDLE_IN_TRANSACTION_SESSION_TIMEOUT: SqlState = SqlState::new(b"25P03");
/// `26000`.
pub const INVALID_SQL_STATEMENT_NAME: SqlState = SqlState::new(b"26000");
/// `28000`.
pub const INVALID_AUTHORIZATION_SPECIFICATION: SqlState = SqlState::new(b"28000");
/// `28P01`.
pub const INVALID_PASSWORD: SqlState = SqlState::new(b"28P01");
/// `2BP01`.
pub const DEPENDENT_OBJECTS_STILL_EXIST: SqlState = SqlState::new(b"2BP01");
/// `34000`.
pub const INVALID_CURSOR_NAME: SqlState = SqlState::new(b"34000");
/// `3B001`.
pub const INVALID_SAVEPOINT_SPECIFICATION: SqlState = SqlState::new(b"3B001");
/// `3D000`.
pub const INVALID_CATALOG_NAME: SqlState = SqlState::new(b"3D000");
/// `3F000`.
pub const INVALID_SCHEMA_NAME: SqlState = SqlState::new(b"3F000");
/// `40001`.
pub const SERIALIZATION_FAILURE: SqlState = SqlState::new(b"40001");
/// `40P01`.
pub const DEADLOCK_DETECTED: SqlState = SqlState::new(b"40P01");
/// `42601`.
pub const SYNTAX_ERROR: SqlState = SqlState::new(b"42601");
/// `42501`.
pub const INSUFFICIENT_PRIVILEGE: SqlState = SqlState::new(b"42501");
/// `42846`.
pub const CANNOT_COERCE: SqlState = SqlState::new(b"42846");
/// `42803`.
pub const GROUPING_ERROR: SqlState = SqlState::new(b"42803");
/// `42P20`.
pub const WINDOWING_ERROR: SqlState = SqlState::new(b"42P20");
/// `42P19`.
pub const INVALID_RECURSION: SqlState = SqlState::new(b"42P19");
/// `42830`.
pub const INVALID_FOREIGN_KEY: SqlState = SqlState::new(b"42830");
/// `42602`.
pub const INVALID_NAME: SqlState = SqlState::new(b"42602");
/// `42622`.
pub const NAME_TOO_LONG: SqlState = SqlState::new(b"42622");
/// `42939`.
pub const RESERVED_NAME: SqlState = SqlState::new(b"42939");
/// `42804`.
pub const DATATYPE_MISMATCH: SqlState = SqlState::new(b"42804");
/// `42P18`.
pub const INDETERMINATE_DATATYPE: SqlState = SqlState::new(b"42P18");
/// `42P21`.
pub const COLLATION_MISMATCH: SqlState = SqlState::new(b"42P21");
/// `42809`.
pub const WRONG_OBJECT_TYPE: SqlState = SqlState::new(b"42809");
/// `428C9`.
pub const GENERATED_ALWAYS: SqlState = SqlState::new(b"428C9");
/// `42703`.
pub const UNDEFINED_COLUMN: SqlState = SqlState::new(b"42703");
/// `42883`.
pub const UNDEFINED_FUNCTION: SqlState = SqlState::new(b"42883");
/// `42P01`.
pub const UNDEFINED_TABLE: SqlState = SqlState::new(b"42P01");
/// `42P02`.
pub const UNDEFINED_PARAMETER: SqlState = SqlState::new(b"42P02");
/// `42704`.
pub const UNDEFINED_OBJECT: SqlState = SqlState::new(b"42704");
/// `42701`.
pub const DUPLICATE_COLUMN: SqlState = SqlState::new(b"42701");
/// `42P03`.
pub const DUPLICATE_CURSOR: SqlState = SqlState::new(b"42P03");
/// `42P04`.
pub const DUPLICATE_DATABASE: SqlState = SqlState::new(b"42P04");
/// `42723`.
pub const DUPLICATE_FUNCTION: SqlState = SqlState::new(b"42723");
/// `42P05`.
pub const DUPLICATE_PREPARED_STATEMENT: SqlState = SqlState::new(b"42P05");
/// `42P06`.
pub const DUPLICATE_SCHEMA: SqlState = SqlState::new(b"42P06");
/// `42P07`.
pub const DUPLICATE_TABLE: SqlState = SqlState::new(b"42P07");
/// `42712`.
pub const DUPLICATE_ALIAS: SqlState = SqlState::new(b"42712");
/// `42710`.
pub const DUPLICATE_OBJECT: SqlState = SqlState::new(b"42710");
/// `42702`.
pub const AMBIGUOUS_COLUMN: SqlState = SqlState::new(b"42702");
/// `42725`.
pub const AMBIGUOUS_FUNCTION: SqlState = SqlState::new(b"42725");
/// `42P08`.
pub const AMBIGUOUS_PARAMETER: SqlState = SqlState::new(b"42P08");
/// `42P09`.
pub const AMBIGUOUS_ALIAS: SqlState = SqlState::new(b"42P09");
/// `42P10`.
pub const INVALID_COLUMN_REFERENCE: SqlState = SqlState::new(b"42P10");
/// `42P11`.
pub const INVALID_CURSOR_DEFINITION: SqlState = SqlState::new(b"42P11");
/// `42P16`.
pub const INVALID_TABLE_DEFINITION: SqlState = SqlState::new(b"42P16");
/// `42P17`.
pub const INVALID_OBJECT_DEFINITION: SqlState = SqlState::new(b"42P17");
/// `42C01`.
pub const FILE_ALREADY_EXISTS: SqlState = SqlState::new(b"42C01");
/// `53000`.
pub const INSUFFICIENT_RESOURCES: SqlState = SqlState::new(b"53000");
/// `53100`.
pub const DISK_FULL: SqlState = SqlState::new(b"53100");
/// `53200`.
pub const OUT_OF_MEMORY: SqlState = SqlState::new(b"53200");
/// `53300`.
pub const TOO_MANY_CONNECTIONS: SqlState = SqlState::new(b"53300");
/// `53400`.
pub const CONFIGURATION_LIMIT_EXCEEDED: SqlState = SqlState::new(b"53400");
/// `54000`.
pub const PROGRAM_LIMIT_EXCEEDED: SqlState = SqlState::new(b"54000");
/// `54001`.
pub const STATEMENT_TOO_COMPLEX: SqlState = SqlState::new(b"54001");
/// `54011`.
pub const TOO_MANY_COLUMNS: SqlState = SqlState::new(b"54011");
/// `54023`.
pub const TOO_MANY_ARGUMENTS: SqlState = SqlState::new(b"54023");
/// `55000`.
pub const OBJECT_NOT_IN_PREREQUISITE_STATE: SqlState = SqlState::new(b"55000");
/// `55006`.
pub const OBJECT_IN_USE: SqlState = SqlState::new(b"55006");
/// `55P02`.
pub const CANT_CHANGE_RUNTIME_PARAM: SqlState = SqlState::new(b"55P02");
/// `55P03`.
pub const LOCK_NOT_AVAILABLE: SqlState = SqlState::new(b"55P03");
/// `57000`.
pub const OPERATOR_INTERVENTION: SqlState = SqlState::new(b"57000");
/// `57014`.
pub const QUERY_CANCELED: SqlState = SqlState::new(b"57014");
/// `57P01`.
pub const ADMIN_SHUTDOWN: SqlState = SqlState::new(b"57P01");
/// `57P02`.
pub const CRASH_SHUTDOWN: SqlState = SqlState::new(b"57P02");
/// `57P03`.
pub const CANNOT_CONNECT_NOW: SqlState = SqlState::new(b"57P03");
/// `57P05`.
pub const IDLE_SESSION_TIMEOUT: SqlState = SqlState::new(b"57P05");
/// `58000`.
pub const SYSTEM_ERROR: SqlState = SqlState::new(b"58000");
/// `58030`.
pub const IO_ERROR: SqlState = SqlState::new(b"58030");
/// `58P01`.
pub const UNDEFINED_FILE: SqlState = SqlState::new(b"58P01");
/// `58P02`.
pub const DUPLICATE_FILE: SqlState = SqlState::new(b"58P02");
/// `F0000`.
pub const CONFIG_FILE_ERROR: SqlState = SqlState::new(b"F0000");
/// `XX000`.
pub const INTERNAL_ERROR: SqlState = SqlState::new(b"XX000");
/// `XX001`.
pub const DATA_CORRUPTED: SqlState = SqlState::new(b"XX001");
/// `XX002`.
pub const INDEX_CORRUPTED: SqlState = SqlState::new(b"XX002");
