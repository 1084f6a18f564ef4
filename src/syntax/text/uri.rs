//! URIs with their secrets taken out, however badly they are written.
//!
//! What is shown in a log or a job's description has often not been parsed yet, or does not parse, so
//! this reads a text for what may be a secret in it and needs no well-formed URI. It would rather hide
//! too much than too little.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// What stands in the place of a secret.
const REDACTED: &str = "redacted";
/// URIs within parameters of URIs that are looked into; deeper ones are hidden whole.
const NESTING_MAX: usize = 3;
/// The parameter of a web server's URI that is ours and not its.
const LOCALITY: &str = "COCKROACH_LOCALITY";

/// The URI with the value of every secret parameter, and the password of its user, replaced by
/// `redacted`. Everything else stays as it was written. A text that is no URI comes back unchanged
/// unless something in it reads like such a parameter.
pub fn redact_uri(text: &str) -> String {
    redact(text, 0)
}

/// Whether a parameter's value is a secret, whatever the scheme. Names that only look like it, such as
/// a misspelt one, count too.
pub fn is_secret_parameter(name: &str) -> bool {
    const PARTS: &[&str] =
        &["SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "TOKEN", "CREDENTIAL", "SIGNATURE"];
    const WHOLE: &[&str] = &["KEY", "APIKEY", "SIG", "SAS", "PWD", "PASS"];
    let name = name.trim().to_ascii_uppercase();
    PARTS.iter().any(|part| name.contains(part))
        || WHOLE.contains(&name.as_str())
        || name.ends_with("_KEY")
        || name.ends_with("-KEY")
}

/// Whether every parameter of a URI of this scheme is hidden, since nobody here knows what they mean.
fn hides_all_parameters(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// Whether the value of a parameter of such a URI is a secret.
pub fn is_secret_in(scheme: &str, name: &str) -> bool {
    is_secret_parameter(name) || (hides_all_parameters(scheme) && name != LOCALITY)
}

fn redact(text: &str, nesting: usize) -> String {
    let scheme = scheme_of(text);
    let mut out = String::with_capacity(text.len());
    // Whether the last piece was a secret: what comes next without a name of its own belongs to it.
    let mut in_secret = false;
    for (at, piece) in text.split_inclusive(['?', '&']).enumerate() {
        let (body, separator) = match piece.char_indices().next_back() {
            Some((end, '?' | '&')) => piece.split_at(end),
            _ => (piece, ""),
        };
        // The separator in front of a swallowed piece is hidden with it.
        if in_secret && !body.is_empty() && !body.contains('=') {
            continue;
        }
        let (shown, secret) = redact_piece(body, if at == 0 { "" } else { scheme }, nesting);
        if in_secret {
            // `redact_piece` of the secret wrote no separator, since it could have been part of it.
            out.push('&');
        }
        out.push_str(&shown);
        in_secret = secret;
        if !secret {
            out.push_str(separator);
        }
    }
    without_passwords(out)
}

/// One `name=value`, or the part in front of the parameters. Says whether it ended in a secret.
fn redact_piece<'a>(piece: &'a str, scheme: &str, nesting: usize) -> (Cow<'a, str>, bool) {
    for (equals, _) in piece.match_indices('=') {
        let (before, value) = piece.split_at(equals);
        let name = name_before(before);
        let decoded = percent_decode_str(name).decode_utf8_lossy();
        if is_secret_in(scheme, decoded.trim()) && value.len() > 1 {
            return (Cow::Owned(format!("{before}={REDACTED}")), true);
        }
    }
    let Some((before, value)) = piece.split_once('=') else {
        return (Cow::Borrowed(piece), false);
    };
    // A value may be a URI itself, encoded or not.
    let decoded = percent_decode_str(value).decode_utf8_lossy();
    let hides = if nesting >= NESTING_MAX {
        decoded.contains("://") || decoded.contains('=')
    } else {
        (decoded.contains('=') || decoded.contains('@')) && redact(&decoded, nesting + 1) != decoded
    };
    if hides {
        (Cow::Owned(format!("{before}={REDACTED}")), false)
    } else {
        (Cow::Borrowed(piece), false)
    }
}

/// The name that ends a text.
fn name_before(text: &str) -> &str {
    let text = text.trim_end();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '%' | '+');
    text.rfind(|c: char| !is_name(c))
        .map_or(text, |end| text.get(end..).unwrap_or_default().trim_start_matches(|c| !is_name(c)))
}

fn scheme_of(text: &str) -> &str {
    text.split_once("://").map_or("", |(before, _)| last_word(before))
}

fn last_word(text: &str) -> &str {
    text.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or_default()
}

/// Hides the password in every `scheme://user:password@host`. It may hold what it should not.
fn without_passwords(text: String) -> String {
    let Some(first) = text.find("://") else { return text };
    if !text.contains('@') {
        return text;
    }
    let (start, rest) = text.split_at(first);
    let mut out = start.to_owned();
    for segment in rest.split("://").skip(1) {
        let scheme = last_word(&out).to_owned();
        out.push_str("://");
        push_without_password(&mut out, &scheme, segment);
    }
    out
}

