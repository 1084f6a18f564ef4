//! Window functions: calls with OVER, named windows, frames.

use sqlparser::ast::{
    Expr, NamedWindowExpr, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};

use super::binder::{Binder, ColumnKind};
use super::call::Parts;
use super::clause::Clause;
use super::level::Window;
use super::name::At;
use super::order::equal_type;
use super::resolve::{Callable, Chosen};
use super::same::{all_same, same_order};
use super::walk;
use crate::error::{Error, Result, sqlstate};
use crate::sql::relation::Relation;
use crate::sql::scalar::{Frame, FrameBound, FrameUnit, Scalar, SortKey, WindowCall, WindowTarget};
use crate::types::{ColumnType, Type};

/// A window, bound.
struct Spec {
    partition_by: Vec<Scalar>,
    order_by: Vec<SortKey>,
    frame: Frame,
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(sqlstate::WINDOWING_ERROR, message)
}

impl Binder<'_> {
    /// `f(…) OVER …`.
    pub fn window_call(
        &mut self,
        over: &WindowType,
        parts: Parts<'_>,
        chosen: Chosen,
    ) -> Result<Scalar> {
        self.clause().allow_window()?;
        let unsupported =
            |message: &str| Err(Error::new(sqlstate::FEATURE_NOT_SUPPORTED, message.to_owned()));
        if parts.distinct {
            return unsupported("DISTINCT is not implemented for window functions");
        }
        if !parts.order_by.is_empty() {
            return unsupported("aggregate ORDER BY is not implemented for window functions");
        }
        if self.level().sets.len() > parts.sets_before {
            return unsupported(
                "window function calls cannot contain set-returning function calls",
            );
        }
        if self.level().windows.len() > parts.windows_before {
            return Err(wrong("window function calls cannot be nested"));
        }
        let (target, name) = match chosen.overload.callable {
            Callable::Aggregate(f) if f.ordered_set => {
                return unsupported("OVER is not supported for ordered-set aggregate");
            }
            Callable::Aggregate(f) => {
                if parts.args.is_empty() && !parts.star {
                    return Err(Error::new(
                        sqlstate::WRONG_OBJECT_TYPE,
                        format!(
                            "{}(*) must be used to call a parameterless aggregate function",
                            f.name
                        ),
                    ));
                }
                (WindowTarget::Aggregate(f), f.name)
            }
            Callable::Window(f) => {
                if parts.filter.is_some() {
                    return unsupported(
                        "FILTER is not implemented for non-aggregate window functions",
                    );
                }
                (WindowTarget::Window(f), f.name)
            }
            _ => {
                return Err(Error::new(
                    sqlstate::WRONG_OBJECT_TYPE,
                    format!(
                        "OVER specified, but {} is not a window function nor an aggregate function",
                        parts.shown
                    ),
                ));
            }
        };
        let args = self.arguments(&chosen, parts.args, &[])?;
        let filter = match parts.filter {
            Some(filter) => Some(self.in_clause(Clause::Filter, |binder| {
                let filter = binder.expr(filter)?;
                binder.boolean(filter, "FILTER")
            })?),
            None => None,
        };
        let spec = match over {
            WindowType::NamedWindow(ident) => self.named_window(&ident.value).at(ident.span)?,
            WindowType::WindowSpec(spec) => self.window_spec(spec)?,
        };
        let ty: ColumnType = chosen.types.result.into();
        let result = self.column(ColumnKind::Window, &ty, name);
        let value = Scalar::column(result.column, ty.clone());
        let call = WindowCall { function: target, args, filter, frame: spec.frame, ty };
        let (partition_by, order_by) = (spec.partition_by, spec.order_by);
        self.level().windows.push(Window { result, partition_by, order_by, call });
        Ok(value)
    }

    /// The definition of a name in WINDOW.
    fn definition(&mut self, name: &str) -> Result<WindowSpec> {
        let definitions = &self.level().named_windows;
        let mut found = definitions.iter().filter(|d| d.0.value == name);
        let definition = found.next().ok_or_else(|| {
            Error::new(sqlstate::UNDEFINED_OBJECT, format!("window \"{name}\" does not exist"))
        })?;
        if found.next().is_some() {
            return Err(wrong(format!("window \"{name}\" is already defined")));
        }
        match &definition.1 {
            NamedWindowExpr::WindowSpec(spec) => Ok(spec.clone()),
            NamedWindowExpr::NamedWindow(_) => {
                Err(Error::syntax("a window's definition stands in parentheses"))
            }
        }
    }

    fn named_window(&mut self, name: &str) -> Result<Spec> {
        let definition = self.definition(name)?;
        self.window_spec(&definition)
    }

    fn window_spec(&mut self, spec: &WindowSpec) -> Result<Spec> {
        let base = match &spec.window_name {
            None => None,
            Some(ident) => {
                let name = &ident.value;
                let definition = self.definition(name).at(ident.span)?;
                if definition.window_frame.is_some() {
                    return Err(wrong(format!(
                        "cannot copy window \"{name}\" because it has a frame clause"
                    )));
                }
                if !spec.partition_by.is_empty() {
                    return Err(wrong(format!(
                        "cannot override PARTITION BY clause of window \"{name}\""
                    )));
                }
                if !spec.order_by.is_empty() && !definition.order_by.is_empty() {
                    return Err(wrong(format!(
                        "cannot override ORDER BY clause of window \"{name}\""
                    )));
                }
                // A window may itself be built on one that stands before it.
                Some(self.nested(|binder| binder.window_spec(&definition))?)
            }
        };
        let (mut partition_by, mut order_by) = match base {
            Some(base) => (base.partition_by, base.order_by),
            None => (Vec::new(), Vec::new()),
        };
        self.in_clause(Clause::Window, |binder| {
            for expr in &spec.partition_by {
                let expr = binder.expr(expr)?;
                let expr = binder.settle(expr)?;
                equal_type(&expr.ty.ty)?;
                partition_by.push(expr);
            }
            order_by.extend(binder.sort_keys(&spec.order_by)?);
            Ok(())
        })?;
        let frame = self.frame(spec.window_frame.as_ref(), &order_by)?;
        Ok(Spec { partition_by, order_by, frame })
    }

    fn frame(&mut self, frame: Option<&WindowFrame>, order_by: &[SortKey]) -> Result<Frame> {
        let Some(frame) = frame else {
            return Ok(Frame {
                unit: FrameUnit::Range,
                start: FrameBound::UnboundedPreceding,
                end: FrameBound::CurrentRow,
            });
        };
        let (unit, word) = match frame.units {
            WindowFrameUnits::Rows => (FrameUnit::Rows, "ROWS"),
            WindowFrameUnits::Range => (FrameUnit::Range, "RANGE"),
            WindowFrameUnits::Groups => (FrameUnit::Groups, "GROUPS"),
        };
        if unit == FrameUnit::Groups && order_by.is_empty() {
            return Err(wrong("GROUPS mode requires an ORDER BY clause"));
        }
        let start = &frame.start_bound;
        let end = frame.end_bound.as_ref().unwrap_or(&WindowFrameBound::CurrentRow);
        check_bounds(start, end)?;
        let has_offset = |b: &WindowFrameBound| {
            matches!(b, WindowFrameBound::Preceding(Some(_)) | WindowFrameBound::Following(Some(_)))
        };
        let mut offset_type = Type::Int8;
        if unit == FrameUnit::Range && (has_offset(start) || has_offset(end)) {
            let [key] = order_by else {
                return Err(wrong(
                    "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column",
                ));
            };
            offset_type = distance_type(&key.expr.ty.ty)?;
        }
        Ok(Frame {
            unit,
            start: self.bound(start, &offset_type, word)?,
            end: self.bound(end, &offset_type, word)?,
        })
    }

    fn bound(
        &mut self,
        bound: &WindowFrameBound,
        ty: &Type,
        word: &'static str,
    ) -> Result<FrameBound> {
        Ok(match bound {
            WindowFrameBound::CurrentRow => FrameBound::CurrentRow,
            WindowFrameBound::Preceding(None) => FrameBound::UnboundedPreceding,
            WindowFrameBound::Following(None) => FrameBound::UnboundedFollowing,
            WindowFrameBound::Preceding(Some(offset)) => {
                FrameBound::Preceding(Box::new(self.offset(offset, ty, word)?))
            }
            WindowFrameBound::Following(Some(offset)) => {
                FrameBound::Following(Box::new(self.offset(offset, ty, word)?))
            }
        })
    }

    fn offset(&mut self, offset: &Expr, ty: &Type, word: &'static str) -> Result<Scalar> {
        let offset = self.in_clause(Clause::Frame(word), |binder| {
            let offset = binder.expr(offset)?;
            binder.construct_argument(offset, ty, word)
        })?;
        self.refuse_own_columns(&offset, word)?;
        Ok(offset)
    }

    /// Fails if an expression reads columns of the query that it belongs to.
    pub fn refuse_own_columns(&self, expr: &Scalar, word: &str) -> Result<()> {
        let mut own = false;
        walk::columns(expr, &mut |column| own |= self.is_own(column));
        if own {
            return Err(Error::new(
                sqlstate::INVALID_COLUMN_REFERENCE,
                format!("argument of {word} must not contain variables"),
            ));
        }
        Ok(())
    }

    /// Puts the level's window functions on its relation, those over one window together.
    pub fn window_relations(&mut self, mut relation: Relation) -> Relation {
        let mut windows = std::mem::take(&mut self.level().windows);
        while !windows.is_empty() {
            let first = windows.remove(0);
            let (partition_by, order_by) = (first.partition_by, first.order_by);
            let mut calls = vec![(first.result, first.call)];
            let mut rest = Vec::with_capacity(windows.len());
            for window in windows {
                if all_same(&window.partition_by, &partition_by)
                    && same_order(&window.order_by, &order_by)
                {
                    calls.push((window.result, window.call));
                } else {
                    rest.push(window);
                }
            }
            windows = rest;
            relation =
                Relation::Window { input: Box::new(relation), partition_by, order_by, calls };
        }
        relation
    }
}

