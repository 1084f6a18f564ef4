//! SHOW BACKUPS, SHOW BACKUP: what collections hold and what is in a backup.

use std::collections::{BTreeMap, HashMap};

use super::restore::{self, collection, uris};
use super::show_create;
use super::{Outcome, Work, count, field, userfile};
use crate::archive::{FileRecord, Secret, chain_key, collection as archived, verify_file};
use crate::catalog::descriptor::{Descriptor, DescriptorId, GrantSet, Privileges, TableDescriptor};
use crate::catalog::names::PUBLIC_SCHEMA;
use crate::catalog::privilege::Privilege;
use crate::catalog::{CatalogSnapshot, ObjectRef};
use crate::clock::Timestamp;
use crate::cloud::ExternalUri;
use crate::error::{Error, Result, sqlstate};
use crate::keys::{IndexId, Span, TableId, pretty, split_prefix, table_span};
use crate::restore::{Chosen, Holdings, Source, SourceFrom, SourceLayer, check_access};
use crate::sql::client::Field;
use crate::syntax::{
    BackupDetails, ShowBackup, ShowBackupFrom, ShowBackupOptions, ShowBackups, quote_identifier,
};
use crate::task::Interrupt;
use crate::types::{Datum, Type};
use std::sync::Arc;

/// Missing files that `check_files` names.
const NAMED_MAX: usize = 10;

/// Runs SHOW BACKUPS IN.
pub fn run_list(stmt: &ShowBackups, work: &mut Work<'_>) -> Result<Outcome> {
    if stmt.newer_than.is_some() || stmt.older_than.is_some() {
        return Err(Error::unsupported("SHOW BACKUPS with NEWER THAN or OLDER THAN"));
    }
    let uris = uris(&stmt.collection, work)?;
    check(&uris, "SHOW BACKUPS", work)?;
    let Some(uri) = uris.first() else { return Err(Error::internal("no destination")) };
    let store = work.server.cloud.open_interruptible(uri, work.interrupt)?;
    let fulls = archived::list_fulls(&*store)?;
    Outcome::rows(list_fields(), fulls.iter().map(|dir| vec![Datum::text(dir)]).collect())
}

/// The columns of SHOW BACKUPS IN.
pub fn list_fields() -> Vec<Field> {
    vec![field("path", Type::Text)]
}

/// Runs SHOW BACKUP.
pub fn run(stmt: &ShowBackup, work: &mut Work<'_>) -> Result<Outcome> {
    let options = &stmt.options;
    check_options(stmt)?;
    let from = match &stmt.from {
        ShowBackupFrom::Uri(destination) => SourceFrom::Chain(vec![uris(destination, work)?]),
        ShowBackupFrom::Collection(subdir, destination) => collection(subdir, destination, work)?,
    };
    let named: Vec<String> = from.uris().map(str::to_owned).collect();
    check(&named, "SHOW BACKUP", work)?;
    let secret = restore::secret(&options.encryption_passphrase, &options.kms, work)?;
    let secret = match &options.encryption_info_dir {
        Some(dir) => elsewhere(&work.string(dir)?, secret, work)?,
        None => secret,
    };
    let source = Source::open(&work.server.cloud, &from, secret.as_ref(), Some(work.interrupt))?;
    if options.check_files {
        check_files(&source)?;
    }
    let mut rows = Vec::new();
    for at in 0..source.layers.len() {
        match (options.as_json, stmt.details) {
            (true, _) => rows.push(vec![manifest(&source.layers[at])?]),
            (_, BackupDetails::Files) => files(&source.layers[at], &mut rows),
            (_, BackupDetails::Ranges) => ranges(&source.layers[at], &mut rows),
            (_, BackupDetails::Validate) => rows.push(validate(&source.layers[at], work)?),
            (_, BackupDetails::Objects | BackupDetails::Schemas) => {
                objects(stmt, &source, at, work.interrupt, &mut rows)?;
            }
        }
    }
    Outcome::rows(fields(stmt), rows)
}

