//! SET, RESET and SHOW CLUSTER SETTING(S).

use sqlparser::ast::{Expr, Value};

use crate::catalog::privilege;
use crate::catalog::role::RoleOption;
use crate::catalog::{CatalogSnapshot, setting as stored};
use crate::error::{Error, Result, sqlstate};
use crate::settings::{self, Settings};
use crate::sql::client::Field;
use crate::sql::statement::{Outcome, Work, field};
use crate::syntax::SetClusterSetting;
use crate::types::{Datum, Type, text};

/// SET and RESET CLUSTER SETTING. The value is in force once the transaction has committed.
pub fn set(set: &SetClusterSetting, work: &mut Work<'_>) -> Result<Outcome> {
    let catalog = work.catalog()?;
    require(&catalog, work)?;
    let setting = Settings::find(&set.name.to_lowercase())?;
    let value = match &set.value {
        None => None,
        Some(expr) => Some(Settings::validate(setting, &word(expr, work)?)?),
    };
    let now = work.server.clock.now();
    stored::write(work.txn, setting, value.as_deref(), now)?;
    let server = work.server.clone();
    work.txn.on_commit(move |_| server.settings.apply(setting, value));
    Outcome::done("SET CLUSTER SETTING")
}

/// The value as text: a bare word means itself.
fn word(expr: &Expr, work: &mut Work<'_>) -> Result<String> {
    match expr {
        Expr::Identifier(ident) => Ok(ident.value.clone()),
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(word) => Ok(word.clone()),
            Value::Number(digits, _) => Ok(digits.clone()),
            Value::Boolean(on) => Ok(on.to_string()),
            _ => evaluated(expr, work),
        },
        _ => evaluated(expr, work),
    }
}

fn evaluated(expr: &Expr, work: &mut Work<'_>) -> Result<String> {
    let value = work.constant(expr, None)?;
    if value.is_null() {
        return Err(Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            "a cluster setting cannot be set to NULL",
        ));
    }
    Ok(text::to_string(&value, &value.shown_type(), &work.session.format))
}

fn require(catalog: &CatalogSnapshot, work: &Work<'_>) -> Result<()> {
    let action = "change or see cluster settings";
    privilege::require_option(
        catalog,
        &work.session.current_user,
        RoleOption::ModifyClusterSetting,
        action,
    )
}

/// SHOW CLUSTER SETTING.
pub fn show(name: &str, work: &mut Work<'_>) -> Result<Outcome> {
    let catalog = work.catalog()?;
    require(&catalog, work)?;
    let name = name.to_lowercase();
    if name == "version" {
        let rows = vec![vec![Datum::text(env!("CARGO_PKG_VERSION"))]];
        return Outcome::rows(show_fields(&name), rows);
    }
    let setting = Settings::find(&name)?;
    Outcome::rows(show_fields(&name), vec![vec![Datum::text(work.server.settings.text(setting))]])
}

/// SHOW CLUSTER SETTINGS.
pub fn show_all(work: &mut Work<'_>) -> Result<Outcome> {
    let catalog = work.catalog()?;
    require(&catalog, work)?;
    let mut all: Vec<_> = settings::ALL.to_vec();
    all.sort_by_key(|s| s.name);
    let rows = all
        .into_iter()
        .map(|s| {
            [s.name, &work.server.settings.text(s), s.kind.letter(), s.description]
                .map(Datum::text)
                .to_vec()
        })
        .collect();
    Outcome::rows(show_all_fields(), rows)
}

/// The column of SHOW CLUSTER SETTING.
pub fn show_fields(name: &str) -> Vec<Field> {
    vec![field(name, Type::Text)]
}

/// The columns of SHOW CLUSTER SETTINGS.
pub fn show_all_fields() -> Vec<Field> {
    ["variable", "value", "setting_type", "description"].map(|n| field(n, Type::Text)).to_vec()
}
