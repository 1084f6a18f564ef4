//! The level of characters and tokens: PostgreSQL's lexical rules, its keywords, quoting.

mod keyword;
mod lexer;
mod literal;
mod quote;
mod redact;
mod source;
mod uri;

pub use keyword::{KeywordClass, keyword_class};
pub use literal::decode_escapes;
pub use quote::{quote_identifier, quote_literal};
pub use redact::redact_text;
pub use uri::{is_secret_in, redact_uri};

pub(crate) use keyword::may_name_column;
pub(crate) use lexer::split;
pub(crate) use redact::HIDDEN;
pub(crate) use source::{Source, adopt, too_complex};

use literal::literal_start;
