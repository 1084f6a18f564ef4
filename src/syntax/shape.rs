//! The shape of a simple statement: its text with parameters in place of its literals.
//!
//! ```text
//!   UPDATE t SET n = n + -5 WHERE id = 17 AND name = 'O''Hara'
//!   UPDATE t SET n = n + $1 WHERE id = $2 AND name = $3        -5, 17, O'Hara
//! ```
//!
//! Programs that put values into the text send the same few shapes again and again, so what is
//! known of a shape spares parsing and planning. A literal becomes a parameter only where a value
//! stands for nothing but itself: after an operator, a bracket or a comma, or between BETWEEN and
//! AND, and before the first word that gives numbers another meaning (`ORDER BY 1`). Any doubt
//! means no shape: the statement is then read as it stands.

/// A longer text has no shape.
const SHAPE_BYTES_MAX: usize = 2 << 10;

/// A text with more literals has no shape.
const LITERALS_MAX: usize = 64;

/// A literal taken out of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// A whole number that fits an `int4`, and its sign.
    Int4(i32),
    /// A whole number that needs an `int8`.
    Int8(i64),
    /// A quoted text, which has no type of its own.
    Unknown(String),
}

/// A statement without its literals.
#[derive(Debug, PartialEq, Eq)]
pub struct Shape {
    /// The text with `$1`, `$2` … in place of the literals.
    pub text: String,
    /// The literals.
    pub literals: Vec<Literal>,
}

impl Shape {
    /// What tells it from others: the text, and which of the literals have which type.
    pub fn key(&self) -> String {
        let mut key = String::with_capacity(self.text.len() + self.literals.len() + 1);
        key.push_str(&self.text);
        key.push('\0');
        key.extend(self.literals.iter().map(|literal| match literal {
            Literal::Int4(_) => '4',
            Literal::Int8(_) => '8',
            Literal::Unknown(_) => 'u',
        }));
        key
    }
}

/// What stood before, as far as it matters for what a literal means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Something after which a literal is a value.
    Opens,
    /// A value or a name, after which `-` is a subtraction.
    Value,
    /// A sign after something that opens: part of the number.
    Sign(bool),
}

/// The shape of a text; `None` if it has none.
pub fn shape(sql: &str) -> Option<Shape> {
    if sql.len() > SHAPE_BYTES_MAX {
        return None;
    }
    let bytes = sql.as_bytes();
    let mut scan = Scan { sql, at: 0, copied: 0, text: String::new(), literals: Vec::new() };
    let (mut before, mut positions, mut words) = (Before::Value, false, 0);
    let mut sign_at = 0;
    while let Some(&byte) = bytes.get(scan.at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => scan.at += 1,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let word = scan.word();
                words += 1;
                match class(word, words) {
                    Word::Other => before = Before::Value,
                    Word::Opens => before = Before::Opens,
                    Word::Positions => (before, positions) = (Before::Value, true),
                    Word::Refused => return None,
                }
                // E'', X'' and typed literals mean more than a value.
                if bytes.get(scan.at) == Some(&b'\'') {
                    return None;
                }
            }
            b'0'..=b'9' => {
                if positions || before == Before::Value {
                    scan.kept_number()?;
                } else {
                    let start = if matches!(before, Before::Sign(_)) { sign_at } else { scan.at };
                    scan.number(start, before == Before::Sign(true))?;
                }
                before = Before::Value;
            }
            b'\'' => {
                if positions || before != Before::Opens {
                    return None;
                }
                scan.quoted()?;
                before = Before::Value;
            }
            b'-' if bytes.get(scan.at + 1) == Some(&b'-') => return None,
            b'-' if before == Before::Opens => {
                (before, sign_at) = (Before::Sign(true), scan.at);
                scan.at += 1;
            }
            b'"' => {
                scan.at += 1;
                scan.while_byte(|b| b != b'"');
                bytes.get(scan.at)?;
                scan.at += 1;
                before = Before::Value;
            }
            b'/' if bytes.get(scan.at + 1) == Some(&b'*') => return None,
            // `%` and `!` are left out: with them a sign is a part of the operator.
            b'=' | b'<' | b'>' | b'+' | b'-' | b'*' | b'/' | b'(' | b',' => {
                if matches!(before, Before::Sign(_)) {
                    return None;
                }
                scan.at += 1;
                before = Before::Opens;
            }
            b')' | b'.' => {
                scan.at += 1;
                before = Before::Value;
            }
            b';' => {
                // Only at the end: a shape is one statement.
                let ends = words > 0 && sql[scan.at + 1..].trim_ascii().is_empty();
                return ends.then(|| scan.finish());
            }
            _ => return None,
        }
    }
    (words > 0).then(|| scan.finish())
}

