//! The tables, built on first use from what the families list.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::row::{AggregateRow, OperatorRow, Row, SetRow, WindowRow, parameters, signature};
use super::{Aggregate, Function, Operator, SetFunction, Signature, WindowFunction};
use super::{
    advisory, aggregate, arithmetic, array, array_build, catalog_info, catalog_names, cluster,
    compare, datetime, datetime_format, datetime_operators, definition_info, enumeration, identity,
    json_access, json_build, jsonb_contain, jsonb_edit, like, math, math_numeric, measure,
    operator_table, privilege_info, sequence, session_control, session_info, set_function,
    size_info, string_bytes, string_case, string_format, string_operators, string_parts,
    string_regex, visibility, window,
};

pub(super) const FUNCTIONS: &[&[Row]] = &[
    advisory::FUNCTIONS,
    arithmetic::INTEGERS,
    arithmetic::FLOATS,
    arithmetic::OTHERS,
    array::FUNCTIONS,
    array_build::FUNCTIONS,
    catalog_info::FUNCTIONS,
    catalog_names::FUNCTIONS,
    cluster::FUNCTIONS,
    compare::FUNCTIONS,
    datetime::FUNCTIONS,
    datetime_format::FUNCTIONS,
    datetime_operators::FUNCTIONS,
    definition_info::FUNCTIONS,
    enumeration::FUNCTIONS,
    json_access::FUNCTIONS,
    json_access::PATH_OPERATORS,
    json_build::FUNCTIONS,
    jsonb_contain::FUNCTIONS,
    jsonb_edit::FUNCTIONS,
    like::FUNCTIONS,
    math::FUNCTIONS,
    math_numeric::FUNCTIONS,
    identity::FUNCTIONS,
    measure::FUNCTIONS,
    privilege_info::FUNCTIONS,
    sequence::FUNCTIONS,
    session_control::FUNCTIONS,
    session_info::FUNCTIONS,
    size_info::FUNCTIONS,
    string_bytes::FUNCTIONS,
    string_case::FUNCTIONS,
    string_format::FUNCTIONS,
    string_operators::FUNCTIONS,
    string_parts::FUNCTIONS,
    string_regex::OPERATORS,
    string_regex::FUNCTIONS,
    visibility::FUNCTIONS,
];

const OPERATORS: &[&[OperatorRow]] = &[operator_table::OPERATORS];
const AGGREGATES: &[&[AggregateRow]] = aggregate::AGGREGATES;
const SET_FUNCTIONS: &[&[SetRow]] = set_function::SET_FUNCTIONS;
const WINDOW_FUNCTIONS: &[WindowRow] = window::FUNCTIONS;

/// Entries in order, and by name.
struct Table<T: 'static> {
    all: Vec<&'static T>,
    by_name: HashMap<&'static str, &'static [&'static T]>,
}

impl<T> Table<T> {
    fn new(entries: Vec<T>, name: fn(&T) -> &'static str) -> Self {
        let all: Vec<&'static T> =
            entries.into_iter().map(|entry| &*Box::leak(Box::new(entry))).collect();
        let mut lists: HashMap<&'static str, Vec<&'static T>> = HashMap::new();
        for entry in &all {
            lists.entry(name(entry)).or_default().push(entry);
        }
        let by_name = lists.into_iter().map(|(name, list)| (name, &*list.leak())).collect();
        Table { all, by_name }
    }

    fn named(&self, name: &str) -> &'static [&'static T] {
        self.by_name.get(name).copied().unwrap_or(&[])
    }
}

static FUNCTION_TABLE: LazyLock<Table<Function>> = LazyLock::new(|| {
    Table::new(FUNCTIONS.iter().copied().flatten().map(function).collect(), |f| f.name)
});

static FUNCTIONS_BY_OID: LazyLock<HashMap<u32, &'static Function>> =
    LazyLock::new(|| FUNCTION_TABLE.all.iter().map(|f| (f.oid, *f)).collect());

static OPERATOR_TABLE: LazyLock<Table<Operator>> = LazyLock::new(|| {
    Table::new(OPERATORS.iter().copied().flatten().filter_map(operator).collect(), |o| o.name)
});

static AGGREGATE_TABLE: LazyLock<Table<Aggregate>> = LazyLock::new(|| {
    Table::new(AGGREGATES.iter().copied().flatten().map(aggregate).collect(), |a| a.name)
});

