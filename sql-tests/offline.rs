//! `cairn backup` reads a collection without a server: what it exports is what was there.

use std::process::{Command, Output};

use crate::process::Cairn;
use crate::wire::Session;

fn cairn(arguments: &[&str], passphrase: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cairn"))
        .arg("backup")
        .args(arguments)
        .env("CAIRN_BACKUP_PASSPHRASE", passphrase)
        .output()
        .expect("a program that runs")
}

fn told(arguments: &[&str], passphrase: &str) -> String {
    let output = cairn(arguments, passphrase);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_collection_is_listed_verified_and_exported_without_a_server() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE DATABASE d; CREATE SCHEMA d.s");
    db.run(
        "CREATE TABLE d.s.t (id INT8 PRIMARY KEY, v TEXT, n NUMERIC(10,2), at TIMESTAMPTZ, \
         list INT8[], INDEX (v))",
    );
    db.run(
        "INSERT INTO d.s.t VALUES (1, 'a,b', 1.5, '2026-01-02 03:04:05+00', '{1,NULL}'), \
         (2, '', NULL, NULL, NULL), (3, NULL, -2, 'infinity', '{}'), (4, 'say \"x\"', 0, NULL, NULL)",
    );
    db.run("INSERT INTO d.s.t SELECT g, 'row ' || g FROM generate_series(10, 5000) g");
    let csv = "COPY (SELECT * FROM d.s.t ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER)";
    let with = "WITH revision_history, encryption_passphrase = 'open sesame'";
    db.run(&format!("BACKUP DATABASE d INTO 'nodelocal://1/c' {with}"));
    let first = db.copy_out(csv);
    let then = db.value("SELECT now()::text");
    db.run("UPDATE d.s.t SET v = 'changed' WHERE id < 3");
    db.run("DELETE FROM d.s.t WHERE id = 4");
    db.run("TRUNCATE d.s.t");
    db.run("INSERT INTO d.s.t VALUES (7, 'new')");
    let second = db.copy_out(csv);
    db.run(&format!("BACKUP DATABASE d INTO LATEST IN 'nodelocal://1/c' {with}"));
    let home = server.kill();

    let dir = home.nodelocal().join("c");
    let dir = dir.to_str().expect("UTF-8");
    let fulls = told(&["ls", dir], "");
    assert_eq!(fulls.lines().count(), 1, "{fulls}");
    let shown = told(&["show", dir], "open sesame");
    assert!(shown.contains("\ttable\td.s.t\n") && shown.contains("incremental"), "{shown}");
    let verified = told(&["verify", dir, fulls.trim()], "open sesame");
    assert_eq!(verified.matches("files read").count(), 2, "{verified}");
    let export = ["export", dir, "--table", "d.s.t"];
    assert_eq!(told(&export, "open sesame"), second);
    let before = [&export[..], &["--as-of", &then]].concat();
    assert_eq!(told(&before, "open sesame"), first);

    let wrong = cairn(&["show", dir], "wrong");
    assert!(!wrong.status.success());
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("maybe incorrect key"));
    let absent = cairn(&["export", dir, "--table", "d.s.nothing"], "open sesame");
    assert!(String::from_utf8_lossy(&absent.stderr).contains("is not in the backup"));
    // A file that was cut is named.
    let data = std::fs::read_dir(
        home.nodelocal().join("c").join(fulls.trim().trim_start_matches('/')).join("data"),
    );
    let file = data.expect("a folder").next().expect("a file").expect("an entry").path();
    let bytes = std::fs::read(&file).expect("a readable file");
    std::fs::write(&file, &bytes[..bytes.len() - 1]).expect("a writable file");
    let cut = cairn(&["verify", dir], "open sesame");
    assert!(!cut.status.success());
    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(String::from_utf8_lossy(&cut.stdout).contains(&name));
}
