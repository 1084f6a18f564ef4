//! A BACKUP in canonical words and without its secrets, for the job's description.

use crate::clock::Timestamp;
use crate::cloud::ExternalUri;
use crate::syntax::quote_literal;

use super::destination::Into;
use super::plan::Request;

/// The statement, every name qualified, the subdirectory resolved, the end time exact if one was
/// given.
pub(super) fn describe(request: &Request, targets: &str, full_dir: &str) -> String {
    let mut out = String::from("BACKUP ");
    if !targets.is_empty() {
        out.push_str(targets);
        out.push(' ');
    }
    let redacted = |uri: &ExternalUri| quote_literal(&uri.redacted());
    let all = |uri: &ExternalUri| {
        let others: Vec<String> = request.elsewhere.uris().map(redacted).collect();
        match others.as_slice() {
            [] => redacted(uri),
            others => format!("({}, {})", redacted(uri), others.join(", ")),
        }
    };
    match &request.into {
        Into::New(uri) | Into::Latest(uri) | Into::Named(_, uri) => {
            out.push_str(&format!("INTO {} IN {}", quote_literal(full_dir), all(uri)));
        }
        Into::To(uri, _) => out.push_str(&format!("TO {}", all(uri))),
    }
    if let Some(end) = request.end {
        out.push_str(&as_of(end));
    }
    if let Into::To(_, from) = &request.into
        && !from.is_empty()
    {
        let from: Vec<String> = from.iter().map(redacted).collect();
        out.push_str(&format!(" INCREMENTAL FROM {}", from.join(", ")));
    }
    let options: Vec<String> = [
        request.revision_history.then(|| "revision_history".to_owned()),
        request.secret.as_ref().map(|secret| secret.shown(true)),
        request.detached.then(|| "detached".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !options.is_empty() {
        out.push_str(" WITH ");
        out.push_str(&options.join(", "));
    }
    out
}

fn as_of(end: Timestamp) -> String {
    format!(" AS OF SYSTEM TIME '{end}'")
}
