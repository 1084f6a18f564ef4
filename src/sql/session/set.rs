//! SET, RESET and SHOW as statements of a session.

use std::sync::Arc;

use sqlparser::ast::{Expr, UnaryOperator, Value};

use super::Session;
use super::block::isolation_name;
use super::variable::{
    self, REPORTED, SEARCH_PATH_DEFAULT, apply, boolean, invalid, set, show, show_all_fields,
    show_fields, unknown,
};
use crate::catalog::privilege;
use crate::error::{Error, Result, sqlstate};
use crate::sql::client::Client;
use crate::sql::statement::Outcome;
use crate::syntax::{SetVariable, VariableValue, quote_identifier};
use crate::types::Datum;

/// The text of one value in SET: a literal, a bare word, a number.
fn word_of(name: &str, expr: &Expr) -> Result<String> {
    Ok(match expr {
        Expr::Identifier(ident) => match (name, ident.quote_style) {
            // Quotes matter in a list of identifiers.
            ("search_path", Some(_)) => quote_identifier(&ident.value),
            _ => ident.value.clone(),
        },
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) if name == "search_path" => {
                if text.contains([',', '"']) || text.is_empty() {
                    text.clone()
                } else {
                    quote_identifier(text)
                }
            }
            Value::SingleQuotedString(text) => text.clone(),
            Value::Number(digits, _) => digits.clone(),
            Value::Boolean(on) => on.to_string(),
            _ => return Err(Error::syntax(format!("invalid value for parameter \"{name}\""))),
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => format!("-{}", word_of(name, expr)?),
        Expr::Interval(interval) => word_of(name, &interval.value)?,
        Expr::CompoundIdentifier(parts) => {
            parts.iter().map(|p| p.value.as_str()).collect::<Vec<_>>().join(".")
        }
        Expr::Nested(inner) => word_of(name, inner)?,
        _ => return Err(Error::syntax(format!("invalid value for parameter \"{name}\""))),
    })
}

impl Session {
    /// SET and RESET of one variable.
    pub(super) fn set_variable(
        &mut self,
        set: &SetVariable,
        client: &mut dyn Client,
    ) -> Result<Outcome> {
        let name = set.name.as_str();
        self.remember_variables();
        self.shapes.clear();
        self.seen = None;
        let old = self.state.variables.get(name).cloned().unwrap_or_default();
        let value = match &set.value {
            VariableValue::Default => match name {
                "transaction_isolation" | "transaction_read_only" => None,
                _ => Some(
                    self.defaults
                        .variables
                        .get(name)
                        .cloned()
                        .or_else(|| name.contains('.').then(String::new))
                        .ok_or_else(|| unknown(name))?,
                ),
            },
            VariableValue::List(items) => {
                let words: Vec<String> =
                    items.iter().map(|i| word_of(name, i)).collect::<Result<_>>()?;
                Some(words.join(", "))
            }
        };
        if let Some(value) = value {
            self.change_variable(name, &value, matches!(set.value, VariableValue::Default))?;
        }
        if set.local {
            match self.block.as_mut().filter(|b| b.explicit) {
                Some(block) => block.locals.push((name.to_owned(), old)),
                None => {
                    self.restore_after_local(name, &old)?;
                    let warning = Error::new(
                        sqlstate::NO_ACTIVE_SQL_TRANSACTION,
                        "SET LOCAL can only be used in transaction blocks",
                    );
                    client.notice(crate::sql::client::Severity::Warning, &warning)?;
                }
            }
        }
        self.report(name, client)?;
        let reset = matches!(set.value, VariableValue::Default);
        Outcome::done(if reset { "RESET" } else { "SET" })
    }

    fn restore_after_local(&mut self, name: &str, old: &str) -> Result<()> {
        apply(&mut self.state, name, old)
    }

    fn change_variable(&mut self, name: &str, value: &str, is_default: bool) -> Result<()> {
        match name {
            "database" => {
                let catalog = self.server.catalog.current()?;
                let database = crate::catalog::names::resolve_database(&catalog, value)?;
                let user = &self.state.current_user;
                privilege::check(&catalog, user, &database, privilege::Privilege::Connect)?;
                apply(&mut self.state, name, value)
            }
            "role" | "session_authorization" => self.change_role(name, value, is_default),
            "transaction_isolation" | "transaction_read_only" | "transaction_deferrable" => {
                self.change_transaction(name, value)
            }
            _ => {
                // Some texts depend on the ones around them ("$user"), so they are applied again.
                set(&mut self.state, name, value)?;
                if name == "application_name" {
                    self.info.activity.lock().application = value.to_owned();
                }
                Ok(())
            }
        }
    }

