//! Errors for names that mean nothing, with the hints that PostgreSQL gives.

use sqlparser::ast::Ident;

use super::binder::Binder;
use super::level::Item;
use super::scope::in_sight;
use crate::error::{Error, sqlstate};

/// The most edits between a name and one that is suggested for it.
const DISTANCE_MAX: usize = 3;

impl Binder<'_> {
    /// 42703 for a column.
    pub fn missing_column(&self, table: Option<&str>, column: &str) -> Error {
        let message = match table {
            Some(table) => format!("column {table}.{column} does not exist"),
            None => format!("column \"{column}\" does not exist"),
        };
        let error = Error::new(sqlstate::UNDEFINED_COLUMN, message);
        match self.column_hint(table, column) {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    fn column_hint(&self, table: Option<&str>, column: &str) -> Option<String> {
        let mut best = DISTANCE_MAX + 1;
        let mut names: Vec<(&Item, &str)> = Vec::new();
        for item in self.levels.iter().rev().flat_map(|l| l.known.iter()) {
            if table.is_none() && item.columns.iter().any(|c| *c.name == *column) {
                return Some(format!(
                    "There is a column named \"{column}\" in table \"{}\", but it cannot be \
                     referenced from this part of the query.",
                    item.alias
                ));
            }
            let penalty = match table {
                Some(table) => distance(table, &item.alias, DISTANCE_MAX),
                None => 0,
            };
            for candidate in item.visible() {
                let edits = distance(column, &candidate.name, DISTANCE_MAX);
                if edits > column.chars().count() / 2 {
                    continue;
                }
                let total = edits + penalty;
                if total < best {
                    best = total;
                    names.clear();
                }
                if total == best && total <= DISTANCE_MAX {
                    names.push((item, &candidate.name));
                }
            }
        }
        match names.as_slice() {
            [(a, x)] => {
                Some(format!("Perhaps you meant to reference the column \"{}.{x}\".", a.alias))
            }
            [(a, x), (b, y)] => Some(format!(
                "Perhaps you meant to reference the column \"{}.{x}\" or the column \"{}.{y}\".",
                a.alias, b.alias
            )),
            _ => None,
        }
    }

    /// 42P01 for a qualifier.
    pub fn missing_item(&self, name: &[&Ident]) -> Error {
        let relation = name.last().map_or("", |i| i.value.as_str());
        let known = self.levels.iter().rev().flat_map(|l| l.known.iter().map(move |i| (l, i)));
        for (level, item) in known {
            let real = item.relation.as_ref().map(|(_, r)| &**r);
            if *item.alias != *relation && real != Some(relation) {
                continue;
            }
            let error = Error::new(
                sqlstate::UNDEFINED_TABLE,
                format!("invalid reference to FROM-clause entry for table \"{relation}\""),
            );
            return if *item.alias != *relation
                && level
                    .items
                    .iter()
                    .any(|i| i.alias == item.alias && i.by_name && in_sight(level, i))
            {
                error.with_hint(format!(
                    "Perhaps you meant to reference the table alias \"{}\".",
                    item.alias
                ))
            } else {
                error.with_hint(format!(
                    "There is an entry for table \"{}\", but it cannot be referenced from this \
                     part of the query.",
                    item.alias
                ))
            };
        }
        Error::new(
            sqlstate::UNDEFINED_TABLE,
            format!("missing FROM-clause entry for table \"{relation}\""),
        )
    }
}

/// Edits (insertions, deletions, substitutions) between two names; `most + 1` if there are more.
fn distance(a: &str, b: &str, most: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return most + 1;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (place, y) in row.iter_mut().skip(1).zip(&b) {
            let above = *place;
            left = (corner + usize::from(x != y)).min(above + 1).min(left + 1);
            corner = above;
            *place = left;
        }
    }
    row.last().copied().unwrap_or(0).min(most + 1)
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn edits_are_counted_up_to_a_limit() {
        assert_eq!(distance("abc", "abc", 3), 0);
        assert_eq!(distance("name", "nmae", 3), 2);
        assert_eq!(distance("id", "idx", 3), 1);
        assert_eq!(distance("kitten", "sitting", 3), 3);
        assert_eq!(distance("a", "abcdefgh", 3), 4);
        assert_eq!(distance("", "ab", 3), 2);
    }
}
