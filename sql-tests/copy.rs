//! COPY in and out: text and CSV, what is escaped, what is refused, and that it is all or nothing.

use crate::process::Cairn;
use crate::wire::Session;

#[test]
fn text_escapes_survive_the_way_in_and_out() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE TABLE t (id INT PRIMARY KEY, v TEXT)");
    let text = "1\ta\\tb\\nc\\\\d\n2\t\\N\n3\t\n4\t\\\\N\n5\tsnow ☃\n";
    assert_eq!(db.copy_in("COPY t FROM STDIN", text.to_owned()), 5);
    assert_eq!(db.value("SELECT v FROM t WHERE id = 1"), "a\tb\nc\\d");
    assert_eq!(db.value("SELECT v IS NULL FROM t WHERE id = 2"), "t");
    assert_eq!(db.value("SELECT v = '' FROM t WHERE id = 3"), "t");
    assert_eq!(db.value("SELECT v FROM t WHERE id = 4"), "\\N");
    assert_eq!(db.copy_out("COPY (SELECT * FROM t ORDER BY id) TO STDOUT"), text);
}

#[test]
fn csv_quotes_what_has_to_be_quoted() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE TABLE t (id INT PRIMARY KEY, v TEXT)");
    let csv = "id,v\n1,plain\n2,\"a,b\"\n3,\"say \"\"hi\"\"\"\n4,\n5,\"\"\n6,\"two\nlines\"\n";
    assert_eq!(db.copy_in("COPY t FROM STDIN WITH (FORMAT csv, HEADER)", csv.to_owned()), 6);
    assert_eq!(db.value("SELECT v FROM t WHERE id = 3"), "say \"hi\"");
    assert_eq!(db.value("SELECT v IS NULL FROM t WHERE id = 4"), "t");
    assert_eq!(db.value("SELECT v = '' FROM t WHERE id = 5"), "t");
    let out = db.copy_out("COPY (SELECT * FROM t ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER)");
    assert_eq!(out, csv);
}

#[test]
fn delimiters_null_marks_and_columns_can_be_chosen() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE TABLE t (id INT PRIMARY KEY, v TEXT DEFAULT 'd', n INT)");
    let copy = "COPY t (n, id) FROM STDIN WITH (DELIMITER '|', NULL 'none')";
    assert_eq!(db.copy_in(copy, "7|1\nnone|2\n".to_owned()), 2);
    let out = db.copy_out("COPY t (id, v, n) TO STDOUT WITH (DELIMITER '|', NULL '-')");
    assert_eq!(out, "1|d|7\n2|d|-\n");
}

/// Sends COPY data that must be refused; gives back code and message.
fn refused(db: &Session, sql: &str, text: &str) -> (String, String) {
    use futures::SinkExt as _;
    let text = bytes::Bytes::from(text.to_owned());
    let error = db.with(async |client| {
        let sink = client.copy_in::<_, bytes::Bytes>(sql).await?;
        let mut sink = std::pin::pin!(sink);
        sink.send(text).await?;
        sink.finish().await
    });
    let error = error.expect_err("a refusal");
    let db = error.as_db_error().expect("an error of the server");
    (db.code().code().to_owned(), db.message().to_owned())
}

#[test]
fn a_bad_line_takes_the_whole_copy_back_and_the_session_goes_on() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL)");
    let copy = "COPY t FROM STDIN";
    let cases = [
        ("1\t1\n2\tx\n", "22P02", "invalid input syntax for type integer: \"x\""),
        ("1\t1\n2\n", "22P04", "missing data for column \"n\""),
        ("1\t1\t1\n", "22P04", "extra data after last expected column"),
        ("1\t1\n1\t2\n", "23505", "duplicate key value violates unique constraint \"t_pkey\""),
        (
            "1\t\\N\n",
            "23502",
            "null value in column \"n\" of relation \"t\" violates not-null constraint",
        ),
    ];
    for (text, code, message) in cases {
        assert_eq!(refused(&db, copy, text), (code.to_owned(), message.to_owned()), "{text:?}");
        assert_eq!(db.value("SELECT count(*) FROM t"), "0", "{text:?}");
    }
    assert_eq!(db.copy_in(copy, "1\t1\n".to_owned()), 1);
}

#[test]
fn many_rows_go_in_and_come_out_in_the_order_of_their_keys() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE TABLE t (id INT PRIMARY KEY, v TEXT); CREATE INDEX t_v_idx ON t (v)");
    let line = |i: u32| format!("{i}\tvalue {}\n", i % 100);
    let shuffled: String = (0..20_000u32).map(|i| line(i * 7_919 % 20_000)).collect();
    assert_eq!(db.copy_in("COPY t FROM STDIN", shuffled), 20_000);
    let sorted: String = (0..20_000u32).map(line).collect();
    assert!(db.copy_out("COPY t TO STDOUT") == sorted);
    assert_eq!(db.value("SELECT count(*) FROM t WHERE v = 'value 7'"), "200");
}
