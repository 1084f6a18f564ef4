//! Every bound in the program, its unit in its name and its reason beside it.
//!
//! What comes from outside (a socket, a file, a statement) meets one of these before memory is
//! taken or a recursion begins.

/// Longest message that a client may send, in bytes: PostgreSQL's own bound on a datum (1 GiB - 1).
pub const WIRE_MESSAGE_BYTES_MAX: usize = (1 << 30) - 1;

/// Longest start-up packet, in bytes, as in PostgreSQL.
pub const STARTUP_PACKET_BYTES_MAX: usize = 10_000;

/// Connections at a time; each costs a thread of [`SESSION_STACK_BYTES`].
pub const CONNECTIONS_MAX: usize = 1_000;

/// Stack of a session's thread, in bytes. Deep enough for [`EXPRESSION_DEPTH_MAX`].
pub const SESSION_STACK_BYTES: usize = 16 << 20;

/// Nesting of expressions and subqueries in one statement.
pub const EXPRESSION_DEPTH_MAX: usize = 400;

/// Operators side by side in one expression (`1 + 1 + ...`), or set operations in one query. Each is
/// a level of the tree too, though a cheap one. Chains of AND and OR are built balanced, and are free.
pub const EXPRESSION_CHAIN_MAX: usize = 1_000;

/// Parameters of a prepared statement: the wire counts them in an unsigned 16-bit number.
pub const PARAMETERS_MAX: usize = 65_535;

/// Columns of a table or a result, as in PostgreSQL (`MaxTupleAttributeNumber`).
pub const COLUMNS_MAX: usize = 1_600;

/// Bytes of an identifier, as in PostgreSQL (`NAMEDATALEN - 1`); longer ones are cut.
pub const IDENTIFIER_BYTES_MAX: usize = 63;

/// Bytes of one encoded key. RocksDB copes with more; an index on a novel is a mistake.
pub const KEY_BYTES_MAX: usize = 64 << 10;

/// Rows of an executor's batch: large enough to amortise dispatch, small enough for the cache.
pub const BATCH_ROWS: usize = 1_024;

/// Memory that one statement may hold in hash tables, sorts and buffers, in bytes.
pub const STATEMENT_MEMORY_BYTES: usize = 512 << 20;

/// Digits before the decimal point of a numeric, as in PostgreSQL.
pub const NUMERIC_INTEGER_DIGITS_MAX: i64 = 131_072;

/// Digits after the decimal point of a numeric, as in PostgreSQL.
pub const NUMERIC_SCALE_MAX: i64 = 16_383;

/// Longest text that a manifest, checkpoint or statistics file may decompress to, in bytes.
pub const MANIFEST_BYTES_MAX: usize = 256 << 20;

/// Largest block of a data file when decompressed, in bytes; a file that claims more is corrupt. A
/// block is usually small, but one row is never split, and a row may be as large as a message.
pub const ARCHIVE_BLOCK_BYTES_MAX: usize = WIRE_MESSAGE_BYTES_MAX + (64 << 20);

/// Largest index of a data file when decompressed, in bytes: some 100 bytes for each block.
pub const ARCHIVE_INDEX_BYTES_MAX: usize = 256 << 20;
