//! Planning, in the statement's transaction: everything that can be refused is refused here, and
//! leaves no job behind.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::dependency;
use super::describe::describe;
use super::details::{Details, Secrets, TableWork};
use super::holdings::Holdings;
use super::place::{Move, Placed, place};
use super::source::{Source, SourceFrom, check_access};
use super::target::{Here, Kind, Selection, select};
use super::{Services, load};
use crate::archive::Secret;
use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::{Descriptor, DescriptorId};
use crate::catalog::names::PUBLIC_SCHEMA;
use crate::catalog::privilege::require_admin;
use crate::clock::Timestamp;
use crate::cloud::ExternalUri;
use crate::error::{Error, Result, sqlstate};
use crate::jobs::{JobId, secret};
use crate::mvcc::Txn;
use crate::syntax::{TablePattern, Targets};
use crate::task::Interrupt;

/// Options of RESTORE that bear on what is restored.
#[derive(Clone, Debug, Default)]
pub struct RestoreOptions {
    /// The existing database that tables go into.
    pub into_db: Option<String>,
    /// The existing schema that tables go into.
    pub into_schema: Option<String>,
    /// Another name for the one restored database.
    pub new_db_name: Option<String>,
    /// Foreign keys whose parent is not restored are dropped.
    pub skip_missing_foreign_keys: bool,
    /// Defaults that use sequences which are not restored are dropped.
    pub skip_missing_sequences: bool,
    /// Ownership of sequences by tables that are not restored is dropped.
    pub skip_missing_sequence_owners: bool,
    /// Views whose relations are not restored are left out.
    pub skip_missing_views: bool,
    /// No rows.
    pub schema_only: bool,
    /// With `schema_only`: the rows are read and checked.
    pub verify_backup_table_data: bool,
    /// Grants to roles that exist here are kept.
    pub grants: bool,
    /// Return when the job exists; only shown in the description here.
    pub detached: bool,
}

/// What a statement asks for.
#[derive(Clone, Debug)]
pub struct RestoreRequest {
    /// What.
    pub targets: Targets,
    /// Other names for the tables of [`Targets::Tables`], pattern by pattern; may be empty.
    pub renames: Vec<Option<TablePattern>>,
    /// Where from.
    pub from: SourceFrom,
    /// As of when.
    pub as_of: Option<Timestamp>,
    /// The passphrase or keys of the backup.
    pub secret: Option<Secret>,
    /// How.
    pub options: RestoreOptions,
}

/// What planning works with.
pub struct PlanContext<'a> {
    /// The services of the node.
    pub services: &'a Services,
    /// The statement's transaction.
    pub txn: &'a mut Txn,
    /// The catalog as the transaction sees it.
    pub snapshot: Arc<CatalogSnapshot>,
    /// Who asks.
    pub user: &'a str,
    /// The name of the current database.
    pub database: &'a str,
    /// The schemas of the search path.
    pub search_path: &'a [String],
    /// The number that the job will have.
    pub job_id: JobId,
    /// Ends reading from slow stores.
    pub interrupt: &'a Interrupt,
}

/// What the job is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the job keeps.
    pub details: Value,
    /// The statement, canonical and redacted.
    pub description: String,
    /// The numbers of the objects that will exist.
    pub descriptor_ids: Vec<DescriptorId>,
}

/// Plans a restore. Keeps the secrets of the job in the statement's transaction.
pub fn plan(ctx: &mut PlanContext<'_>, request: &RestoreRequest) -> Result<Plan> {
    check_options(request)?;
    match request.targets {
        Targets::Cluster => {
            require_admin(&ctx.snapshot, ctx.user, "restore full cluster backups")?;
        }
        Targets::SystemUsers => require_admin(&ctx.snapshot, ctx.user, "restore system users")?,
        _ => {}
    }
    let cloud = &ctx.services.cloud;
    for uri in request.from.uris() {
        let uri = ExternalUri::parse(uri)?;
        check_access(cloud, &ctx.snapshot, ctx.user, &uri, "RESTORE")?;
    }
    let source = Source::open(cloud, &request.from, request.secret.as_ref(), Some(ctx.interrupt))?;
    source.check()?;
    let chosen = source.choose(request.as_of)?;
    source.check_places(chosen.last)?;
    let holdings = Holdings::at(&source.layers, chosen)?;
    let here = Here { database: ctx.database, search_path: ctx.search_path };
    let selection = select(&holdings, &request.targets, here)?;
    let moves = moves(ctx, &holdings, &selection, request)?;
    let objects = dependency::settle(&holdings, &selection, &request.options)?;
    let Placed { descriptors, rewrite, into, replaced } =
        place(ctx, &holdings, selection.kind, &objects, &moves, &request.options)?;

    let wants_data = !request.options.schema_only || request.options.verify_backup_table_data;
    let tables = match wants_data {
        true => objects.values().map(|o| work(o, &rewrite)).collect::<Result<Vec<_>>>()?,
        false => Vec::new(),
    };
    let details = Details {
        user: ctx.user.to_owned(),
        cluster: selection.kind == Kind::Cluster,
        users: selection.kind == Kind::Users,
        layers: source.refs(chosen.last),
        as_of: chosen.at,
        tables: tables.into_iter().flatten().collect(),
        ids: rewrite.ids,
        into,
        replaced,
        schema_only: request.options.schema_only,
        verify_data: request.options.verify_backup_table_data,
        descriptors,
    };
    // A chain that lacks data is better refused now than by the job.
    load::pieces(&details, &source.layers)?;
    let secrets = Secrets {
        bases: source.bases.clone(),
        key: source.key.as_ref().map(|key| key.to_secret_text().to_string()),
    };
    secret::keep(ctx.txn, ctx.job_id, &secrets)?;
    let description = describe(request, &holdings, &selection, &moves, &source);
    let descriptor_ids = details.descriptors.iter().map(Descriptor::id).collect();
    let details = serde_json::to_value(&details).map_err(|e| {
        Error::internal("the details of a restore cannot be written").with_source(e)
    })?;
    Ok(Plan { details, description, descriptor_ids })
}

