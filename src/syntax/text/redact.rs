//! A statement's text made safe to show: in a log, in the list of sessions, in a job's description.
//!
//! It works on tokens, not on trees, so that it serves every statement alike, also one that does not
//! parse, and leaves the rest of the text as its author wrote it.

use sqlparser::tokenizer::Token;

use super::lexer::Lexer;
use super::quote::{quote_literal, quoted};
use super::uri::redact_uri;

/// What stands in the place of a password or a passphrase.
pub const HIDDEN: &str = "'*****'";

/// The text with its secrets taken out: passwords and passphrases become `'*****'`, and in URIs what
/// [`redact_uri`] says. From the first place that cannot be read, nothing is shown.
pub fn redact_text(sql: &str) -> String {
    if holds_nothing(sql) {
        return sql.to_owned();
    }
    redact_tokens(sql)
}

fn redact_tokens(sql: &str) -> String {
    let mut lexer = Lexer::new(sql);
    let mut out = String::with_capacity(sql.len());
    let mut state = State::default();
    let mut shown = 0;
    loop {
        let token = match lexer.next_token() {
            Ok(Some(token)) => token.token,
            Ok(None) => {
                push_gap(&mut out, sql.get(shown..).unwrap_or_default());
                return out;
            }
            Err(_) => {
                push_gap(&mut out, sql.get(shown..lexer.token_start).unwrap_or_default());
                out.push_str("*****");
                return out;
            }
        };
        push_gap(&mut out, sql.get(shown..lexer.token_start).unwrap_or_default());
        shown = lexer.position;
        let written = sql.get(lexer.token_start..shown).unwrap_or_default();
        match state.replacement(&token, written) {
            Some(replacement) => out.push_str(&replacement),
            None => out.push_str(written),
        }
    }
}

/// Whether the text, at a glance, has no literal, no quoted name and no comment, and no word that
/// could name a secret. Most statements of a busy client are such, and this is all they cost.
fn holds_nothing(sql: &str) -> bool {
    let bytes = sql.as_bytes();
    bytes.iter().enumerate().all(|(at, byte)| {
        let next = bytes.get(at + 1).copied();
        match byte.to_ascii_lowercase() {
            b'\'' | b'"' => false,
            b'$' => next.is_some_and(|b| b.is_ascii_digit()),
            b'-' => next != Some(b'-'),
            b'/' => next != Some(b'*'),
            b'p' | b's' | b't' | b'l' | b'k' => {
                let rest = bytes.get(at..).unwrap_or_default();
                !SECRET_WORDS.iter().chain(&["key"]).any(|word| {
                    rest.get(..word.len()).is_some_and(|b| b.eq_ignore_ascii_case(word.as_bytes()))
                })
            }
            _ => true,
        }
    })
}

/// Blanks and comments. A comment is prose, so only what looks like a secret takes it away.
fn push_gap(out: &mut String, gap: &str) {
    if gap.contains('=') && redact_uri(gap) != gap {
        out.push_str(" /* ***** */ ");
    } else {
        out.push_str(gap);
    }
}

/// What the tokens read so far say about the next one.
#[derive(Default)]
struct State {
    /// A statement that tells the server something, where a bare word can be a value.
    command: bool,
    /// Not at the start of a statement.
    inside: bool,
    /// The word before names a secret.
    armed: bool,
    /// And `=` or TO stood behind it.
    assigned: bool,
}

impl State {
    /// What to show in place of the token; `None` for the token itself.
    fn replacement(&mut self, token: &Token, written: &str) -> Option<String> {
        let (armed, assigned) = (self.armed, self.assigned);
        (self.armed, self.assigned) = (false, false);
        if !self.inside {
            self.inside = true;
            self.command = matches!(token, Token::Word(w) if !is_query_word(&w.value));
        }
        match token {
            Token::SemiColon => {
                *self = State::default();
                None
            }
            Token::Eq | Token::Assignment if armed => {
                (self.armed, self.assigned) = (true, true);
                None
            }
            Token::LParen if armed && assigned => {
                (self.armed, self.assigned) = (true, true);
                None
            }
            Token::Word(word) if word.quote_style.is_none() => {
                if armed && !assigned && word.value == "to" && self.command {
                    (self.armed, self.assigned) = (true, true);
                    return None;
                }
                if armed && assigned && self.command && !is_plain_value(&word.value) {
                    return Some(HIDDEN.to_owned());
                }
                self.armed = names_secret(&word.value);
                None
            }
            Token::Word(word) => {
                if armed && assigned && self.command {
                    return Some(HIDDEN.to_owned());
                }
                self.armed = names_secret(&word.value);
                // The token's own value has been cut to a name's length.
                changed(written.trim_matches('"')).map(|text| quoted(&text, '"'))
            }
            Token::Number(..) if armed => Some(HIDDEN.to_owned()),
            Token::SingleQuotedString(text) => {
                if armed || holds_statement_with_secret(text) {
                    return Some(HIDDEN.to_owned());
                }
                changed(text).map(|text| quote_literal(&text))
            }
            Token::SingleQuotedByteStringLiteral(_) | Token::HexStringLiteral(_) if armed => {
                Some(HIDDEN.to_owned())
            }
            _ => None,
        }
    }
}