/// The columns of SHOW BACKUP.
pub fn fields(stmt: &ShowBackup) -> Vec<Field> {
    let options = &stmt.options;
    let keys = |fields: &mut Vec<Field>| {
        for (name, ty) in [
            ("start_pretty", Type::Text),
            ("end_pretty", Type::Text),
            ("start_key", Type::Bytea),
            ("end_key", Type::Bytea),
        ] {
            fields.push(field(name, ty));
        }
    };
    if options.as_json {
        return vec![field("manifest", Type::Jsonb)];
    }
    let mut fields = Vec::new();
    match stmt.details {
        BackupDetails::Files => {
            fields.push(field("path", Type::Text));
            keys(&mut fields);
            fields.push(field("size_bytes", Type::Int8));
            fields.push(field("rows", Type::Int8));
        }
        BackupDetails::Ranges => keys(&mut fields),
        BackupDetails::Validate => fields.push(field("validation_status", Type::Text)),
        BackupDetails::Objects | BackupDetails::Schemas => {
            for (name, id) in [
                ("database_name", "database_id"),
                ("parent_schema_name", "parent_schema_id"),
                ("object_name", "object_id"),
            ] {
                fields.push(field(name, Type::Text));
                if options.debug_ids {
                    fields.push(field(id, Type::Int8));
                }
            }
            fields.extend([
                field("object_type", Type::Text),
                field("start_time", Type::Timestamp),
                field("end_time", Type::Timestamp),
                field("size_bytes", Type::Int8),
                field("rows", Type::Int8),
                field("is_full_cluster", Type::Bool),
            ]);
            if stmt.details == BackupDetails::Schemas {
                fields.push(field("create_statement", Type::Text));
            }
            if options.privileges {
                fields.push(field("privileges", Type::Text));
                fields.push(field("owner", Type::Text));
            }
            if options.check_files {
                fields.push(field("file_bytes", Type::Int8));
            }
        }
    }
    fields
}

/// The key of a chain whose full backup is in another directory than the layer that is shown.
fn elsewhere(uri: &str, secret: Option<Secret>, work: &mut Work<'_>) -> Result<Option<Secret>> {
    let Some(secret) = secret else {
        return Err(Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            "encryption_info_dir needs one of encryption_passphrase or kms",
        ));
    };
    let uri = userfile::readable(uri.to_owned(), work)?;
    check(std::slice::from_ref(&uri), "SHOW BACKUP", work)?;
    let store = work.server.cloud.open_interruptible(&uri, work.interrupt)?;
    Ok(Some(Secret::Opened(chain_key::open_key(&*store, "", &secret)?)))
}

fn check_options(stmt: &ShowBackup) -> Result<()> {
    let ShowBackupOptions { incremental_location, .. } = &stmt.options;
    let unsupported = [
        (!incremental_location.is_empty(), "incremental_location"),
        (stmt.options.skip_size, "skip size"),
        (stmt.options.debug_dump_metadata_sst, "debug_dump_metadata_sst"),
    ];
    match unsupported.iter().find(|(given, _)| *given) {
        Some((_, name)) => Err(Error::unsupported(format!("SHOW BACKUP with the option {name}"))),
        None => Ok(()),
    }
}

/// Refuses URIs from which the user may not read.
pub(super) fn check(uris: &[String], verb: &str, work: &mut Work<'_>) -> Result<()> {
    let catalog: Arc<CatalogSnapshot> = work.catalog()?;
    for uri in uris {
        let uri = ExternalUri::parse(uri)?;
        check_access(&work.server.cloud, &catalog, &work.session.current_user, &uri, verb)?;
    }
    Ok(())
}

fn manifest(layer: &SourceLayer) -> Result<Datum> {
    let value = serde_json::to_value(&layer.manifest)
        .map_err(|e| Error::internal("a manifest cannot be shown").with_source(e))?;
    Ok(Datum::Jsonb(Arc::new(value)))
}

