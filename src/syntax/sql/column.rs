//! Column options that sqlparser lacks or reads too narrowly.

use sqlparser::ast::{ColumnOption, GeneratedAs, GeneratedExpressionMode, SequenceOptions};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// `None` leaves the option to sqlparser.
pub(super) fn parse_option(
    parser: &mut Parser,
) -> Result<Option<Result<Option<ColumnOption>, ParserError>>, ParserError> {
    match identity(parser)? {
        Some(option) => Ok(Some(Ok(Some(option)))),
        None => computed(parser),
    }
}

/// `GENERATED {ALWAYS | BY DEFAULT} AS IDENTITY [(options)]`: the options come in any order.
fn identity(parser: &mut Parser) -> Result<Option<ColumnOption>, ParserError> {
    use Keyword::{ALWAYS, AS, BY, DEFAULT, GENERATED, IDENTITY};
    let generated_as = if parser.parse_keywords(&[GENERATED, ALWAYS, AS, IDENTITY]) {
        GeneratedAs::Always
    } else if parser.parse_keywords(&[GENERATED, BY, DEFAULT, AS, IDENTITY]) {
        GeneratedAs::ByDefault
    } else {
        return Ok(None);
    };
    let mut options = Vec::new();
    if parser.consume_token(&Token::LParen) {
        while !parser.consume_token(&Token::RParen) {
            options.push(sequence_option(parser)?);
        }
    }
    Ok(Some(ColumnOption::Generated {
        generated_as,
        sequence_options: Some(options),
        generation_expr: None,
        generation_expr_mode: None,
        generated_keyword: true,
    }))
}

fn sequence_option(parser: &mut Parser) -> Result<SequenceOptions, ParserError> {
    let option = if parser.parse_keyword(Keyword::INCREMENT) {
        let by = parser.parse_keyword(Keyword::BY);
        SequenceOptions::IncrementBy(parser.parse_number()?, by)
    } else if parser.parse_keyword(Keyword::MINVALUE) {
        SequenceOptions::MinValue(Some(parser.parse_number()?))
    } else if parser.parse_keywords(&[Keyword::NO, Keyword::MINVALUE]) {
        SequenceOptions::MinValue(None)
    } else if parser.parse_keyword(Keyword::MAXVALUE) {
        SequenceOptions::MaxValue(Some(parser.parse_number()?))
    } else if parser.parse_keywords(&[Keyword::NO, Keyword::MAXVALUE]) {
        SequenceOptions::MaxValue(None)
    } else if parser.parse_keyword(Keyword::START) {
        let with = parser.parse_keyword(Keyword::WITH);
        SequenceOptions::StartWith(parser.parse_number()?, with)
    } else if parser.parse_keyword(Keyword::CACHE) {
        SequenceOptions::Cache(parser.parse_number()?)
    } else if parser.parse_keywords(&[Keyword::NO, Keyword::CYCLE]) {
        // sqlparser's flag says NO.
        SequenceOptions::Cycle(true)
    } else if parser.parse_keyword(Keyword::CYCLE) {
        SequenceOptions::Cycle(false)
    } else {
        return parser.expected("an option of a sequence", parser.peek_token());
    };
    Ok(option)
}

/// `AS (expr) {STORED | VIRTUAL}`: short for GENERATED ALWAYS AS.
fn computed(
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
