//! psql itself: what a person types, and what they see.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::process::Cairn;

/// What psql printed, errors among it in their place.
fn psql(server: &Cairn, input: &str) -> String {
    let mut child = Command::new("psql")
        .args(["--no-psqlrc", "--set=PROMPT1=", "--set=PROMPT2=", "--pset=pager=off"])
        .arg(&server.url)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("psql; ./dev test installs it");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("a psql that reads");
    drop(stdin);
    let output = child.wait_with_output().expect("psql's output");
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[track_caller]
fn shows(output: &str, wanted: &[&str]) {
    for piece in wanted {
        assert!(output.contains(piece), "no {piece:?} in\n{output}");
    }
}

#[test]
fn a_first_session_looks_as_with_postgresql() {
    let server = Cairn::fresh();
    let output = psql(
        &server,
        "CREATE TABLE pets (id INT PRIMARY KEY, name TEXT NOT NULL);\n\
         INSERT INTO pets VALUES (1, 'Rex'), (2, 'Tom');\n\
         SELECT * FROM pets ORDER BY id;\n\
         UPDATE pets SET name = upper(name) WHERE id = 2;\n\
         DELETE FROM pets WHERE id = 1;\n",
    );
    shows(
        &output,
        &[
            "CREATE TABLE\n",
            "INSERT 0 2\n",
            " id | name \n----+------\n  1 | Rex\n  2 | Tom\n(2 rows)\n",
            "UPDATE 1\n",
            "DELETE 1\n",
        ],
    );
}

#[test]
fn mistakes_are_pointed_at() {
    let server = Cairn::fresh();
    let output = psql(
        &server,
        "SELEC 1;\nSELECT * FROM nothing;\nCREATE TABLE t (id INT PRIMARY KEY);\n\
         SELECT idd FROM t;\nINSERT INTO t VALUES (1), (1);\nINSERT INTO t VALUES ('x');\n",
    );
    shows(
        &output,
        &[
            "ERROR:  syntax error at or near \"SELEC\"",
            "ERROR:  relation \"nothing\" does not exist",
            "LINE 1: SELECT * FROM nothing;",
            "ERROR:  column \"idd\" does not exist",
            "ERROR:  duplicate key value violates unique constraint \"t_pkey\"",
            "DETAIL:  Key (id)=(1) already exists.",
            "ERROR:  invalid input syntax for type integer: \"x\"",
        ],
    );
}

#[test]
fn copy_goes_both_ways() {
    let server = Cairn::fresh();
    let output = psql(
        &server,
        "CREATE TABLE t (id INT PRIMARY KEY, v TEXT);\n\
         \\copy t from stdin with (format csv)\n1,one\n2,\"two, or so\"\n\\.\n\
         COPY t TO STDOUT;\n",
    );
    shows(&output, &["COPY 2\n", "1\tone\n2\ttwo, or so\n"]);
}

#[test]
fn a_tour_of_backup_as_a_person_takes_it() {
    let server = Cairn::fresh();
    let output = psql(
        &server,
        "CREATE DATABASE bank;\n\\c bank\n\
         CREATE TABLE accounts (id INT PRIMARY KEY, balance INT);\n\
         INSERT INTO accounts SELECT g, g * 10 FROM generate_series(1, 1000) AS g;\n\
         BACKUP DATABASE bank INTO 'nodelocal://1/bank';\n\
         SHOW BACKUPS IN 'nodelocal://1/bank';\n\
         \\c defaultdb\n\
         DROP DATABASE bank CASCADE;\n\
         RESTORE DATABASE bank FROM LATEST IN 'nodelocal://1/bank';\n\
         SELECT count(*), sum(balance) FROM bank.public.accounts;\n\
         BACKUP DATABASE bank INTO LATEST IN 'nodelocal://1/nowhere';\n\
         BACKUP DATABASE bank INTO 'nodelocal://1/bank' WITH nonsense;\n",
    );
    shows(
        &output,
        &[
            "CREATE DATABASE\n",
            "INSERT 0 1000\n",
            "| fraction_completed | rows | index_entries | bytes",
            "| succeeded |                  1 | 1000 |             0 |",
            "DROP DATABASE\n",
            "  1000 | 5005000\n",
            "ERROR:  ",
        ],
    );
}

#[test]
fn explain_shows_which_index_is_used() {
    let server = Cairn::fresh();
    let output = psql(
        &server,
        "CREATE TABLE t (id INT PRIMARY KEY, k INT, v TEXT);\n\
         CREATE INDEX t_k_idx ON t (k);\n\
         EXPLAIN SELECT * FROM t WHERE id = 5;\n\
         EXPLAIN SELECT * FROM t WHERE k BETWEEN 5 AND 6;\n\
         EXPLAIN SELECT * FROM t WHERE v = 'x';\n",
    );
    shows(
        &output,
        &[
            "Index Scan using t_pkey on t",
            "Index Cond: (id = 5)",
            "Index Scan using t_k_idx on t",
            "Seq Scan on t",
        ],
    );
}

#[test]
fn the_slash_commands_find_what_is_there() {
    let server = Cairn::fresh();
    let output = psql(
        &server,
        "CREATE TABLE t (id INT PRIMARY KEY, v TEXT DEFAULT 'x');\n\
         CREATE INDEX t_v_idx ON t (v);\n\\d t\n\\dt\n\\l\n\\du\n\\dn\n",
    );
    shows(
        &output,
        &[
            "Table \"public.t\"",
            "\"t_pkey\" PRIMARY KEY",
            "\"t_v_idx\"",
            " public | t    | table | root",
            "defaultdb",
            "root",
        ],
    );
}

#[test]
fn the_tour_of_the_readme_works_when_pasted() {
    let readme = include_str!("../README.md");
    let tour = readme.split("```sql\n").nth(1).and_then(|rest| rest.split("```").next());
    let server = Cairn::fresh();
    let output = psql(&server, tour.expect("a tour"));
    assert!(!output.contains("ERROR"), "{output}");
    assert_eq!(output.matches("| succeeded |").count(), 7, "{output}");
    shows(&output, &["10000 | 50005100.00\n"]);
}
