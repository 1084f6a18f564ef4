//! Tests of the lexer.

use super::*;

fn lex(sql: &str) -> Vec<Token> {
    split(sql)
        .unwrap_or_else(|e| panic!("{sql}: {e}"))
        .into_iter()
        .flat_map(|chunk| chunk.tokens)
        .map(|t| t.token)
        .collect()
}

fn string(text: &str) -> Token {
    Token::SingleQuotedString(text.to_owned())
}

#[test]
fn string_literals_of_every_spelling_arrive_decoded() {
    for (sql, text) in [
        ("'it''s'", "it's"),
        (r"'\n'", r"\n"),
        (r"E'\n\''", "\n'"),
        (
            r"e'a' 
           'b\t'",
            "ab\t",
        ),
        ("'a'\n'b' -- note\n  'c'", "abc"),
        ("'a' -- note\n'b'", "ab"),
        (r"U&'d\0061ta'", "data"),
        ("U&'d!0061ta' UESCAPE '!'", "data"),
        ("$$it's $x$ \\n$$", "it's $x$ \\n"),
        ("$é$a$$b$é$", "a$$b"),
        ("N'a'", "a"),
        ("''", ""),
    ] {
        assert_eq!(lex(sql), [string(text)], "{sql}");
    }
    assert_eq!(lex("'a' 'b'"), [string("a"), string("b")]);
    assert_eq!(lex("B'01'"), [Token::SingleQuotedByteStringLiteral("01".into())]);
    assert_eq!(lex("x'1F'"), [Token::HexStringLiteral("1F".into())]);
}

#[test]
fn names_are_folded_and_cut_and_never_keywords_when_quoted() {
    let word = |sql: &str| match lex(sql).as_slice() {
        [Token::Word(w)] => (w.value.clone(), w.quote_style.is_some()),
        other => panic!("{sql}: {other:?}"),
    };
    assert_eq!(word("FooÉ$1"), ("fooÉ$1".into(), false));
    assert_eq!(word("\"Foo\"\"x\""), ("Foo\"x".into(), true));
    assert_eq!(word("U&\"d\\0061ta\""), ("data".into(), true));
    assert_eq!(word(&"a".repeat(70)), ("a".repeat(63), false));
    let keyword = |sql: &str| match lex(sql).as_slice() {
        [Token::Word(w)] => w.keyword,
        other => panic!("{sql}: {other:?}"),
    };
    assert_eq!(keyword("SeLect"), sqlparser::keywords::Keyword::SELECT);
    assert_eq!(keyword("\"select\""), sqlparser::keywords::Keyword::NoKeyword);
}

#[test]
fn numbers() {
    let number = |text: &str| Token::Number(text.to_owned(), false);
    for (sql, text) in [
        ("42", "42"),
        ("3.5", "3.5"),
        (".5", ".5"),
        ("4.", "4."),
        ("1e10", "1e10"),
        ("1.5E-3", "1.5E-3"),
        ("1_000", "1000"),
        ("0x1F", "31"),
        ("0o17", "15"),
        ("0b101", "5"),
        ("0xFFFFFFFFFFFFFFFFFF", "4722366482869645213695"),
    ] {
        assert_eq!(lex(sql), [number(text)], "{sql}");
    }
    assert_eq!(
        lex("1..2"),
        [number("1"), Token::Period, number(".2")],
        "the dots of a range belong to neither"
    );
    assert_eq!(lex("$12"), [Token::Placeholder("$12".into())]);
}

#[test]
fn operators_by_the_longest_match_with_the_rule_about_signs() {
    let ops = |sql: &str| -> Vec<String> {
        lex(sql).iter().filter(|t| !matches!(t, Token::Number(..))).map(|t| t.to_string()).collect()
    };
    assert_eq!(ops("1<-1"), ["<", "-"]);
    assert_eq!(ops("1*-1"), ["*", "-"]);
    assert_eq!(ops("1||-1"), ["||-"]);
    assert_eq!(ops("1>=-1"), [">=", "-"]);
    assert_eq!(ops("1 - -1"), ["-", "-"]);
    assert_eq!(ops("1 <-> 1"), ["<->"]);
    assert_eq!(ops("1+/*x*/1"), ["+"]);
    assert_eq!(ops("1+--x\n1"), ["+"]);
    assert_eq!(ops("1 != 1"), ["<>"]);
    assert_eq!(ops("1 == 1"), ["=="]);
    assert_eq!(ops("1->>1"), ["->>"]);
}

#[test]
fn comments_nest() {
    assert_eq!(lex("/* a /* b */ c */ 'x' -- end"), [string("x")]);
}

#[test]
fn statements_are_cut_at_semicolons_only() {
    let sql = " ;; select ';' ; /* ; */ select $$;$$; -- ;\n é ;";
    let chunks = split(sql).unwrap();
    let texts: Vec<&str> = chunks.iter().map(|c| &sql[c.start..c.end]).collect();
    assert_eq!(texts, ["select ';'", "select $$;$$", "é"]);
    assert_eq!(chunks[0].semicolon, Some(16));
    assert_eq!(chunks[2].semicolon, Some(48), "a position counts characters, not bytes");
}

#[test]
fn faults_are_told_with_their_place_and_without_what_may_be_secret() {
    for (sql, message, position) in [
        ("select 'secret", "unterminated quoted string at or near \"'\"", 8),
        ("select \"a", "unterminated quoted identifier at or near \"\"\"", 8),
        ("select $q$secret", "unterminated dollar-quoted string at or near \"$q$\"", 8),
        ("é /* x", "unterminated /* comment at or near \"/*\"", 3),
        ("select \"\"", "zero-length delimited identifier at or near \"\"\"\"", 8),
        ("select 12ab", "trailing junk after numeric literal at or near \"12a\"", 8),
        ("select 0x", "invalid integer at or near \"0x\"", 8),
        ("select $1a", "trailing junk after parameter at or near \"$1a\"", 8),
        ("select E'\\u1'", "invalid Unicode escape", 8),
    ] {
        let error = split(sql).unwrap_err();
        assert_eq!((error.message(), error.position()), (message, Some(position)), "{sql}");
    }
}

#[test]
fn deep_nesting_is_refused_before_anything_recurses() {
    let error = split(&"(".repeat(100_000)).unwrap_err();
    assert_eq!(error.code().as_str(), "54001");
    let deep = EXPRESSION_DEPTH_MAX;
    assert!(split(&format!("{}{}", "(".repeat(deep), ")".repeat(deep))).is_ok());
}

proptest::proptest! {
    #[test]
    fn any_text_is_lexed_or_refused_and_spans_tile_it(sql in ".{0,60}") {
        if let Ok(chunks) = split(&sql) {
            let mut last = 0;
            for token in chunks.iter().flat_map(|c| &c.tokens) {
                proptest::prop_assert!(token.span.start.column > last);
                proptest::prop_assert!(token.span.end.column > token.span.start.column);
                last = token.span.end.column - 1;
            }
        }
    }

    #[test]
    fn a_quoted_text_reads_back(text in "[^\0]{0,40}") {
        let quoted = super::super::quote_literal(&text);
        proptest::prop_assert_eq!(lex(&quoted), [string(&text)]);
    }

    #[test]
    fn a_quoted_name_reads_back(name in "[^\0]{1,15}") {
        match lex(&super::super::quote_identifier(&name)).as_slice() {
            [Token::Word(w)] => proptest::prop_assert_eq!(&w.value, &name),
            other => proptest::prop_assert!(false, "{:?}", other),
        }
    }
}
