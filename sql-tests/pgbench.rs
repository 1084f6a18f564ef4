//! pgbench, unmodified: it fills its tables, its two built-in loads run without a failed
//! transaction, and afterwards the books balance.

use std::process::Command;

use crate::process::Cairn;
use crate::wire::Session;

/// Runs pgbench; gives back what it printed.
fn pgbench(server: &Cairn, arguments: &[&str]) -> String {
    let output = Command::new("pgbench")
        .args(arguments)
        .arg(&server.url)
        .output()
        .expect("pgbench; ./dev test installs it");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "pgbench {arguments:?}\n{said}{complaints}");
    assert!(!complaints.contains("ERROR"), "pgbench {arguments:?}\n{complaints}");
    said
}

#[test]
fn the_built_in_loads_run_and_the_books_balance() {
    let server = Cairn::fresh();
    pgbench(&server, &["--initialize", "--scale=1", "--quiet"]);
    let db = Session::open(&server.url);
    assert_eq!(db.value("SELECT count(*) FROM pgbench_accounts"), "100000");

    let said = pgbench(&server, &["--client=4", "--transactions=50", "--no-vacuum"]);
    assert!(said.contains("transactions actually processed: 200/200"), "{said}");
    assert!(said.contains("number of failed transactions: 0 "), "{said}");
    for protocol in ["--protocol=simple", "--protocol=extended", "--protocol=prepared"] {
        let select = ["--select-only", "--client=4", "--transactions=100", "--no-vacuum", protocol];
        let said = pgbench(&server, &select);
        assert!(said.contains("number of failed transactions: 0 "), "{said}");
    }

    let moved = db.value("SELECT sum(delta) FROM pgbench_history");
    for (table, column) in
        [("accounts", "abalance"), ("branches", "bbalance"), ("tellers", "tbalance")]
    {
        assert_eq!(
            db.value(&format!("SELECT sum({column}) FROM pgbench_{table}")),
            moved,
            "{table}"
        );
    }
    assert_eq!(db.value("SELECT count(*) FROM pgbench_history"), "200");
}
