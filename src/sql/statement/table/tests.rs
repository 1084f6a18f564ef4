//! Tables made, changed and filled.

use crate::error::sqlstate;
use crate::sql::session::Session;
use crate::sql::testing::{ask, login, server};
use crate::types::Datum;

fn start() -> Session {
    login(&server(), "root")
}

/// Runs a text that must succeed.
fn run(session: &mut Session, text: &str) {
    ask(session, text).unwrap_or_else(|e| panic!("{text}: {e}"));
}

/// The first value of a query as a number.
fn number(session: &mut Session, text: &str) -> i64 {
    let answer = ask(session, text).unwrap_or_else(|e| panic!("{text}: {e}"));
    match answer.rows.first().and_then(|row| row.first()) {
        Some(Datum::Int4(n)) => i64::from(*n),
        Some(Datum::Int8(n)) => *n,
        other => panic!("{text}: {other:?}"),
    }
}

/// The message of an error.
fn refusal(session: &mut Session, text: &str) -> String {
    match ask(session, text) {
        Ok(_) => panic!("{text} was not refused"),
        Err(e) => e.message().to_owned(),
    }
}

#[test]
fn what_nobody_named_is_named_as_in_postgresql() {
    let mut s = start();
    run(&mut s, "CREATE TABLE p (id serial PRIMARY KEY, a int UNIQUE, b int CHECK (b > 0))");
    run(&mut s, "CREATE TABLE c (p int REFERENCES p, q int, CHECK (p > q))");
    for (name, of) in
        [("p_pkey", "p"), ("p_a_key", "p"), ("p_b_check", "p"), ("c_p_fkey", "c"), ("c_check", "c")]
    {
        run(&mut s, &format!("ALTER TABLE {of} RENAME CONSTRAINT {name} TO {name}_x"));
    }
    assert_eq!(number(&mut s, "SELECT nextval('p_id_seq')"), 1);
    assert_eq!(refusal(&mut s, "CREATE TABLE p (a int)"), "relation \"p\" already exists");
    assert_eq!(
        refusal(&mut s, "CREATE TABLE q (a int, a int)"),
        "column \"a\" specified more than once"
    );
    assert_eq!(
        refusal(&mut s, "CREATE TABLE q (a int REFERENCES c)"),
        "there is no primary key for referenced table \"c\""
    );
    assert_eq!(
        refusal(&mut s, "CREATE TABLE q (a text REFERENCES p)"),
        "foreign key constraint \"q_a_fkey\" cannot be implemented"
    );
}

#[test]
fn a_primary_key_that_comes_later_moves_every_row() {
    let mut s = start();
    run(&mut s, "CREATE TABLE t (a int, b int); CREATE INDEX t_b ON t (b)");
    // Falling keys: every sorted run lies below the one before it.
    run(&mut s, "INSERT INTO t SELECT 3000 - g, g % 7 FROM generate_series(1, 3000) g");
    run(&mut s, "BEGIN; ALTER TABLE t ADD PRIMARY KEY (a); ROLLBACK");
    run(&mut s, "ALTER TABLE t ADD PRIMARY KEY (a)");
    assert_eq!(number(&mut s, "SELECT count(*) FROM t"), 3000);
    assert_eq!(number(&mut s, "SELECT b FROM t WHERE a = 2999"), 1);
    assert_eq!(number(&mut s, "SELECT count(*) FROM t WHERE b = 3"), 429);
    assert_eq!(
        refusal(&mut s, "INSERT INTO t VALUES (5, 5)"),
        "duplicate key value violates unique constraint \"t_pkey\""
    );
    assert_eq!(
        refusal(&mut s, "ALTER TABLE t ADD PRIMARY KEY (b)"),
        "multiple primary keys for table \"t\" are not allowed"
    );
    run(&mut s, "ALTER TABLE t DROP CONSTRAINT t_pkey");
    run(&mut s, "INSERT INTO t VALUES (5, 5)");
    assert_eq!(number(&mut s, "SELECT count(*) FROM t WHERE a = 5"), 2);
}

