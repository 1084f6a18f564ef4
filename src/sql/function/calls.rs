//! Calls whose results were taken from PostgreSQL 15: `fixtures/functions/*.txt`.
//!
//! A line is a call and, after `=>`, its result as text, `NULL`, or `ERROR code message`. Arguments
//! are typed literals. `AGG f a, b` feeds the aggregate the elements of arrays row by row, `AGG @f`
//! in the order given (WITHIN GROUP); `SET f(…)` lists the rows of a set-returning function. A `␤`
//! within a literal is a line break.

use std::panic::{AssertUnwindSafe, catch_unwind};

use std::collections::HashMap;

use super::*;
use crate::sql::testing::{server, session, within};
use crate::types::datetime::TimeZone;
use crate::types::text;

/// A typed literal: its type and its value.
type Literal = (Type, Datum);

/// What is left of a line's call.
struct Line<'a>(&'a str);

impl<'a> Line<'a> {
    fn token(&mut self, token: &str) -> bool {
        let rest = self.0.trim_start();
        let found = rest.strip_prefix(token);
        self.0 = found.unwrap_or(rest);
        found.is_some()
    }

    fn word(&mut self) -> &'a str {
        let end = self.0.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        word
    }

    /// `'value'::type` or `NULL::type`, `None` if there is no literal here.
    fn literal(&mut self, format: &SessionFormat) -> Option<Result<Literal>> {
        let value = if self.token("NULL::") {
            None
        } else if self.token("'") {
            let mut value = String::new();
            loop {
                let quote = self.0.find('\'').expect("a closing quote");
                value.push_str(&self.0[..quote]);
                self.0 = &self.0[quote + 1..];
                if !self.token_here("'") {
                    break;
                }
                value.push('\'');
            }
            assert!(self.token_here("::"), "a type before {}", self.0);
            Some(value)
        } else {
            return None;
        };
        let name = self.word();
        let array = self.token_here("[]");
        let element = match row::signature(name) {
            Some(Signature::Is(ty)) => ty,
            other => panic!("{name} is {other:?}"),
        };
        let ty = if array { Type::Array(Box::new(element)) } else { element };
        Some(match value {
            None => Ok((ty, Datum::Null)),
            Some(value) => text::parse(&ty, &value, format).map(|value| (ty, value)),
        })
    }

    fn token_here(&mut self, token: &str) -> bool {
        let found = self.0.strip_prefix(token);
        self.0 = found.unwrap_or(self.0);
        found.is_some()
    }

    fn literals(&mut self, format: &SessionFormat) -> Result<Vec<Literal>> {
        let mut all = Vec::new();
        while let Some(literal) = self.literal(format) {
            all.push(literal?);
            if !self.token(",") {
                break;
            }
        }
        Ok(all)
    }
}

/// How well a list of parameters suits argument types; `None` if it does not.
fn fit(params: &[Signature], variadic: bool, types: &[Type]) -> Option<u32> {
    let counts = match variadic {
        true => types.len() + 1 >= params.len(),
        false => types.len() == params.len(),
    };
    if !counts {
        return None;
    }
    let mut score = u32::from(!variadic);
    for (i, ty) in types.iter().enumerate() {
        score += match params.get(i).or(params.last())? {
            Signature::Is(wanted) if wanted == ty => 3,
            Signature::Is(Type::Text) if *ty == Type::Varchar => 2,
            Signature::Is(_) => return None,
            Signature::AnyArray | Signature::AnyCompatibleArray => {
                matches!(ty, Type::Array(_)).then_some(2)?
            }
            Signature::AnyNonArray => (!matches!(ty, Type::Array(_))).then_some(2)?,
            Signature::AnyEnum => matches!(ty, Type::Enum(_)).then_some(2)?,
            Signature::Record => (*ty == Type::Record).then_some(2)?,
            Signature::AnyElement | Signature::AnyCompatible | Signature::Any => 1,
        };
    }
    Some(score)
}

