//! BACKUP, RESTORE, SHOW BACKUP and SHOW BACKUPS.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::error::Result;
use crate::syntax::ast::*;

pub(super) fn targets(c: &mut Cursor<'_>, end: &str) -> Result<Targets> {
    if c.is(0, end) || (end == "into" && c.is(0, "to")) {
        return Ok(Targets::Cluster);
    }
    if c.is(0, "database") && !c.is(1, end) {
        c.expect("database")?;
        return Ok(Targets::Databases(c.list(Cursor::ident)?));
    }
    if end == "from" && c.eat(&["system", "users"]) {
        return Ok(Targets::SystemUsers);
    }
    let tenant = matches!(c.ahead(1), Token::Number(..)) && c.eat(&["tenant"]);
    if tenant || (matches!(c.ahead(2), Token::Number(..)) && c.eat(&["virtual", "cluster"])) {
        return Ok(Targets::Tenant(c.count()?));
    }
    c.eat(&["table"]);
    Ok(Targets::Tables(c.list(Cursor::pattern)?))
}

pub(super) fn subdirectory(c: &mut Cursor<'_>) -> Result<Subdirectory> {
    if c.eat(&["latest"]) {
        return Ok(Subdirectory::Latest);
    }
    Ok(match c.string()? {
        StringArg::Text(text) if text.eq_ignore_ascii_case("latest") => Subdirectory::Latest,
        other => Subdirectory::Named(other),
    })
}

/// After BACKUP.
pub(super) fn backup(c: &mut Cursor<'_>) -> Result<Statement> {
    let targets = targets(c, "into")?;
    let into = if c.eat(&["to"]) {
        let destination = c.destination()?;
        let as_of = c.as_of()?;
        let incremental_from =
            if c.eat(&["incremental", "from"]) { c.list(Cursor::destination)? } else { Vec::new() };
        let options = backup_options(c)?;
        let into = BackupInto::To { destination, incremental_from };
        return Ok(Statement::Backup(Backup { targets, into, as_of, options }));
    } else {
        c.expect("into")?;
        if c.is(1, "in") {
            let subdirectory = subdirectory(c)?;
            c.expect("in")?;
            BackupInto::Append(subdirectory, c.destination()?)
        } else {
            BackupInto::New(c.destination()?)
        }
    };
    let as_of = c.as_of()?;
    let options = backup_options(c)?;
    Ok(Statement::Backup(Backup { targets, into, as_of, options }))
}

/// `[TABLE] pattern [AS name], …` of a RESTORE, or other targets.
fn restored(c: &mut Cursor<'_>) -> Result<(Targets, Vec<Option<TablePattern>>)> {
    let mut all = targets(c, "from")?;
    let mut renames = Vec::new();
    let Targets::Tables(patterns) = &mut all else { return Ok((all, renames)) };
    loop {
        renames.resize(patterns.len().saturating_sub(1), None);
        let renamed = patterns.last().is_some_and(|pattern| pattern.table.is_some());
        renames.push(if renamed && c.eat(&["as"]) { Some(c.pattern()?) } else { None });
        if !c.eat_token(&Token::Comma) {
            break;
        }
        patterns.extend(c.list(Cursor::pattern)?);
    }
    match renames.iter().flatten().any(|name| name.table.is_none()) {
        true => c.unexpected(),
        false if renames.iter().all(Option::is_none) => Ok((all, Vec::new())),
        false => Ok((all, renames)),
    }
}

/// After RESTORE.
pub(super) fn restore(c: &mut Cursor<'_>) -> Result<Statement> {
    let (targets, renames) = restored(c)?;
    c.expect("from")?;
    let from = if c.is(1, "in") {
        let subdirectory = subdirectory(c)?;
        c.expect("in")?;
        RestoreFrom::Collection(subdirectory, c.destination()?)
    } else {
        RestoreFrom::Chain(c.list(Cursor::destination)?)
    };
    let as_of = c.as_of()?;
    let options = restore_options(c)?;
    Ok(Statement::Restore(Restore { targets, renames, from, as_of, options }))
}