struct Scan<'a> {
    sql: &'a str,
    at: usize,
    copied: usize,
    text: String,
    literals: Vec<Literal>,
}

impl<'a> Scan<'a> {
    fn while_byte(&mut self, holds: impl Fn(u8) -> bool) -> &'a str {
        let rest = &self.sql.as_bytes()[self.at..];
        let length = rest.iter().position(|b| !holds(*b)).unwrap_or(rest.len());
        let start = self.at;
        self.at += length;
        self.sql.get(start..self.at).unwrap_or_default()
    }

    fn word(&mut self) -> &'a str {
        self.while_byte(|b| b.is_ascii_alphanumeric() || b == b'_')
    }

    /// A number in a place where it is not a value: it stays in the text.
    fn kept_number(&mut self) -> Option<()> {
        self.while_byte(|b| b.is_ascii_digit());
        self.ends_number()
    }

    /// Nothing follows that would make more of a number: a fraction, an exponent, a radix.
    fn ends_number(&self) -> Option<()> {
        let next = self.sql.as_bytes().get(self.at);
        let more = next.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_'));
        (!more).then_some(())
    }

    fn number(&mut self, start: usize, negative: bool) -> Option<()> {
        let digits = self.while_byte(|b| b.is_ascii_digit());
        self.ends_number()?;
        // The sign is a part of the number: the smallest of a type has no positive twin.
        let magnitude: i128 = digits.parse().ok()?;
        let value = i64::try_from(if negative { -magnitude } else { magnitude }).ok()?;
        let literal = match i32::try_from(value) {
            Ok(value) => Literal::Int4(value),
            Err(_) => Literal::Int8(value),
        };
        self.take(start, literal)
    }

    fn quoted(&mut self) -> Option<()> {
        let start = self.at;
        let mut value = String::new();
        self.at += 1;
        loop {
            // A backslash may or may not be an escape.
            value.push_str(self.while_byte(|b| b != b'\'' && b != b'\\'));
            match (self.sql.as_bytes().get(self.at)?, self.sql.as_bytes().get(self.at + 1)) {
                (b'\'', Some(b'\'')) => {
                    value.push('\'');
                    self.at += 2;
                }
                (b'\'', _) => break,
                _ => return None,
            }
        }
        self.at += 1;
        // A quoted text goes on when another follows on a later line.
        let rest = self.sql[self.at..].trim_ascii_start();
        if rest.starts_with('\'') {
            return None;
        }
        self.take(start, Literal::Unknown(value))
    }

    /// Puts a parameter in the place of what began at `start` and ends here.
    fn take(&mut self, start: usize, literal: Literal) -> Option<()> {
        if self.literals.len() == LITERALS_MAX {
            return None;
        }
        self.literals.push(literal);
        self.text.push_str(self.sql.get(self.copied..start)?);
        self.text.push('$');
        let number = self.literals.len();
        if number >= 10 {
            self.text.push(char::from(b'0' + (number / 10) as u8));
        }
        self.text.push(char::from(b'0' + (number % 10) as u8));
        self.copied = self.at;
        Some(())
    }

    fn finish(mut self) -> Shape {
        self.text.push_str(self.sql.get(self.copied..self.at).unwrap_or_default());
        Shape { text: self.text, literals: self.literals }
    }
}

/// What a word does to the literals behind it.
enum Word {
    /// A name or a keyword behind which a number may mean anything.
    Other,
    /// Values come.
    Opens,
    /// From here on numbers may be positions or counts.
    Positions,
    /// The statement has no shape.
    Refused,
}

