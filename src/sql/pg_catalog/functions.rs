//! `pg_proc`, `pg_operator`, `pg_aggregate`, `pg_cast`: what can be called.

use super::notation::{Definition, NULL, list, row, table, vector};
use super::{number, type_functions};
use crate::catalog::role::ROOT_ID;
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::sql::function::{self, Signature, Volatility};
use crate::types::cast::{self, CastContext};
use crate::types::{Datum, Type, oid};

pub(super) const TABLES: &[Definition] = &[
    table(
        1255,
        "pg_proc",
        "oid oid, proname name, pronamespace oid, proowner oid, prolang oid, \
         procost float4, prorows float4, provariadic oid, prosupport regproc, \
         prokind char, prosecdef bool, proleakproof bool, proisstrict bool, \
         proretset bool, provolatile char, proparallel char, pronargs int2, \
         pronargdefaults int2, prorettype oid, proargtypes oidvector, proallargtypes _oid, \
         proargmodes _char, proargnames _text, proargdefaults text, protrftypes _oid, \
         prosrc text, probin text, prosqlbody text, proconfig _text, proacl _text",
        functions,
    ),
    table(
        2617,
        "pg_operator",
        "oid oid, oprname name, oprnamespace oid, oprowner oid, oprkind char, \
         oprcanmerge bool, oprcanhash bool, oprleft oid, oprright oid, oprresult oid, \
         oprcom oid, oprnegate oid, oprcode regproc, oprrest regproc, oprjoin regproc",
        operators,
    ),
    table(
        2600,
        "pg_aggregate",
        "aggfnoid regproc, aggkind char, aggnumdirectargs int2, aggtransfn regproc, \
         aggfinalfn regproc, aggcombinefn regproc, aggserialfn regproc, \
         aggdeserialfn regproc, aggmtransfn regproc, aggminvtransfn regproc, \
         aggmfinalfn regproc, aggfinalextra bool, aggmfinalextra bool, \
         aggfinalmodify char, aggmfinalmodify char, aggsortop oid, aggtranstype oid, \
         aggtransspace int4, aggmtranstype oid, aggmtransspace int4, agginitval text, \
         aggminitval text",
        aggregates,
    ),
    table(
        2605,
        "pg_cast",
        "oid oid, castsource oid, casttarget oid, castfunc oid, castcontext char, \
         castmethod char",
        casts,
    ),
];

