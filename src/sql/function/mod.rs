//! # Functions and operators
//!
//! PostgreSQL's tables of operators, functions, aggregates, set-returning and window functions,
//! each entry with its signature, its OID and what it does. The binder looks a name up here and
//! chooses an overload; the executor calls what was chosen.
//!
//! ```text
//!    name ──▶ functions()  operators()  aggregates()  set_functions()  window_functions()
//!                 │             │            │               │               │
//!                 ▼             ▼            ▼               ▼               ▼
//!             Function ◀──── Operator    Aggregate      SetFunction    WindowFunction
//!          body · kernel                  start() ─▶     body() ─▶      kind (the executor
//!                                        Accumulator      SetRows        has the algorithm)
//! ```
//!
//! Words: an *overload* is one entry among several of one name; a *body* computes one row; a
//! *kernel* computes a batch; a *family* is a file of entries that belong together (`math`,
//! `string_*`, `compare`, …), written as a table of [`row::Row`]s.
//!
//! Invariants:
//! - The tables are built once, on first use, and live for ever (`&'static`).
//! - An OID is PostgreSQL's where PostgreSQL has the function, else it is above 9000 and below
//!   16384; no two functions share one.
//! - A body never panics, whatever its arguments; errors have PostgreSQL's code and wording.
//! - A strict function's body is not called with NULL; the caller sees to that
//!   ([`Function::call`] does).
//!
//! What it is not: overload resolution and the special forms of the grammar (`bind`), casts and the
//! arithmetic of values (`types`), algorithms over windows and groups (`exec`).

mod advisory;
mod aggregate;
mod args;
mod arithmetic;
mod array;
mod array_build;
mod calendar;
mod catalog_info;
mod catalog_names;
mod cluster;
mod compare;
mod datetime;
mod datetime_format;
mod datetime_operators;
mod definition_info;
mod enumeration;
mod identity;
mod json_access;
mod json_build;
mod json_text;
mod jsonb_contain;
mod jsonb_edit;
mod kernel;
mod like;
mod math;
mod math_numeric;
mod measure;
mod operator_table;
mod privilege_info;
mod regex_match;
mod regex_syntax;
mod registry;
mod row;
mod sequence;
mod session_control;
mod session_info;
mod set_function;
mod similar;
mod size_info;
mod string_bytes;
mod string_case;
mod string_format;
mod string_operators;
mod string_parts;
mod string_regex;
mod visibility;
mod window;

use crate::error::Result;
use crate::sql::exec::batch::Column;
use crate::sql::exec::context::EvalContext;
use crate::types::session::SessionFormat;
use crate::types::{Datum, Type};

pub(crate) use catalog_names::split_name;

pub use registry::{
    aggregates, all_aggregates, all_functions, all_operators, all_set_functions,
    all_window_functions, function_by_oid, functions, operators, set_functions, window_functions,
};

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
    /// `anynonarray`: the `anyelement`, which may not be an array.
    AnyNonArray,
    /// `anyenum`: the `anyelement`, which must be an enumerated type.
    AnyEnum,
    /// `anycompatible`: the common type to which all such arguments are cast.
    AnyCompatible,
    /// `anycompatiblearray`: array of the `anycompatible`.
    AnyCompatibleArray,
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
    /// Whether the last parameter may repeat (VARIADIC); `params` has the type of one argument,
    /// and the body receives the arguments one by one.
    pub variadic: bool,
    /// Names of the parameters for `name => value`; empty where PostgreSQL has none.
    pub names: Vec<&'static str>,
    /// Values for the last parameters where the call leaves them out.
    pub defaults: Vec<Datum>,
    /// Result type.
    pub result: Signature,
    /// What it depends on.
    pub volatility: Volatility,
    /// Whether a NULL argument gives NULL without a call.
    pub strict: bool,
    /// One row at a time.
    pub body: Body,
    /// The same for a function that must know the types of its arguments (`pg_typeof`,
    /// `array_append(NULL, …)`); use [`Function::call`], which prefers it.
    pub typed: Option<TypedBody>,
    /// A whole batch at a time, for the hot ones; NULL handling of strict functions is done around
    /// it, so it may compute garbage (but must not fail) where an argument is NULL.
    pub kernel: Option<Kernel>,
}

/// A body: the surroundings and one row's arguments.
pub type Body = fn(&mut EvalContext<'_>, &[Datum]) -> Result<Datum>;

/// A body that also receives the static types of the arguments.
pub type TypedBody = fn(&mut EvalContext<'_>, &[Type], &[Datum]) -> Result<Datum>;

impl Function {
    /// One call: NULL for a NULL argument of a strict function, else the body's answer. `types` are
    /// the static types of the arguments.
    pub fn call(
        &self,
        context: &mut EvalContext<'_>,
        types: &[Type],
        args: &[Datum],
    ) -> Result<Datum> {
        if self.strict && args.iter().any(Datum::is_null) {
            return Ok(Datum::Null);
        }
        match self.typed {
            Some(typed) => typed(context, types, args),
            None => (self.body)(context, args),
        }
    }
}

/// A vectorised body over argument columns and a number of rows. `None` when it cannot deal with
/// the columns' representation, in which case the body is called row by row.
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
    /// `f(direct…) WITHIN GROUP (ORDER BY last)`: the last parameter is the ordered expression, and
    /// the rows arrive in its order, those where it is NULL left out.
    pub ordered_set: bool,
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
    /// Tells how the session prints values; called once before the first row. Only aggregates that
    /// make text of values listen.
    fn set_format(&mut self, _format: &SessionFormat) {}
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

#[cfg(test)]
mod calls;
#[cfg(test)]
mod tests;