fn class(word: &str, number: usize) -> Word {
    const FIRST: &[&str] =
        &["select", "insert", "update", "delete", "begin", "commit", "end", "rollback"];
    const OPENS: &[&str] =
        &["and", "or", "not", "between", "where", "in", "values", "set", "when", "then", "else"];
    const POSITIONS: &[&str] = &["order", "limit", "offset", "fetch"];
    const REFUSED: &[&str] =
        &["group", "distinct", "over", "window", "union", "intersect", "except", "system"];
    let is_in = |list: &[&str]| list.iter().any(|known| word.eq_ignore_ascii_case(known));
    if number == 1 {
        return if is_in(FIRST) { Word::Other } else { Word::Refused };
    }
    match () {
        () if is_in(OPENS) => Word::Opens,
        () if is_in(POSITIONS) => Word::Positions,
        () if is_in(REFUSED) => Word::Refused,
        () => Word::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str) -> (String, Vec<Literal>) {
        let shape = shape(sql).unwrap_or_else(|| panic!("no shape: {sql}"));
        (shape.text, shape.literals)
    }

    #[test]
    fn values_become_parameters() {
        use Literal::*;
        assert_eq!(
            of("UPDATE t SET n = n + -5 WHERE id=17 AND name = 'O''Hara';"),
            (
                "UPDATE t SET n = n + $1 WHERE id=$2 AND name = $3".to_owned(),
                vec![Int4(-5), Int4(17), Unknown("O'Hara".to_owned())]
            )
        );
        assert_eq!(
            of("INSERT INTO t1 (a, b) VALUES (1, 3000000000), (-2, 'é')"),
            (
                "INSERT INTO t1 (a, b) VALUES ($1, $2), ($3, $4)".to_owned(),
                vec![Int4(1), Int8(3_000_000_000), Int4(-2), Unknown("é".to_owned())]
            )
        );
        assert_eq!(of("select a - 1 from t where b between 2 and 3").1.len(), 3);
        assert_eq!(of("BEGIN;"), ("BEGIN".to_owned(), vec![]));
        assert_eq!(of("SELECT \"1\".\"a\"\"b\" FROM t WHERE date <=-1").1, [Int4(-1)]);
    }

    #[test]
    fn positions_counts_and_parts_of_names_stay() {
        assert_eq!(
            of("SELECT c1 FROM t WHERE a = 5 ORDER BY 1, 2 LIMIT 10"),
            (
                "SELECT c1 FROM t WHERE a = $1 ORDER BY 1, 2 LIMIT 10".to_owned(),
                vec![Literal::Int4(5)]
            )
        );
        assert_eq!(of("select 1").1, []);
    }

    #[test]
    fn the_smallest_numbers_have_their_sign() {
        use Literal::*;
        assert_eq!(of("select (-2147483648)").1, [Int4(i32::MIN)]);
        assert_eq!(of("select (2147483648)").1, [Int8(2_147_483_648)]);
        assert_eq!(of("select (-9223372036854775808)").1, [Int8(i64::MIN)]);
        assert_eq!(shape("select (9223372036854775808)"), None);
    }

    #[test]
    fn doubt_means_no_shape() {
        for sql in [
            "",
            ";",
            "SELECT a + 1 FROM t GROUP BY a + 1",
            "SELECT DISTINCT ON (1) a FROM t",
            "SELECT (1.5)",
            "SELECT (1e5)",
            "SELECT (0x10)",
            "SELECT ('a\\b')",
            "SELECT ('a'\n'b')",
            "SELECT (E'a')",
            "SELECT (date '2020-01-01')",
            "SELECT (interval '1')",
            "SELECT ('1'::int)",
            "SELECT ($1)",
            "SELECT (\"a)",
            "SELECT a FROM t WHERE b %-5",
            "SELECT (1) -- one",
            "SELECT (1) /* one */",
            "SELECT 1; SELECT 2",
            "SELECT (- - 1)",
            "SELECT a LIKE 'x%' FROM t",
            "SELECT a FROM t WHERE b = 'x",
            "BACKUP INTO 'nodelocal://1/a'",
            "WITH x AS (SELECT 1) SELECT * FROM x",
            "SELECT a FROM t AS OF SYSTEM TIME (1)",
            "SELECT a[1] FROM t",
        ] {
            assert_eq!(shape(sql), None, "{sql}");
        }
        let long = format!("SELECT (1{})", " ".repeat(SHAPE_BYTES_MAX));
        assert_eq!(shape(&long), None);
        let many = format!("SELECT (1{})", ",1".repeat(LITERALS_MAX));
        assert_eq!(shape(&many), None);
    }

    #[test]
    fn the_key_tells_types_apart() {
        let key = |sql: &str| shape(sql).map(|shape| shape.key());
        assert_eq!(key("select (1)"), key("select (-7)"));
        assert_ne!(key("select (1)"), key("select ('1')"));
        assert_ne!(key("select (1)"), key("select (5000000000)"));
    }
}
