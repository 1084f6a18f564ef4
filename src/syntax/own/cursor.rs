//! A cursor over tokens for the grammars of our own; expressions and queries go to sqlparser.

use sqlparser::ast::{DataType, Expr, Ident, ObjectName, Query};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use crate::error::{Error, Result};
use crate::syntax::ast::{Destination, ParsedStatement, Statement, StringArg, TablePattern};
use crate::syntax::sql::{CairnDialect, PARSER_DEPTH};
use crate::syntax::text::{KeywordClass, Source, adopt, keyword_class, may_name_column};

static DIALECT: CairnDialect = CairnDialect { long_chains: true };

/// Where we are in a statement.
pub(super) struct Cursor<'a> {
    parser: Parser<'static>,
    source: Source<'a>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(source: Source<'a>, tokens: Vec<TokenWithSpan>) -> Self {
        let parser = Parser::new(&DIALECT)
            .with_recursion_limit(PARSER_DEPTH)
            .with_tokens_with_locations(tokens);
        Cursor { parser, source }
    }

    pub(super) fn peek(&self) -> &Token {
        &self.parser.peek_token_ref().token
    }

    pub(super) fn is(&self, ahead: usize, word: &str) -> bool {
        matches!(
            &self.parser.peek_nth_token_ref(ahead).token,
            Token::Word(w) if w.quote_style.is_none() && w.value == word
        )
    }

    /// Passes the words when they all lie ahead.
    pub(super) fn eat(&mut self, words: &[&str]) -> bool {
        let there = words.iter().enumerate().all(|(i, word)| self.is(i, word));
        if there {
            words.iter().for_each(|_| self.parser.advance_token());
        }
        there
    }

    /// Passes the first of the words that lies ahead.
    pub(super) fn eat_any(&mut self, words: &[&str]) -> bool {
        words.iter().any(|word| self.eat(&[word]))
    }

    pub(super) fn expect(&mut self, word: &str) -> Result<()> {
        if self.eat(&[word]) { Ok(()) } else { self.unexpected() }
    }

    pub(super) fn eat_token(&mut self, token: &Token) -> bool {
        self.parser.consume_token(token)
    }

    pub(super) fn expect_token(&mut self, token: &Token) -> Result<()> {
        if self.eat_token(token) { Ok(()) } else { self.unexpected() }
    }

    pub(super) fn unexpected<T>(&self) -> Result<T> {
        let token = self.parser.peek_token_ref();
        let column = (token.token != Token::EOF).then_some(token.span.start.column);
        Err(self.source.syntax_error(column))
    }

    /// Whether the token so far ahead is the end.
    pub(super) fn ends_after(&self, ahead: usize) -> bool {
        self.parser.peek_nth_token_ref(ahead).token == Token::EOF
    }

    /// The token so far ahead.
    pub(super) fn ahead(&self, ahead: usize) -> &Token {
        &self.parser.peek_nth_token_ref(ahead).token
    }

    /// A whole number without a sign.
    pub(super) fn count(&mut self) -> Result<u64> {
        let Token::Number(digits, _) = self.peek() else { return self.unexpected() };
        let Ok(number) = digits.parse() else { return self.unexpected() };
        self.skip();
        Ok(number)
    }

    pub(super) fn is_token(&self, ahead: usize, token: &Token) -> bool {
        self.parser.peek_nth_token_ref(ahead).token == *token
    }

    /// Any word: what may follow AS as a label.
    pub(super) fn label(&mut self) -> Result<Ident> {
        match self.peek() {
            Token::Word(_) => adopt(&self.source, self.parser.parse_identifier()),
            _ => self.unexpected(),
        }
    }

    /// A word, a string or a number, perhaps with its sign, as text.
    pub(super) fn plain_value(&mut self) -> Result<String> {
        let sign = if self.eat_token(&Token::Minus) { "-" } else { "" };
        let text = match self.peek() {
            Token::Number(digits, _) => format!("{sign}{digits}"),
            Token::Word(w) if sign.is_empty() && means_itself(w) => w.value.clone(),
            Token::SingleQuotedString(s) if sign.is_empty() => s.clone(),
            _ => return self.unexpected(),
        };
        self.skip();
        Ok(text)
    }

    /// A whole number with its sign.
    pub(super) fn integer(&mut self) -> Result<i64> {
        let negative = self.eat_token(&Token::Minus);
        if !negative {
            self.eat_token(&Token::Plus);
        }
        let Token::Number(digits, _) = self.peek() else { return self.unexpected() };
        let signed = if negative { format!("-{digits}") } else { digits.clone() };
        let Ok(number) = signed.parse() else { return self.unexpected() };
        self.skip();
        Ok(number)
    }

    /// A number with its sign, as an expression.
    pub(super) fn number(&mut self) -> Result<Expr> {
        if self.eat_token(&Token::Plus) && *self.peek() == Token::Minus {
            return self.unexpected();
        }
        let result = self.parser.parse_number();
        adopt(&self.source, result)
    }

    /// A literal, as an expression.
    pub(super) fn value(&mut self) -> Result<Expr> {
        let result = self.parser.parse_value();
        adopt(&self.source, result).map(Expr::Value)
    }

    /// The name of a role, or one of the words that stand for one.
    pub(super) fn role(&mut self) -> Result<Ident> {
        let stands_for_one =
            ["current_user", "session_user", "current_role"].iter().any(|word| self.is(0, word));
        if stands_for_one { self.label() } else { self.ident() }
    }

    pub(super) fn data_type(&mut self) -> Result<DataType> {
        let result = self.parser.parse_data_type();
        adopt(&self.source, result)
    }

    /// `a`, `a.b`, `a.b.c`.
    pub(super) fn name(&mut self) -> Result<ObjectName> {
        let mut parts = vec![self.ident()?];
        while self.eat_token(&Token::Period) {
            parts.push(self.label()?);
        }
        Ok(ObjectName::from(parts))
    }

    /// `(a, b)`.
    pub(super) fn columns(&mut self) -> Result<Vec<Ident>> {
        self.expect_token(&Token::LParen)?;
        let columns = self.list(Self::ident)?;
        self.expect_token(&Token::RParen)?;
        Ok(columns)
    }

    /// What is left, as a statement.
    pub(super) fn statement(&mut self) -> Result<ParsedStatement> {
        let start = self.parser.index();
        let end = start + self.count_ahead(|_| false);
        self.nested(start, end, self.source)
    }

    /// The statement in the parentheses ahead.
    pub(super) fn statement_in_parentheses(&mut self) -> Result<ParsedStatement> {
        self.expect_token(&Token::LParen)?;
        let start = self.parser.index();
        let mut depth = 0usize;
        let end = start
            + self.count_ahead(|token| {
                match token {
                    Token::LParen => depth += 1,
                    Token::RParen if depth == 0 => return true,
                    Token::RParen => depth -= 1,
                    _ => {}
                }
                false
            });
        let close = self.parser.token_at(end);
        let closed = close.token == Token::RParen;
        let semicolon = if closed { Some(close.span.start.column) } else { self.source.semicolon };
        let statement = self.nested(start, end, Source { semicolon, ..self.source })?;
        self.expect_token(&Token::RParen)?;
        Ok(statement)
    }

    /// How many tokens lie ahead of the first that is wanted, or of the end.
    fn count_ahead(&self, mut wanted: impl FnMut(&Token) -> bool) -> usize {
        let start = self.parser.index();
        (0..)
            .take_while(|ahead| match &self.parser.token_at(start + ahead).token {
                Token::EOF => false,
                token => !wanted(token),
            })
            .count()
    }

    fn nested(&mut self, start: usize, end: usize, source: Source<'_>) -> Result<ParsedStatement> {
        if start == end {
            return self.unexpected();
        }
        let tokens: Vec<_> = (start..end).map(|i| self.parser.token_at(i).clone()).collect();
        let bytes = match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => {
                source.byte_of(first.span.start.column)..source.byte_of(last.span.end.column)
            }
            _ => 0..0,
        };
        (start..end).for_each(|_| self.skip());
        crate::syntax::statement(source, tokens, bytes)
    }

    /// Whether a word or nothing lies ahead.
    pub(super) fn at_word_or_end(&self) -> bool {
        matches!(self.peek(), Token::Word(_) | Token::EOF)
    }

    /// Whether an item of a list ends so far ahead.
    pub(super) fn ends_item(&self, ahead: usize) -> bool {
        matches!(
            self.parser.peek_nth_token_ref(ahead).token,
            Token::EOF | Token::Comma | Token::RParen
        )
    }

    /// Whether `=` or TO stands so far ahead.
    pub(super) fn is_assignment(&self, ahead: usize) -> bool {
        self.parser.peek_nth_token_ref(ahead).token == Token::Eq || self.is(ahead, "to")
    }

    /// A string literal.
    pub(super) fn literal(&mut self) -> Result<String> {
        let Token::SingleQuotedString(text) = self.peek() else { return self.unexpected() };
        let text = text.clone();
        self.skip();
        Ok(text)
    }

    /// Where we are, for [`Self::back_to`].
    pub(super) fn mark(&self) -> usize {
        self.parser.index()
    }

    /// Goes back to where we were.
    pub(super) fn back_to(&mut self, mark: usize) {
        while self.parser.index() > mark {
            self.parser.prev_token();
        }
    }

    /// Passes what lies ahead in parentheses, if anything does.
    pub(super) fn skip_parentheses(&mut self) -> Result<()> {
        let mut depth = 0usize;
        loop {
            match self.peek() {
                Token::LParen => depth += 1,
                Token::RParen if depth > 0 => depth -= 1,
                Token::EOF if depth > 0 => return self.unexpected(),
                _ if depth == 0 => return Ok(()),
                _ => {}
            }
            self.skip();
            if depth == 0 {
                return Ok(());
            }
        }
    }

    pub(super) fn at_end(&self) -> bool {
        *self.peek() == Token::EOF
    }

    /// Passes whatever lies ahead.
    pub(super) fn skip(&mut self) {
        self.parser.advance_token();
    }

    /// A syntax error at what lies ahead, in words of its own.
    pub(super) fn refuse<T>(&self, message: &str) -> Result<T> {
        let column = self.parser.peek_token_ref().span.start.column;
        let position = u32::try_from(column).unwrap_or(u32::MAX);
        Err(Error::syntax(message).with_position(position))
    }

    pub(super) fn end(&self) -> Result<()> {
        if *self.peek() == Token::EOF { Ok(()) } else { self.unexpected() }
    }

    pub(super) fn ident(&mut self) -> Result<Ident> {
        match self.peek() {
            Token::Word(w) if w.quote_style.is_some() || may_name_column(&w.value) => {
                adopt(&self.source, self.parser.parse_identifier())
            }
            _ => self.unexpected(),
        }
    }

    pub(super) fn expr(&mut self) -> Result<Expr> {
        let result = self.parser.parse_expr();
        adopt(&self.source, result)
    }

    /// A query that goes on to the end, or to `WITH REASON =`.
    pub(super) fn query(&mut self) -> Result<Box<Query>> {
        let start = self.parser.index();
        let is = |at: usize, word| self.is_word_at(at, word);
        let reason = |at: usize| {
            is(at, "with")
                && is(at + 1, "reason")
                && self.parser.token_at(at + 2).token == Token::Eq
        };
        let mut end = start;
        while self.parser.token_at(end).token != Token::EOF && !reason(end) {
            end += 1;
        }
        let nested = self.nested(start, end, self.source)?;
        if nested.as_of.is_some() {
            return Err(Error::unsupported("AS OF SYSTEM TIME in a query of ids"));
        }
        if let Statement::Sql(tree) = nested.statement
            && let sqlparser::ast::Statement::Query(query) = *tree
        {
            return Ok(query);
        }
        self.back_to(start);
        self.unexpected()
    }

    fn is_word_at(&self, at: usize, word: &str) -> bool {
        matches!(
            &self.parser.token_at(at).token,
            Token::Word(w) if w.quote_style.is_none() && w.value == word
        )
    }

    /// A literal, a parameter, or a bare word that is read as a literal.
    pub(super) fn string(&mut self) -> Result<StringArg> {
        let arg = match self.peek() {
            Token::SingleQuotedString(s) => StringArg::Text(s.clone()),
            Token::Placeholder(p) => match p.trim_start_matches('$').parse() {
                Ok(n) => StringArg::Placeholder(n),
                Err(_) => return self.unexpected(),
            },
            Token::Word(w) if w.quote_style.is_some() || may_name_column(&w.value) => {
                StringArg::Text(w.value.clone())
            }
            _ => return self.unexpected(),
        };
        self.parser.advance_token();
        Ok(arg)
    }

    pub(super) fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat_token(&Token::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// One string or a parenthesised list.
    pub(super) fn strings(&mut self) -> Result<Vec<StringArg>> {
        if !self.eat_token(&Token::LParen) {
            return Ok(vec![self.string()?]);
        }
        let list = self.list(Self::string)?;
        self.expect_token(&Token::RParen)?;
        Ok(list)
    }

    pub(super) fn destination(&mut self) -> Result<Destination> {
        Ok(Destination { uris: self.strings()? })
    }

    pub(super) fn pattern(&mut self) -> Result<TablePattern> {
        let mut prefix = Vec::new();
        loop {
            if self.eat_token(&Token::Mul) {
                return Ok(TablePattern { prefix, table: None });
            }
            let name = self.ident()?;
            if prefix.len() == 2 || !self.eat_token(&Token::Period) {
                return Ok(TablePattern { prefix, table: Some(name) });
            }
            prefix.push(name);
        }
    }

    pub(super) fn as_of(&mut self) -> Result<Option<Expr>> {
        if self.eat(&["as", "of", "system", "time"]) { Ok(Some(self.expr()?)) } else { Ok(None) }
    }

    pub(super) fn duplicate<T>(&self, option: &str) -> Result<T> {
        Err(Error::syntax(format!("{option} option specified multiple times")))
    }
}

/// Whether a bare word, where a value is wanted, may mean its own text.
pub(super) fn means_itself(word: &Word) -> bool {
    word.quote_style.is_some()
        || matches!(word.value.as_str(), "on" | "true" | "false")
        || keyword_class(&word.value) != Some(KeywordClass::Reserved)
}
