//! The dialect that sqlparser is run with: its PostgreSQL, with PostgreSQL's real precedences, rules
//! for names and aliases, and expressions that it lacks.

use std::any::TypeId;

use sqlparser::ast::Expr;
use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::{infix, prefix};

/// Precedences as in PostgreSQL's grammar; what binds tighter is greater.
pub(super) mod precedence {
    pub(crate) const OR: u8 = 10;
    pub(crate) const AND: u8 = 20;
    pub(crate) const NOT: u8 = 30;
    pub(crate) const IS: u8 = 40;
    pub(crate) const COMPARISON: u8 = 50;
    pub(crate) const LIKE: u8 = 60;
    pub(crate) const OPERATOR: u8 = 70;
    pub(crate) const PLUS: u8 = 80;
    pub(crate) const TIMES: u8 = 90;
    pub(crate) const POWER: u8 = 100;
    pub(crate) const AT: u8 = 110;
    pub(crate) const COLLATE: u8 = 120;
    pub(crate) const SIGN: u8 = 125;
    pub(crate) const SUBSCRIPT: u8 = 130;
    pub(crate) const CAST: u8 = 140;
    pub(crate) const PERIOD: u8 = 200;
}

/// The dialect. It answers as PostgreSQL's where sqlparser asks which one it is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CairnDialect {
    /// Chains of AND and OR are long enough that they must be built balanced.
    pub(crate) long_chains: bool,
}

pub(super) const POSTGRES: PostgreSqlDialect = PostgreSqlDialect {};

/// Answers of the PostgreSQL dialect taken over as they are.
macro_rules! as_postgres {
    ($($question:ident)*) => {
        $(fn $question(&self) -> bool {
            POSTGRES.$question()
        })*
    };
}

impl Dialect for CairnDialect {
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        POSTGRES.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        POSTGRES.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        POSTGRES.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        POSTGRES.is_identifier_part(ch)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        POSTGRES.is_custom_operator_part(ch)
    }

    as_postgres! {
        supports_unicode_string_literal
        supports_filter_during_aggregation
        supports_group_by_expr
        allow_extract_custom
        allow_extract_single_quotes
        supports_create_index_with_clause
        supports_explain_with_utility_options
        supports_listen_notify
        supports_exclude_constraint
        supports_bitwise_shift_operators
        supports_comment_on
        supports_named_fn_args_with_colon_operator
        supports_named_fn_args_with_expr_name
        supports_empty_projections
        supports_nested_comments
        supports_string_escape_constant
        supports_numeric_literal_underscores
        supports_array_typedef_with_brackets
        supports_order_by_using_operator
        supports_alter_column_type_using
        supports_left_associative_joins_without_parens
        supports_notnull_operator
        supports_interval_options
        supports_insert_table_alias
        supports_create_table_like_parenthesized
        supports_comma_separated_trim
        supports_named_fn_args_with_rarrow_operator
    }

    // CockroachDB's, and PostgreSQL's, beyond what the PostgreSQL dialect of sqlparser says.
    fn supports_update_order_by(&self) -> bool {
        true
    }

    fn supports_create_table_using(&self) -> bool {
        true
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        RESERVED.contains(&keyword)
    }

    fn is_column_alias(&self, keyword: &Keyword, _parser: &mut Parser) -> bool {
        !NEEDS_AS.contains(keyword)
    }

    fn is_table_alias(&self, keyword: &Keyword, _parser: &mut Parser) -> bool {
        !RESERVED.contains(keyword) && !NOT_A_TABLE_ALIAS.contains(keyword)
    }

    fn is_table_factor(&self, keyword: &Keyword, _parser: &mut Parser) -> bool {
        !RESERVED.contains(keyword)
    }

    fn prec_value(&self, group: Precedence) -> u8 {
        use self::precedence as p;
        match group {
            Precedence::Period => p::PERIOD,
            Precedence::DoubleColon => p::CAST,
            Precedence::AtTz => p::AT,
            Precedence::MulDivModOp => p::TIMES,
            Precedence::PlusMinus => p::PLUS,
            Precedence::Caret => p::POWER,
            Precedence::Xor
            | Precedence::Ampersand
            | Precedence::Pipe
            | Precedence::Colon
            | Precedence::PgOther => p::OPERATOR,
            Precedence::Between | Precedence::Like => p::LIKE,
            Precedence::Eq => p::COMPARISON,
            Precedence::Is => p::IS,
            Precedence::UnaryNot => p::NOT,
            Precedence::And => p::AND,
            Precedence::Or => p::OR,
        }
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        infix::next_precedence(parser).map(Ok)
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        prefix::parse(parser)
    }

    fn parse_infix(
        &self,
        parser: &mut Parser,
        left: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        infix::parse(parser, left, precedence, self.long_chains)
    }

    fn parse_column_option(
        &self,
        parser: &mut Parser,
    ) -> Result<Option<Result<Option<sqlparser::ast::ColumnOption>, ParserError>>, ParserError>
    {
        super::column::parse_option(parser)
    }
}