fn changed(text: &str) -> Option<String> {
    let redacted = redact_uri(text);
    (redacted != text).then_some(redacted)
}

/// What options and variables with secrets are called, or end in.
const SECRET_WORDS: [&str; 6] = ["password", "passwd", "passphrase", "secret", "token", "license"];

/// Whether a word of a statement is the name of something secret: an option or a variable.
fn names_secret(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|part| {
        word == *part || word.strip_suffix(part).is_some_and(|rest| rest.ends_with('_'))
    }) || ["account_key", "private_key", "api_key", "access_key"].iter().any(|k| word.ends_with(k))
}

fn is_query_word(word: &str) -> bool {
    matches!(
        word,
        "select"
            | "with"
            | "values"
            | "insert"
            | "upsert"
            | "update"
            | "delete"
            | "merge"
            | "table"
            | "explain"
            | "declare"
            | "copy"
    )
}

/// Values that no secret has.
fn is_plain_value(word: &str) -> bool {
    matches!(word, "null" | "default" | "true" | "false" | "on" | "off")
}

/// Whether a literal is itself a statement, as in DO or in a function's body, that sets a password.
fn holds_statement_with_secret(text: &str) -> bool {
    if !text.contains('\'') {
        return false;
    }
    let text = text.to_ascii_lowercase();
    ["password", "passphrase", "secret", "token"].iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{parse, redact_text};
    use proptest::prelude::*;

    #[test]
    fn passwords_and_uris_are_hidden_and_the_rest_is_left_alone() {
        for (sql, shown) in [
            ("CREATE USER a WITH  PASSWORD 'x'", "CREATE USER a WITH  PASSWORD '*****'"),
            ("alter role a encrypted password E'x\\'y'", "alter role a encrypted password '*****'"),
            ("ALTER USER a PASSWORD NULL", "ALTER USER a PASSWORD NULL"),
            (
                "ALTER USER a SET password_encryption = 'md5'",
                "ALTER USER a SET password_encryption = 'md5'",
            ),
            (
                "BACKUP INTO 's3://b?AWS_SECRET_ACCESS_KEY=x&A=b' WITH encryption_passphrase = 'y', detached",
                "BACKUP INTO 's3://b?AWS_SECRET_ACCESS_KEY=redacted&A=b' WITH encryption_passphrase = '*****', detached",
            ),
            (
                "BACKUP INTO \"s3://b?AWS_SECRET_ACCESS_KEY=x\" WITH encryption_passphrase=y",
                "BACKUP INTO \"s3://b?AWS_SECRET_ACCESS_KEY=redacted\" WITH encryption_passphrase='*****'",
            ),
            (
                "BACKUP INTO \"s3://a/very/long/directory/indeed/0123456789/0123456789/x?AWS_SECRET_ACCESS_KEY=x\"",
                "BACKUP INTO \"s3://a/very/long/directory/indeed/0123456789/0123456789/x?AWS_SECRET_ACCESS_KEY=redacted\"",
            ),
            ("COPY t FROM $$s3://b?CREDENTIALS=x$$", "COPY t FROM 's3://b?CREDENTIALS=redacted'"),
            (
                "SET CLUSTER SETTING enterprise.license = 'x'",
                "SET CLUSTER SETTING enterprise.license = '*****'",
            ),
            ("SET a.client_secret TO x", "SET a.client_secret TO '*****'"),
            (
                "SELECT password, 'x' FROM t WHERE password = other",
                "SELECT password, 'x' FROM t WHERE password = other",
            ),
            ("ALTER USER a PASSWORD 123", "ALTER USER a PASSWORD '*****'"),
            ("SET a.PASSWORD = x", "SET a.PASSWORD = '*****'"),
            ("SET api_key = x", "SET api_key = '*****'"),
            ("select a - b / c from t where k = $1", "select a - b / c from t where k = $1"),
            ("SELECT 1 WHERE password = 'x'", "SELECT 1 WHERE password = '*****'"),
            ("DO $$ ALTER USER a PASSWORD 'x' $$", "DO '*****'"),
            ("select 1 -- AWS_SECRET_ACCESS_KEY=x\n, 2", "select 1 /* ***** */ , 2"),
            ("backup into 's3://b?AWS_SECRET_ACCESS_KEY=x", "backup into *****"),
            ("SELECT 'it''s', a->'b' /* c = d */", "SELECT 'it''s', a->'b' /* c = d */"),
        ] {
            assert_eq!(redact_text(sql), shown);
        }
    }

    #[test]
    fn a_parsed_statement_shows_no_secret() {
        let parsed = parse("select 1; SHOW BACKUPS IN 'gs://b?CREDENTIALS=abc'").unwrap();
        assert_eq!(parsed[0].redacted_text(), "select 1");
        assert_eq!(parsed[1].redacted_text(), "SHOW BACKUPS IN 'gs://b?CREDENTIALS=redacted'");
    }

    /// One text in each of the spellings of a literal.
    fn spelled(text: &str, how: usize) -> String {
        match how {
            0 => quote_literal(text),
            1 => format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
            2 => format!("$q${text}$q$"),
            3 => {
                format!("e'\\x{:02x}'\n'{}'", b'q', text.replace('\\', "\\\\").replace('\'', "''"))
            }
            _ => format!("N{}", quote_literal(text)),
        }
    }

    proptest! {
        #[test]
        fn no_secret_survives(
            form in 0usize..10,
            how in 0usize..5,
            wrap in "[A-Za-z0-9+/=:@%#'\\\\ é]{0,6}",
            cut in 0usize..200,
        ) {
            let secret = format!("{wrap}5ecr3t{wrap}");
            let plain = spelled(&secret, how);
            let uri = spelled(&format!("s3://b/p?X=1&AWS_SECRET_ACCESS_KEY={secret}"), how);
            let sql = match form {
                0 => format!("BACKUP DATABASE a INTO {uri} WITH encryption_passphrase = {plain}"),
                1 => format!("RESTORE FROM LATEST IN ({uri}, {uri}) WITH kms = ({uri})"),
                2 => format!("CREATE SCHEDULE FOR BACKUP INTO {uri} WITH OPTIONS (encryption_passphrase={plain}) RECURRING '@daily'"),
                3 => format!("CREATE EXTERNAL CONNECTION c AS {uri}"),
                4 => format!("CREATE USER u WITH LOGIN PASSWORD {plain} VALID UNTIL 'x'"),
                5 => format!("ALTER USER u PASSWORD {plain}; SHOW BACKUPS IN {uri}"),
                6 => format!("COPY t TO {uri} WITH CSV"),
                7 => format!("SET CLUSTER SETTING server.client_secret = {plain}"),
                8 => format!("EXPORT nonsense ( {uri}"),
                _ => format!("ALTER BACKUP LATEST IN {uri} ADD NEW_KMS = {uri} WITH OLD_KMS = {uri}"),
            };
            let shown = redact_text(&sql);
            prop_assert!(!shown.contains("5ecr3t"), "{} -> {}", sql, shown);
            // A text cut off anywhere, as a client's typing error may have it.
            let cut: String = sql.chars().take(cut).collect();
            prop_assert!(!redact_text(&cut).contains("5ecr3t"), "{}", cut);
        }

        #[test]
        fn the_glance_never_overlooks_what_the_look_would_hide(
            sql in "(select|set|[ =$1(-]|--|/\\*|password|a_token|'x'|\"y\"|\\$\\$|x@|://|k=){0,10}",
        ) {
            if holds_nothing(&sql) {
                let looked = redact_tokens(&sql);
                // Where the text stops being SQL the look hides the rest unread: `1x`.
                let upto = looked.strip_suffix("*****").filter(|shown| sql.starts_with(shown));
                prop_assert!(looked == sql || upto.is_some(), "{} -> {}", sql, looked);
            }
        }

        #[test]
        fn no_text_makes_it_panic(sql in "\\PC{0,40}") {
            redact_text(&sql);
        }
    }
}