#[test]
fn equal_keys_far_apart_are_found_when_an_index_is_made() {
    let mut s = start();
    run(&mut s, "CREATE TABLE t (a int)");
    run(&mut s, "INSERT INTO t SELECT g FROM generate_series(1, 3000) g");
    run(&mut s, "INSERT INTO t VALUES (17)");
    for text in ["CREATE UNIQUE INDEX t_a ON t (a)", "ALTER TABLE t ADD CONSTRAINT t_a UNIQUE (a)"]
    {
        let e = ask(&mut s, text).err().unwrap();
        assert_eq!(e.code(), sqlstate::UNIQUE_VIOLATION, "{e}");
        assert_eq!(e.message(), "could not create unique index \"t_a\"");
        assert_eq!(e.detail(), Some("Key (a)=(17) is duplicated."));
    }
    run(&mut s, "CREATE UNIQUE INDEX t_a ON t (a) WHERE a > 17");
    assert_eq!(number(&mut s, "SELECT count(*) FROM t WHERE a > 17"), 2983);
    run(&mut s, "INSERT INTO t VALUES (17)");
    assert!(refusal(&mut s, "INSERT INTO t VALUES (18)").contains("t_a"));
}

#[test]
fn added_columns_have_their_default_in_old_rows() {
    let mut s = start();
    run(&mut s, "CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
    run(&mut s, "ALTER TABLE t ADD COLUMN b int DEFAULT 7, ADD COLUMN c serial");
    run(&mut s, "ALTER TABLE t ADD COLUMN d int GENERATED ALWAYS AS (a * 10) STORED");
    run(&mut s, "ALTER TABLE t ALTER COLUMN b SET DEFAULT 8; INSERT INTO t VALUES (3)");
    assert_eq!(number(&mut s, "SELECT sum(b) FROM t"), 22);
    assert_eq!(number(&mut s, "SELECT count(DISTINCT c) FROM t"), 3);
    assert_eq!(number(&mut s, "SELECT sum(d) FROM t"), 60);
    assert_eq!(
        refusal(&mut s, "ALTER TABLE t ADD COLUMN e int NOT NULL"),
        "column \"e\" of relation \"t\" contains null values"
    );
    assert_eq!(
        refusal(&mut s, "ALTER TABLE t ADD CHECK (a < 3)"),
        "check constraint \"t_a_check\" of relation \"t\" is violated by some row"
    );
    run(&mut s, "ALTER TABLE t DROP COLUMN b, ADD COLUMN b text");
    assert_eq!(number(&mut s, "SELECT count(*) FROM t WHERE b IS NULL"), 3);
}

#[test]
fn another_type_rewrites_rows_and_indexes() {
    let mut s = start();
    run(&mut s, "CREATE TABLE t (a text, b int); CREATE INDEX t_a ON t (a)");
    run(&mut s, "INSERT INTO t VALUES ('10', 1), ('9', 2)");
    assert_eq!(
        refusal(&mut s, "ALTER TABLE t ALTER COLUMN a TYPE int"),
        "column \"a\" cannot be cast automatically to type integer"
    );
    run(&mut s, "ALTER TABLE t ALTER COLUMN a TYPE int USING a::int");
    assert_eq!(number(&mut s, "SELECT b FROM t WHERE a = 9"), 2);
    assert_eq!(number(&mut s, "SELECT a FROM t ORDER BY a LIMIT 1"), 9);
    assert_eq!(number(&mut s, "SELECT b FROM t@t_a WHERE a > 9"), 1);
}

#[test]
fn truncating_needs_the_tables_that_refer() {
    let mut s = start();
    run(&mut s, "CREATE TABLE p (id serial PRIMARY KEY); CREATE TABLE c (p int REFERENCES p)");
    run(&mut s, "INSERT INTO p DEFAULT VALUES; INSERT INTO c VALUES (1)");
    assert_eq!(
        refusal(&mut s, "TRUNCATE p"),
        "cannot truncate a table referenced in a foreign key constraint"
    );
    run(&mut s, "TRUNCATE p, c RESTART IDENTITY");
    assert_eq!(number(&mut s, "SELECT count(*) FROM c"), 0);
    run(&mut s, "INSERT INTO p DEFAULT VALUES");
    assert_eq!(number(&mut s, "SELECT id FROM p"), 1);
    run(&mut s, "INSERT INTO c VALUES (1)");
    run(&mut s, "BEGIN; TRUNCATE c; ROLLBACK");
    assert_eq!(number(&mut s, "SELECT count(*) FROM c"), 1);
}

#[test]
fn a_foreign_key_added_later_looks_at_every_row() {
    let mut s = start();
    run(&mut s, "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int)");
    run(&mut s, "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1), (NULL), (2)");
    let e = ask(&mut s, "ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES p").err().unwrap();
    assert_eq!(e.code(), sqlstate::FOREIGN_KEY_VIOLATION);
    assert_eq!(e.detail(), Some("Key (p)=(2) is not present in table \"p\"."));
    run(&mut s, "DELETE FROM c WHERE p = 2; ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES p");
    assert!(refusal(&mut s, "DELETE FROM p").contains("c_p_fkey"));
    let e = ask(&mut s, "ALTER TABLE p DROP CONSTRAINT p_pkey").err().unwrap();
    assert_eq!(e.code(), sqlstate::DEPENDENT_OBJECTS_STILL_EXIST);
    run(&mut s, "ALTER TABLE p DROP CONSTRAINT p_pkey CASCADE; DELETE FROM p");
}

#[test]
fn temporary_tables_end_with_their_session() {
    let server = server();
    let mut one = login(&server, "root");
    run(&mut one, "CREATE TEMP TABLE t (a int); INSERT INTO t VALUES (4)");
    assert_eq!(number(&mut one, "SELECT a FROM t"), 4);
    let mut two = login(&server, "root");
    assert_eq!(refusal(&mut two, "SELECT a FROM t"), "relation \"t\" does not exist");
    drop(one);
    let catalog = server.catalog.current().unwrap();
    assert!(catalog.tables_any_state().all(|t| !t.temporary));
}

#[test]
fn an_index_on_an_expression_is_kept_used_and_dropped() {
    let mut s = start();
    run(&mut s, "CREATE TABLE t (id int PRIMARY KEY, email text)");
    run(&mut s, "INSERT INTO t SELECT g, 'User' || g FROM generate_series(1, 500) g");
    run(&mut s, "CREATE UNIQUE INDEX t_lower ON t (lower(email))");
    let e = ask(&mut s, "INSERT INTO t VALUES (1000, 'USER7')").err().unwrap();
    assert_eq!(e.code(), sqlstate::UNIQUE_VIOLATION);
    assert_eq!(e.detail(), Some("Key (lower(email))=(user7) already exists."));
    assert_eq!(number(&mut s, "SELECT id FROM t WHERE lower(email) = 'user9'"), 9);
    let plan = ask(&mut s, "EXPLAIN SELECT id FROM t WHERE lower(email) = 'user9'").unwrap();
    assert!(plan.rows.iter().any(|row| format!("{row:?}").contains("t_lower")), "{:?}", plan.rows);
    run(&mut s, "UPDATE t SET email = 'new' WHERE lower(email) = 'user9'");
    assert_eq!(number(&mut s, "SELECT id FROM t WHERE lower(email) = 'new'"), 9);
    assert_eq!(ask(&mut s, "SELECT * FROM t LIMIT 1").unwrap().columns, ["id", "email"]);
    run(&mut s, "ALTER TABLE t RENAME COLUMN email TO mail");
    assert_eq!(number(&mut s, "SELECT id FROM t WHERE lower(mail) = 'user8'"), 8);
    run(&mut s, "ALTER TABLE t DROP COLUMN mail");
    run(&mut s, "ALTER TABLE t ADD COLUMN mail text; INSERT INTO t VALUES (1000, 'USER7')");
    assert_eq!(number(&mut s, "SELECT count(*) FROM t"), 501);
}

#[test]
fn a_restarted_sequence_counts_anew_in_its_own_transaction() {
    let mut s = start();
    run(&mut s, "CREATE TABLE t (id serial PRIMARY KEY)");
    run(&mut s, "INSERT INTO t DEFAULT VALUES");
    run(&mut s, "BEGIN; TRUNCATE t RESTART IDENTITY; INSERT INTO t DEFAULT VALUES");
    assert_eq!(number(&mut s, "SELECT id FROM t"), 1);
    run(&mut s, "ROLLBACK");
    assert_eq!(number(&mut s, "SELECT nextval('t_id_seq')"), 2);
    run(
        &mut s,
        "BEGIN; ALTER SEQUENCE t_id_seq RESTART WITH 40; INSERT INTO t DEFAULT VALUES; COMMIT",
    );
    assert_eq!(number(&mut s, "SELECT max(id) FROM t"), 40);
    assert_eq!(number(&mut s, "SELECT nextval('t_id_seq')"), 41);
}