fn files(layer: &SourceLayer, rows: &mut Vec<Vec<Datum>>) {
    for file in &layer.manifest.files {
        let mut row = vec![Datum::text(&file.path)];
        row.extend(keys(&file.span));
        row.extend([count(file.bytes), count(file.rows)]);
        rows.push(row);
    }
}

fn ranges(layer: &SourceLayer, rows: &mut Vec<Vec<Datum>>) {
    let spans = layer.manifest.spans.iter().chain(&layer.manifest.introduced_spans);
    rows.extend(spans.map(|span| keys(span).to_vec()));
}

fn keys(span: &Span) -> [Datum; 4] {
    [
        Datum::text(pretty::key(&span.start)),
        Datum::text(pretty::key(&span.end)),
        Datum::bytes(&span.start),
        Datum::bytes(&span.end),
    ]
}

/// Reads every data file of a layer whole and compares it with the manifest.
fn validate(layer: &SourceLayer, work: &Work<'_>) -> Result<Vec<Datum>> {
    for file in &layer.manifest.files {
        work.interrupt.check()?;
        verify_file(&**layer.store(file)?, layer.layer.dir(), file)?;
    }
    let count = layer.manifest.files.len();
    Ok(vec![Datum::text(format!("{}: {count} files are as they were written", layer.layer.dir()))])
}

