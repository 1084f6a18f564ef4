//! The options of COPY, checked together.

use sqlparser::ast::Ident;

use crate::error::{Error, Result, sqlstate};
use crate::syntax::{Copy, CopyHeader, CopyOption};

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Tab-separated with backslash escapes.
    Text,
    /// Comma-separated with quotes.
    Csv,
    /// PGCOPY.
    Binary,
}

/// Which columns an option is about.
#[derive(Clone, Debug, Default)]
pub enum Columns {
    /// None.
    #[default]
    None,
    /// All.
    All,
    /// These.
    Some(Vec<Ident>),
}

impl Columns {
    /// Whether a column is meant.
    pub fn has(&self, name: &str) -> bool {
        match self {
            Columns::None => false,
            Columns::All => true,
            Columns::Some(names) => names.iter().any(|n| n.value == name),
        }
    }
}

/// The options of a COPY.
#[derive(Clone, Debug)]
pub struct Options {
    /// How lines look.
    pub style: Style,
    /// Between values.
    pub delimiter: u8,
    /// What NULL is written as.
    pub null: Vec<u8>,
    /// The header line.
    pub header: CopyHeader,
    /// Around values that need it (CSV).
    pub quote: u8,
    /// Before a quote within quotes (CSV).
    pub escape: u8,
    /// Columns that are always quoted.
    pub force_quote: Columns,
    /// Columns in which the null string is a string.
    pub force_not_null: Columns,
    /// Columns in which even a quoted null string is NULL.
    pub force_null: Columns,
}

impl Options {
    /// Reads the options of a statement; 22023 or 0A000 on what does not fit.
    pub fn new(copy: &Copy) -> Result<Options> {
        let mut style = None;
        let mut delimiter = None;
        let mut null = None;
        let mut header = CopyHeader::Off;
        let mut quote = None;
        let mut escape = None;
        let (mut force_quote, mut force_not_null, mut force_null) =
            (Columns::None, Columns::None, Columns::None);
        let mut seen = Vec::new();
        for option in &copy.options {
            let kind = std::mem::discriminant(option);
            if seen.contains(&kind) {
                return Err(Error::syntax("conflicting or redundant options"));
            }
            seen.push(kind);
            match option {
                CopyOption::Format(name) => {
                    style = Some(match name.as_str() {
                        "text" => Style::Text,
                        "csv" => Style::Csv,
                        "binary" => Style::Binary,
                        _ => {
                            return Err(invalid(format!("COPY format \"{name}\" not recognized")));
                        }
                    });
                }
                // Rows of a transaction that is not over are never seen, frozen or not.
                CopyOption::Freeze(_) => {}
                CopyOption::Delimiter(text) => delimiter = Some(one_byte("delimiter", text)?),
                CopyOption::Null(text) => null = Some(text.clone()),
                CopyOption::Header(wanted) => header = *wanted,
                CopyOption::Quote(text) => quote = Some(one_byte("quote", text)?),
                CopyOption::Escape(text) => escape = Some(one_byte("escape", text)?),
                CopyOption::ForceQuote(columns) => force_quote = of(columns),
                CopyOption::ForceNotNull(columns) => force_not_null = of(columns),
                CopyOption::ForceNull(columns) => force_null = of(columns),
                CopyOption::Encoding(name) => {
                    let plain = name.to_lowercase().replace(['-', '_'], "");
                    if plain != "utf8" && plain != "unicode" {
                        return Err(Error::unsupported(format!("COPY with encoding {name}")));
                    }
                }
                CopyOption::Default(_) => return Err(Error::unsupported("COPY DEFAULT")),
                CopyOption::Destination(_) => {
                    return Err(Error::unsupported("COPY with a destination"));
                }
            }
        }
        if copy.filter.is_some() {
            return Err(Error::unsupported("COPY FROM … WHERE"));
        }
        let style = style.unwrap_or(Style::Text);
        let csv_only = quote.is_some()
            || escape.is_some()
            || !matches!(
                (&force_quote, &force_not_null, &force_null),
                (Columns::None, Columns::None, Columns::None)
            );
        if style != Style::Csv && csv_only {
            return Err(Error::unsupported("COPY QUOTE, ESCAPE and FORCE options without CSV"));
        }
        if style == Style::Binary
            && (delimiter.is_some() || null.is_some() || header != CopyHeader::Off)
        {
            return Err(Error::syntax("cannot specify DELIMITER, NULL or HEADER in BINARY mode"));
        }
        let delimiter = delimiter.unwrap_or(if style == Style::Csv { b',' } else { b'\t' });
        let quote = quote.unwrap_or(b'"');
        if style == Style::Text
            && (delimiter.is_ascii_alphanumeric() || delimiter == b'\\' || delimiter == b'.')
        {
            let shown = char::from(delimiter);
            return Err(invalid(format!("COPY delimiter cannot be \"{shown}\"")));
        }
        if style == Style::Csv && delimiter == quote {
            return Err(invalid("COPY delimiter and quote must be different"));
        }
        let null =
            null.unwrap_or_else(|| if style == Style::Text { "\\N".into() } else { String::new() });
        if null.contains(['\n', '\r']) {
            return Err(invalid("COPY null representation cannot use newline or carriage return"));
        }
        if style != Style::Binary && null.as_bytes().contains(&delimiter) {
            return Err(invalid("COPY delimiter must not appear in the NULL specification"));
        }
        Ok(Options {
            style,
            delimiter,
            null: null.into_bytes(),
            header,
            quote,
            escape: escape.unwrap_or(quote),
            force_quote,
            force_not_null,
            force_null,
        })
    }
}

fn of(columns: &Option<Vec<Ident>>) -> Columns {
    match columns {
        None => Columns::All,
        Some(names) => Columns::Some(names.clone()),
    }
}

fn one_byte(what: &str, text: &str) -> Result<u8> {
    match text.as_bytes() {
        [b'\n' | b'\r'] => {
            Err(invalid(format!("COPY {what} cannot be newline or carriage return")))
        }
        [byte] => Ok(*byte),
        _ => {
            Err(Error::unsupported(format!("COPY {what} that is not a single one-byte character")))
        }
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, message)
}