    fn change_role(&mut self, name: &str, value: &str, is_default: bool) -> Result<()> {
        let catalog = self.server.catalog.current()?;
        let session_user = self.state.session_user.clone();
        let back = is_default || (name == "role" && value.eq_ignore_ascii_case("none"));
        let wanted: Arc<str> =
            if back { Arc::from(self.info.user.as_str()) } else { Arc::from(value) };
        if catalog.role(&wanted).is_none() {
            return Err(Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!("role \"{wanted}\" does not exist"),
            ));
        }
        if name == "session_authorization" {
            if *wanted != *self.info.user {
                privilege::require_admin(&catalog, &self.info.user, "set session authorization")?;
            }
            self.state.session_user = wanted.clone();
        } else {
            privilege::require_membership(&catalog, &session_user, &wanted)?;
        }
        self.state.current_user = wanted;
        let text = if back { "none" } else { value };
        self.state.variables.insert("role".to_owned(), text.to_owned());
        let path = self.state.variables.get("search_path").cloned();
        apply(&mut self.state, "search_path", path.as_deref().unwrap_or(SEARCH_PATH_DEFAULT))
    }

    /// SET transaction_isolation and its kin say the same as SET TRANSACTION.
    fn change_transaction(&mut self, name: &str, value: &str) -> Result<()> {
        let Some(block) = &mut self.block else { return Ok(()) };
        match name {
            "transaction_read_only" => {
                let on = boolean(value).ok_or_else(|| invalid(name, value))?;
                block.txn.set_read_only(on);
                Ok(())
            }
            "transaction_isolation" => {
                let now = isolation_name(block.txn.isolation());
                if now.eq_ignore_ascii_case(value) {
                    return Ok(());
                }
                Err(Error::unsupported("SET transaction_isolation")
                    .with_hint("Use SET TRANSACTION ISOLATION LEVEL."))
            }
            _ => Ok(()),
        }
    }

    /// RESET ALL.
    pub(super) fn reset_all(&mut self, client: &mut dyn Client) -> Result<Outcome> {
        self.remember_variables();
        self.shapes.clear();
        let keep = (self.state.session_user.clone(), self.state.current_user.clone());
        let database = self.state.database.clone();
        self.state.variables = self.defaults.variables.clone();
        self.state.search_path = self.defaults.search_path.clone();
        let now = self.state.format.now;
        let names = self.state.format.names.take();
        self.state.format = self.defaults.format.clone();
        self.state.format.now = now;
        self.state.format.names = names;
        (self.state.session_user, self.state.current_user) = keep;
        self.state.database = database;
        for name in REPORTED {
            self.report(name, client)?;
        }
        Outcome::done("RESET")
    }

    /// Tells the client of a variable that it follows.
    fn report(&self, name: &str, client: &mut dyn Client) -> Result<()> {
        let Some(name) = REPORTED.iter().find(|n| n.eq_ignore_ascii_case(name)) else {
            return Ok(());
        };
        client.parameter(name, &show(&self.state, name).unwrap_or_default())
    }

    /// SHOW of one variable.
    pub(super) fn show_variable(&self, name: &str) -> Result<Outcome> {
        let name = name.to_lowercase();
        let value = match (name.as_str(), &self.block) {
            ("transaction_isolation", Some(block)) => {
                isolation_name(block.txn.isolation()).to_owned()
            }
            ("transaction_read_only", Some(block)) => {
                if block.txn.is_read_only() {
                    "on".to_owned()
                } else {
                    "off".to_owned()
                }
            }
            ("transaction_status", block) => match block {
                Some(block) if block.failed => "Aborted".to_owned(),
                Some(block) if block.explicit => "Open".to_owned(),
                _ => "NoTxn".to_owned(),
            },
            _ => show(&self.state, &name).ok_or_else(|| unknown(&name))?,
        };
        let rows = vec![vec![Datum::text(value)]];
        Ok(Outcome::Rows { fields: show_fields(&name), rows, tag: "SHOW".to_owned() })
    }

    /// SHOW ALL.
    pub(super) fn show_all(&self) -> Outcome {
        let rows = variable::names()
            .map(|name| {
                let value = show(&self.state, name).unwrap_or_default();
                vec![Datum::text(name), Datum::text(value), Datum::text("")]
            })
            .collect();
        Outcome::Rows { fields: show_all_fields(), rows, tag: "SHOW".to_owned() }
    }
}
