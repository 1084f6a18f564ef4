//! Statements that define things other than tables, and who may run them.

use crate::error::sqlstate;
use crate::sql::session::Session;
use crate::sql::testing::{ask, login, server};

fn run(session: &mut Session, text: &str) -> Vec<String> {
    ask(session, text).unwrap_or_else(|e| panic!("{text}: {e}")).notices
}

fn refusal(session: &mut Session, text: &str) -> String {
    match ask(session, text) {
        Ok(_) => panic!("{text} was not refused"),
        Err(e) => e.message().to_owned(),
    }
}

fn count(session: &mut Session, text: &str) -> usize {
    ask(session, text).unwrap_or_else(|e| panic!("{text}: {e}")).rows.len()
}

#[test]
fn what_depends_on_an_object_keeps_it_or_goes_with_it() {
    let mut s = login(&server(), "root");
    run(&mut s, "CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT * FROM t");
    run(&mut s, "CREATE VIEW w AS SELECT a FROM v");
    let e = ask(&mut s, "DROP TABLE t").err().unwrap();
    assert_eq!(e.code(), sqlstate::DEPENDENT_OBJECTS_STILL_EXIST);
    assert_eq!(e.message(), "cannot drop table t because other objects depend on it");
    assert_eq!(e.detail(), Some("view v depends on table t\nview w depends on view v"));
    assert_eq!(refusal(&mut s, "DROP VIEW t"), "\"t\" is not a view");
    assert!(refusal(&mut s, "ALTER TABLE t RENAME TO u").contains("view \"v\" depends on it"));
    assert!(refusal(&mut s, "ALTER TABLE t DROP COLUMN b").contains("other objects depend"));
    assert_eq!(run(&mut s, "DROP TABLE t CASCADE"), ["drop cascades to 2 other objects"]);
    assert_eq!(run(&mut s, "DROP VIEW IF EXISTS v"), ["view \"v\" does not exist, skipping"]);
    run(&mut s, "CREATE SEQUENCE q; CREATE TABLE d (a int DEFAULT nextval('q'))");
    let e = ask(&mut s, "DROP SEQUENCE q").err().unwrap();
    assert_eq!(e.detail(), Some("default value for column a of table d depends on sequence q"));
    run(&mut s, "DROP SEQUENCE q CASCADE; INSERT INTO d DEFAULT VALUES");
    run(&mut s, "CREATE TABLE o (id serial); DROP TABLE o");
    assert!(refusal(&mut s, "SELECT nextval('o_id_seq')").contains("does not exist"));
}

#[test]
fn schemas_and_databases_go_with_what_is_in_them() {
    let mut s = login(&server(), "root");
    run(&mut s, "CREATE SCHEMA x; CREATE TABLE x.t (a int)");
    assert!(refusal(&mut s, "DROP SCHEMA x").contains("other objects depend"));
    assert_eq!(run(&mut s, "DROP SCHEMA x CASCADE"), ["drop cascades to table t"]);
    run(&mut s, "CREATE DATABASE d; CREATE TABLE d.public.t (a int)");
    assert_eq!(refusal(&mut s, "CREATE DATABASE d"), "database \"d\" already exists");
    run(&mut s, "DROP DATABASE d; CREATE DATABASE d");
    assert!(refusal(&mut s, "SELECT * FROM d.public.t").contains("does not exist"));
    assert_eq!(
        refusal(&mut s, "DROP DATABASE defaultdb"),
        "cannot drop the currently open database"
    );
}

