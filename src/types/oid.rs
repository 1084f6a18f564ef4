//! (to be written)
use super::Type;
/// SQL spelling.
pub fn format_type(ty: &Type, _modifier: i32) -> String {
    format!("{ty:?}").to_lowercase()
}
