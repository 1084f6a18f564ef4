//! CONFIGURE ZONE and SHOW ZONE CONFIGURATION: for how long overwritten rows stay readable.
//!
//! `gc.ttlseconds` is the one variable with an effect. The others place replicas, of which there is
//! one: they are checked, kept and shown, so that scripts written for CockroachDB run.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlparser::ast::{Expr, Value};

use super::{Outcome, Work, field, object};
use crate::catalog::descriptor::{DatabaseDescriptor, DescriptorId, TableDescriptor};
use crate::catalog::privilege::{self, Privilege};
use crate::catalog::zone::{self as stored, DEFAULT_ZONE, ZoneConfig};
use crate::catalog::{CatalogSnapshot, names};
use crate::error::{Error, Result, sqlstate};
use crate::settings::SQL_DEFAULT_GC_TTL;
use crate::sql::client::Field;
use crate::syntax::{ConfigureZone, ZoneAction, ZoneTarget, ZoneValue, quote_identifier};
use crate::types::{Datum, Type, text};

/// The variable that counts.
const GC_TTL: &str = "gc.ttlseconds";

/// Variables that are whole numbers and have no effect.
const NUMBERS: [&str; 4] = ["range_min_bytes", "range_max_bytes", "num_replicas", "num_voters"];

/// Variables that are text (or words) and have no effect.
const TEXTS: [&str; 4] = ["constraints", "voter_constraints", "lease_preferences", "global_reads"];

/// What has a zone.
enum Zone {
    Default,
    Database(Arc<DatabaseDescriptor>),
    Table(Arc<TableDescriptor>),
}

impl Zone {
    fn find(target: &ZoneTarget, work: &mut Work<'_>) -> Result<Zone> {
        match target {
            ZoneTarget::Range(name) if name.value.eq_ignore_ascii_case("default") => {
                Ok(Zone::Default)
            }
            ZoneTarget::Range(name) => {
                Err(Error::unsupported(format!("the zone of RANGE {}", name.value)))
            }
            ZoneTarget::Database(name) => {
                let catalog = work.catalog()?;
                names::resolve_database(&catalog, &name.value).map(Zone::Database)
            }
            ZoneTarget::Table(name) => object::relation(work, name).map(Zone::Table),
            ZoneTarget::Index { .. } => Err(Error::unsupported("the zone of an index")),
            ZoneTarget::Partition { .. } => Err(Error::unsupported("the zone of a partition")),
        }
    }

    fn id(&self) -> DescriptorId {
        match self {
            Zone::Default => DEFAULT_ZONE,
            Zone::Database(database) => database.id,
            Zone::Table(table) => table.id,
        }
    }

    /// Itself and those from which it inherits, nearest first.
    fn line(&self) -> Vec<DescriptorId> {
        match self {
            Zone::Default => vec![DEFAULT_ZONE],
            Zone::Database(database) => vec![database.id, DEFAULT_ZONE],
            Zone::Table(table) => vec![table.id, table.database, DEFAULT_ZONE],
        }
    }

    fn check(&self, catalog: &CatalogSnapshot, role: &str) -> Result<()> {
        let either = [Privilege::ZoneConfig, Privilege::Create];
        match self {
            Zone::Default => privilege::require_admin(catalog, role, "alter system ranges"),
            Zone::Database(database) => {
                privilege::check_any(catalog, role, database.as_ref(), &either)
            }
            Zone::Table(table) => privilege::check_any(catalog, role, table.as_ref(), &either),
        }
    }
}

/// How statements name the owner of a zone; `None` if it is gone.
fn target_name(catalog: &CatalogSnapshot, id: DescriptorId) -> Option<String> {
    if id == DEFAULT_ZONE {
        return Some("RANGE default".to_owned());
    }
    if let Some(database) = catalog.database_any_state(id) {
        return Some(format!("DATABASE {}", quote_identifier(&database.name)));
    }
    let table = catalog.table_any_state(id)?;
    let name = names::qualified_name(catalog, table).map(|part| quote_identifier(&part));
    Some(format!("TABLE {}", name.join(".")))
}

