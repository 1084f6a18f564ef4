//! Statements about statements: COPY, EXPLAIN, PREPARE, cursors.

use sqlparser::ast::{DataType, Expr, Ident, ObjectName};

use super::ParsedStatement;

/// `COPY`.
#[derive(Debug, Clone, PartialEq)]
pub struct Copy {
    /// Between what.
    pub source: CopySource,
    /// `FROM`, not `TO`.
    pub from: bool,
    /// And what.
    pub target: CopyTarget,
    /// Options in order, duplicates included.
    pub options: Vec<CopyOption>,
    /// `WHERE`, of FROM only.
    pub filter: Option<Expr>,
}

/// The SQL side of a COPY.
#[derive(Debug, Clone, PartialEq)]
pub enum CopySource {
    /// A table with columns; empty for all.
    Table(ObjectName, Vec<Ident>),
    /// `(query)`, of TO only.
    Query(Box<ParsedStatement>),
}

/// The outer side of a COPY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyTarget {
    /// `STDIN`, `STDOUT`: over the wire.
    Wire,
    /// A file of the server.
    File(String),
    /// A program on the server.
    Program(String),
}

/// An option of COPY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyOption {
    /// `FORMAT name`, lower case: `text`, `csv`, `binary`.
    Format(String),
    /// `FREEZE`.
    Freeze(bool),
    /// `DELIMITER`.
    Delimiter(String),
    /// `NULL`.
    Null(String),
    /// `DEFAULT`.
    Default(String),
    /// `HEADER [bool | MATCH]`.
    Header(CopyHeader),
    /// `QUOTE`.
    Quote(String),
    /// `ESCAPE`.
    Escape(String),
    /// `FORCE_QUOTE`; `None` for `*`.
    ForceQuote(Option<Vec<Ident>>),
    /// `FORCE_NOT_NULL`; `None` for `*`.
    ForceNotNull(Option<Vec<Ident>>),
    /// `FORCE_NULL`; `None` for `*`.
    ForceNull(Option<Vec<Ident>>),
    /// `ENCODING`.
    Encoding(String),
    /// `DESTINATION = 'file'`, of CockroachDB's upload tool.
    Destination(String),
}

/// The header line of a COPY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyHeader {
    /// None.
    Off,
    /// Written, or skipped when read.
    On,
    /// Read and compared with the columns.
    Match,
}

/// `EXPLAIN`.
#[derive(Debug, Clone, PartialEq)]
pub struct Explain {
    /// Run it and say what happened.
    pub analyze: bool,
    /// `VERBOSE`.
    pub verbose: bool,
    /// The other options by lower-case name, with their words.
    pub options: Vec<(String, Option<String>)>,
    /// What to explain.
    pub statement: Box<ParsedStatement>,
}

/// `PREPARE name [(types)] AS statement`.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepare {
    /// Its name.
    pub name: Ident,
    /// Types of its parameters, as far as written.
    pub types: Vec<DataType>,
    /// What to run.
    pub statement: Box<ParsedStatement>,
}

/// `EXECUTE name [(values)]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Execute {
    /// Its name.
    pub name: Ident,
    /// Its parameters.
    pub arguments: Vec<Expr>,
}

/// `DECLARE name CURSOR FOR query`.
#[derive(Debug, Clone, PartialEq)]
pub struct Declare {
    /// Its name.
    pub name: Ident,
    /// `BINARY`.
    pub binary: bool,
    /// `INSENSITIVE`, `ASENSITIVE`: `Some(true)`, `Some(false)`.
    pub insensitive: Option<bool>,
    /// `[NO] SCROLL`.
    pub scroll: Option<bool>,
    /// `WITH HOLD`.
    pub hold: bool,
    /// The query.
    pub query: Box<ParsedStatement>,
}

/// `FETCH` and `MOVE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// `MOVE`: no rows come back.
    pub is_move: bool,
    /// Which way and how far.
    pub direction: FetchDirection,
    /// From which cursor.
    pub cursor: Ident,
}

/// Which way to fetch and how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchDirection {
    /// `n`, `FORWARD n`, `NEXT` (1); a negative one goes backward.
    Forward(i64),
    /// `ALL`, `FORWARD ALL`.
    ForwardAll,
    /// `BACKWARD n`, `PRIOR` (1).
    Backward(i64),
    /// `BACKWARD ALL`.
    BackwardAll,
    /// `ABSOLUTE n`, `FIRST` (1), `LAST` (-1).
    Absolute(i64),
    /// `RELATIVE n`.
    Relative(i64),
}