/// Words that are names only in quotes. (Those that sqlparser has no keyword for are missing; they
/// reach it as ordinary words.)
pub(super) const RESERVED: &[Keyword] = &[
    Keyword::ALL,
    Keyword::ANALYZE,
    Keyword::AND,
    Keyword::ANY,
    Keyword::ARRAY,
    Keyword::AS,
    Keyword::ASC,
    Keyword::BOTH,
    Keyword::CASE,
    Keyword::CAST,
    Keyword::CHECK,
    Keyword::COLLATE,
    Keyword::COLUMN,
    Keyword::CONSTRAINT,
    Keyword::CREATE,
    Keyword::CURRENT_CATALOG,
    Keyword::CURRENT_DATE,
    Keyword::CURRENT_ROLE,
    Keyword::CURRENT_TIME,
    Keyword::CURRENT_TIMESTAMP,
    Keyword::CURRENT_USER,
    Keyword::DEFAULT,
    Keyword::DEFERRABLE,
    Keyword::DESC,
    Keyword::DISTINCT,
    Keyword::DO,
    Keyword::ELSE,
    Keyword::END,
    Keyword::EXCEPT,
    Keyword::FALSE,
    Keyword::FETCH,
    Keyword::FOR,
    Keyword::FOREIGN,
    Keyword::FROM,
    Keyword::GRANT,
    Keyword::GROUP,
    Keyword::HAVING,
    Keyword::IN,
    Keyword::INITIALLY,
    Keyword::INTERSECT,
    Keyword::INTO,
    Keyword::LATERAL,
    Keyword::LEADING,
    Keyword::LIMIT,
    Keyword::LOCALTIME,
    Keyword::LOCALTIMESTAMP,
    Keyword::NOT,
    Keyword::NULL,
    Keyword::OFFSET,
    Keyword::ON,
    Keyword::ONLY,
    Keyword::OR,
    Keyword::ORDER,
    Keyword::PLACING,
    Keyword::PRIMARY,
    Keyword::REFERENCES,
    Keyword::RETURNING,
    Keyword::SELECT,
    Keyword::SESSION_USER,
    Keyword::SOME,
    Keyword::SYMMETRIC,
    Keyword::TABLE,
    Keyword::THEN,
    Keyword::TO,
    Keyword::TRAILING,
    Keyword::TRUE,
    Keyword::UNION,
    Keyword::UNIQUE,
    Keyword::USER,
    Keyword::USING,
    Keyword::WHEN,
    Keyword::WHERE,
    Keyword::WINDOW,
    Keyword::WITH,
];

/// Words of functions and types: they cannot name a table without quotes.
const NOT_A_TABLE_ALIAS: &[Keyword] = &[
    Keyword::AUTHORIZATION,
    Keyword::BINARY,
    Keyword::COLLATION,
    Keyword::CONCURRENTLY,
    Keyword::CROSS,
    Keyword::CURRENT_SCHEMA,
    Keyword::FREEZE,
    Keyword::FULL,
    Keyword::ILIKE,
    Keyword::INNER,
    Keyword::IS,
    Keyword::JOIN,
    Keyword::LEFT,
    Keyword::LIKE,
    Keyword::NATURAL,
    Keyword::NOTNULL,
    Keyword::OUTER,
    Keyword::OVERLAPS,
    Keyword::RIGHT,
    Keyword::SIMILAR,
    Keyword::TABLESAMPLE,
    Keyword::VERBOSE,
    // Names to PostgreSQL, but after a table they begin a clause of UPDATE, MERGE or INSERT.
    Keyword::SET,
    Keyword::VALUES,
];

/// Words that label an output column only after AS.
const NEEDS_AS: &[Keyword] = &[
    Keyword::ARRAY,
    Keyword::AS,
    Keyword::CHAR,
    Keyword::CHARACTER,
    Keyword::CREATE,
    Keyword::DAY,
    Keyword::EXCEPT,
    Keyword::FETCH,
    Keyword::FILTER,
    Keyword::FOR,
    Keyword::FROM,
    Keyword::GRANT,
    Keyword::GROUP,
    Keyword::HAVING,
    Keyword::HOUR,
    Keyword::INTERSECT,
    Keyword::INTO,
    Keyword::LIMIT,
    Keyword::MINUTE,
    Keyword::MONTH,
    Keyword::NOTNULL,
    Keyword::OFFSET,
    Keyword::ON,
    Keyword::ORDER,
    Keyword::OVER,
    Keyword::OVERLAPS,
    Keyword::PRECISION,
    Keyword::RETURNING,
    Keyword::SECOND,
    Keyword::TO,
    Keyword::UNION,
    Keyword::VARYING,
    Keyword::WHERE,
    Keyword::WINDOW,
    Keyword::WITH,
    Keyword::WITHIN,
    Keyword::WITHOUT,
    Keyword::YEAR,
];

/// Whether a token opens a parenthesis.
pub(super) fn is_open(token: &Token) -> bool {
    *token == Token::LParen
}
