//! A node in this process: what its caretaker removes and keeps.

use super::*;
use crate::catalog::names;
use crate::keys::{TableId, table_span};
use crate::kv::{Access, Family};
use crate::mvcc::ProtectedRecord;
use crate::task::Interrupt;

/// A node on a store of its own, and a way to talk to it.
struct House {
    node: Node,
    _store: tempfile::TempDir,
}

impl House {
    fn new() -> House {
        let store = tempfile::tempdir().unwrap();
        let mut config = Config::new(store.path().join("store"));
        config.listen = "127.0.0.1:0".to_owned();
        config.insecure = true;
        House { node: Node::start(&config).unwrap(), _store: store }
    }

    fn run(&self, sql: &str) {
        self.node.runtime().block_on(async {
            let (client, connection) =
                tokio_postgres::connect(&self.node.url(), tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute(sql).await.unwrap();
        });
    }

    fn table(&self, name: &str) -> TableId {
        let catalog = self.node.server().catalog.current().unwrap();
        let database = names::resolve_database(&catalog, "defaultdb").unwrap().id;
        let schema = catalog.schema_named(database, "public").unwrap().unwrap().id;
        catalog.relation(schema, name).unwrap().unwrap().id
    }

    /// Stored versions of everything in a table.
    fn versions(&self, table: TableId) -> usize {
        let engine = self.node.server().mvcc.engine();
        let span = table_span(table);
        let mut cursor = engine.cursor(Family::Versions, &span, Access::Range).unwrap();
        let mut found = 0;
        cursor.seek_to_first().unwrap();
        while cursor.entry().is_some() {
            found += 1;
            cursor.next().unwrap();
        }
        found
    }

    fn sweep(&self) {
        caretaker::sweep(self.node.server(), &Interrupt::new()).unwrap();
    }
}

#[test]
fn history_goes_when_its_time_is_over_and_nobody_protects_it() {
    let house = House::new();
    house.run("CREATE TABLE t (id INT8 PRIMARY KEY, n INT8); INSERT INTO t VALUES (1, 0)");
    let table = house.table("t");
    for _ in 0..5 {
        house.run("UPDATE t SET n = n + 1");
    }
    assert_eq!(house.versions(table), 6);
    // By default history is kept for a day.
    house.sweep();
    assert_eq!(house.versions(table), 6);

    let mvcc = &house.node.server().mvcc;
    let record = ProtectedRecord {
        id: "test".to_owned(),
        at: mvcc.visible(),
        spans: vec![table_span(table)],
        purpose: "test".to_owned(),
    };
    mvcc.protect(record).unwrap();
    house.run("UPDATE t SET n = n + 1");
    house.run("SET CLUSTER SETTING gc.default_ttl = '0s'");
    house.sweep();
    // What was readable at the protected time, and what came after it.
    assert_eq!(house.versions(table), 2);
    mvcc.release("test").unwrap();
    house.sweep();
    assert_eq!(house.versions(table), 1);
}

#[test]
fn a_dropped_table_leaves_nothing_once_its_time_is_over() {
    let house = House::new();
    house.run("CREATE TABLE t (id INT8 PRIMARY KEY, v TEXT); CREATE INDEX t_v_idx ON t (v)");
    house.run("INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    let table = house.table("t");
    house.run("DROP TABLE t");
    house.sweep();
    assert!(house.versions(table) > 0, "a read of a moment ago still finds it");
    house.run("SET CLUSTER SETTING gc.default_ttl = '0s'");
    house.sweep();
    assert_eq!(house.versions(table), 0);
}

#[test]
fn an_address_that_means_everywhere_is_shown_as_here() {
    let shown = |text: &str| reachable(text.parse().unwrap()).to_string();
    assert_eq!(shown("0.0.0.0:26257"), "127.0.0.1:26257");
    assert_eq!(shown("[::]:5"), "[::1]:5");
    assert_eq!(shown("10.1.2.3:4"), "10.1.2.3:4");
}
