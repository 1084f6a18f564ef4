//! The text of a date or time cut into fields: digits with separators, words, zones.

/// Longest text that is looked at, in bytes, as in PostgreSQL.
const TEXT_BYTES_MAX: usize = 150;
/// Most fields of a text, as in PostgreSQL.
const FIELDS_MAX: usize = 25;

/// What a field looks like. Letters are lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Digits only, or digits and a decimal point.
    Number,
    /// Parts with separators: `1999-01-08`, `8-jan-1999`, `america/new_york`.
    Date,
    /// Digits with colons.
    Time,
    /// Letters.
    Word,
    /// A sign and digits.
    Zone,
    /// A sign and letters: `-infinity`.
    SignedWord,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it looks like.
    pub kind: Kind,
    /// Its characters, lower case.
    pub text: String,
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take_while(&mut self, out: &mut String, accept: impl Fn(u8) -> bool) {
        while let Some(b) = self.peek().filter(|b| accept(*b)) {
            out.push(char::from(b.to_ascii_lowercase()));
            self.at += 1;
        }
    }

    fn number(&mut self) -> (Kind, String) {
        let mut text = String::new();
        let digit = |b: u8| b.is_ascii_digit();
        self.take_while(&mut text, digit);
        match self.peek() {
            Some(b':') => {
                self.take_while(&mut text, |b| digit(b) || b == b':' || b == b'.');
                (Kind::Time, text)
            }
            Some(delimiter @ (b'-' | b'/' | b'.')) => {
                self.at += 1;
                text.push(char::from(delimiter));
                if !self.peek().is_some_and(digit) {
                    // The month is a word: 8-Jan-1999.
                    self.take_while(&mut text, |b| b.is_ascii_alphanumeric() || b == delimiter);
                    let kind = if delimiter == b'.' { Kind::Number } else { Kind::Date };
                    let named = text.bytes().any(|b| b.is_ascii_alphabetic());
                    return (if named { Kind::Date } else { kind }, text);
                }
                self.take_while(&mut text, digit);
                let mut kind = if delimiter == b'.' { Kind::Number } else { Kind::Date };
                if self.peek() == Some(delimiter) {
                    kind = Kind::Date;
                    self.take_while(&mut text, |b| digit(b) || b == delimiter);
                }
                (kind, text)
            }
            _ => (Kind::Number, text),
        }
    }

    fn word(&mut self, is_known: impl Fn(&str) -> bool) -> (Kind, String) {
        let mut text = String::new();
        self.take_while(&mut text, |b| b.is_ascii_alphabetic());
        let goes_on = match self.peek() {
            Some(b'-' | b'/' | b'.') => true,
            // A word that means something ends here (`T04`); others are names (`Etc/GMT+3`).
            Some(b) if b == b'+' || b.is_ascii_digit() => !is_known(&text),
            _ => false,
        };
        if !goes_on {
            return (Kind::Word, text);
        }
        self.take_while(&mut text, |b| b.is_ascii_alphanumeric() || b"+-/_.:".contains(&b));
        (Kind::Date, text)
    }
}

/// Cuts a text into fields; `None` if it cannot be a date or time. `is_known` tells words that
/// mean something from the beginnings of names.
pub fn fields(text: &str, is_known: impl Fn(&str) -> bool) -> Option<Vec<Field>> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let mut cursor = Cursor { bytes: text.as_bytes(), at: 0 };
    let mut fields = Vec::new();
    while let Some(b) = cursor.peek() {
        if b.is_ascii_whitespace() || b == 0x0b {
            cursor.at += 1;
            continue;
        }
        let (kind, text) = if b.is_ascii_digit() {
            cursor.number()
        } else if b == b'.' {
            let mut text = String::from(".");
            cursor.at += 1;
            cursor.take_while(&mut text, |b| b.is_ascii_digit());
            (Kind::Number, text)
        } else if b.is_ascii_alphabetic() {
            cursor.word(&is_known)
        } else if b == b'+' || b == b'-' {
            let mut text = String::from(char::from(b));
            cursor.at += 1;
            while cursor.peek().is_some_and(|b| b.is_ascii_whitespace()) {
                cursor.at += 1;
            }
            match cursor.peek() {
                Some(b) if b.is_ascii_digit() => {
                    cursor.take_while(&mut text, |b| b.is_ascii_digit() || b":.-".contains(&b));
                    (Kind::Zone, text)
                }
                Some(b) if b.is_ascii_alphabetic() => {
                    cursor.take_while(&mut text, |b| b.is_ascii_alphabetic());
                    (Kind::SignedWord, text)
                }
                _ => return None,
            }
        } else if b.is_ascii_punctuation() {
            cursor.at += 1;
            continue;
        } else {
            return None;
        };
        if fields.len() == FIELDS_MAX {
            return None;
        }
        fields.push(Field { kind, text });
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, String)> {
        fields(text, |w| w == "t").unwrap().into_iter().map(|f| (f.kind, f.text)).collect()
    }

    #[test]
    fn the_parts_of_iso_8601_come_apart() {
        assert_eq!(
            kinds("1999-01-08T04:05:06.789-08:00"),
            [
                (Kind::Date, "1999-01-08".into()),
                (Kind::Word, "t".into()),
                (Kind::Time, "04:05:06.789".into()),
                (Kind::Zone, "-08:00".into()),
            ]
        );
    }

    #[test]
    fn names_keep_their_punctuation() {
        assert_eq!(kinds("Etc/GMT+3"), [(Kind::Date, "etc/gmt+3".into())]);
        assert_eq!(kinds("8-Jan-1999"), [(Kind::Date, "8-jan-1999".into())]);
        assert_eq!(kinds("- infinity"), [(Kind::SignedWord, "-infinity".into())]);
        assert_eq!(fields("é", |_| false), None);
        assert_eq!(fields(&"1 ".repeat(40), |_| false), None);
    }
}
