//! Where an expression stands, and what may stand there.

use crate::error::{Error, Result, sqlstate};

/// Where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clause {
    /// The select list.
    Select,
    /// FROM: a function's arguments.
    FromFunction,
    /// JOIN … ON.
    JoinOn,
    Where,
    GroupBy,
    Having,
    OrderBy,
    DistinctOn,
    /// PARTITION BY and ORDER BY of a window.
    Window,
    /// A frame's offset; the word is ROWS, RANGE or GROUPS.
    Frame(&'static str),
    /// FILTER (WHERE …) of an aggregate.
    Filter,
    Limit,
    Offset,
    /// A row of VALUES.
    Values,
    /// SET of UPDATE.
    Update,
    Returning,
    /// ON CONFLICT … WHERE.
    Conflict,
    Check,
    Default,
    IndexPredicate,
    Generated,
    /// ALTER COLUMN TYPE … USING.
    Transform,
    /// A value outside of any query: SET, options.
    Constant,
}

impl Clause {
    /// How messages name it.
    pub fn name(self) -> &'static str {
        match self {
            Clause::Select => "SELECT",
            Clause::FromFunction => "functions in FROM",
            Clause::JoinOn => "JOIN conditions",
            Clause::Where => "WHERE",
            Clause::GroupBy => "GROUP BY",
            Clause::Having => "HAVING",
            Clause::OrderBy => "ORDER BY",
            Clause::DistinctOn => "DISTINCT ON",
            Clause::Window => "window definitions",
            Clause::Frame("ROWS") => "window ROWS",
            Clause::Frame("RANGE") => "window RANGE",
            Clause::Frame(_) => "window GROUPS",
            Clause::Filter => "FILTER",
            Clause::Limit => "LIMIT",
            Clause::Offset => "OFFSET",
            Clause::Values => "VALUES",
            Clause::Update => "UPDATE",
            Clause::Returning => "RETURNING",
            Clause::Conflict => "ON CONFLICT",
            Clause::Check => "check constraints",
            Clause::Default => "DEFAULT expressions",
            Clause::IndexPredicate => "index predicates",
            Clause::Generated => "column generation expressions",
            Clause::Transform => "transform expressions",
            Clause::Constant => "this context",
        }
    }

    /// Fails where aggregates may not stand.
    pub fn allow_aggregate(self) -> Result<()> {
        match self {
            Clause::Select
            | Clause::Having
            | Clause::OrderBy
            | Clause::DistinctOn
            | Clause::Window => Ok(()),
            _ => Err(Error::new(
                sqlstate::GROUPING_ERROR,
                format!("aggregate functions are not allowed in {}", self.name()),
            )),
        }
    }

    /// Fails where window functions may not stand.
    pub fn allow_window(self) -> Result<()> {
        match self {
            Clause::Select | Clause::OrderBy | Clause::DistinctOn => Ok(()),
            _ => Err(Error::new(
                sqlstate::WINDOWING_ERROR,
                format!("window functions are not allowed in {}", self.name()),
            )),
        }
    }

    /// Fails where set-returning functions may not stand.
    pub fn allow_set(self) -> Result<()> {
        match self {
            Clause::Select | Clause::OrderBy | Clause::DistinctOn | Clause::GroupBy => Ok(()),
            _ => Err(set_not_allowed(self.name())),
        }
    }

    /// Fails where subqueries may not stand.
    pub fn allow_subquery(self) -> Result<()> {
        match self {
            Clause::Check => Err(no_subquery("check constraint")),
            Clause::Default => Err(no_subquery("DEFAULT expression")),
            Clause::IndexPredicate => Err(no_subquery("index predicate")),
            Clause::Generated => Err(no_subquery("column generation expression")),
            Clause::Transform => Err(no_subquery("transform expression")),
            _ => Ok(()),
        }
    }
}

/// The error for a set-returning function in a wrong place.
pub(super) fn set_not_allowed(place: &str) -> Error {
    Error::new(
        sqlstate::FEATURE_NOT_SUPPORTED,
        format!("set-returning functions are not allowed in {place}"),
    )
}

fn no_subquery(place: &str) -> Error {
    Error::new(sqlstate::FEATURE_NOT_SUPPORTED, format!("cannot use subquery in {place}"))
}
