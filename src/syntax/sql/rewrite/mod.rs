//! Token sequences that sqlparser does not know, turned into equal ones that it does.
//!
//! Every rule looks at words in their place, so that a column called `upsert` stays one. Tokens keep
//! their spans; a made-up token takes the span of the one it stands for.

mod alter;
mod definition;
mod query;

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use crate::error::{Error, Result};
use crate::syntax::ast::Overriding;

/// What was found on the way that the tree must still be told.
#[derive(Debug, Default, Clone)]
pub(super) struct Found {
    /// An UPSERT was rewritten.
    pub(super) upsert: bool,
    /// A `(expression).*` was rewritten to an output column labelled [`ALL_FIELDS`].
    pub(super) all_fields: bool,
    /// `OVERRIDING {SYSTEM | USER} VALUE` was taken out.
    pub(super) overriding: Option<Overriding>,
    /// `WITH NO DATA` was taken out.
    pub(super) with_no_data: bool,
    /// The `IF NOT EXISTS` of CREATE TYPE was taken out.
    pub(super) if_not_exists: bool,
    /// The condition behind the columns of ON CONFLICT.
    pub(super) conflict_predicate: Option<Vec<TokenWithSpan>>,
}

/// The label that stands for `.*` behind a parenthesis.
pub(super) const ALL_FIELDS: &str = "[all fields]";

/// The function that stands for `CURRENT OF cursor`, with the cursor's name as its argument.
pub const CURRENT_OF: &str = "[current of]";

/// A look at one place in the tokens.
struct At<'a> {
    tokens: &'a [TokenWithSpan],
    index: usize,
    /// Open parentheses.
    depth: usize,
    /// The statement's first word.
    verb: &'a str,
    /// What CREATE creates: `table`, `view`, `index`, `type`.
    object: &'a str,
}

/// What a rule does: so many tokens are taken away and these put in their place.
struct Edit {
    taken: usize,
    put: Vec<Token>,
}

impl Edit {
    fn new(taken: usize, put: impl IntoIterator<Item = Token>) -> Option<Self> {
        Some(Edit { taken, put: put.into_iter().collect() })
    }

    fn drop(taken: usize) -> Option<Self> {
        Edit::new(taken, [])
    }
}

impl At<'_> {
    fn token(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.index + ahead).map(|t| &t.token)
    }

    fn before(&self, back: usize) -> Option<&Token> {
        self.index.checked_sub(back).and_then(|i| self.tokens.get(i)).map(|t| &t.token)
    }

    fn is(&self, ahead: usize, word: &str) -> bool {
        is_word(self.token(ahead), word)
    }

    fn are(&self, ahead: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(i, word)| self.is(ahead + i, word))
    }

    fn opens(&self, ahead: usize) -> bool {
        self.token(ahead) == Some(&Token::LParen)
    }

    fn after(&self, words: &[&str]) -> bool {
        words.iter().any(|word| is_word(self.before(1), word))
    }

    /// How many tokens are left, this one included.
    fn left(&self) -> usize {
        self.tokens.len() - self.index
    }

    /// How far ahead the parenthesis that opens `ahead` of here closes.
    fn close_of(&self, ahead: usize) -> Option<usize> {
        let mut depth = 0usize;
        for (i, token) in self.tokens.iter().enumerate().skip(self.index + ahead) {
            match token.token {
                Token::LParen => depth += 1,
                Token::RParen => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(i - self.index);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

pub(super) fn is_word(token: Option<&Token>, word: &str) -> bool {
    matches!(token, Some(Token::Word(w)) if w.quote_style.is_none() && w.value == word)
}

/// The first word of a statement, unless it is quoted.
pub(super) fn first_word(tokens: &[TokenWithSpan]) -> &str {
    match tokens.first().map(|t| &t.token) {
        Some(Token::Word(w)) if w.quote_style.is_none() => &w.value,
        _ => "",
    }
}

/// Applies every rule, left to right.
pub(super) fn rewrite(tokens: Vec<TokenWithSpan>) -> Result<(Vec<TokenWithSpan>, Found)> {
    let mut found = Found::default();
    let altered = first_word(&tokens) == "alter";
    if !altered && !tokens.iter().any(|t| may_begin_rule(&t.token)) {
        return Ok((tokens, found));
    }
    let verb = first_word(&tokens);
    let object = match verb {
        "create" => ["index", "table", "view", "type"]
            .into_iter()
            .find(|word| tokens.iter().take(5).any(|t| is_word(Some(&t.token), word)))
            .unwrap_or_default(),
        _ => "",
    };
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len() + 8);
    let mut at = At { tokens: &tokens, index: 0, depth: 0, verb, object };
    while let Some(token) = tokens.get(at.index) {
        match &token.token {
            Token::LParen => at.depth += 1,
            Token::RParen => at.depth = at.depth.saturating_sub(1),
            _ => {}
        }
        let edit = match query::rule(&at, &token.token, &mut found)? {
            None if verb == "create" => definition::rule(&at, &token.token, &mut found)?,
            None if altered => alter::rule(&at, &token.token)?,
            edit => edit,
        };
        match edit {
            None => {
                out.push(token.clone());
                at.index += 1;
            }
            Some(Edit { taken, put }) => {
                out.extend(put.into_iter().map(|t| TokenWithSpan { token: t, span: token.span }));
                at.index += taken.max(1);
            }
        }
    }
    Ok((out, found))
}

/// A cheap look at whether any rule could apply; most statements stop here.
fn may_begin_rule(token: &Token) -> bool {
    match token {
        Token::AtSign | Token::Assignment | Token::Mul => true,
        Token::Word(w) => {
            w.quote_style.is_none()
                && matches!(
                    w.value.as_str(),
                    "as" | "conflict"
                        | "covering"
                        | "create"
                        | "current"
                        | "cycle"
                        | "exclude"
                        | "for"
                        | "group"
                        | "ilike"
                        | "isnull"
                        | "like"
                        | "only"
                        | "operator"
                        | "overriding"
                        | "returning"
                        | "rows"
                        | "set"
                        | "search"
                        | "table"
                        | "trim"
                        | "upsert"
                )
        }
        _ => false,
    }
}

fn keyword(word: &str, keyword: Keyword) -> Token {
    Token::Word(Word { value: word.to_owned(), quote_style: None, keyword })
}

/// A word in double quotes.
fn quoted(name: &str) -> Token {
    Token::Word(Word {
        value: name.to_owned(),
        quote_style: Some('"'),
        keyword: Keyword::NoKeyword,
    })
}

/// A clause that is understood and refused.
fn refuse<T>(clause: &str) -> Result<T> {
    Err(Error::unsupported(clause))
}