/// Where tables go that the statement gives another name or schema.
fn moves(
    ctx: &PlanContext<'_>,
    holdings: &Holdings,
    selection: &Selection,
    request: &RestoreRequest,
) -> Result<BTreeMap<DescriptorId, Move>> {
    let options = &request.options;
    let mut moves = BTreeMap::new();
    let Targets::Tables(patterns) = &request.targets else { return Ok(moves) };
    for id in &selection.ids {
        let Some(table) = holdings.table(*id) else { continue };
        let [database, schema, name] = holdings.qualified_name(table);
        let to = Move {
            database: options.into_db.clone().unwrap_or(database),
            schema: options.into_schema.clone().unwrap_or(schema),
            name,
        };
        if options.into_schema.is_some() {
            moves.insert(*id, to.clone());
        }
        let here = Here { database: ctx.database, search_path: ctx.search_path };
        let mut is_renamed = false;
        for (pattern, rename) in patterns.iter().zip(&request.renames) {
            let Some(rename) = rename else { continue };
            let one = Targets::Tables(vec![pattern.clone()]);
            if select(holdings, &one, here)?.ids.contains(id) {
                let to = renamed(ctx, rename, &to)?;
                if std::mem::replace(&mut is_renamed, true) {
                    return invalid("a table cannot be restored under two names");
                }
                moves.insert(*id, to);
            }
        }
    }
    Ok(moves)
}

/// What the name after AS means for a table that would go elsewhere without it.
fn renamed(ctx: &PlanContext<'_>, rename: &TablePattern, without: &Move) -> Result<Move> {
    let Some(name) = &rename.table else { return invalid("AS needs the name of a table") };
    let prefix: Vec<&str> = rename.prefix.iter().map(|part| part.value.as_str()).collect();
    let (database, schema) = match prefix.as_slice() {
        [] => (without.database.as_str(), without.schema.as_str()),
        [first] => {
            let current = ctx.snapshot.database_named(ctx.database)?;
            let schema = current.map(|d| ctx.snapshot.schema_named(d.id, first)).transpose()?;
            match schema.flatten() {
                Some(_) => (ctx.database, *first),
                None => (*first, PUBLIC_SCHEMA),
            }
        }
        [database, schema] => (*database, *schema),
        _ => return invalid("improper qualified name after AS"),
    };
    Ok(Move { database: database.to_owned(), schema: schema.to_owned(), name: name.value.clone() })
}

fn invalid<T>(message: &str) -> Result<T> {
    Err(Error::new(sqlstate::INVALID_PARAMETER_VALUE, message))
}

fn check_options(request: &RestoreRequest) -> Result<()> {
    let options = &request.options;
    if options.into_schema.is_some() && !matches!(request.targets, Targets::Tables(_)) {
        return invalid("the option \"into_schema\" can only be used when restoring tables");
    }
    if options.into_db.is_some() && !matches!(request.targets, Targets::Tables(_)) {
        return invalid("the option \"into_db\" can only be used when restoring tables");
    }
    let one_database = matches!(&request.targets, Targets::Databases(names) if names.len() == 1);
    if options.new_db_name.is_some() && !one_database {
        return invalid(
            "the option \"new_db_name\" can only be used for RESTORE DATABASE with one database",
        );
    }
    if options.verify_backup_table_data && !options.schema_only {
        return invalid("the option \"verify_backup_table_data\" needs \"schema_only\"");
    }
    let empty = |name: &Option<String>| name.as_ref().is_some_and(String::is_empty);
    if [&options.into_db, &options.into_schema, &options.new_db_name].into_iter().any(empty) {
        return invalid("the name of a database or schema must not be empty");
    }
    Ok(())
}

/// The data that belongs to an object.
fn work(object: &Descriptor, rewrite: &super::rewrite::Rewrite) -> Result<Option<TableWork>> {
    let Descriptor::Table(table) = object else { return Ok(None) };
    if !table.has_rows() && table.sequence().is_none() {
        return Ok(None);
    }
    let mut indexes: Vec<_> = table.all_indexes().map(|index| index.id).collect();
    if table.sequence().is_some() {
        // Its value lies where a table's rows would.
        indexes = vec![table.primary_index.id];
    }
    indexes.sort_unstable();
    indexes.dedup();
    Ok(Some(TableWork {
        old: table.id,
        new: rewrite.id(table.id)?,
        name: table.name.clone(),
        primary: table.primary_index.id,
        indexes,
    }))
}