/// After SHOW BACKUPS.
pub(super) fn show_backups(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("in")?;
    let collection = c.destination()?;
    let newer_than = if c.eat(&["newer", "than"]) { Some(c.expr()?) } else { None };
    let older_than = if c.eat(&["older", "than"]) { Some(c.expr()?) } else { None };
    Ok(Statement::ShowBackups(ShowBackups { collection, newer_than, older_than }))
}

/// After SHOW BACKUP.
pub(super) fn show_backup(c: &mut Cursor<'_>) -> Result<Statement> {
    let details = [
        ("schemas", BackupDetails::Schemas),
        ("files", BackupDetails::Files),
        ("ranges", BackupDetails::Ranges),
        ("validate", BackupDetails::Validate),
    ]
    .into_iter()
    .find_map(|(word, details)| c.eat(&[word]).then_some(details))
    .unwrap_or_default();
    c.eat(&["from"]);
    let from = if c.is(1, "in") {
        let subdirectory = subdirectory(c)?;
        c.expect("in")?;
        ShowBackupFrom::Collection(subdirectory, c.destination()?)
    } else {
        ShowBackupFrom::Uri(c.destination()?)
    };
    let mut o = ShowBackupOptions::default();
    options(c, |c, name| {
        match name {
            "privileges" => flag(c, name, &mut o.privileges)?,
            "as_json" => flag(c, name, &mut o.as_json)?,
            "debug_ids" => flag(c, name, &mut o.debug_ids)?,
            "check_files" => flag(c, name, &mut o.check_files)?,
            "skip" => flag(c, "skip size", &mut o.skip_size)?,
            "debug_dump_metadata_sst" => flag(c, name, &mut o.debug_dump_metadata_sst)?,
            "encryption_passphrase" => text(c, name, &mut o.encryption_passphrase)?,
            "encryption_info_dir" => text(c, name, &mut o.encryption_info_dir)?,
            "kms" => texts(c, name, &mut o.kms)?,
            "incremental_location" => texts(c, name, &mut o.incremental_location)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Statement::ShowBackup(ShowBackup { details, from, options: o }))
}

/// Options of BACKUP, where they begin with WITH.
pub(super) fn backup_options(c: &mut Cursor<'_>) -> Result<BackupOptions> {
    let mut o = BackupOptions::default();
    options(c, |c, name| {
        match name {
            "revision_history" => switch(c, name, &mut o.revision_history)?,
            "detached" => switch(c, name, &mut o.detached)?,
            "encryption_passphrase" => text(c, name, &mut o.encryption_passphrase)?,
            "kms" => texts(c, name, &mut o.kms)?,
            "incremental_location" => texts(c, name, &mut o.incremental_location)?,
            "include_deprecated_interleaves" => {
                flag(c, name, &mut o.include_deprecated_interleaves)?;
            }
            "execution" => text(c, "execution locality", &mut o.execution_locality)?,
            "strict" => flag(c, "strict storage locality", &mut o.strict_storage_locality)?,
            "include_all_virtual_clusters" | "include_all_secondary_tenants" => {
                switch(c, name, &mut o.include_all_virtual_clusters)?;
            }
            "updates_cluster_monitoring_metrics" => {
                switch(c, name, &mut o.updates_cluster_monitoring_metrics)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(o)
}

fn restore_options(c: &mut Cursor<'_>) -> Result<RestoreOptions> {
    let mut o = RestoreOptions::default();
    options(c, |c, name| {
        match name {
            "into_db" => text(c, name, &mut o.into_db)?,
            "into_schema" => text(c, name, &mut o.into_schema)?,
            "new_db_name" => text(c, name, &mut o.new_db_name)?,
            "encryption_passphrase" => text(c, name, &mut o.encryption_passphrase)?,
            "debug_pause_on" => text(c, name, &mut o.debug_pause_on)?,
            "kms" => texts(c, name, &mut o.kms)?,
            "incremental_location" => texts(c, name, &mut o.incremental_location)?,
            "detached" => switch(c, name, &mut o.detached)?,
            "skip_missing_foreign_keys" => flag(c, name, &mut o.skip_missing_foreign_keys)?,
            "skip_missing_sequences" => flag(c, name, &mut o.skip_missing_sequences)?,
            "skip_missing_sequence_owners" => flag(c, name, &mut o.skip_missing_sequence_owners)?,
            "skip_missing_views" => flag(c, name, &mut o.skip_missing_views)?,
            "skip_missing_udfs" => flag(c, name, &mut o.skip_missing_udfs)?,
            "skip_localities_check" => flag(c, name, &mut o.skip_localities_check)?,
            "remove_regions" => flag(c, name, &mut o.remove_regions)?,
            "schema_only" => flag(c, name, &mut o.schema_only)?,
            "verify_backup_table_data" => flag(c, name, &mut o.verify_backup_table_data)?,
            "grants" => flag(c, name, &mut o.grants)?,
            "execution" => text(c, "execution locality", &mut o.execution_locality)?,
            "unsafe_restore_incompatible_version" => {
                flag(c, name, &mut o.unsafe_restore_incompatible_version)?;
            }
            "virtual_cluster_name" | "tenant_name" => {
                text(c, name, &mut o.virtual_cluster_name)?;
            }
            "virtual_cluster" | "tenant" => text(c, name, &mut o.virtual_cluster)?,
            "include_all_virtual_clusters" | "include_all_secondary_tenants" => {
                switch(c, name, &mut o.include_all_virtual_clusters)?;
            }
            "experimental" if c.is(1, "copy") => {
                flag(c, "experimental copy", &mut o.experimental_copy)?;
            }
            "experimental" => {
                flag(c, "experimental deferred copy", &mut o.experimental_deferred_copy)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(o)
}

/// `WITH a, b = c` or `WITH OPTIONS (a, b = c)`; `one` says whether it knew the option.
pub(super) fn options(
    c: &mut Cursor<'_>,
    mut one: impl FnMut(&mut Cursor<'_>, &str) -> Result<bool>,
) -> Result<()> {
    if !c.eat(&["with"]) {
        return Ok(());
    }
    let parenthesised = c.eat(&["options"]);
    if parenthesised {
        c.expect_token(&Token::LParen)?;
    }
    loop {
        let name = match c.peek() {
            Token::Word(w) if w.quote_style.is_none() => w.value.clone(),
            _ => return c.unexpected(),
        };
        if !one(c, &name)? {
            return c.unexpected();
        }
        // In ALTER BACKUP SCHEDULE the next change may follow a comma.
        if c.is(1, "set") || c.is(1, "execute") || !c.eat_token(&Token::Comma) {
            break;
        }
    }
    if parenthesised { c.expect_token(&Token::RParen) } else { Ok(()) }
}

/// The words of an option's name.
fn words(c: &mut Cursor<'_>, name: &str) -> Result<()> {
    name.split(' ').try_for_each(|word| c.expect(word))
}

pub(super) fn flag(c: &mut Cursor<'_>, name: &str, slot: &mut bool) -> Result<()> {
    words(c, name)?;
    if *slot {
        return c.duplicate(name);
    }
    *slot = true;
    Ok(())
}

fn switch(c: &mut Cursor<'_>, name: &str, slot: &mut Option<bool>) -> Result<()> {
    words(c, name)?;
    if slot.is_some() {
        return c.duplicate(name);
    }
    *slot = Some(
        !c.eat_token(&Token::Eq)
            || !c.eat(&["false"]) && {
                c.expect("true")?;
                true
            },
    );
    Ok(())
}

pub(super) fn text(c: &mut Cursor<'_>, name: &str, slot: &mut Option<StringArg>) -> Result<()> {
    words(c, name)?;
    if slot.is_some() {
        return c.duplicate(name);
    }
    c.expect_token(&Token::Eq)?;
    *slot = Some(c.string()?);
    Ok(())
}

pub(super) fn texts(c: &mut Cursor<'_>, name: &str, slot: &mut Vec<StringArg>) -> Result<()> {
    words(c, name)?;
    if !slot.is_empty() {
        return c.duplicate(name);
    }
    c.expect_token(&Token::Eq)?;
    *slot = c.strings()?;
    Ok(())
}
