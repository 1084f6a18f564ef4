//! What tends backups that exist: VERIFY, DROP, EXPIRE and ALTER BACKUP.

use sqlparser::tokenizer::Token;

use super::backup::{flag, options, subdirectory, text, texts};
use super::cursor::Cursor;
use crate::error::Result;
use crate::syntax::ast::*;

/// `{LATEST | 'subdir'} IN collection`.
fn backup(c: &mut Cursor<'_>) -> Result<(Subdirectory, Destination)> {
    let subdirectory = subdirectory(c)?;
    c.expect("in")?;
    Ok((subdirectory, c.destination()?))
}

/// After VERIFY BACKUP.
pub(super) fn verify(c: &mut Cursor<'_>) -> Result<Statement> {
    c.eat(&["from"]);
    let (subdirectory, collection) = backup(c)?;
    let (mut o, mut detached) = (ShowBackupOptions::default(), false);
    options(c, |c, name| {
        match name {
            "encryption_passphrase" => text(c, name, &mut o.encryption_passphrase)?,
            "encryption_info_dir" => text(c, name, &mut o.encryption_info_dir)?,
            "kms" => texts(c, name, &mut o.kms)?,
            "incremental_location" => texts(c, name, &mut o.incremental_location)?,
            "detached" => flag(c, name, &mut detached)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Statement::VerifyBackup(VerifyBackup { subdirectory, collection, options: o, detached }))
}

/// After BACKUP OF, in a FROM. A table may be called so too.
pub(super) fn read(c: &mut Cursor<'_>) -> Result<Option<Statement>> {
    if c.is(0, "into") || c.is(0, "to") || matches!(c.peek(), Token::Comma | Token::Period) {
        return Ok(None);
    }
    let table = c.pattern()?;
    if table.table.is_none() {
        return c.unexpected();
    }
    c.expect("from")?;
    let subdirectory = subdirectory(c)?;
    c.expect("in")?;
    let collection = c.destination()?;
    let as_of = c.as_of()?;
    let mut o = ShowBackupOptions::default();
    options(c, |c, name| {
        match name {
            "encryption_passphrase" => text(c, name, &mut o.encryption_passphrase)?,
            "kms" => texts(c, name, &mut o.kms)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let read = ReadBackup { table, subdirectory, collection, as_of, options: o };
    Ok(Some(Statement::ReadBackup(read)))
}

/// After DROP BACKUP.
pub(super) fn drop(c: &mut Cursor<'_>) -> Result<Statement> {
    let if_exists = c.eat(&["if", "exists"]);
    let (subdirectory, collection) = backup(c)?;
    Ok(Statement::DropBackup(DropBackup { if_exists, subdirectory, collection }))
}

/// After EXPIRE BACKUPS.
pub(super) fn expire(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("in")?;
    let collection = c.destination()?;
    c.expect("older")?;
    c.expect("than")?;
    let older_than = c.expr()?;
    let keep = if c.eat(&["keep"]) { Some(c.count()?) } else { None };
    let mut dry_run = false;
    options(c, |c, name| match name {
        "dry_run" => flag(c, name, &mut dry_run).map(|()| true),
        _ => Ok(false),
    })?;
    Ok(Statement::ExpireBackups(ExpireBackups { collection, older_than, keep, dry_run }))
}

/// After ALTER BACKUP.
pub(super) fn alter(c: &mut Cursor<'_>) -> Result<Statement> {
    let (subdirectory, collection) = backup(c)?;
    let key = |c: &mut Cursor<'_>, first, second| {
        c.expect(first)?;
        c.expect(second)?;
        c.expect_token(&Token::Eq)?;
        c.strings()
    };
    let new_kms = key(c, "add", "new_kms")?;
    let old_kms = key(c, "with", "old_kms")?;
    Ok(Statement::AlterBackup(AlterBackup { subdirectory, collection, new_kms, old_kms }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn one(sql: &str) -> Statement {
        parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement
    }

    #[test]
    fn backups_are_verified_dropped_expired_and_altered() {
        let collection = || Destination::one("x".into());
        assert_eq!(
            one("verify backup latest in 'x' with kms = ('a', 'b'), detached"),
            Statement::VerifyBackup(VerifyBackup {
                subdirectory: Subdirectory::Latest,
                collection: collection(),
                options: ShowBackupOptions {
                    kms: vec!["a".into(), "b".into()],
                    ..ShowBackupOptions::default()
                },
                detached: true,
            })
        );
        assert_eq!(
            one("drop backup if exists '/2021/03/23-213101.37' in 'x'"),
            Statement::DropBackup(DropBackup {
                if_exists: true,
                subdirectory: Subdirectory::Named("/2021/03/23-213101.37".into()),
                collection: collection(),
            })
        );
        let Statement::ExpireBackups(expired) =
            one("expire backups in 'x' older than '30d' keep 3 with dry_run")
        else {
            panic!()
        };
        assert_eq!(expired.older_than.to_string(), "'30d'");
        assert_eq!((expired.keep, expired.dry_run), (Some(3), true));
        assert_eq!(
            one("alter backup latest in 'x' add new_kms = 'n' with old_kms = ('o', 'p')"),
            Statement::AlterBackup(AlterBackup {
                subdirectory: Subdirectory::Latest,
                collection: collection(),
                new_kms: vec!["n".into()],
                old_kms: vec!["o".into(), "p".into()],
            })
        );
    }

    #[test]
    fn refusals_say_where() {
        for (sql, position) in [
            ("verify backup 'x'", 18),
            ("verify backup latest in 'x' with privileges", 34),
            ("drop backup latest", 19),
            ("expire backups in 'x'", 22),
            ("expire backups in 'x' older than '1d' keep -1", 44),
            ("alter backup latest in 'x' add new_kms = 'n'", 45),
        ] {
            let error = parse(sql).unwrap_err();
            assert_eq!(
                (error.code().as_str(), error.position()),
                ("42601", Some(position)),
                "{sql}"
            );
        }
    }
}
