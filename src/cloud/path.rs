//! Paths inside a store: names joined by `/`, relative to the store's root, never upward.

use crate::error::{Error, Result, sqlstate};

/// Longest path that a store is asked for, in bytes; S3's own bound on a key.
const PATH_BYTES_MAX: usize = 1_024;

/// Brings a path into the one form that stores compare: no empty names, no leading or trailing
/// slash. Refuses `.`, `..` and control characters, which some stores would interpret.
pub fn clean(path: &str) -> Result<String> {
    let bad = |why: &str| {
        Err(Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            format!("invalid path \"{}\" in external storage: {why}", path.escape_debug()),
        ))
    };
    if path.len() > PATH_BYTES_MAX {
        return bad("it is longer than 1024 bytes");
    }
    if path.chars().any(char::is_control) {
        return bad("it contains control characters");
    }
    let mut out = String::with_capacity(path.len());
    for name in path.split('/').filter(|name| !name.is_empty()) {
        if name == "." || name == ".." {
            return bad("\".\" and \"..\" are not allowed");
        }
        if !out.is_empty() {
            out.push('/');
        }
        out.push_str(name);
    }
    Ok(out)
}

/// Joins two paths; either may be empty or have slashes at its ends.
pub fn join(dir: &str, name: &str) -> String {
    let (dir, name) = (dir.trim_end_matches('/'), name.trim_start_matches('/'));
    match (dir.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => dir.to_owned(),
        _ => format!("{dir}/{name}"),
    }
}

/// What follows `dir` in `path`, if `path` lies below `dir`. Compares whole names.
pub(crate) fn below<'a>(dir: &str, path: &'a str) -> Option<&'a str> {
    if dir.is_empty() {
        return Some(path);
    }
    path.strip_prefix(dir)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_form_and_never_lead_upward() {
        assert_eq!(clean("/a//b/").unwrap(), "a/b");
        assert_eq!(clean("").unwrap(), "");
        for bad in ["a/../b", "..", "./a", "a\0b", "a\nb", &"x".repeat(1_025)] {
            assert_eq!(clean(bad).unwrap_err().code(), sqlstate::INVALID_PARAMETER_VALUE);
        }
    }

    #[test]
    fn below_compares_whole_names() {
        assert_eq!(below("a", "a/b"), Some("b"));
        assert_eq!(below("a", "ab/c"), None);
        assert_eq!(below("", "x"), Some("x"));
        assert_eq!(join("/a/", "/b"), "/a/b");
        assert_eq!(join("", "b"), "b");
    }
}
