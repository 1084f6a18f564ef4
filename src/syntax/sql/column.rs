//! Column options of CockroachDB that sqlparser lacks.

use sqlparser::ast::{ColumnOption, GeneratedAs, GeneratedExpressionMode};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// `AS (expr) {STORED | VIRTUAL}`: short for GENERATED ALWAYS AS. `None` leaves it to sqlparser.
pub(super) fn parse_option(
    parser: &mut Parser,
) -> Result<Option<Result<Option<ColumnOption>, ParserError>>, ParserError> {
    if !parser.peek_keyword(Keyword::AS) || parser.peek_nth_token_ref(1).token != Token::LParen {
        return Ok(None);
    }
    parser.expect_keyword_is(Keyword::AS)?;
    parser.expect_token(&Token::LParen)?;
    let expr = parser.parse_expr()?;
    parser.expect_token(&Token::RParen)?;
    let mode = if parser.parse_keyword(Keyword::STORED) {
        GeneratedExpressionMode::Stored
    } else if matches!(&parser.peek_token_ref().token, Token::Word(w) if w.value == "virtual") {
        parser.advance_token();
        GeneratedExpressionMode::Virtual
    } else {
        return parser.expected("STORED or VIRTUAL", parser.peek_token());
    };
    let generated_as = match mode {
        GeneratedExpressionMode::Stored => GeneratedAs::ExpStored,
        GeneratedExpressionMode::Virtual => GeneratedAs::Always,
    };
    Ok(Some(Ok(Some(ColumnOption::Generated {
        generated_as,
        sequence_options: None,
        generation_expr: Some(expr),
        generation_expr_mode: Some(mode),
        generated_keyword: true,
    }))))
}