#[test]
fn views_show_what_their_owner_sees() {
    let server = server();
    let mut root = login(&server, "root");
    run(&mut root, "CREATE TABLE t (a int, b int); INSERT INTO t VALUES (1, 2), (3, 4)");
    run(&mut root, "CREATE USER ann; CREATE VIEW v (x) AS SELECT b FROM t WHERE a > 1");
    run(&mut root, "GRANT SELECT ON v TO ann");
    let mut ann = login(&server, "ann");
    assert_eq!(count(&mut ann, "SELECT x FROM v"), 1);
    assert_eq!(refusal(&mut ann, "SELECT * FROM t"), "permission denied for table t");
    assert_eq!(
        refusal(&mut root, "CREATE OR REPLACE VIEW v AS SELECT a FROM t"),
        "cannot change name of view column \"x\" to \"a\""
    );
    run(&mut root, "CREATE OR REPLACE VIEW v AS SELECT b AS x, a FROM t");
    assert_eq!(count(&mut ann, "SELECT x, a FROM v"), 2);
    run(&mut root, "CREATE MATERIALIZED VIEW m AS SELECT a FROM t; INSERT INTO t VALUES (5, 6)");
    assert_eq!(count(&mut root, "SELECT * FROM m"), 2);
    run(&mut root, "REFRESH MATERIALIZED VIEW m");
    assert_eq!(count(&mut root, "SELECT * FROM m"), 3);
}

#[test]
fn roles_may_do_what_they_were_granted_and_no_more() {
    let server = server();
    let mut root = login(&server, "root");
    run(&mut root, "CREATE USER ann; CREATE ROLE staff; CREATE USER bob IN ROLE staff");
    run(&mut root, "CREATE TABLE t (a int); GRANT INSERT ON TABLE t TO staff");
    let (mut ann, mut bob) = (login(&server, "ann"), login(&server, "bob"));
    run(&mut bob, "INSERT INTO t VALUES (1)");
    assert_eq!(refusal(&mut ann, "INSERT INTO t VALUES (1)"), "permission denied for table t");
    for (text, message) in [
        ("DROP TABLE t", "must be owner of table t"),
        ("ALTER TABLE t ADD COLUMN b int", "must be owner of table t"),
        ("CREATE INDEX ON t (a)", "must be owner of table t"),
        ("TRUNCATE t", "permission denied for table t"),
        ("CREATE ROLE x", "permission denied to create role"),
        ("CREATE DATABASE x", "permission denied to create database"),
        ("GRANT SELECT ON TABLE t TO ann", "permission denied for table t"),
        ("GRANT staff TO ann", "must have admin option on role \"staff\""),
    ] {
        assert_eq!(refusal(&mut ann, text), message, "{text}");
    }
    run(&mut root, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO ann WITH GRANT OPTION");
    run(&mut ann, "GRANT SELECT ON TABLE t TO bob");
    run(&mut root, "REVOKE staff FROM bob");
    assert!(refusal(&mut bob, "INSERT INTO t VALUES (1)").contains("permission denied"));
    assert_eq!(count(&mut bob, "SELECT * FROM t"), 1);
    let e = ask(&mut root, "DROP ROLE bob").err().unwrap();
    assert_eq!(e.code(), sqlstate::DEPENDENT_OBJECTS_STILL_EXIST);
    assert_eq!(e.detail(), Some("privileges for table t"));
    run(&mut root, "DROP OWNED BY bob; DROP ROLE bob");
    run(&mut ann, "CREATE TABLE mine (a int)");
    run(&mut root, "REASSIGN OWNED BY ann TO root; REVOKE ALL ON t FROM ann; DROP ROLE ann");
}

#[test]
fn new_objects_get_the_default_privileges() {
    let server = server();
    let mut root = login(&server, "root");
    run(&mut root, "CREATE USER ann");
    run(&mut root, "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO ann");
    run(&mut root, "CREATE TABLE t (a int); CREATE SCHEMA x; CREATE TABLE x.t (a int)");
    let mut ann = login(&server, "ann");
    assert_eq!(count(&mut ann, "SELECT * FROM t"), 0);
    run(&mut root, "GRANT USAGE ON SCHEMA x TO ann");
    assert_eq!(refusal(&mut ann, "SELECT * FROM x.t"), "permission denied for table t");
    run(&mut root, "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM ann");
    run(&mut root, "CREATE TABLE u (a int)");
    assert_eq!(refusal(&mut ann, "SELECT * FROM u"), "permission denied for table u");
}