/// What follows one `://`.
fn push_without_password(out: &mut String, scheme: &str, segment: &str) {
    let authority = segment.split('/').next().unwrap_or_default();
    let location = segment.split('?').next().unwrap_or_default();
    let part = if authority.contains('@') { authority } else { location };
    let Some(at) = part.rfind('@') else { return out.push_str(segment) };
    let (user_info, host) = segment.split_at(at);
    match user_info.split_once(':') {
        Some((_, "")) => out.push_str(user_info),
        Some((user, _)) => out.extend([user, ":", REDACTED]),
        // `https://token@host` is how some write a token.
        None if hides_all_parameters(scheme) && authority.contains('@') => out.push_str(REDACTED),
        None => out.push_str(user_info),
    }
    out.push_str(host);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_go_and_the_rest_stays() {
        for (uri, shown) in [
            (
                "s3://b/p?AWS_ACCESS_KEY_ID=id&AWS_SECRET_ACCESS_KEY=a/b+c==&AWS_REGION=eu-1",
                "s3://b/p?AWS_ACCESS_KEY_ID=id&AWS_SECRET_ACCESS_KEY=redacted&AWS_REGION=eu-1",
            ),
            ("userfile:///foo?AWS_SESSION_TOKEN=x", "userfile:///foo?AWS_SESSION_TOKEN=redacted"),
            (
                "gs://b?credentials=e30%3D&AUTH=specified",
                "gs://b?credentials=redacted&AUTH=specified",
            ),
            ("gs://b?BEARER_TOKEN=ya29.x", "gs://b?BEARER_TOKEN=redacted"),
            (
                "azure://c?AZURE_CLIENT_SECRET=x&AZURE_ACCOUNT_KEY=y",
                "azure://c?AZURE_CLIENT_SECRET=redacted&AZURE_ACCOUNT_KEY=redacted",
            ),
            (
                "aws:///arn:aws:kms:x:1:key/2?REGION=r&AWS_SECRET_ACCESS_KEY=k",
                "aws:///arn:aws:kms:x:1:key/2?REGION=r&AWS_SECRET_ACCESS_KEY=redacted",
            ),
            ("postgres://me:pw@host/db", "postgres://me:redacted@host/db"),
            ("postgres://me:p/w@x@host/db", "postgres://me:redacted@host/db"),
            ("https://token@host/x?a=b", "https://redacted@host/x?a=redacted"),
            (
                "http://h/x?a=b&COCKROACH_LOCALITY=default",
                "http://h/x?a=redacted&COCKROACH_LOCALITY=default",
            ),
            ("nodelocal://1/a@b/c=d", "nodelocal://1/a@b/c=d"),
            ("s3://b:1?AWS_SECRET_ACCESS_KEY=a@b", "s3://b:1?AWS_SECRET_ACCESS_KEY=redacted"),
            ("from a://b:c@d to e://f:g@h", "from a://b:redacted@d to e://f:redacted@h"),
            ("AWS_SECRET_ACCESS_KEY=x", "AWS_SECRET_ACCESS_KEY=redacted"),
            ("s3://b?AWS_SECRET_ACCESS%5FKEY=x", "s3://b?AWS_SECRET_ACCESS%5FKEY=redacted"),
            ("s3://b#AWS_SECRET_ACCESS_KEY=x", "s3://b#AWS_SECRET_ACCESS_KEY=redacted"),
            (
                "s3://b?AWS_SECRET_ACCESS_KEY=x&y?z&AUTH=implicit",
                "s3://b?AWS_SECRET_ACCESS_KEY=redacted&AUTH=implicit",
            ),
            (
                "s3://b?AWS_ENDPOINT=http%3A%2F%2Fu%3Apw%40h&AUTH=x",
                "s3://b?AWS_ENDPOINT=redacted&AUTH=x",
            ),
            ("s3://b?AWS_SECRET_ACCESS_KEY=", "s3://b?AWS_SECRET_ACCESS_KEY="),
            ("just words, a = b", "just words, a = b"),
            ("", ""),
        ] {
            assert_eq!(redact_uri(uri), shown);
        }
    }

    #[test]
    fn nested_uris_do_not_recurse_without_end() {
        let deep = "a://?a=".repeat(100_000) + "AWS_SECRET_ACCESS_KEY=hunter2";
        assert!(!redact_uri(&deep).contains("hunter2"));
    }

    proptest! {
        #[test]
        fn no_secret_survives(
            scheme in "(s3|gs|azure|nodelocal|userfile|http|aws|[a-z]{0,3})(://)?",
            place in "[a-z/@:=#%.]{0,12}",
            name in "(AWS_SECRET_ACCESS_KEY|aws_session_token|AZURE_ACCOUNT_KEY|Azure_Client_Secret|CREDENTIALS|BEARER_TOKEN)",
            before in "(\\?|\\?AUTH=specified&|\\?X&|&)",
            wrap in "[A-Za-z0-9+/=:@%# ]{0,6}",
            after in "(&AUTH=implicit|&Y|)",
        ) {
            let uri = format!("{scheme}{place}{before}{name}={wrap}5ecr3t{wrap}{after}");
            let shown = redact_uri(&uri);
            prop_assert!(!shown.contains("5ecr3t"), "{} -> {}", uri, shown);
            prop_assert_eq!(redact_uri(&shown), shown.clone());
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            redact_uri(&text);
        }
    }
}
