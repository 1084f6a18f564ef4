//! Names for what nobody named, as PostgreSQL chooses them.

use crate::limits::IDENTIFIER_BYTES_MAX;

/// `first_second_label`, shortened to what an identifier may have: the longer of the first two
/// loses its end.
pub(in crate::sql::statement) fn object_name(first: &str, second: &str, label: &str) -> String {
    let mut fixed = 0;
    if !second.is_empty() {
        fixed += 1;
    }
    if !label.is_empty() {
        fixed += 1 + label.len();
    }
    let room = IDENTIFIER_BYTES_MAX.saturating_sub(fixed);
    let (mut one, mut two) = (first.len(), second.len());
    while one + two > room {
        if one > two { one -= 1 } else { two -= 1 }
    }
    let mut name = first[..first.floor_char_boundary(one)].to_owned();
    for (part, length) in [(second, two), (label, label.len())] {
        if !part.is_empty() {
            name.push('_');
            name.push_str(&part[..part.floor_char_boundary(length)]);
        }
    }
    name
}

/// The first of `first_second_label`, `first_second_label1`, … that is free.
pub(in crate::sql::statement) fn choose(
    first: &str,
    second: &str,
    label: &str,
    is_taken: impl Fn(&str) -> bool,
) -> String {
    let mut name = object_name(first, second, label);
    let mut number = 0u64;
    while is_taken(&name) {
        number += 1;
        name = object_name(first, second, &format!("{label}{number}"));
    }
    name
}

/// The columns' part of an index's name.
pub(super) fn columns_part<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut part = String::new();
    for name in names {
        if part.len() >= IDENTIFIER_BYTES_MAX {
            break;
        }
        if !part.is_empty() {
            part.push('_');
        }
        part.push_str(name);
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_lose_the_end_of_the_longer_part() {
        assert_eq!(object_name("t", "", "pkey"), "t_pkey");
        assert_eq!(object_name("t", "a_b", "key"), "t_a_b_key");
        let long = "x".repeat(60);
        let name = object_name(&long, "column", "seq");
        assert_eq!(name.len(), IDENTIFIER_BYTES_MAX);
        assert!(name.ends_with("x_column_seq"));
        // Two bytes a character: never cut through one.
        let name = object_name(&"é".repeat(40), "c", "fkey");
        assert!(name.len() <= IDENTIFIER_BYTES_MAX && name.ends_with("é_c_fkey"));
    }

    #[test]
    fn a_taken_name_gets_a_number() {
        let taken = ["t_a_idx", "t_a_idx1"];
        assert_eq!(choose("t", "a", "idx", |n| taken.contains(&n)), "t_a_idx2");
        assert_eq!(columns_part(["a", "b"]), "a_b");
    }
}
