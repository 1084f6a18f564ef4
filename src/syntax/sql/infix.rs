//! What may follow an expression, where sqlparser's idea differs from PostgreSQL's.

use sqlparser::ast::{BinaryOperator, Expr};
use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Word};

use super::dialect::{POSTGRES, is_open, precedence};

/// The precedence of the next token; `None` leaves it to sqlparser.
pub(super) fn next_precedence(parser: &Parser) -> Option<u8> {
    let token = &parser.peek_token_ref().token;
    match token {
        Token::Word(word) => word_precedence(parser, word),
        Token::LBracket => Some(precedence::SUBSCRIPT),
        Token::DoubleColon => Some(precedence::CAST),
        Token::Caret => Some(precedence::POWER),
        Token::Mul | Token::Div | Token::Mod => Some(precedence::TIMES),
        Token::Plus | Token::Minus => Some(precedence::PLUS),
        Token::Eq | Token::Neq | Token::Lt | Token::Gt | Token::LtEq | Token::GtEq => {
            Some(precedence::COMPARISON)
        }
        Token::StringConcat
        | Token::Pipe
        | Token::Ampersand
        | Token::Sharp
        | Token::ShiftLeft
        | Token::ShiftRight
        | Token::Overlap
        | Token::CaretAt
        | Token::Tilde
        | Token::TildeAsterisk
        | Token::ExclamationMarkTilde
        | Token::ExclamationMarkTildeAsterisk
        | Token::DoubleTilde
        | Token::DoubleTildeAsterisk
        | Token::ExclamationMarkDoubleTilde
        | Token::ExclamationMarkDoubleTildeAsterisk
        | Token::Arrow
        | Token::LongArrow
        | Token::HashArrow
        | Token::HashLongArrow
        | Token::AtArrow
        | Token::ArrowAt
        | Token::HashMinus
        | Token::AtQuestion
        | Token::AtAt
        | Token::Question
        | Token::QuestionAnd
        | Token::QuestionPipe
        | Token::CustomBinaryOperator(_) => Some(precedence::OPERATOR),
        Token::Period => None,
        // Neither postfix operators nor anything else continues an expression.
        _ => Some(0),
    }
}

fn word_precedence(parser: &Parser, word: &Word) -> Option<u8> {
    match word.keyword {
        Keyword::OPERATOR => Some(if is_open(&parser.peek_nth_token_ref(1).token) {
            precedence::OPERATOR
        } else {
            0
        }),
        // Unreserved in PostgreSQL, infix in other dialects.
        Keyword::MATCH => Some(0),
        // In a column's definition COLLATE belongs to the column; the PostgreSQL dialect can tell.
        Keyword::COLLATE => match POSTGRES.get_next_precedence(parser) {
            Some(Ok(_)) => Some(precedence::COLLATE),
            _ => Some(0),
        },
        _ => None,
    }
}

/// `None` leaves the operator to sqlparser.
pub(super) fn parse(
    parser: &mut Parser,
    left: &Expr,
    precedence: u8,
    long_chains: bool,
) -> Option<Result<Expr, ParserError>> {
    match &parser.peek_token_ref().token {
        token if is_quantified(parser) && quantifiable(token).is_some() => {
            let op = quantifiable(token)?;
            Some(quantified(parser, left, op))
        }
        Token::Eq | Token::Neq | Token::Lt | Token::Gt | Token::LtEq | Token::GtEq
            if is_comparison(left) =>
        {
            Some(parser.expected("no second comparison", parser.peek_token()))
        }
        Token::Word(word) => match word.keyword {
            Keyword::AND if long_chains => {
                Some(chain(parser, left, precedence, Keyword::AND, BinaryOperator::And))
            }
            Keyword::OR if long_chains => {
                Some(chain(parser, left, precedence, Keyword::OR, BinaryOperator::Or))
            }
            Keyword::COLLATE => {
                parser.advance_token();
                Some(
                    parser
                        .parse_object_name(false)
                        .map(|collation| Expr::Collate { expr: Box::new(left.clone()), collation }),
                )
            }
            Keyword::BETWEEN if says_symmetry(parser, 1) => {
                parser.advance_token();
                Some(between(parser, left, false))
            }
            Keyword::NOT
                if is_keyword(&parser.peek_nth_token_ref(1).token, Keyword::BETWEEN)
                    && says_symmetry(parser, 2) =>
            {
                parser.advance_token();
                parser.advance_token();
                Some(between(parser, left, true))
            }
            _ => None,
        },
        _ => None,
    }
}

/// `a < b < c` is a slip that PostgreSQL refuses.
fn is_comparison(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::BinaryOp {
            op: BinaryOperator::Eq
                | BinaryOperator::NotEq
                | BinaryOperator::Lt
                | BinaryOperator::Gt
                | BinaryOperator::LtEq
                | BinaryOperator::GtEq,
            ..
        }
    )
}

