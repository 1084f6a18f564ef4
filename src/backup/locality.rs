//! The other destinations of a locality-aware backup: which of a list is the default, and which
//! one takes this server's data files.
//!
//! Everything but data files lies in the default destination. A server writes its data files into
//! the destination of its narrowest locality that the list has, else into the default one too.

use super::destination::Stores;
use crate::cloud::ExternalUri;
use crate::error::{Error, Result, sqlstate};

const DEFAULT: &str = "default";

/// The destinations of a list but the default one, each with its `key=value`.
#[derive(Clone, Debug, Default)]
pub struct Elsewhere(Vec<(String, ExternalUri)>);

impl Elsewhere {
    /// Splits the URIs of a statement, which were checked when they were parsed, into the default one and the others.
    pub fn split(mut uris: Vec<ExternalUri>) -> Result<(ExternalUri, Elsewhere)> {
        if uris.len() == 1
            && let Some(only) = uris.pop()
        {
            return Ok((only, Elsewhere::default()));
        }
        let mut default = None;
        let mut others: Vec<(String, ExternalUri)> = Vec::new();
        for uri in uris {
            let Some(locality) = uri.locality().map(str::to_owned) else {
                return Err(invalid(format!(
                    "{} of a list of destinations has no COCKROACH_LOCALITY",
                    uri.redacted()
                )));
            };
            if locality == DEFAULT {
                if default.replace(uri).is_some() {
                    return Err(invalid("a list of destinations has two default ones"));
                }
                continue;
            }
            if others.iter().any(|(other, _)| *other == locality) {
                return Err(invalid(format!("duplicate locality {locality}")));
            }
            others.push((locality, uri));
        }
        let default = default.ok_or_else(|| {
            invalid("a list of destinations needs one with COCKROACH_LOCALITY=default")
        })?;
        Ok((default, Elsewhere(others)))
    }

    /// The localities.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(locality, _)| locality.as_str())
    }

    /// The URIs.
    pub(super) fn uris(&self) -> impl Iterator<Item = &ExternalUri> {
        self.0.iter().map(|(_, uri)| uri)
    }

    /// Where this server's data files go, unless it is the default destination.
    pub(super) fn own(&self, stores: &dyn Stores) -> Option<(&str, &ExternalUri)> {
        let tiers = stores.locality()?;
        tiers.rsplit(',').find_map(|tier| {
            let found = self.0.iter().find(|(locality, _)| locality == tier);
            found.map(|(locality, uri)| (locality.as_str(), uri))
        })
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(localities: &[&str]) -> Result<(ExternalUri, Elsewhere)> {
        let uri = |(at, locality): (usize, &&str)| {
            let text = match *locality {
                "" => format!("nodelocal://1/{at}"),
                locality => format!("nodelocal://1/{at}?COCKROACH_LOCALITY={locality}"),
            };
            ExternalUri::parse(&text).unwrap()
        };
        Elsewhere::split(localities.iter().enumerate().map(uri).collect())
    }

    #[test]
    fn a_list_has_one_default_and_distinct_pairs() {
        let (default, others) = split(&["a%3Db", "default", "a%3Dc"]).unwrap();
        assert!(default.redacted().starts_with("nodelocal://1/1"));
        assert_eq!(others.names().collect::<Vec<_>>(), ["a=b", "a=c"]);
        assert!(split(&[""]).unwrap().1.names().next().is_none());
        for bad in [
            &["default", ""][..],
            &["default", "default"],
            &["a%3Db", "a%3Dc"],
            &["default", "a%3Db", "a%3Db"],
        ] {
            let e = split(bad).unwrap_err();
            assert_eq!(e.code(), sqlstate::INVALID_PARAMETER_VALUE, "{bad:?}");
        }
    }
}
