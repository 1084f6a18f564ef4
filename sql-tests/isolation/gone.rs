//! Clients that go without a word, and waits that are called off: nothing of them stays.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use super::{Stage, code};
use crate::wire::Session;

#[test]
fn a_client_killed_in_its_transaction_holds_nothing() {
    let stage = Stage::new();
    stage.reset();
    let mut psql = Command::new("psql")
        .args(["-X", "-q", "-A", "-t", &stage.server.url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("psql");
    let mut stdin = psql.stdin.take().expect("a pipe");
    writeln!(stdin, "BEGIN; UPDATE test SET value = 0 RETURNING id;").expect("a pipe");
    let mut line = String::new();
    let mut said = BufReader::new(psql.stdout.take().expect("a pipe"));
    said.read_line(&mut line).expect("a pipe");
    assert_eq!(line, "1\n");
    let next = stage.actor();
    let waiting = stage.blocked(&next, "UPDATE test SET value = value + 1");
    // kill -9: it has no chance to say goodbye.
    psql.kill().expect("a process to kill");
    psql.wait().expect("a status");
    assert_eq!(code(&waiting.answer()), "");
    assert_eq!(stage.rows(), "1=11 2=21");
}

#[test]
fn a_wait_that_is_cancelled_by_the_protocol_leaves_the_queue() {
    let stage = Stage::new();
    stage.reset();
    let holder = stage.begun("SERIALIZABLE");
    holder.run("UPDATE test SET value = 0 WHERE id = 1");
    let first = stage.begun("SERIALIZABLE");
    first.run("UPDATE test SET value = 0 WHERE id = 2");
    let token = first.db.with(async |client| client.cancel_token());
    let cancelled = stage.blocked(&first, "UPDATE test SET value = 1 WHERE id = 1");
    let second = stage.actor();
    let waiting = stage.blocked(&second, "UPDATE test SET value = value + 2 WHERE id = 1");
    let other = Session::open(&stage.server.url);
    other
        .with(async |_| token.cancel_query(tokio_postgres::NoTls).await.expect("a cancel request"));
    let answer = cancelled.answer();
    assert_eq!(code(&answer), "57014");
    // What it held it holds until its transaction ends.
    let third = stage.actor();
    let at_the_other = stage.blocked(&third, "UPDATE test SET value = value + 3 WHERE id = 2");
    first.run("ROLLBACK");
    assert_eq!(code(&at_the_other.answer()), "");
    holder.commit();
    assert_eq!(code(&waiting.answer()), "");
    assert_eq!(stage.rows(), "1=2 2=23");
}

#[test]
fn a_statement_that_times_out_in_a_queue_leaves_it() {
    let stage = Stage::new();
    stage.reset();
    let holder = stage.begun("SERIALIZABLE");
    holder.run("UPDATE test SET value = 0 WHERE id = 1");
    let hasty = stage.begun("SERIALIZABLE");
    hasty.run("SET LOCAL statement_timeout = '30ms'");
    let refusal = hasty.db.refused("UPDATE test SET value = 1 WHERE id = 1");
    assert_eq!(refusal.code, "57014");
    assert_eq!(refusal.message, "canceling statement due to statement timeout");
    let next = stage.actor();
    let waiting = stage.blocked(&next, "UPDATE test SET value = value + 2 WHERE id = 1");
    holder.commit();
    // The hasty one's transaction is still open, and in nobody's way.
    assert_eq!(code(&waiting.answer()), "");
    hasty.run("ROLLBACK");
    assert_eq!(stage.rows(), "1=2 2=20");
}

/// The sockets of a port, as Linux tells them, with what their timers are set for: 2 stands for
/// keepalive.
fn timers(port: &str) -> Vec<String> {
    let port = format!(":{:04X}", port.parse::<u16>().expect("a port"));
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the sockets of the system");
    table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        // Local address, remote address, state (01: established), queues, timer.
        .filter(|columns| columns.len() > 5 && columns[1].ends_with(&port) && columns[3] == "01")
        .map(|columns| columns[5].to_owned())
        .collect()
}

#[test]
#[cfg(target_os = "linux")]
fn the_system_looks_after_silent_connections() {
    let stage = Stage::new();
    let port = stage.server.url.rsplit(':').next().expect("a port");
    let port = port.split('/').next().expect("a port");
    stage.actor().run("SELECT 1");
    // A timer may stand for an answer on its way for a moment.
    let until = std::time::Instant::now() + super::PATIENCE;
    loop {
        let timers = timers(port);
        assert!(!timers.is_empty(), "no connection at port {port}");
        if timers.iter().all(|timer| timer.starts_with("02:")) {
            return;
        }
        assert!(std::time::Instant::now() < until, "{timers:?}");
        std::thread::yield_now();
    }
}
