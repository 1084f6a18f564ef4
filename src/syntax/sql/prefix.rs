//! What an expression may begin with, where sqlparser needs help or is slow.
//!
//! sqlparser tries every beginning as a type name first and formats an error when it is none, so the
//! common cases (numbers, strings, parameters, plain names, calls) are short-cut here.

use sqlparser::ast::{
    DataType, Expr, Function, FunctionArguments, Ident, ObjectName, TypedString, UnaryOperator,
};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Word};

use super::dialect::{is_open, precedence};
use crate::syntax::text::{KeywordClass, keyword_class};

/// `None` leaves the beginning to sqlparser.
pub(super) fn parse(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    match &parser.peek_token_ref().token {
        Token::Number(..) | Token::SingleQuotedString(_) | Token::Placeholder(_) => {
            Some(parser.parse_value().map(Expr::Value))
        }
        Token::Minus => Some(sign(parser, UnaryOperator::Minus)),
        Token::Plus => Some(sign(parser, UnaryOperator::Plus)),
        Token::Tilde => Some(prefix_operator(parser, UnaryOperator::BitwiseNot)),
        Token::AtSign => Some(prefix_operator(parser, UnaryOperator::PGAbs)),
        Token::PGSquareRoot => Some(prefix_operator(parser, UnaryOperator::PGSquareRoot)),
        Token::PGCubeRoot => Some(prefix_operator(parser, UnaryOperator::PGCubeRoot)),
        Token::LParen if opens_query(parser) => Some(subquery(parser)),
        // An array without the word ARRAY is foreign, except inside another; and so are these.
        Token::LBracket if !inside_array(parser) => {
            Some(parser.expected("an expression", parser.peek_token()))
        }
        Token::LBrace | Token::Colon => Some(parser.expected("an expression", parser.peek_token())),
        Token::Word(word) => {
            let word = word.clone();
            self::word(parser, &word)
        }
        _ => None,
    }
}

/// A sign binds tighter than any operator but a subscript and a cast: `-2 ^ 2` is 4.
fn sign(parser: &mut Parser, op: UnaryOperator) -> Result<Expr, ParserError> {
    parser.advance_token();
    let expr = Box::new(parser.parse_subexpr(precedence::SIGN)?);
    Ok(Expr::UnaryOp { op, expr })
}

/// Any other prefix operator takes all that binds tighter than operators do: `~ 1 + 2` is `~(1 + 2)`.
fn prefix_operator(parser: &mut Parser, op: UnaryOperator) -> Result<Expr, ParserError> {
    parser.advance_token();
    let expr = Box::new(parser.parse_subexpr(precedence::OPERATOR)?);
    Ok(Expr::UnaryOp { op, expr })
}

/// Whether the bracket ahead can be a row of an array: it follows a bracket or another row.
fn inside_array(parser: &Parser) -> bool {
    let before = parser.index().checked_sub(1).map(|i| &parser.token_at(i).token);
    let two_before = parser.index().checked_sub(2).map(|i| &parser.token_at(i).token);
    match before {
        Some(Token::LBracket) => true,
        Some(Token::Comma) => two_before == Some(&Token::RBracket),
        _ => false,
    }
}

