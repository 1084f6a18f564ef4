//! Damage made on purpose is found and named.

use std::sync::Arc;

use super::{Finding, check};
use crate::catalog::descriptor::{Descriptor, TableDescriptor};
use crate::catalog::names;
use crate::mvcc::{Txn, TxnOptions};
use crate::sql::server::Server;
use crate::sql::testing::{ask, login, server};
use crate::task::Interrupt;
use crate::types::Datum;

/// A server with a parent, a child with every kind of index, and rows in both.
fn house() -> Arc<Server> {
    let server = server();
    let mut db = login(&server, "root");
    ask(
        &mut db,
        "CREATE TABLE parent (id INT8 PRIMARY KEY, code TEXT UNIQUE);
         CREATE TABLE child (a INT8, b TEXT NOT NULL CHECK (b <> 'no'), p INT8 REFERENCES parent,
             PRIMARY KEY (b, a));
         CREATE INDEX child_p ON child (p);
         CREATE UNIQUE INDEX child_even ON child (a) WHERE a % 2 = 0;
         CREATE INDEX child_lower ON child (lower(b));
         INSERT INTO parent SELECT n, 'c' || n FROM generate_series(1, 5) AS n;
         INSERT INTO child SELECT n, 'v' || n, 1 + n % 5 FROM generate_series(1, 10) AS n;
         INSERT INTO child VALUES (20, 'B', NULL);
         DELETE FROM child WHERE a = 3;
         CREATE VIEW v AS SELECT * FROM child",
    )
    .unwrap();
    server
}

fn findings(server: &Arc<Server>) -> Vec<String> {
    let report = check(server, &Interrupt::new()).unwrap();
    report.findings.iter().map(|Finding { object, what }| format!("{object}: {what}")).collect()
}

fn table(server: &Server, name: &str) -> Arc<TableDescriptor> {
    let catalog = server.catalog.current().unwrap();
    let database = names::resolve_database(&catalog, "defaultdb").unwrap().id;
    let schema = catalog.schema_named(database, "public").unwrap().unwrap().id;
    catalog.relation(schema, name).unwrap().unwrap().clone()
}

/// Writes past SQL.
fn behind(server: &Arc<Server>, change: impl FnOnce(&mut Txn)) {
    let mut txn = server.mvcc.begin(TxnOptions::default()).unwrap();
    change(&mut txn);
    txn.commit().unwrap();
}

fn child(a: i64, b: &str, p: i64) -> Vec<Datum> {
    // The last column holds what the index over an expression sorts by.
    vec![
        Datum::Int8(a),
        Datum::Text(b.into()),
        Datum::Int8(p),
        Datum::Text(b.to_lowercase().into()),
    ]
}

#[track_caller]
fn found(server: &Arc<Server>, expected: &[&str]) {
    let found = findings(server);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.contains(expected), "{found}\nhas no\n{expected}");
    }
}

#[test]
fn a_healthy_store_has_no_findings() {
    let server = house();
    let report = check(&server, &Interrupt::new()).unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
    assert!(report.descriptors > 10 && report.tables > 2);
    assert!(report.rows >= 15 && report.entries >= 25, "{report:?}");
}

#[test]
fn an_entry_that_is_missing_or_too_many_is_named() {
    let server = house();
    let child_table = table(&server, "child");
    let codec = server.catalog.current().unwrap().codec(child_table.id).unwrap();
    let index = child_table.indexes.iter().find(|i| i.name == "child_p").unwrap();
    let (key, value) = codec.index_entries(index, &child(4, "v4", 5)).unwrap();
    behind(&server, |txn| txn.delete(key.clone()).unwrap());
    found(&server, &["defaultdb.public.child: row (b, a)=(v4, 4): not in index \"child_p\""]);
    // One too many makes up for the number, and is found because the other is missing.
    let (other, _) = codec.index_entries(index, &child(4, "v4", 3)).unwrap();
    behind(&server, |txn| txn.put(other.clone(), value.clone()).unwrap());
    found(&server, &["not in index \"child_p\""]);
    behind(&server, |txn| txn.put(key, value).unwrap());
    found(&server, &["the entry in index \"child_p\" belongs to no row"]);
    behind(&server, |txn| txn.delete(other).unwrap());
    found(&server, &[]);
    // A partial index has no entry for a row that it does not cover.
    let index = child_table.indexes.iter().find(|i| i.name == "child_even").unwrap();
    let (key, value) = codec.index_entries(index, &child(5, "v5", 1)).unwrap();
    behind(&server, |txn| txn.put(key, value).unwrap());
    found(&server, &["the entry in index \"child_even\" belongs to no row"]);
}

#[test]
fn a_row_that_no_statement_would_have_written_is_named() {
    let server = house();
    let child_table = table(&server, "child");
    let codec = server.catalog.current().unwrap().codec(child_table.id).unwrap();
    let put = |row: &[Datum]| {
        behind(&server, |txn| {
            let (key, value) = codec.encode_primary(row).unwrap();
            txn.put(key, value).unwrap();
            for index in child_table.indexes.iter().filter(|i| i.predicate.is_none()) {
                let (key, value) = codec.index_entries(index, row).unwrap();
                txn.put(key, value).unwrap();
            }
        });
    };
    put(&child(31, "no", 1));
    found(&server, &["row (b, a)=(no, 31): violates check \"child_b_check\""]);
    put(&child(33, "x", 99));
    found(&server, &["child_b_check", "row (b, a)=(x, 33): violates foreign key"]);
    let (key, _) = codec.encode_primary(&child(1, "v1", 2)).unwrap();
    behind(&server, |txn| txn.put(key, vec![0xFF, 1, 2]).unwrap());
    assert!(findings(&server).iter().any(|f| f.contains("(XX001)")), "{:?}", findings(&server));
}

#[test]
fn descriptors_that_disagree_are_named() {
    let server = house();
    let mut broken = TableDescriptor::clone(&table(&server, "child"));
    broken.id = server.catalog.allocate_id().unwrap();
    broken.schema = 7_777;
    broken.indexes[0].columns[0].column = 99;
    behind(&server, |txn| {
        server.catalog.write(txn, &Descriptor::Table(broken.clone())).unwrap();
    });
    let found = findings(&server);
    assert!(found.iter().any(|f| f.contains("its schema 7777 does not exist")), "{found:#?}");
    assert!(found.iter().any(|f| f.contains("has no column 99")), "{found:#?}");
}

#[test]
fn many_findings_of_one_object_are_counted() {
    let server = house();
    let mut db = login(&server, "root");
    ask(&mut db, "INSERT INTO parent SELECT n, 'c' || n FROM generate_series(10, 90) AS n")
        .unwrap();
    let parent = table(&server, "parent");
    let span = crate::keys::index_span(parent.id, parent.indexes[0].id);
    server.mvcc.clear_span(&span).unwrap();
    let report = check(&server, &Interrupt::new()).unwrap();
    assert_eq!(report.findings.len(), super::TOLD);
    assert_eq!(report.more, 86 - super::TOLD as u64);
}