/// Looks for every data file, and compares lengths.
fn check_files(source: &Source) -> Result<()> {
    let mut missing = Vec::new();
    for layer in &source.layers {
        for file in &layer.manifest.files {
            let path = layer.layer.file(&file.path);
            match layer.store(file)?.size(&path)? {
                Some(size) if size == file.file_bytes => {}
                Some(size) => {
                    missing.push(format!("{path} ({size} bytes instead of {})", file.file_bytes));
                }
                None => missing.push(path),
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let shown = missing.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    Err(Error::new(
        sqlstate::UNDEFINED_FILE,
        format!("{} files of the backup are missing or cut: {shown}", missing.len()),
    ))
}

/// What one layer holds of a table.
#[derive(Clone, Copy, Default)]
struct Size {
    rows: u64,
    bytes: u64,
    file_bytes: u64,
}

fn objects(
    stmt: &ShowBackup,
    source: &Source,
    at: usize,
    interrupt: &Interrupt,
    rows: &mut Vec<Vec<Datum>>,
) -> Result<()> {
    let Some(layer) = source.layers.get(at) else { return Ok(()) };
    let manifest = &layer.manifest;
    let holdings = Holdings::at(&source.layers, Chosen { last: at, at: manifest.end_time })?;
    let sizes = sizes(layer, &holdings, interrupt)?;
    for object in holdings.objects() {
        if matches!(object, Descriptor::Schema(schema) if schema.name == PUBLIC_SCHEMA) {
            continue;
        }
        let options = &stmt.options;
        let (database, schema) = object.parents();
        let table = match object {
            Descriptor::Table(table) => Some(table),
            _ => None,
        };
        let size = table.map(|table| sizes.get(&table.id).copied().unwrap_or_default());
        let kind = match object {
            Descriptor::Database(_) => "database",
            Descriptor::Schema(_) => "schema",
            Descriptor::Table(_) => "table",
            Descriptor::Type(_) => "type",
        };
        let mut row = Vec::new();
        let name = |id: DescriptorId| {
            let found = holdings.object(id).filter(|_| id != 0);
            found.map_or(Datum::Null, |parent| Datum::text(parent.name()))
        };
        let number = |id: DescriptorId| match id {
            0 => Datum::Null,
            id => Datum::Int8(i64::from(id)),
        };
        for (text, id) in [
            (name(database), database),
            (name(schema), schema),
            (Datum::text(object.name()), object.id()),
        ] {
            row.push(text);
            if options.debug_ids {
                row.push(number(id));
            }
        }
        let start = (!manifest.is_full()).then_some(manifest.start_time);
        row.extend([
            Datum::text(kind),
            time(start),
            time(Some(manifest.end_time)),
            Datum::from(size.map(|size| count(size.bytes))),
            Datum::from(size.map(|size| count(size.rows))),
            Datum::Bool(holdings.everything()),
        ]);
        if stmt.details == BackupDetails::Schemas {
            row.push(Datum::from(table.map(|table| created(&holdings, table))));
        }
        if options.privileges {
            row.push(Datum::text(grants(object)));
            row.push(Datum::text(&object.privileges().owner));
        }
        if options.check_files {
            row.push(Datum::from(size.map(|size| count(size.file_bytes))));
        }
        rows.push(row);
    }
    Ok(())
}

fn created(holdings: &Holdings, table: &TableDescriptor) -> Datum {
    Datum::text(show_create::relation(holdings, table))
}

/// `GRANT a, b ON name TO role; …`
fn grants(object: &Descriptor) -> String {
    let Privileges { grants, .. } = object.privileges();
    let kind = ObjectRef::from(object).kind();
    let statement = |(role, set): (&String, &GrantSet)| {
        let all = set.held & kind.all() == kind.all();
        let held = Privilege::all().filter(|privilege| set.holds(*privilege));
        let list = match all {
            true => "ALL".to_owned(),
            false => held.map(Privilege::name).collect::<Vec<_>>().join(", "),
        };
        let (name, role) = (quote_identifier(object.name()), quote_identifier(role));
        format!("GRANT {list} ON {name} TO {role}; ")
    };
    grants.iter().filter(|(_, set)| set.held != 0).map(statement).collect()
}

/// What a layer's files hold of each table. A file that has only one table is counted by its
/// record; others are read.
fn sizes(
    layer: &SourceLayer,
    holdings: &Holdings,
    interrupt: &Interrupt,
) -> Result<BTreeMap<TableId, Size>> {
    let primary: HashMap<TableId, IndexId> = holdings
        .objects()
        .filter_map(|object| match object {
            Descriptor::Table(t) if t.has_rows() => Some((t.id, t.primary_index.id)),
            _ => None,
        })
        .collect();
    let mut sizes: BTreeMap<TableId, Size> = BTreeMap::new();
    for file in &layer.manifest.files {
        let first = split_prefix(&file.span.start).map(|(table, _, _)| table);
        match first.filter(|table| table_span(*table).covers(&file.span)) {
            Some(table) => {
                let size = sizes.entry(table).or_default();
                size.rows += file.rows;
                size.bytes += file.bytes;
                size.file_bytes += file.file_bytes;
            }
            None => count_entries(layer, file, &primary, interrupt, &mut sizes)?,
        }
    }
    Ok(sizes)
}

fn count_entries(
    layer: &SourceLayer,
    file: &FileRecord,
    primary: &HashMap<TableId, IndexId>,
    interrupt: &Interrupt,
    sizes: &mut BTreeMap<TableId, Size>,
) -> Result<()> {
    let mut scan = layer.reader(file)?.scan(&file.span);
    let mut here: BTreeMap<TableId, Size> = BTreeMap::new();
    let mut seen = 0u64;
    while let Some(entry) = scan.next()? {
        seen += 1;
        if seen.is_multiple_of(4_096) {
            interrupt.check()?;
        }
        let Some((table, index, _)) = split_prefix(entry.key) else { continue };
        let size = here.entry(table).or_default();
        size.bytes += (entry.key.len() + entry.value.map_or(0, <[u8]>::len)) as u64;
        let is_row = primary.get(&table).is_none_or(|primary| *primary == index);
        if entry.value.is_some() && is_row {
            size.rows += 1;
        }
    }
    for (table, size) in here {
        let sum = sizes.entry(table).or_default();
        sum.rows += size.rows;
        sum.bytes += size.bytes;
        // A table's share of a file is that of its bytes before compression.
        let share = u128::from(file.file_bytes) * u128::from(size.bytes);
        let share = share / u128::from(file.bytes.max(1));
        sum.file_bytes += u64::try_from(share).unwrap_or(u64::MAX);
    }
    Ok(())
}

fn time(at: Option<Timestamp>) -> Datum {
    at.map_or(Datum::Null, |at| Datum::Timestamp(at.sql_micros()))
}
