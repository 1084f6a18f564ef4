//! Order, equality, hashing.
#![allow(missing_docs)]
use super::{Datum, Type};
use std::cmp::Ordering;
use std::hash::Hasher;
#[allow(unused_variables)]
impl Datum {
    /// Total order, NULL last. Text compares by bytes; see [`compare_typed`] for bpchar.
    pub fn compare(&self, other: &Datum) -> Ordering {
        unimplemented!()
    }
    /// Equality as GROUP BY sees it (NULL equals NULL).
    pub fn same(&self, other: &Datum) -> bool {
        self.compare(other).is_eq()
    }
}
/// The same order for a type: bpchar ignores trailing blanks.
#[allow(unused_variables)]
pub fn compare_typed(ty: &Type, a: &Datum, b: &Datum) -> Ordering {
    unimplemented!()
}
/// A hash consistent with `compare`.
#[allow(unused_variables)]
pub fn hash_datum<H: Hasher>(value: &Datum, state: &mut H) {
    unimplemented!()
}
#[allow(unused_variables)]
pub fn hash_typed<H: Hasher>(ty: &Type, value: &Datum, state: &mut H) {
    unimplemented!()
}