/// Whether the parenthesis ahead holds a query and sqlparser would not see it: it looks one word far,
/// which leaves out `(VALUES ...)` and `((SELECT 1) UNION SELECT 2)`.
fn opens_query(parser: &Parser) -> bool {
    let start = parser.index();
    let mut first = start;
    while is_open(&parser.token_at(first).token) {
        first += 1;
    }
    let opened = first - start;
    let Token::Word(word) = &parser.token_at(first).token else { return false };
    match word.keyword {
        Keyword::VALUES | Keyword::TABLE if opened == 1 => return true,
        Keyword::SELECT | Keyword::WITH | Keyword::VALUES if opened > 1 => {}
        _ => return false,
    }
    // From the innermost parenthesis outward: what follows it says what the one around it holds.
    let mut depth = opened;
    let mut index = first;
    let mut combined = false;
    loop {
        match &parser.token_at(index).token {
            Token::EOF => return false,
            Token::LParen => depth += 1,
            Token::RParen => {
                depth -= 1;
                if depth == 0 {
                    return combined;
                }
                if depth < opened {
                    match &parser.token_at(index + 1).token {
                        Token::RParen => {}
                        Token::Word(next) if continues_query(next.keyword) => combined = true,
                        _ if depth < opened && !combined => return false,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        index += 1;
    }
}

fn continues_query(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::UNION
            | Keyword::INTERSECT
            | Keyword::EXCEPT
            | Keyword::ORDER
            | Keyword::LIMIT
            | Keyword::OFFSET
            | Keyword::FETCH
    )
}

fn subquery(parser: &mut Parser) -> Result<Expr, ParserError> {
    parser.expect_token(&Token::LParen)?;
    let query = parser.parse_query()?;
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Subquery(query))
}

fn word(parser: &mut Parser, word: &Word) -> Option<Result<Expr, ParserError>> {
    let next = &parser.peek_nth_token_ref(1).token;
    if word.quote_style.is_some() {
        return plain(parser, word);
    }
    match word.keyword {
        Keyword::INTERVAL => Some(interval(parser)),
        Keyword::CURRENT_ROLE | Keyword::CURRENT_SCHEMA if !is_open(next) => {
            let token = parser.next_token();
            Some(Ok(bare_call(word.to_ident(token.span))))
        }
        Keyword::LEFT | Keyword::RIGHT if is_open(next) => call(parser, word),
        _ if word.value == "variadic" => Some(variadic(parser, word)),
        _ => match keyword_class(&word.value) {
            None | Some(KeywordClass::Unreserved) => plain(parser, word),
            Some(KeywordClass::ColumnName)
                if is_open(next) && CALLED.contains(&word.value.as_str()) =>
            {
                call(parser, word)
            }
            Some(KeywordClass::Reserved)
                if word.keyword == Keyword::NoKeyword || !begins_expression(word.keyword) =>
            {
                Some(parser.expected("an expression", parser.peek_token()))
            }
            _ => None,
        },
    }
}

/// Words with rules of their own that are called as ordinary functions.
const CALLED: [&str; 7] =
    ["coalesce", "greatest", "grouping", "json_object", "least", "nullif", "row"];

/// Reserved words that an expression can begin with.
fn begins_expression(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::ARRAY
            | Keyword::CASE
            | Keyword::CAST
            | Keyword::CURRENT_CATALOG
            | Keyword::CURRENT_DATE
            | Keyword::CURRENT_ROLE
            | Keyword::CURRENT_TIME
            | Keyword::CURRENT_TIMESTAMP
            | Keyword::CURRENT_USER
            | Keyword::DEFAULT
            | Keyword::FALSE
            | Keyword::LOCALTIME
            | Keyword::LOCALTIMESTAMP
            | Keyword::NOT
            | Keyword::NULL
            | Keyword::SELECT
            | Keyword::SESSION_USER
            | Keyword::TRUE
            | Keyword::USER
            | Keyword::WITH
    )
}

/// A name, a call, or a literal with its type's name before it.
fn plain(parser: &mut Parser, word: &Word) -> Option<Result<Expr, ParserError>> {
    match &parser.peek_nth_token_ref(1).token {
        Token::SingleQuotedString(_) => Some(typed_literal(parser)),
        Token::LParen if literal_after_modifiers(parser) => Some(typed_literal(parser)),
        Token::LParen => call(parser, word),
        // `double precision '1.5'`
        Token::Word(next) if next.keyword == Keyword::PRECISION => None,
        _ => {
            let token = parser.next_token();
            Some(Ok(Expr::Identifier(word.to_ident(token.span))))
        }
    }
}

fn call(parser: &mut Parser, word: &Word) -> Option<Result<Expr, ParserError>> {
    let token = parser.next_token();
    Some(parser.parse_function(ObjectName::from(vec![word.to_ident(token.span)])))
}

/// `VARIADIC array`, as an argument; it stays in the tree as a prefix.
fn variadic(parser: &mut Parser, word: &Word) -> Result<Expr, ParserError> {
    let token = parser.next_token();
    let value = Box::new(parser.parse_expr()?);
    Ok(Expr::Prefixed { prefix: word.to_ident(token.span), value })
}

/// Whether `name(3) 'literal'` lies ahead.
fn literal_after_modifiers(parser: &Parser) -> bool {
    matches!(parser.peek_nth_token_ref(2).token, Token::Number(..))
        && parser.peek_nth_token_ref(3).token == Token::RParen
        && matches!(parser.peek_nth_token_ref(4).token, Token::SingleQuotedString(_))
}

/// `type 'literal'`.
fn typed_literal(parser: &mut Parser) -> Result<Expr, ParserError> {
    Ok(Expr::TypedString(TypedString {
        data_type: parser.parse_data_type()?,
        value: parser.parse_value()?,
        uses_odbc_syntax: false,
    }))
}

/// `INTERVAL '..' [fields]`, `INTERVAL(p) '..'`; else it is an ordinary word.
fn interval(parser: &mut Parser) -> Result<Expr, ParserError> {
    let next = &parser.peek_nth_token_ref(1).token;
    if matches!(next, Token::SingleQuotedString(_)) {
        parser.advance_token();
        return parser.parse_interval();
    }
    if is_open(next) && literal_after_modifiers(parser) {
        parser.advance_token();
        parser.advance_token();
        let precision = parser.parse_literal_uint()?;
        parser.expect_token(&Token::RParen)?;
        return Ok(Expr::TypedString(TypedString {
            data_type: DataType::Interval { fields: None, precision: Some(precision) },
            value: parser.parse_value()?,
            uses_odbc_syntax: false,
        }));
    }
    let token = parser.next_token();
    match &token.token {
        Token::Word(word) if !is_open(&parser.peek_token_ref().token) => {
            Ok(Expr::Identifier(word.to_ident(token.span)))
        }
        _ => parser.expected("an interval literal", parser.peek_token()),
    }
}

/// A function that is called without parentheses.
fn bare_call(name: Ident) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![name]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::None,
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