/// Runs ALTER … CONFIGURE ZONE.
pub fn configure(stmt: &ConfigureZone, work: &mut Work<'_>) -> Result<Outcome> {
    let zone = Zone::find(&stmt.target, work)?;
    let catalog = work.catalog()?;
    zone.check(&catalog, &work.session.current_user)?;
    let id = zone.id();
    let changed = match &stmt.action {
        ZoneAction::Discard if id == DEFAULT_ZONE => {
            return Err(Error::new(sqlstate::CHECK_VIOLATION, "cannot remove default zone"));
        }
        ZoneAction::Discard => stored::delete(work.txn, id)?,
        ZoneAction::UsingDefault if id == DEFAULT_ZONE => {
            stored::delete(work.txn, id)?;
            true
        }
        ZoneAction::UsingDefault => {
            stored::write(work.txn, id, &in_force(&catalog, &[DEFAULT_ZONE], work))?;
            true
        }
        ZoneAction::Using(set) => {
            let mut config = catalog.zone(id).cloned().unwrap_or_default();
            let parents = zone.line();
            let parent = in_force(&catalog, parents.get(1..).unwrap_or_default(), work);
            for (name, value) in set {
                assign(&mut config, &name.value.to_lowercase(), value, &parent, work)?;
            }
            stored::write(work.txn, id, &config)?;
            true
        }
    };
    Outcome::done(format!("CONFIGURE ZONE {}", u8::from(changed)))
}

/// What holds for the first of a line of zones; the time of keeping is always known.
fn in_force(catalog: &CatalogSnapshot, line: &[DescriptorId], work: &Work<'_>) -> ZoneConfig {
    let mut sum = ZoneConfig::default();
    for config in line.iter().filter_map(|id| catalog.zone(*id)) {
        sum.gc_ttl_seconds = sum.gc_ttl_seconds.or(config.gc_ttl_seconds);
        for (name, value) in &config.other {
            sum.other.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    let default = work.server.settings.duration(SQL_DEFAULT_GC_TTL).as_secs();
    sum.gc_ttl_seconds.get_or_insert(i64::try_from(default).unwrap_or(i64::MAX));
    sum
}

fn assign(
    config: &mut ZoneConfig,
    name: &str,
    value: &ZoneValue,
    parent: &ZoneConfig,
    work: &mut Work<'_>,
) -> Result<()> {
    let number = name == GC_TTL || NUMBERS.contains(&name);
    if !number && !TEXTS.contains(&name) {
        return Err(invalid(format!("unsupported zone config parameter: \"{name}\"")));
    }
    let value = match value {
        ZoneValue::CopyFromParent if name == GC_TTL => {
            config.gc_ttl_seconds = parent.gc_ttl_seconds;
            return Ok(());
        }
        ZoneValue::CopyFromParent => {
            match parent.other.get(name) {
                Some(value) => config.other.insert(name.to_owned(), value.clone()),
                None => config.other.remove(name),
            };
            return Ok(());
        }
        ZoneValue::Expr(expr) => word(expr, work)?,
    };
    let Some(value) = value else {
        return Err(invalid(format!("unsupported NULL value for \"{name}\"")));
    };
    if !number {
        config.other.insert(name.to_owned(), value);
        return Ok(());
    }
    let amount: i64 = value
        .parse()
        .map_err(|_| invalid(format!("{name} takes a whole number, not \"{value}\"")))?;
    let least = i64::from(name == GC_TTL || name.starts_with("num_"));
    if amount < least {
        return Err(Error::new(
            sqlstate::CHECK_VIOLATION,
            format!(
                "could not validate zone config: {name} {amount} less than minimum allowed {least}"
            ),
        ));
    }
    if name == GC_TTL {
        config.gc_ttl_seconds = Some(amount);
    } else {
        config.other.insert(name.to_owned(), value);
    }
    Ok(())
}

/// A value as text, `None` for NULL; a bare word means itself.
fn word(expr: &Expr, work: &mut Work<'_>) -> Result<Option<String>> {
    match expr {
        Expr::Identifier(ident) => return Ok(Some(ident.value.clone())),
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(word) => return Ok(Some(word.clone())),
            Value::Number(digits, _) => return Ok(Some(digits.clone())),
            _ => {}
        },
        _ => {}
    }
    let value = work.constant(expr, None)?;
    if value.is_null() {
        return Ok(None);
    }
    Ok(Some(text::to_string(&value, &value.shown_type(), &work.session.format)))
}

fn invalid(message: String) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, message)
}

