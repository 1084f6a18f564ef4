//! Keys as people read them: `/Table/106/1/42/"abc"`.
//!
//! A key does not carry its types, so what follows the index is guessed byte by byte; bytes that
//! are no known encoding are printed as hexadecimal. For messages and logs only.

use std::fmt::Write;

use super::{Key, ordered, split_prefix};

/// The readable form of a key.
pub fn key(key: &[u8]) -> String {
    if key.is_empty() {
        return "/Min".to_string();
    }
    if key.iter().all(|&b| b == 0xFF) {
        return "/Max".to_string();
    }
    let Some((table, index, columns)) = split_prefix(key) else {
        return match Key::from(key).first_chunk::<4>() {
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
