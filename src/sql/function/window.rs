//! The window functions; what they compute is the executor's business.

use super::WindowKind::{
    CumeDist, DenseRank, FirstValue, Lag, LastValue, Lead, NthValue, Ntile, PercentRank, Rank,
    RowNumber,
};
use super::row::{WindowRow, win};

pub(super) const FUNCTIONS: &[WindowRow] = &[
    win(3100, "row_number", "", "int8", RowNumber),
    win(3101, "rank", "", "int8", Rank),
    win(3102, "dense_rank", "", "int8", DenseRank),
    win(3103, "percent_rank", "", "float8", PercentRank),
    win(3104, "cume_dist", "", "float8", CumeDist),
    win(3105, "ntile", "int4", "int4", Ntile),
    win(3106, "lag", "anyelement", "anyelement", Lag),
    win(3107, "lag", "anyelement int4", "anyelement", Lag),
    win(3108, "lag", "anycompatible int4 anycompatible", "anycompatible", Lag),
    win(3109, "lead", "anyelement", "anyelement", Lead),
    win(3110, "lead", "anyelement int4", "anyelement", Lead),
    win(3111, "lead", "anycompatible int4 anycompatible", "anycompatible", Lead),
    win(3112, "first_value", "anyelement", "anyelement", FirstValue),
    win(3113, "last_value", "anyelement", "anyelement", LastValue),
    win(3114, "nth_value", "anyelement int4", "anyelement", NthValue),
];