/// The columns of SHOW ZONE CONFIGURATION(S).
pub fn show_fields() -> Vec<Field> {
    vec![field("target", Type::Text), field("raw_config_sql", Type::Text)]
}

/// SHOW ZONE CONFIGURATION FROM something, with what it inherits; or all that was set.
pub fn show(target: Option<&ZoneTarget>, work: &mut Work<'_>) -> Result<Outcome> {
    let rows = match target {
        Some(target) => {
            let zone = Zone::find(target, work)?;
            let catalog = work.catalog()?;
            let line = zone.line();
            // The target is the nearest one that has a configuration.
            let nearest = line.iter().copied().find(|id| catalog.zone(*id).is_some());
            let name = target_name(&catalog, nearest.unwrap_or(DEFAULT_ZONE));
            vec![row(name.unwrap_or_default(), &in_force(&catalog, &line, work))]
        }
        None => {
            let catalog = work.catalog()?;
            let default = in_force(&catalog, &[DEFAULT_ZONE], work);
            let default = row("RANGE default".to_owned(), &default);
            let others = catalog.zones().filter(|(id, _)| *id != DEFAULT_ZONE);
            let others = others.filter_map(|(id, config)| {
                target_name(&catalog, id).map(|target| row(target, config))
            });
            std::iter::once(default).chain(others).collect()
        }
    };
    Outcome::rows(show_fields(), rows)
}

fn row(target: String, config: &ZoneConfig) -> Vec<Datum> {
    let sql = statement(&target, config);
    vec![Datum::text(target), Datum::text(sql)]
}