fn best<T>(entries: &[&'static T], fit: impl Fn(&T) -> Option<u32>) -> &'static T {
    entries.iter().filter_map(|e| Some((fit(e)?, *e))).max_by_key(|e| e.0).expect("an overload").1
}

fn result_type(signature: &Signature, value: &Datum) -> Type {
    match signature {
        Signature::Is(ty) => ty.clone(),
        _ => value.shown_type(),
    }
}

fn print(signature: &Signature, value: &Datum, format: &SessionFormat) -> String {
    match value {
        Datum::Null => "NULL".into(),
        value => text::to_string(value, &result_type(signature, value), format)
            .replace('\\', "\\\\")
            .replace('\n', "\\n"),
    }
}

fn split(literals: Vec<Literal>) -> (Vec<Type>, Vec<Datum>) {
    literals.into_iter().unzip()
}

fn call(context: &mut EvalContext<'_>, call: &str) -> Result<String> {
    let format = context.session.format.clone();
    let mut line = Line(call);
    if line.token("AGG ") {
        return aggregated(line, &format);
    }
    if line.token("SET ") {
        let name = line.word();
        assert!(line.token("("));
        let (types, args) = split(line.literals(&format)?);
        let function = best(set_functions(name), |f| fit(&f.params, f.variadic, &types));
        let mut rows = Vec::new();
        for row in (function.body)(context, &args)? {
            let row = row?;
            let mut text = String::new();
            text::format(&Datum::Record(row.into()), &format, &mut text);
            rows.push(text.replace('\\', "\\\\").replace('\n', "\\n"));
        }
        return Ok(if rows.is_empty() { "nothing".into() } else { rows.join(" | ") });
    }
    let (function, literals) = match line.literal(&format) {
        Some(left) => {
            let (name, rest) = line.0.trim_start().split_once(' ').expect("an operand");
            let right = Line(rest).literal(&format).expect("a right operand");
            let literals = vec![left?, right?];
            let types: Vec<Type> = literals.iter().map(|l| l.0.clone()).collect();
            let fits = |o: &Operator| fit(&[o.left.clone()?, o.right.clone()], false, &types);
            (best(operators(name), fits).function, literals)
        }
        None if line.0.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
            let name = line.word();
            assert!(line.token("("), "{call}");
            let literals = line.literals(&format)?;
            let types: Vec<Type> = literals.iter().map(|l| l.0.clone()).collect();
            (best(functions(name), |f| fit(&f.params, f.variadic, &types)), literals)
        }
        None => {
            let (name, rest) = line.0.split_once(' ').expect("an operand");
            let right = Line(rest).literal(&format).expect("an operand")?;
            let types = [right.0.clone()];
            let prefix = |o: &Operator| {
                o.left.is_none().then(|| fit(std::slice::from_ref(&o.right), false, &types))?
            };
            (best(operators(name), prefix).function, vec![right])
        }
    };
    let (types, values) = split(literals);
    let value = function.call(context, &types, &values)?;
    Ok(print(&function.result, &value, &format))
}

fn aggregated(mut line: Line<'_>, format: &SessionFormat) -> Result<String> {
    let ordered = line.token("@");
    let name = line.word();
    let literals = line.literals(format)?;
    // Before the last argument of an ordered-set aggregate stand direct ones.
    let direct = if ordered { literals.len() - 1 } else { 0 };
    let types = literals.iter().enumerate().map(|(i, (ty, _))| match ty {
        Type::Array(element) if i >= direct => (**element).clone(),
        other => other.clone(),
    });
    let types: Vec<Type> = types.collect();
    let function = best(aggregates(name), |a| fit(&a.params, false, &types));
    assert_eq!(function.ordered_set, ordered);
    let mut state = (function.start)(&types);
    state.set_format(format);
    let rows = match literals.last() {
        Some((_, Datum::Array(array))) => array.items.len(),
        _ => 0,
    };
    for row in 0..rows {
        let args = literals.iter().enumerate().map(|(i, (_, value))| match value {
            Datum::Array(array) if i >= direct => array.items[row].clone(),
            other => other.clone(),
        });
        let args: Vec<Datum> = args.collect();
        if !ordered || !args[args.len() - 1].is_null() {
            state.add(&args)?;
        }
    }
    let value = state.finish()?;
    assert!(state.bytes() > 0);
    Ok(print(&function.result, &value, format))
}

/// Calls known to differ, each with the reason: `call => why`, one a line.
const DIFFERENCES: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/functions/differences.list"));

/// Runs one file of calls. Every difference must be on the list, and the list must not name what
/// no longer differs.
fn run(cases: &str) {
    let reasons = DIFFERENCES.lines().filter(|line| !line.starts_with('#'));
    let mut known: HashMap<&str, &str> =
        reasons.map(|line| line.rsplit_once(" => ").expect("a reason")).collect();
    let (mut differences, mut count) = (Vec::new(), 0);
    let mut state = session();
    state.format.time_zone = TimeZone::parse("America/New_York").unwrap();
    within(&server(), &mut state, |context| {
        for case in cases.lines() {
            let (expression, expected) = case.rsplit_once(" => ").expect("a result");
            count += 1;
            let reason = known.remove(expression);
            let readable = expression.replace('␤', "\n");
            let outcome = catch_unwind(AssertUnwindSafe(|| call(&mut context.eval, &readable)));
            let found = match outcome {
                Err(_) => "PANIC".into(),
                Ok(Ok(found)) => found,
                Ok(Err(e)) => format!("ERROR {} {}", e.code(), e.message().replace('\n', "\\n")),
            };
            if (found == expected) == reason.is_some() || found == "PANIC" {
                differences.push(format!("{expression} => {found}, not {expected}"));
            }
        }
    });
    assert!(count > 0);
    assert!(
        differences.is_empty(),
        "{} of {count} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

macro_rules! families {
    ($($family:ident),* $(,)?) => {$(
        #[test]
        fn $family() {
            run(include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/fixtures/functions/",
                stringify!($family),
                ".txt"
            )));
        }
    )*};
}

families!(aggregate, arithmetic, array, datetime, format, json, math, pattern, string);