fn check_bounds(start: &WindowFrameBound, end: &WindowFrameBound) -> Result<()> {
    use WindowFrameBound as B;
    let message = match (start, end) {
        (B::Following(None), _) => "frame start cannot be UNBOUNDED FOLLOWING",
        (_, B::Preceding(None)) => "frame end cannot be UNBOUNDED PRECEDING",
        (B::CurrentRow, B::Preceding(_)) => {
            "frame starting from current row cannot have preceding rows"
        }
        (B::Following(_), B::Preceding(_) | B::CurrentRow) => {
            "frame starting from following row cannot have preceding rows"
        }
        _ => return Ok(()),
    };
    Err(wrong(message))
}

/// The type of a distance between values of an ordering column.
fn distance_type(ty: &Type) -> Result<Type> {
    Ok(match ty {
        Type::Int2 | Type::Int4 | Type::Int8 => Type::Int8,
        Type::Float4 | Type::Float8 => Type::Float8,
        Type::Numeric => Type::Numeric,
        Type::Date
        | Type::Time
        | Type::Timetz
        | Type::Timestamp
        | Type::Timestamptz
        | Type::Interval => Type::Interval,
        other => {
            return Err(Error::new(
                sqlstate::FEATURE_NOT_SUPPORTED,
                format!(
                    "RANGE with offset PRECEDING/FOLLOWING is not supported for column type {other}"
                ),
            ));
        }
    })
}
