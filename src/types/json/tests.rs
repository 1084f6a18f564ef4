//! Tests of the room's json forms.
use super::*;

fn shown(text: &str) -> String {
    let mut out = String::new();
    write(&parse(text).unwrap(), &mut out);
    out
}

#[test]
fn jsonb_is_canonical() {
    assert_eq!(
        shown(r#" {"bb":1,"a":[true , null],"c":"é\u00e9\ud83d\ude00\n","a":1e5} "#),
        r#"{"a": 100000, "c": "éé😀\n", "bb": 1}"#
    );
    assert_eq!(shown("1.10"), "1.10");
    assert_eq!(shown("-0"), "0");
    assert_eq!(shown("-1.5e-3"), "-0.0015");
    let mut pretty = String::new();
    write_pretty(&parse(r#"{"a":[1,{}]}"#).unwrap(), &mut pretty);
    assert_eq!(pretty, "{\n    \"a\": [\n        1,\n        {\n        }\n    ]\n}");
}

#[test]
fn faults_are_explained_as_postgresql_does() {
    for (text, detail) in [
        ("[1", "The input string ended unexpectedly."),
        ("{\"a\" 1}", "Expected \":\", but found \"1\"."),
        ("[1 2]", "Expected \",\" or \"]\", but found \"2\"."),
        ("abc", "Token \"abc\" is invalid."),
        ("", "The input string ended unexpectedly."),
        ("[1,]", "Expected JSON value, but found \"]\"."),
        ("{1:2}", "Expected string or \"}\", but found \"1\"."),
        ("{\"a\":1,}", "Expected string, but found \"}\"."),
        ("\"a", "Token \"\"a\" is invalid."),
        ("\"\\q\"", "Escape sequence \"\\q\" is invalid."),
        ("01", "Token \"01\" is invalid."),
        ("1 2", "Expected end of input, but found \"2\"."),
        ("\"\n\"", "Character with value 0x0a must be escaped."),
        ("1a", "Token \"1a\" is invalid."),
        ("-", "Token \"-\" is invalid."),
        ("\"\\u12\"", "\"\\u\" must be followed by four hexadecimal digits."),
        ("@", "Token \"@\" is invalid."),
    ] {
        let e = validate(text).unwrap_err();
        assert_eq!(e.message(), "invalid input syntax for type json");
        assert_eq!(e.detail(), Some(detail), "{text}");
        assert!(parse(text).is_err());
    }
    // Only jsonb looks at what the escapes mean.
    assert!(validate("\"\\u0000\"").is_ok());
    assert!(validate("\"\\ud83d\"").is_ok());
    let e = parse("\"\\ud83d\"").unwrap_err();
    assert_eq!(e.detail(), Some("Unicode low surrogate must follow a high surrogate."));
    assert_eq!(parse("\"\\u0000\"").unwrap_err().code().as_str(), "22P05");
}

#[test]
fn nesting_is_bounded() {
    let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
    assert!(parse(&nested(NESTING_MAX)).is_ok());
    assert_eq!(parse(&nested(NESTING_MAX + 1)).unwrap_err().code().as_str(), "54001");
    assert_eq!(validate(&"[{\"a\":".repeat(100_000)).unwrap_err().code().as_str(), "54001");
}

#[test]
fn the_order_is_jsonbs() {
    let ordered = [
        "[]",
        "null",
        "\"a\"",
        "\"b\"",
        "-1",
        "1",
        "1.5",
        "false",
        "true",
        "[1]",
        "[2]",
        "[1, 2]",
        "{}",
        "{\"a\": 1}",
        "{\"b\": 0}",
        "{\"a\": 1, \"b\": 2}",
    ];
    for (i, a) in ordered.iter().enumerate() {
        for (j, b) in ordered.iter().enumerate() {
            assert_eq!(compare(&parse(a).unwrap(), &parse(b).unwrap()), i.cmp(&j), "{a} {b}");
        }
    }
    assert!(compare(&parse("1.0").unwrap(), &parse("1.00").unwrap()).is_eq());
}
