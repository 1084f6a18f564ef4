//! Exact decimal numbers.
/// An exact decimal number.
#[derive(Clone, Debug)]
pub struct Numeric;