fn is_keyword(token: &Token, keyword: Keyword) -> bool {
    matches!(token, Token::Word(word) if word.keyword == keyword)
}

fn says_symmetry(parser: &Parser, ahead: usize) -> bool {
    matches!(
        &parser.peek_nth_token_ref(ahead).token,
        Token::Word(word)
            if word.quote_style.is_none() && matches!(word.value.as_str(), "symmetric" | "asymmetric")
    )
}

/// `BETWEEN {SYMMETRIC | ASYMMETRIC} low AND high`, after BETWEEN. The symmetric one is spelled out.
fn between(parser: &mut Parser, left: &Expr, negated: bool) -> Result<Expr, ParserError> {
    let symmetric =
        matches!(&parser.next_token().token, Token::Word(word) if word.value == "symmetric");
    let low = Box::new(parser.parse_subexpr(precedence::LIKE)?);
    parser.expect_keyword_is(Keyword::AND)?;
    let high = Box::new(parser.parse_subexpr(precedence::LIKE)?);
    let expr = Box::new(left.clone());
    if !symmetric {
        return Ok(Expr::Between { expr, negated, low, high });
    }
    let one_way =
        Expr::Between { expr: expr.clone(), negated, low: low.clone(), high: high.clone() };
    let other_way = Expr::Between { expr, negated, low: high, high: low };
    Ok(Expr::Nested(Box::new(Expr::BinaryOp {
        left: Box::new(one_way),
        op: if negated { BinaryOperator::And } else { BinaryOperator::Or },
        right: Box::new(other_way),
    })))
}

/// Reads a whole chain of ANDs or ORs and builds it balanced, so that a thousand of them are ten
/// levels deep. Both are associative, and the order of the operands stays.
fn chain(
    parser: &mut Parser,
    left: &Expr,
    precedence: u8,
    keyword: Keyword,
    op: BinaryOperator,
) -> Result<Expr, ParserError> {
    let mut operands = vec![left.clone()];
    while parser.parse_keyword(keyword) {
        operands.push(parser.parse_subexpr(precedence)?);
    }
    while operands.len() > 1 {
        let mut pairs = Vec::with_capacity(operands.len().div_ceil(2));
        let mut rest = operands.into_iter();
        while let Some(left) = rest.next() {
            pairs.push(match rest.next() {
                Some(right) => {
                    Expr::BinaryOp { left: Box::new(left), op: op.clone(), right: Box::new(right) }
                }
                None => left,
            });
        }
        operands = pairs;
    }
    operands.pop().map_or_else(|| parser.expected("an expression", parser.peek_token()), Ok)
}

/// The operator of a token that sqlparser will not combine with ANY and ALL.
fn quantifiable(token: &Token) -> Option<BinaryOperator> {
    Some(match token {
        Token::Plus => BinaryOperator::Plus,
        Token::Minus => BinaryOperator::Minus,
        Token::Mul => BinaryOperator::Multiply,
        Token::Div => BinaryOperator::Divide,
        Token::Mod => BinaryOperator::Modulo,
        Token::StringConcat => BinaryOperator::StringConcat,
        Token::AtArrow => BinaryOperator::AtArrow,
        Token::ArrowAt => BinaryOperator::ArrowAt,
        Token::Overlap => BinaryOperator::PGOverlap,
        Token::CaretAt => BinaryOperator::PGStartsWith,
        Token::Question => BinaryOperator::Question,
        Token::CustomBinaryOperator(s) => BinaryOperator::Custom(s.clone()),
        _ => return None,
    })
}

/// `operator {ANY | SOME | ALL} (...)`.
fn quantified(parser: &mut Parser, left: &Expr, op: BinaryOperator) -> Result<Expr, ParserError> {
    parser.advance_token();
    let quantifier = parser.expect_one_of_keywords(&[Keyword::ANY, Keyword::SOME, Keyword::ALL])?;
    let is_query = matches!(
        &parser.peek_nth_token_ref(1).token,
        Token::Word(w) if matches!(w.keyword, Keyword::SELECT | Keyword::WITH | Keyword::VALUES)
    );
    parser.expect_token(&Token::LParen)?;
    let right =
        if is_query { Expr::Subquery(parser.parse_query()?) } else { parser.parse_expr()? };
    parser.expect_token(&Token::RParen)?;
    let (left, right) = (Box::new(left.clone()), Box::new(right));
    Ok(match quantifier {
        Keyword::ALL => Expr::AllOp { left, compare_op: op, right },
        other => Expr::AnyOp { left, compare_op: op, right, is_some: other == Keyword::SOME },
    })
}

/// Whether ANY, SOME or ALL with a parenthesis follows the operator.
fn is_quantified(parser: &Parser) -> bool {
    matches!(
        &parser.peek_nth_token_ref(1).token,
        Token::Word(w) if matches!(w.keyword, Keyword::ANY | Keyword::SOME | Keyword::ALL)
    ) && is_open(&parser.peek_nth_token_ref(2).token)
}
