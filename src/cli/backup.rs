//! `cairn backup`: reads a collection without a server, so that nobody's data is locked in.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::archive::{Secret, collection};
use crate::catalog::ObjectRef;
use crate::catalog::descriptor::Descriptor;
use crate::clock::Timestamp;
use crate::cloud::{Cloud, ExternalUri};
use crate::error::{Error, Result, sqlstate};
use crate::restore::{Chosen, Holdings, Source, SourceFrom, Subdir};
use crate::settings::Settings;
use crate::task::Interrupt;
use crate::types::{Datum, SessionFormat, Type, text};

/// The URI itself, if it holds secrets.
const URL_VARIABLE: &str = "CAIRN_BACKUP_URL";
/// The passphrase of an encrypted backup.
const PASSPHRASE_VARIABLE: &str = "CAIRN_BACKUP_PASSPHRASE";
/// The URIs of master keys, separated by spaces.
const KMS_VARIABLE: &str = "CAIRN_BACKUP_KMS";

/// What can be typed after `cairn backup`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List the full backups of a collection
    Ls(Place),
    /// List what is in a backup, layer by layer
    Show(Backup),
    /// Read every byte of a backup and compare it with what was written
    Verify(Backup),
    /// Write the rows of one table as CSV
    Export(Export),
}

/// Where a collection is.
#[derive(clap::Args)]
struct Place {
    /// A directory, a URI such as s3://bucket/dir?AUTH=implicit, or - for the one in
    /// CAIRN_BACKUP_URL, where secrets belong
    url: String,
}

#[derive(clap::Args)]
struct Backup {
    #[command(flatten)]
    place: Place,
    /// The full backup's directory, as `ls` lists it
    #[arg(default_value = "LATEST")]
    subdir: String,
}

#[derive(clap::Args)]
struct Export {
    #[command(flatten)]
    backup: Backup,
    /// The table: database.schema.table, or database.table in the schema public
    #[arg(long)]
    table: String,
    /// A time in UTC that the backup covers [default: its end]
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Does what the arguments say.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    match &arguments.action {
        Action::Ls(place) => ls(place, &mut out)?,
        Action::Show(backup) => show(&open(backup)?.1, &mut out)?,
        Action::Verify(backup) => verify(&open(backup)?.1, &mut out)?,
        Action::Export(export) => match &export.output {
            None => write_table(export, &mut out)?,
            Some(path) => {
                let context = |e: Error| e.context(format!("writing {}", path.display()));
                let file = File::create(path).map_err(|e| context(e.into()))?;
                let mut file = BufWriter::new(file);
                write_table(export, &mut file)?;
                let file = file.into_inner().map_err(|e| context(e.into_error().into()))?;
                file.sync_all().map_err(|e| context(e.into()))?;
            }
        },
    }
    out.flush()?;
    Ok(())
}

/// A collection's URI, and storage that opens it. The runtime has to live as long as it.
fn storage(place: &Place) -> Result<(Runtime, Cloud, String)> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut cloud = Cloud::new(runtime.handle().clone(), Arc::new(Settings::new()));
    if place.url != "-" && !place.url.contains("://") {
        cloud.external_io_dir = Some(Path::new(&place.url).canonicalize().map_err(|e| {
            Error::from(e).context(format!("opening the directory \"{}\"", place.url))
        })?);
        return Ok((runtime, cloud, "nodelocal://self/".to_owned()));
    }
    if place.url == "-" {
        let url = variable(URL_VARIABLE)?.ok_or_else(|| {
            invalid(format!("\"-\" means the URI in {URL_VARIABLE}, which is not set"))
        })?;
        return Ok((runtime, cloud, url));
    }
    let uri = ExternalUri::parse(&place.url)?;
    if uri.redacted() != uri.to_secret_string() {
        return Err(invalid("every user of the machine can read arguments, secrets included")
            .with_hint(format!("Put the URI into {URL_VARIABLE} and write - in its place.")));
    }
    Ok((runtime, cloud, place.url.clone()))
}

fn variable(name: &str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(invalid(format!("{name} is not UTF-8"))),
    }
}

fn secret(cloud: &Cloud) -> Result<Option<Secret>> {
    if let Some(uris) = variable(KMS_VARIABLE)? {
        let interrupt = Interrupt::new();
        let keys = uris.split_whitespace().map(|uri| cloud.open_kms(uri, &interrupt));
        return Ok(Some(Secret::Kms(keys.collect::<Result<_>>()?)));
    }
    Ok(variable(PASSPHRASE_VARIABLE)?.map(Secret::passphrase))
}

fn open(backup: &Backup) -> Result<(Runtime, Source)> {
    let (runtime, cloud, url) = storage(&backup.place)?;
    let secret = secret(&cloud)?;
    let from = SourceFrom::Collection(Subdir::Named(backup.subdir.clone()), vec![url]);
    let source = Source::open(&cloud, &from, secret.as_ref(), None)?;
    Ok((runtime, source))
}

fn ls(place: &Place, out: &mut dyn Write) -> Result<()> {
    let (_runtime, cloud, url) = storage(place)?;
    for dir in collection::list_fulls(&*cloud.open(&url)?)? {
        writeln!(out, "{dir}")?;
    }
    Ok(())
}

