//! Keys as people read them: `/Table/106/1/42/"abc"`.
//!
//! A key does not carry its types, so what follows the index is guessed byte by byte; bytes that
//! are no known encoding are printed as hexadecimal. For messages and logs only.

use std::fmt::Write;

use super::{ordered, split_prefix};

/// The readable form of a key.
pub fn key(key: &[u8]) -> String {
    if key.is_empty() {
        return "/Min".to_string();
    }
    if key.iter().all(|&b| b == 0xFF) {
        return "/Max".to_string();
    }
    let Some((table, index, columns)) = split_prefix(key) else {
        return match key.first_chunk::<4>() {
            Some(table) => format!("/Table/{}", u32::from_be_bytes(*table)),
            None => format!("/{}", hex(key)),
        };
    };
    let mut out = format!("/Table/{table}/{index}");
    let mut rest = columns;
    while !rest.is_empty() {
        out.push('/');
        match ordered::guess(&mut rest) {
            Some(text) => out.push_str(&text),
            None => {
                out.push_str(&hex(rest));
                break;
            }
        }
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::from("0x");
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::keys::{index_prefix, table_span};
    use crate::types::Datum;

    #[test]
    fn keys_read_as_paths() {
        let mut key = index_prefix(106, 1);
        for datum in [Datum::Int8(42), Datum::text("abc"), Datum::Null] {
            super::ordered::encode_datum(&mut key, &datum, false).unwrap();
        }
        super::ordered::encode_datum(&mut key, &Datum::Int4(-7), true).unwrap();
        assert_eq!(super::key(&key), "/Table/106/1/42/\"abc\"/NULL/-7");
        assert_eq!(super::key(&table_span(106).end), "/Table/107");
        assert_eq!(super::key(&[]), "/Min");
        assert_eq!(super::key(&[1, 2]), "/0x0102");
        key.push(0x77);
        assert!(super::key(&key).ends_with("/0x77"));
    }
}