static SET_FUNCTION_TABLE: LazyLock<Table<SetFunction>> = LazyLock::new(|| {
    Table::new(SET_FUNCTIONS.iter().copied().flatten().map(set_function).collect(), |s| s.name)
});

static WINDOW_FUNCTION_TABLE: LazyLock<Table<WindowFunction>> = LazyLock::new(|| {
    Table::new(WINDOW_FUNCTIONS.iter().map(window_function).collect(), |w| w.name)
});

fn result(name: &str) -> Signature {
    signature(name).unwrap_or(Signature::Any)
}

fn function(row: &Row) -> Function {
    let (params, variadic) = parameters(row.params);
    Function {
        name: row.name,
        oid: row.oid,
        params,
        variadic,
        names: row.names.split_whitespace().collect(),
        defaults: row.defaults.map_or_else(Vec::new, |defaults| defaults()),
        result: result(row.result),
        volatility: row.volatility,
        strict: row.strict,
        body: row.body,
        typed: row.typed,
        kernel: row.kernel,
    }
}

fn operator(row: &OperatorRow) -> Option<Operator> {
    let function = function_by_oid(row.function)?;
    let (left, right) = match function.params.as_slice() {
        [right] => (None, right.clone()),
        [left, right] => (Some(left.clone()), right.clone()),
        _ => return None,
    };
    let named = |name: &'static str| (!name.is_empty()).then_some(name);
    Some(Operator {
        name: row.name,
        oid: row.oid,
        left,
        right,
        function,
        commutator: named(row.commutator),
        negator: named(row.negator),
    })
}

fn aggregate(row: &AggregateRow) -> Aggregate {
    Aggregate {
        name: row.name,
        oid: row.oid,
        params: parameters(row.params).0,
        result: result(row.result),
        ordered_set: row.ordered_set,
        start: row.start,
    }
}

fn set_function(row: &SetRow) -> SetFunction {
    let (params, variadic) = parameters(row.params);
    let columns = row.columns.split(", ").filter_map(|c| c.split_once(' '));
    SetFunction {
        name: row.name,
        oid: row.oid,
        params,
        variadic,
        columns: columns.map(|(name, ty)| (name, result(ty))).collect(),
        body: row.body,
    }
}

fn window_function(row: &WindowRow) -> WindowFunction {
    WindowFunction {
        name: row.name,
        oid: row.oid,
        params: parameters(row.params).0,
        result: result(row.result),
        kind: row.kind,
    }
}

/// The scalar functions of a name.
pub fn functions(name: &str) -> &'static [&'static Function] {
    FUNCTION_TABLE.named(name)
}

/// The scalar function with a `pg_proc.oid`.
pub fn function_by_oid(oid: u32) -> Option<&'static Function> {
    FUNCTIONS_BY_OID.get(&oid).copied()
}

/// The operators of a name, prefix operators included.
pub fn operators(name: &str) -> &'static [&'static Operator] {
    OPERATOR_TABLE.named(name)
}

/// The aggregates of a name.
pub fn aggregates(name: &str) -> &'static [&'static Aggregate] {
    AGGREGATE_TABLE.named(name)
}

/// The set-returning functions of a name.
pub fn set_functions(name: &str) -> &'static [&'static SetFunction] {
    SET_FUNCTION_TABLE.named(name)
}

/// The window functions of a name.
pub fn window_functions(name: &str) -> &'static [&'static WindowFunction] {
    WINDOW_FUNCTION_TABLE.named(name)
}

/// Every scalar function.
pub fn all_functions() -> impl Iterator<Item = &'static Function> {
    FUNCTION_TABLE.all.iter().copied()
}

/// Every operator.
pub fn all_operators() -> impl Iterator<Item = &'static Operator> {
    OPERATOR_TABLE.all.iter().copied()
}

/// Every aggregate.
pub fn all_aggregates() -> impl Iterator<Item = &'static Aggregate> {
    AGGREGATE_TABLE.all.iter().copied()
}

/// Every set-returning function.
pub fn all_set_functions() -> impl Iterator<Item = &'static SetFunction> {
    SET_FUNCTION_TABLE.all.iter().copied()
}

/// Every window function.
pub fn all_window_functions() -> impl Iterator<Item = &'static WindowFunction> {
    WINDOW_FUNCTION_TABLE.all.iter().copied()
}