/// The statement that sets a configuration.
fn statement(target: &str, config: &ZoneConfig) -> String {
    let mut set: BTreeMap<&str, String> = BTreeMap::new();
    if let Some(seconds) = config.gc_ttl_seconds {
        set.insert(GC_TTL, seconds.to_string());
    }
    for (name, value) in &config.other {
        let plain = NUMBERS.contains(&name.as_str()) || name == "global_reads";
        let value = if plain { value.clone() } else { format!("'{}'", value.replace('\'', "''")) };
        set.insert(name, value);
    }
    let set: Vec<String> = set.iter().map(|(name, value)| format!("\t{name} = {value}")).collect();
    if set.is_empty() {
        return format!("ALTER {target} CONFIGURE ZONE DISCARD");
    }
    format!("ALTER {target} CONFIGURE ZONE USING\n{}", set.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::testing::{ask, login, server};

    fn shown(session: &mut crate::sql::session::Session, what: &str) -> (String, String) {
        let answer = ask(session, &format!("SHOW ZONE CONFIGURATION {what}")).unwrap();
        assert_eq!(answer.columns, ["target", "raw_config_sql"]);
        let [Datum::Text(target), Datum::Text(sql)] = &answer.rows[0][..] else { panic!() };
        (target.to_string(), sql.to_string())
    }

    #[test]
    fn what_is_set_is_inherited_shown_and_discarded() {
        let server = server();
        let mut root = login(&server, "root");
        ask(&mut root, "CREATE TABLE t (id INT PRIMARY KEY)").unwrap();
        let ttl = |seconds| format!("CONFIGURE ZONE USING\n\tgc.ttlseconds = {seconds}");
        let default = ("RANGE default".to_owned(), format!("ALTER RANGE default {}", ttl(90_000)));
        assert_eq!(shown(&mut root, "FROM TABLE t"), default);
        for (alter, seconds, target) in [
            ("RANGE default", 1_000, "RANGE default"),
            ("DATABASE defaultdb", 2_000, "DATABASE defaultdb"),
            ("TABLE t", 3_000, "TABLE defaultdb.public.t"),
        ] {
            let sql = format!("ALTER {alter} CONFIGURE ZONE USING gc.ttlseconds = {seconds}");
            assert_eq!(ask(&mut root, &sql).unwrap().tags, ["CONFIGURE ZONE 1"]);
            let expected = (target.to_owned(), format!("ALTER {target} {}", ttl(seconds)));
            assert_eq!(shown(&mut root, "FOR TABLE t"), expected);
        }
        assert_eq!(ask(&mut root, "SHOW ZONE CONFIGURATIONS").unwrap().rows.len(), 3);
        let id = server.catalog.current().unwrap();
        let id = id.tables_any_state().find(|t| t.name == "t").unwrap().id;
        let effective = || server.catalog.current().unwrap().gc_ttl_seconds(id);
        assert_eq!(effective(), Some(3_000));
        let copy = "ALTER TABLE t CONFIGURE ZONE USING gc.ttlseconds = COPY FROM PARENT";
        ask(&mut root, copy).unwrap();
        assert_eq!(effective(), Some(2_000));
        ask(&mut root, "ALTER TABLE t CONFIGURE ZONE DISCARD").unwrap();
        ask(&mut root, "ALTER DATABASE defaultdb CONFIGURE ZONE DISCARD").unwrap();
        assert_eq!(effective(), Some(1_000));
        let nothing = ask(&mut root, "ALTER TABLE t CONFIGURE ZONE DISCARD").unwrap();
        assert_eq!(nothing.tags, ["CONFIGURE ZONE 0"]);
        // Within a transaction it can be taken back.
        let undone = "BEGIN; ALTER TABLE t CONFIGURE ZONE USING gc.ttlseconds = 5; ROLLBACK";
        ask(&mut root, undone).unwrap();
        assert_eq!(effective(), Some(1_000));
    }

    #[test]
    fn variables_without_effect_are_kept() {
        let server = server();
        let mut root = login(&server, "root");
        let sql = "ALTER DATABASE defaultdb CONFIGURE ZONE USING num_replicas = 5, \
                   constraints = '[+region=eu]'";
        ask(&mut root, sql).unwrap();
        let (_, sql) = shown(&mut root, "FROM DATABASE defaultdb");
        assert!(sql.contains("num_replicas = 5") && sql.contains("'[+region=eu]'"), "{sql}");
        assert!(sql.contains("gc.ttlseconds = 90000"), "{sql}");
        // What is shown can be run.
        ask(&mut root, &sql).unwrap();
    }

    #[test]
    fn refusals() {
        let server = server();
        let mut root = login(&server, "root");
        ask(&mut root, "CREATE TABLE t (id INT PRIMARY KEY); CREATE USER ann").unwrap();
        for (sql, code) in [
            ("TABLE t CONFIGURE ZONE USING gc.ttlseconds = 0", "23514"),
            ("TABLE t CONFIGURE ZONE USING gc.ttlseconds = 'soon'", "22023"),
            ("TABLE t CONFIGURE ZONE USING gc.ttlseconds = NULL", "22023"),
            ("TABLE t CONFIGURE ZONE USING colour = 1", "22023"),
            ("TABLE absent CONFIGURE ZONE USING gc.ttlseconds = 5", "42P01"),
            ("DATABASE absent CONFIGURE ZONE USING gc.ttlseconds = 5", "3D000"),
            ("RANGE default CONFIGURE ZONE DISCARD", "23514"),
            ("RANGE meta CONFIGURE ZONE USING gc.ttlseconds = 5", "0A000"),
            ("INDEX t@t_pkey CONFIGURE ZONE USING gc.ttlseconds = 5", "0A000"),
        ] {
            let error = ask(&mut root, &format!("ALTER {sql}")).err().expect(sql);
            assert_eq!(error.code().as_str(), code, "{sql}: {error}");
        }
        let mut ann = login(&server, "ann");
        for target in ["RANGE default", "DATABASE defaultdb", "TABLE t"] {
            let sql = format!("ALTER {target} CONFIGURE ZONE USING gc.ttlseconds = 5");
            let error = ask(&mut ann, &sql).err().expect(target);
            assert_eq!(error.code().as_str(), "42501", "{target}");
        }
    }
}
