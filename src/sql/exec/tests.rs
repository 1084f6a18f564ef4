//! What a statement does when it may hold next to no memory: the same as with plenty, through
//! temporary files, or a clear refusal.

use std::sync::Arc;

use proptest::prelude::*;

use crate::error::sqlstate;
use crate::settings;
use crate::sql::server::Server;
use crate::sql::session::Session;
use crate::sql::testing::{ask, login, server};

/// A statement's memory from now on.
fn limit(server: &Server, memory: &str) {
    server.settings.apply(settings::SERVER_STATEMENT_MEMORY, Some(memory.into()));
}

fn written(server: &Server) -> u64 {
    server.mvcc.engine().scratch().written()
}

fn rows(session: &mut Session, query: &str) -> Vec<String> {
    let answer = ask(session, query).unwrap_or_else(|e| panic!("{query}: {e:?}"));
    answer.rows.iter().map(|row| format!("{row:?}")).collect()
}

/// A table with NULLs, repeated and rare values, and values of every layout.
fn table(seed: u32, count: u32) -> (Arc<Server>, Session) {
    let server = server();
    let mut session = login(&server, "root");
    let make = format!(
        "CREATE TABLE t (k INT4 PRIMARY KEY, a INT8, b TEXT, c NUMERIC, d FLOAT8, e DATE, \
         j JSONB, u INT4[], f BOOL);
         INSERT INTO t SELECT k, CASE WHEN h % 11 = 0 THEN NULL ELSE h % 1500 END,
           CASE WHEN h % 7 = 0 THEN NULL ELSE repeat(chr((97 + h % 5)::int), (h % 40)::int) || h % 900 END,
           (h % 100003)::numeric / 7, CASE WHEN h % 13 = 0 THEN 'NaN'::float8 ELSE (h % 77)::float8 END,
           '2000-01-01'::date + (h % 800)::int, json_build_object('x', h % 300)::jsonb,
           ARRAY[(h % 5)::int4, NULL, k], h % 3 = 0
         FROM (SELECT k::int4, (k * 7919::int8 + {seed}::int8 * 104729 + (k % 97) * (k % 89)) % 1000003 AS h
               FROM generate_series(1, {count}) AS g(k)) AS s"
    );
    ask(&mut session, &make).unwrap();
    (server, session)
}

/// Their answers have one order.
const ORDERED: &[&str] = &[
    "SELECT * FROM t ORDER BY b, k",
    "SELECT b, c, k, u, j FROM t ORDER BY c DESC NULLS LAST, a NULLS FIRST, k",
    "SELECT k, d FROM t ORDER BY d DESC, k DESC LIMIT 3500 OFFSET 100",
    "SELECT k, upper(b) FROM t ORDER BY upper(b) COLLATE \"C\" NULLS FIRST, k LIMIT 40",
    "SELECT a, count(*) FROM t GROUP BY a ORDER BY count(*), a",
];

/// Their answers come in any order.
const UNORDERED: &[&str] = &[
    "SELECT a, count(*), sum(c), min(b), max(e), avg(d), bool_or(f) FROM t GROUP BY a",
    "SELECT b, j, count(c), min(k) FROM t GROUP BY b, j HAVING count(*) > 0",
    "SELECT DISTINCT a, b FROM t",
    "SELECT DISTINCT u, j, d FROM t",
    "SELECT x.k, y.k FROM t AS x JOIN t AS y ON x.a = y.a AND x.b = y.b",
    "SELECT x.k, y.k, y.b FROM t AS x LEFT JOIN t AS y ON x.a = y.k AND y.d > 20",
    "SELECT x.k, x.b, y.k FROM (SELECT * FROM t WHERE k % 3 = 0) AS x FULL JOIN \
     (SELECT * FROM t WHERE f) AS y ON x.c = y.c",
    "SELECT k FROM t AS x WHERE EXISTS (SELECT 1 FROM t AS y WHERE y.a = x.k AND y.f)",
    "SELECT k FROM t AS x WHERE NOT EXISTS (SELECT 1 FROM t AS y WHERE y.a = x.k AND y.f)",
    "SELECT count(*), count(x.b), max(y.b) FROM t AS x, t AS y WHERE x.a = y.a",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, ..ProptestConfig::default() })]

    #[test]
    fn little_memory_changes_no_answer(seed in any::<u32>(), memory in 150_000usize..400_000) {
        let (server, mut session) = table(seed, 4_000);
        for (query, ordered) in ORDERED
            .iter()
            .map(|q| (q, true))
            .chain(UNORDERED.iter().map(|q| (q, false)))
        {
            limit(&server, "512MiB");
            let before = written(&server);
            let mut expect = rows(&mut session, query);
            prop_assert_eq!(written(&server), before, "{}", query);
            limit(&server, &memory.to_string());
            let mut got = rows(&mut session, query);
            if !ordered {
                expect.sort_unstable();
                got.sort_unstable();
            }
            prop_assert!(expect == got, "{} with {} bytes", query, memory);
        }
        prop_assert!(written(&server) > 0);
        prop_assert_eq!(server.mvcc.engine().scratch().used(), 0);
    }
}

#[test]
fn sorts_groups_and_joins_use_files_and_leave_none() {
    let (server, mut session) = table(5, 3_000);
    limit(&server, "100KiB");
    for query in [ORDERED[0], UNORDERED[0], UNORDERED[3], UNORDERED[4]] {
        let before = written(&server);
        rows(&mut session, query);
        assert!(written(&server) > before, "{query}");
    }
    assert_eq!(server.mvcc.engine().scratch().used(), 0);
}

#[test]
fn what_cannot_use_files_is_refused_and_says_which_setting_to_raise() {
    let (server, mut session) = table(6, 3_000);
    limit(&server, "100KiB");
    for query in [
        "SELECT array_agg(b ORDER BY k) FROM t",
        "SELECT count(DISTINCT b || k) FROM t",
        "SELECT sum(k) OVER (ORDER BY b) FROM t",
        "WITH x AS MATERIALIZED (SELECT * FROM t) SELECT * FROM x AS p, x AS q WHERE p.k = 1",
        // Grows a little with each batch of its answer.
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT n + 1 FROM r WHERE n < 20000) SELECT n FROM r",
        "SELECT k, b, c, u FROM t EXCEPT SELECT k, b, c, u FROM t WHERE k < 0",
        "UPDATE t SET k = -k FROM (SELECT max(k) FROM t) AS m RETURNING *",
    ] {
        let e = ask(&mut session, query).err().unwrap_or_else(|| panic!("{query}"));
        assert_eq!(e.code(), sqlstate::OUT_OF_MEMORY, "{query}: {e:?}");
        assert!(e.hint().unwrap_or_default().contains("sql.statement.memory_limit"), "{e:?}");
    }
}

#[test]
fn memory_that_is_not_held_any_more_is_not_counted() {
    let (server, mut session) = table(7, 600);
    limit(&server, "100KiB");
    let query = "SELECT sum((WITH c AS MATERIALIZED (SELECT * FROM t WHERE k < 40) \
                 SELECT count(*) FROM c WHERE c.k <> o.k)) FROM t AS o";
    assert_eq!(rows(&mut session, query).len(), 1);
    let query = "SELECT count(ARRAY(SELECT b FROM t WHERE t.k < 100 + o.k - o.k)) FROM t AS o";
    assert_eq!(rows(&mut session, query).len(), 1);
}