fn show(source: &Source, out: &mut dyn Write) -> Result<()> {
    for (at, layer) in source.layers.iter().enumerate() {
        let manifest = &layer.manifest;
        let stored: u64 = manifest.files.iter().map(|file| file.file_bytes).sum();
        writeln!(
            out,
            "{}\t{}\tup to {}\t{} rows\t{} files\t{stored} bytes",
            layer.layer.dir(),
            if manifest.is_full() { "full" } else { "incremental" },
            text::utc(manifest.end_time),
            manifest.entry_counts.rows,
            manifest.files.len(),
        )?;
        // What a table is now is in the last layer.
        if at + 1 == source.layers.len() {
            let chosen = Chosen { last: at, at: manifest.end_time };
            let holdings = Holdings::at(&source.layers, chosen)?;
            for object in holdings.user_objects() {
                if let Descriptor::Table(table) = object {
                    let name = holdings.qualified_name(table).join(".");
                    writeln!(out, "\t{}\t{name}", ObjectRef::from(object).noun())?;
                }
            }
        }
    }
    Ok(())
}

fn verify(source: &Source, out: &mut dyn Write) -> Result<()> {
    let interrupt = Interrupt::new();
    let mut damaged = 0u64;
    for (at, layer) in source.layers.iter().enumerate() {
        Holdings::at(&source.layers, Chosen { last: at, at: layer.manifest.end_time })?;
        layer.layer.read_statistics(&layer.manifest)?;
        for file in &layer.manifest.files {
            if let Err(e) = layer.verify(file, &interrupt) {
                damaged += 1;
                writeln!(out, "{}\t{}", layer.layer.file(&file.path), e.message())?;
            }
        }
        writeln!(out, "{}\t{} files read", layer.layer.dir(), layer.manifest.files.len())?;
    }
    out.flush()?;
    match damaged {
        0 => Ok(()),
        damaged => Err(Error::corrupt(format!("{damaged} files of the backup cannot be restored"))),
    }
}

fn write_table(export: &Export, out: &mut dyn Write) -> Result<()> {
    let (_runtime, source) = open(&export.backup)?;
    source.check()?;
    let chosen = source.choose(export.as_of.as_deref().map(timestamp).transpose()?)?;
    let holdings = Holdings::at(&source.layers, chosen)?;
    let words: Vec<&str> = export.table.split('.').collect();
    let wanted = match words.as_slice() {
        [database, table] => [*database, "public", *table],
        [database, schema, table] => [*database, *schema, *table],
        _ => return Err(invalid("--table needs database.schema.table")),
    };
    let table = holdings.objects().find_map(|object| match object {
        Descriptor::Table(table) if holdings.qualified_name(table) == wanted => Some(table),
        _ => None,
    });
    let Some(table) = table else {
        return Err(Error::new(
            sqlstate::UNDEFINED_TABLE,
            format!("table \"{}\" is not in the backup at that time", export.table),
        )
        .with_hint("cairn backup show lists the tables."));
    };
    if !table.has_rows() {
        return Err(invalid(format!("\"{}\" has no rows of its own", export.table)));
    }
    let columns: Vec<(usize, &Type)> = table
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| !column.hidden)
        .map(|(at, column)| (at, &column.ty.ty))
        .collect();
    let mut line = String::new();
    for (at, _) in &columns {
        let name = table.columns.get(*at).map_or("", |column| column.name.as_str());
        push(&mut line, Some(name));
    }
    end(&mut line, out)?;
    let format = SessionFormat::default();
    source.each_row(chosen, table, &Interrupt::new(), |row| {
        for (at, ty) in &columns {
            match row.get(*at) {
                None | Some(Datum::Null) => push(&mut line, None),
                Some(value) => push(&mut line, Some(&text::to_string(value, ty, &format))),
            }
        }
        end(&mut line, out)
    })?;
    out.flush()?;
    Ok(())
}

/// Adds a value and a comma. NULL is nothing, and an empty text is quoted, as COPY has it.
fn push(line: &mut String, value: Option<&str>) {
    match value {
        None => {}
        Some(value) if value.is_empty() || value.contains([',', '"', '\n', '\r']) => {
            line.push('"');
            line.push_str(&value.replace('"', "\"\""));
            line.push('"');
        }
        Some(value) => line.push_str(value),
    }
    line.push(',');
}

/// Ends a line: the last comma has no value behind it.
fn end(line: &mut String, out: &mut dyn Write) -> Result<()> {
    line.pop();
    line.push('\n');
    out.write_all(line.as_bytes())?;
    line.clear();
    Ok(())
}

fn timestamp(word: &str) -> Result<Timestamp> {
    match text::parse(&Type::Timestamptz, word, &SessionFormat::default())? {
        Datum::Timestamptz(micros) => Timestamp::from_sql_micros(micros),
        _ => None,
    }
    .ok_or_else(|| invalid("--as-of needs a time such as '2026-01-31 12:00:00'"))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_where_they_must_be() {
        let mut line = String::new();
        for value in [Some("a"), None, Some(""), Some("a,b"), Some("say \"x\"\n")] {
            push(&mut line, value);
        }
        let mut out = Vec::new();
        end(&mut line, &mut out).unwrap();
        assert_eq!(out, b"a,,\"\",\"a,b\",\"say \"\"x\"\"\n\"\n");
    }

    #[test]
    fn secrets_in_arguments_are_refused() {
        let url = "s3://b/p?AWS_ACCESS_KEY_ID=a&AWS_SECRET_ACCESS_KEY=hush".to_owned();
        let e = storage(&Place { url }).err().unwrap();
        assert!(e.hint().is_some_and(|hint| hint.contains(URL_VARIABLE)));
        assert!(!e.to_string().contains("hush"), "{e}");
    }
}
