//! The grammars of our own statements.
//!
//! A statement is ours by its first words: [`RULES`] says which words lead to which grammar, and what
//! no rule claims goes to sqlparser.

mod backup;
mod comment;
mod connection;
mod copy;
mod cursor;
mod database;
mod grant;
mod job;
mod object;
mod portal;
mod prepared;
mod retention;
mod role;
mod schedule;
mod sequence;
mod setting;
mod show;
mod transaction;
mod unsupported;
mod upkeep;
mod variable;
mod zone;

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::ast::*;
use super::sql::complexity;
use super::text::Source;
use crate::error::Result;
use cursor::Cursor;

/// How a statement is read once its first words have been passed.
#[derive(Clone, Copy)]
enum Rule {
    /// The words decide: what follows is this statement or an error.
    Always(fn(&mut Cursor<'_>) -> Result<Statement>),
    /// The words are shared: `None` leaves the statement, from its start, to the next rule.
    Maybe(fn(&mut Cursor<'_>) -> Result<Option<Statement>>),
}

use Rule::{Always, Maybe};

/// The first words of our statements. The first rule that matches wins, so longer comes before
/// shorter; within that, one room's words stand together.
const RULES: &[(&[&str], Rule)] = &[
    // Backups.
    (&["backup", "of"], Maybe(retention::read)),
    (&["backup"], Always(backup::backup)),
    (&["restore"], Always(backup::restore)),
    (&["show", "backups"], Always(backup::show_backups)),
    (&["show", "backup", "connection"], Maybe(connection::show_backup)),
    (&["show", "backup"], Always(backup::show_backup)),
    (&["check", "external", "connection"], Always(connection::check)),
    (&["create", "external", "connection"], Always(connection::create)),
    (&["drop", "external", "connection"], Always(connection::drop)),
    (&["verify", "backup"], Always(retention::verify)),
    (&["drop", "backup"], Always(retention::drop)),
    (&["expire", "backups"], Always(retention::expire)),
    // Schedules.
    (&["alter", "backup", "schedule"], Always(schedule::alter)),
    (&["alter", "backup"], Always(retention::alter)),
    (&["create", "schedule"], Always(schedule::create)),
    (&["show", "schedules"], Always(schedule::show_all)),
    (&["show", "running", "schedules"], Always(schedule::show_running)),
    (&["show", "paused", "schedules"], Always(schedule::show_paused)),
    (&["show", "schedule"], Always(schedule::show_one)),
    (&["show", "create", "schedule"], Always(schedule::show_create)),
    (&["show", "create", "all", "schedules"], Always(schedule::show_create_all)),
    (&["pause"], Maybe(schedule::pause)),
    (&["resume"], Maybe(schedule::resume)),
    (&["drop"], Maybe(schedule::drop)),
    // Jobs.
    (&["show", "automatic", "jobs"], Always(job::show_automatic)),
    (&["show", "job"], Always(job::show_job)),
    (&["show", "jobs"], Always(job::show_jobs)),
    (&["pause"], Always(job::pause)),
    (&["resume"], Always(job::resume)),
    (&["cancel"], Always(job::cancel)),
    // Settings and zones of the cluster.
    (&["set", "cluster", "setting"], Always(setting::set)),
    (&["reset", "cluster", "setting"], Always(setting::reset)),
    (&["show", "cluster", "setting"], Always(setting::show)),
    (&["show", "cluster", "settings"], Always(setting::show_public)),
    (&["show", "public", "cluster", "settings"], Always(setting::show_public)),
    (&["show", "all", "cluster", "settings"], Always(setting::show_all)),
    (&["alter"], Maybe(zone::configure)),
    (&["show", "zone", "configuration"], Always(zone::show)),
    (&["show", "zone", "configurations"], Always(zone::show_all)),
    (&["show", "all", "zone", "configurations"], Always(zone::show_all)),
    // Roles and privileges.
    (&["create", "user"], Always(role::create_user)),
    (&["create", "role"], Always(role::create_role)),
    (&["create", "group"], Always(role::create_role)),
    (&["alter", "user"], Always(role::alter)),
    (&["alter", "role"], Always(role::alter)),
    (&["alter", "group"], Always(role::alter_group)),
    (&["drop", "user"], Always(role::drop)),
    (&["drop", "role"], Always(role::drop)),
    (&["drop", "group"], Always(role::drop)),
    (&["drop", "owned", "by"], Always(role::drop_owned)),
    (&["reassign", "owned", "by"], Always(role::reassign_owned)),
    (&["grant"], Always(grant::grant)),
    (&["revoke"], Always(grant::revoke)),
    (&["alter", "default", "privileges"], Always(grant::alter_default)),
    // Transactions.
    (&["begin"], Always(transaction::begin)),
    (&["start", "transaction"], Always(transaction::start)),
    (&["commit"], Always(transaction::commit)),
    (&["end"], Always(transaction::commit)),
    (&["rollback"], Always(transaction::rollback)),
    (&["abort"], Always(transaction::abort)),
    (&["savepoint"], Always(transaction::savepoint)),
    (&["release"], Always(transaction::release)),
    (&["prepare", "transaction"], Always(transaction::prepare)),
    (&["set", "transaction"], Always(transaction::set)),
    (&["set", "local", "transaction"], Always(transaction::set)),
    (&["set", "session", "transaction"], Always(transaction::characteristics)),
    (
        &["set", "session", "characteristics", "as", "transaction"],
        Always(transaction::characteristics),
    ),
    // Statements about statements.
    (&["explain"], Always(prepared::explain)),
    (&["prepare"], Always(prepared::prepare)),
    (&["execute"], Always(prepared::execute)),
    (&["deallocate"], Always(prepared::deallocate)),
    (&["declare"], Always(portal::declare)),
    (&["fetch"], Always(portal::fetch)),
    (&["move"], Always(portal::move_cursor)),
    (&["close"], Always(portal::close)),
    (&["copy"], Always(copy::copy)),
    // Databases and what they hold.
    (&["create", "database"], Always(database::create)),
    (&["alter", "database"], Always(database::alter)),
    (&["drop", "database"], Always(database::drop)),
    (&["create", "schema"], Always(database::create_schema)),
    (&["alter", "schema"], Always(database::alter_schema)),
    (&["create", "sequence"], Always(sequence::create)),
    (&["create", "temp", "sequence"], Always(sequence::create_temporary)),
    (&["create", "temporary", "sequence"], Always(sequence::create_temporary)),
    (&["drop"], Maybe(object::drop)),
    (&["alter"], Maybe(object::alter)),
    (&["comment", "on"], Always(comment::comment)),
    // What tends what is stored.
    (&["vacuum"], Always(upkeep::vacuum)),
    (&["analyze"], Always(upkeep::analyze)),
    (&["analyse"], Always(upkeep::analyze)),
    (&["create", "statistics"], Always(upkeep::create_statistics)),
    (&["reindex"], Always(upkeep::reindex)),
    (&["cluster"], Always(upkeep::cluster)),
    (&["refresh", "materialized", "view"], Always(upkeep::refresh)),
    (&["lock"], Always(upkeep::lock)),
    (&["checkpoint"], Always(upkeep::checkpoint)),
    (&["discard"], Always(upkeep::discard)),
    // What SHOW shows besides variables.
    (&["show"], Maybe(show::show)),
    // Variables, last: what follows these words is any name.
    (&["set"], Always(variable::set)),
    (&["reset", "all"], Always(variable::reset_all)),
    (&["reset"], Always(variable::reset)),
    (&["use"], Always(variable::use_database)),
    (&["show", "all"], Maybe(variable::show_all)),
    (&["show"], Always(variable::show)),
];

/// The statement, if its first words make it one of ours.
pub(super) fn parse(source: Source<'_>, tokens: &[TokenWithSpan]) -> Result<Option<Statement>> {
    for (words, rule) in RULES {
        if !begins(tokens, words) {
            continue;
        }
        complexity(tokens)?;
        let mut cursor = Cursor::new(source, tokens.to_vec());
        cursor.eat(words);
        let statement = match rule {
            Rule::Always(read) => read(&mut cursor)?,
            Rule::Maybe(read) => match read(&mut cursor)? {
                Some(statement) => statement,
                None => continue,
            },
        };
        cursor.end()?;
        return Ok(Some(statement));
    }
    if first_word(tokens).is_some_and(|word| !is_plain(word)) {
        unsupported::check(&Cursor::new(source, tokens.to_vec()))?;
    }
    Ok(None)
}

fn first_word(tokens: &[TokenWithSpan]) -> Option<&str> {
    match tokens.first().map(|t| &t.token) {
        Some(Token::Word(w)) if w.quote_style.is_none() => Some(&w.value),
        _ => None,
    }
}

/// Words that begin queries and changes of rows, which are never refused by their first words.
fn is_plain(word: &str) -> bool {
    matches!(word, "select" | "insert" | "update" | "delete" | "with" | "values" | "upsert")
}

fn begins(tokens: &[TokenWithSpan], words: &[&str]) -> bool {
    words.iter().enumerate().all(|(i, word)| {
        matches!(
            tokens.get(i).map(|t| &t.token),
            Some(Token::Word(w)) if w.quote_style.is_none() && w.value == *word
        )
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits::EXPRESSION_DEPTH_MAX;
    use crate::syntax::parse as parse_text;

    #[test]
    fn no_rule_is_hidden_behind_an_earlier_one() {
        for (at, (words, _)) in RULES.iter().enumerate() {
            let hider = RULES
                .iter()
                .take(at)
                .find(|(other, rule)| matches!(rule, Always(_)) && words.starts_with(other));
            assert_eq!(hider.map(|(other, _)| other), None, "{words:?}");
        }
    }

    #[test]
    fn nesting_and_chains_are_bounded() {
        let deep = format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000));
        let long = vec!["1"; 200_000].join(" + ");
        let inside =
            "(".repeat(EXPRESSION_DEPTH_MAX / 2) + "1" + &")".repeat(EXPRESSION_DEPTH_MAX / 2);
        for begin in ["BACKUP INTO 'x' AS OF SYSTEM TIME", "CANCEL JOB", "SET CLUSTER SETTING a ="]
        {
            for excess in [&deep, &long] {
                let error = parse_text(&format!("{begin} {excess}")).unwrap_err();
                assert_eq!(error.code().as_str(), "54001", "{begin}");
            }
            assert!(parse_text(&format!("{begin} {inside}")).is_ok(), "{begin}");
        }
    }

    proptest! {
        #[test]
        fn any_words_are_a_statement_or_a_refusal_with_a_place(
            rule in 0..RULES.len(),
            rest in prop::collection::vec(
                prop::sample::select(vec![
                    "a", "\"B\"", "'x'", "1", "$1", "(", ")", ",", ".", "=", "*", "@", "-", "all",
                    "as", "backup", "by", "database", "default", "exists", "for", "from", "full",
                    "if", "in", "into", "is", "latest", "not", "null", "of", "on", "option",
                    "options", "owned", "password", "recurring", "role", "schedule", "schema",
                    "select", "set", "system", "table", "time", "to", "using", "values", "with",
                    "zone", "configure",
                ]),
                0..12,
            ),
        ) {
            let words = RULES[rule].0.join(" ");
            let sql = format!("{words} {}", rest.join(" "));
            if let Err(error) = parse_text(&sql) {
                prop_assert!(["42601", "0A000", "22023", "42602"].contains(&error.code().as_str()), "{}: {:?}", sql, error);
            }
        }
    }
}