/// A function of any kind, as `pg_proc` has it.
pub(super) struct Callable {
    pub(super) oid: u32,
    pub(super) name: &'static str,
    pub(super) params: Vec<u32>,
    /// Names and types of the columns of a function that returns several.
    columns: Vec<(&'static str, u32)>,
    pub(super) names: Vec<&'static str>,
    defaults: usize,
    variadic: bool,
    pub(super) result: u32,
    pub(super) kind: u8,
    returns_set: bool,
    pub(super) strict: bool,
    pub(super) volatility: Volatility,
}

/// `cstring` and `internal` in signatures.
const CSTRING: u32 = 2275;

fn type_oid(signature: &Signature) -> u32 {
    match signature {
        Signature::Is(ty) => oid::oid(ty),
        Signature::AnyElement => 2283,
        Signature::AnyArray => 2277,
        Signature::AnyNonArray => 2776,
        Signature::AnyEnum => 3500,
        Signature::AnyCompatible => 5077,
        Signature::AnyCompatibleArray => 5078,
        Signature::Any => 2276,
        Signature::Record => oid::oid(&Type::Record),
    }
}

/// Parameter types as `proargtypes` has them: a VARIADIC parameter is an array.
fn params(params: &[Signature], variadic: bool) -> Vec<u32> {
    let mut oids: Vec<u32> = params.iter().map(type_oid).collect();
    if let (true, Some(last), Some(signature)) = (variadic, oids.last_mut(), params.last()) {
        *last = match signature {
            Signature::Is(ty) => oid::oid(&Type::Array(Box::new(ty.clone()))),
            Signature::AnyElement => 2277,
            Signature::AnyCompatible => 5078,
            _ => *last,
        };
    }
    oids
}

/// Every function, aggregate, set-returning and window function.
pub(super) fn every() -> impl Iterator<Item = Callable> {
    let plain = function::all_functions().map(|f| Callable {
        oid: f.oid,
        name: f.name,
        params: params(&f.params, f.variadic),
        columns: Vec::new(),
        names: f.names.clone(),
        defaults: f.defaults.len(),
        variadic: f.variadic,
        result: type_oid(&f.result),
        kind: b'f',
        returns_set: false,
        strict: f.strict,
        volatility: f.volatility,
    });
    let simple = |oid, name, signatures: &[Signature], result: u32, kind| Callable {
        oid,
        name,
        params: params(signatures, false),
        columns: Vec::new(),
        names: Vec::new(),
        defaults: 0,
        variadic: false,
        result,
        kind,
        returns_set: false,
        strict: false,
        volatility: Volatility::Immutable,
    };
    let aggregates = function::all_aggregates()
        .map(move |a| simple(a.oid, a.name, &a.params, type_oid(&a.result), b'a'));
    let windows = function::all_window_functions()
        .map(move |w| simple(w.oid, w.name, &w.params, type_oid(&w.result), b'w'));
    let sets = function::all_set_functions().map(move |s| {
        let one = match s.columns.as_slice() {
            [(_, signature)] => Some(type_oid(signature)),
            _ => None,
        };
        let result = one.unwrap_or_else(|| oid::oid(&Type::Record));
        let columns = s.columns.iter().map(|(name, ty)| (*name, type_oid(ty)));
        Callable {
            columns: if one.is_some() { Vec::new() } else { columns.collect() },
            params: params(&s.params, s.variadic),
            variadic: s.variadic,
            returns_set: true,
            strict: true,
            ..simple(s.oid, s.name, &s.params, result, b'f')
        }
    });
    plain.chain(aggregates).chain(windows).chain(sets).chain(of_types())
}

/// The functions that read and print values.
fn of_types() -> impl Iterator<Item = Callable> {
    use std::sync::LazyLock;
    static NAMES: LazyLock<Vec<(u32, String, u32, u32)>> =
        LazyLock::new(|| type_functions::every().collect());
    let cstring = |number: u32| if number == 0 { CSTRING } else { number };
    NAMES.iter().map(move |(oid, name, param, result)| Callable {
        oid: *oid,
        name,
        params: vec![cstring(*param)],
        columns: Vec::new(),
        names: Vec::new(),
        defaults: 0,
        variadic: false,
        result: cstring(*result),
        kind: b'f',
        returns_set: false,
        strict: true,
        volatility: Volatility::Immutable,
    })
}

fn functions(_: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    Ok(every().map(function_row).collect())
}

fn function_row(f: Callable) -> Vec<Datum> {
    let variadic_element = match f.params.last().and_then(|oid| oid::type_from_oid(*oid)) {
        Some(Type::Array(element)) if f.variadic => oid::oid(&element),
        _ if f.variadic => 2276,
        _ => 0,
    };
    let all_types = || {
        let outputs = f.columns.iter().map(|(_, ty)| *ty);
        list(Type::Oid, f.params.iter().copied().chain(outputs))
    };
    let modes = || {
        let mut modes = vec![b'i'; f.params.len()];
        if let (true, Some(last)) = (f.variadic, modes.last_mut()) {
            *last = b'v';
        }
        modes.extend(f.columns.iter().map(|_| b'o'));
        list(Type::Char, modes)
    };
    let special = !f.columns.is_empty() || f.variadic;
    let names = || {
        let inputs = (0..f.params.len()).map(|i| f.names.get(i).copied().unwrap_or_default());
        list(Type::Text, inputs.chain(f.columns.iter().map(|(name, _)| *name)))
    };
    let named = !f.names.is_empty() || !f.columns.is_empty();
    row![
        f.oid,
        f.name,
        number::PG_CATALOG,
        ROOT_ID,
        12u32,
        1f32,
        if f.returns_set { 1000f32 } else { 0f32 },
        variadic_element,
        0u32,
        f.kind,
        false,
        false,
        f.strict,
        f.returns_set,
        match f.volatility {
            Volatility::Immutable => b'i',
            Volatility::Stable => b's',
            Volatility::Volatile => b'v',
        },
        b's',
        i16::try_from(f.params.len()).unwrap_or(i16::MAX),
        i16::try_from(f.defaults).unwrap_or(0),
        f.result,
        vector(Type::Oid, f.params.iter().copied()),
        special.then(all_types),
        special.then(modes),
        named.then(names),
        NULL,
        NULL,
        f.name,
        NULL,
        NULL,
        NULL,
        NULL,
    ]
}

fn operators(_: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    // The operator of that name with these operands, which a commutator or negator is.
    let find = |name: Option<&str>, left: Option<&Signature>, right: &Signature| {
        let named = name.map_or(&[] as &[_], function::operators);
        let found = named.iter().find(|o| o.left.as_ref() == left && o.right == *right);
        found.map_or(0, |o| o.oid)
    };
    let rows = function::all_operators().map(|o| {
        let commutator = match &o.left {
            Some(left) => find(o.commutator, Some(&o.right), left),
            None => 0,
        };
        row![
            o.oid,
            o.name,
            number::PG_CATALOG,
            ROOT_ID,
            if o.left.is_some() { b'b' } else { b'l' },
            false,
            false,
            o.left.as_ref().map_or(0, type_oid),
            type_oid(&o.right),
            type_oid(&o.function.result),
            commutator,
            find(o.negator, o.left.as_ref(), &o.right),
            o.function.oid,
            0u32,
            0u32,
        ]
    });
    Ok(rows.collect())
}

fn aggregates(_: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let rows = function::all_aggregates().map(|a| {
        let direct = if a.ordered_set { a.params.len().saturating_sub(1) } else { 0 };
        row![
            a.oid,
            if a.ordered_set { b'o' } else { b'n' },
            i16::try_from(direct).unwrap_or(0),
            0u32,
            0u32,
            0u32,
            0u32,
            0u32,
            0u32,
            0u32,
            0u32,
            false,
            false,
            b'r',
            b'r',
            0u32,
            0u32,
            0i32,
            0u32,
            0i32,
            NULL,
            NULL,
        ]
    });
    Ok(rows.collect())
}

fn casts(_: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let mut rows = Vec::new();
    let types = || oid::TYPES.iter().filter(|t| t.ty != Type::Unknown).map(|t| &t.ty);
    for from in types() {
        for to in types().filter(|to| *to != from) {
            let Some(context) = cast::catalogued(from, to) else { continue };
            let letter = match context {
                CastContext::Implicit => b'i',
                CastContext::Assignment => b'a',
                CastContext::Explicit => b'e',
            };
            let (source, target) = (oid::oid(from), oid::oid(to));
            let number = 9_100_000 + source * 5_000 + target;
            rows.push(row![number, source, target, 0u32, letter, b'i']);
        }
    }
    Ok(rows)
}
