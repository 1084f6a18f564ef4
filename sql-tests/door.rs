//! Starting, stopping, the store's lock, logging in, and what is served over HTTP.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use crate::process::{Cairn, Home};
use crate::wire::Session;

#[test]
fn a_stop_in_order_exits_with_zero_and_keeps_everything() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE TABLE t (id INT8 PRIMARY KEY, n SERIAL)");
    db.run("INSERT INTO t (id) VALUES (1), (2), (3)");
    db.run("SET CLUSTER SETTING jobs.retention_time = '7h'");
    let cluster = db.value("SELECT crdb_internal.cluster_id()");
    let server = server.restart();
    let db = Session::open(&server.url);
    assert_eq!(db.value("SELECT count(*) FROM t"), "3");
    assert_eq!(db.value("SHOW CLUSTER SETTING jobs.retention_time"), "7h");
    assert_eq!(db.value("SELECT crdb_internal.cluster_id()"), cluster);
    // Numbers of the sequence that were set aside are given back.
    db.run("INSERT INTO t (id) VALUES (4)");
    assert_eq!(db.value("SELECT n FROM t WHERE id = 4"), "4");
    let (home, status) = server.terminate();
    assert!(status.success(), "{status}");
    assert!(home.log().contains("stopped"), "{}", home.log());
}

#[test]
fn an_interrupt_stops_it_like_a_termination() {
    let mut server = Cairn::fresh();
    server.signal("INT");
    assert!(server.wait().success());
}

#[test]
fn a_busy_statement_is_ended_when_its_time_is_over() {
    let mut server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("BEGIN; CREATE TABLE unfinished (id INT8)");
    server.signal("TERM");
    // An open transaction does not keep the server up: it is rolled back.
    assert!(server.wait().success());
    let server = server.home().start();
    let db = Session::open(&server.url);
    assert_eq!(db.refused("SELECT * FROM unfinished").code, "42P01");
}

#[test]
fn a_store_has_one_process() {
    let server = Cairn::fresh();
    let output = server
        .home()
        .command()
        .arg("--insecure")
        .stderr(Stdio::piped())
        .output()
        .expect("the cairn binary");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("is in use by another process"), "{said}");
    // The first is not disturbed.
    assert_eq!(Session::open(&server.url).value("SELECT 1"), "1");
}

#[test]
fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = Home::new()
        .command_at(&address)
        .arg("--insecure")
        .stderr(Stdio::piped())
        .output()
        .expect("the cairn binary");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("could not listen on") && said.contains(&address), "{said}");
}

#[test]
fn root_logs_in_with_the_password_from_the_environment() {
    let home = Home::new();
    let mut command = home.command();
    command.env("CAIRN_ROOT_PASSWORD", "open sesame");
    let server = Cairn::launch(home, command);
    let with = |password: &str| server.url.replace("root@", &format!("root:{password}@"));
    let db = Session::open(&with("open%20sesame"));
    assert_eq!(db.value("SELECT current_user"), "root");
    let refusal = Session::try_open(&with("wrong")).err().expect("a refusal");
    assert_eq!(refusal.code, "28P01");
    assert!(!server.home().log().contains("sesame"));
}

#[test]
fn without_a_password_root_is_kept_out_and_the_log_says_why() {
    let home = Home::new();
    let command = home.command();
    let server = Cairn::launch(home, command);
    let url = server.url.replace("root@", "root:x@");
    assert_eq!(Session::try_open(&url).err().expect("a refusal").code, "28P01");
    assert!(server.home().log().contains("CAIRN_ROOT_PASSWORD"));
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn health_and_metrics_are_served() {
    let server = Cairn::fresh();
    let _session = Session::open(&server.url);
    let health = get(&server.http, "/health");
    assert!(health.starts_with("HTTP/1.1 200") && health.contains("\"ok\""), "{health}");
    let metrics = get(&server.http, "/metrics");
    assert!(metrics.starts_with("HTTP/1.1 200"), "{metrics}");
    for line in ["# TYPE cairn_jobs gauge", "cairn_sessions{state=\"idle\"} 1", "cairn_tables "] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    assert!(get(&server.http, "/nothing").starts_with("HTTP/1.1 404"));
}
