//! (essay to be written by the room's builder)
//!
//! PostgreSQL-style tables of functions, operators, aggregates and window functions.

use crate::error::Result;
use crate::sql::exec::batch::Column;
use crate::sql::exec::context::EvalContext;
use crate::types::{Datum, Type};

/// How much a function depends on anything but its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volatility {
    /// Same arguments, same result, for ever: may be folded at plan time.
    Immutable,
    /// Constant within one statement.
    Stable,
    /// May differ with every call.
    Volatile,
}

/// A parameter or result type in a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// Exactly this type.
    Is(Type),
    /// `anyelement`: one type for all such parameters.
    AnyElement,
    /// `anyarray`: array of the `anyelement`.
    AnyArray,
    /// `"any"`: each its own type.
    Any,
    /// `record`
    Record,
}

/// One overload of a scalar function; operators are functions too.
#[derive(Debug)]
pub struct Function {
    /// `pg_proc.proname`, e.g. `int4pl`, `upper`.
    pub name: &'static str,
    /// `pg_proc.oid` where PostgreSQL has one, else a number of ours above 9000.
    pub oid: u32,
    /// Parameter types.
    pub params: Vec<Signature>,
    /// Whether the last parameter may repeat (VARIADIC).
    pub variadic: bool,
    /// Result type.
    pub result: Signature,
    /// What it depends on.
    pub volatility: Volatility,
    /// Whether a NULL argument gives NULL without a call.
    pub strict: bool,
    /// One row at a time.
    pub body: fn(&mut EvalContext<'_>, &[Datum]) -> Result<Datum>,
    /// A whole batch at a time, for the hot ones; NULL handling of strict functions is done around
    /// it, so it may compute garbage (but must not fail) where an argument is NULL.
    pub kernel: Option<Kernel>,
}

/// A vectorised body: argument columns, row count, and a mask of rows that matter.
pub type Kernel = fn(&[&Column], usize) -> Option<Result<Column>>;

/// An operator: a name with operand types that stands for a function.
#[derive(Debug)]
pub struct Operator {
    /// `+`, `=`, `~~`, …
    pub name: &'static str,
    /// `pg_operator.oid`.
    pub oid: u32,
    /// `None` for a prefix operator.
    pub left: Option<Signature>,
    /// The right operand.
    pub right: Signature,
    /// What it does.
    pub function: &'static Function,
    /// `a op b` is `b commutator a`.
    pub commutator: Option<&'static str>,
    /// `NOT (a op b)` is `a negator b`.
    pub negator: Option<&'static str>,
}

/// One overload of an aggregate.
#[derive(Debug)]
pub struct Aggregate {
    /// Its name.
    pub name: &'static str,
    /// `pg_proc.oid`.
    pub oid: u32,
    /// Parameter types; empty for `count(*)`.
    pub params: Vec<Signature>,
    /// Result type.
    pub result: Signature,
    /// A fresh state. The types are those of the actual arguments.
    pub start: fn(&[Type]) -> Box<dyn Accumulator>,
}

/// The state of one aggregate over one group.
pub trait Accumulator: Send {
    /// Takes one row's arguments (NULLs included: `strict`-like skipping is up to it).
    fn add(&mut self, args: &[Datum]) -> Result<()>;
    /// Takes row `i` of argument columns; override for speed.
    fn add_row(&mut self, args: &[&Column], row: usize) -> Result<()> {
        let datums: Vec<Datum> = args.iter().map(|c| c.datum(row)).collect();
        self.add(&datums)
    }
    /// The result so far.
    fn finish(&mut self) -> Result<Datum>;
    /// Approximate bytes held, for the memory limit.
    fn bytes(&self) -> usize {
        64
    }
}

/// One overload of a set-returning function.
#[derive(Debug)]
pub struct SetFunction {
    /// Its name.
    pub name: &'static str,
    /// `pg_proc.oid`.
    pub oid: u32,
    /// Parameter types.
    pub params: Vec<Signature>,
    /// Whether the last parameter may repeat (VARIADIC).
    pub variadic: bool,
    /// Result columns: default names and types.
    pub columns: Vec<(&'static str, Signature)>,
    /// The rows, produced lazily; called once per argument row.
    pub body: fn(&mut EvalContext<'_>, &[Datum]) -> Result<SetRows>,
}

/// Rows of a set-returning function.
pub type SetRows = Box<dyn Iterator<Item = Result<Vec<Datum>>> + Send>;

/// A window function proper (aggregates over windows are driven by the executor).
#[derive(Debug)]
pub struct WindowFunction {
    /// Its name.
    pub name: &'static str,
    /// `pg_proc.oid`.
    pub oid: u32,
    /// Parameter types.
    pub params: Vec<Signature>,
    /// Result type.
    pub result: Signature,
    /// Which one it is; the executor has the algorithm.
    pub kind: WindowKind,
}

/// The window functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum WindowKind {
    RowNumber,
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
    Ntile,
    Lag,
    Lead,
    FirstValue,
    LastValue,
    NthValue,
}
