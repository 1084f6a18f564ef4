//! AS OF SYSTEM TIME over changes of the schema, with parameters, and below the line of what is
//! kept.

use crate::process::Cairn;
use crate::wire::Session;

fn now(db: &Session) -> String {
    db.value("SELECT cluster_logical_timestamp()")
}

#[test]
fn the_past_has_its_own_schema() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE TABLE t (id INT PRIMARY KEY, a TEXT)");
    db.run("INSERT INTO t VALUES (1, 'one')");
    let first = now(&db);
    db.run("ALTER TABLE t ADD COLUMN b INT DEFAULT 7");
    db.run("CREATE INDEX t_b ON t (b)");
    let second = now(&db);
    db.run("ALTER TABLE t DROP COLUMN a");
    db.run("ALTER TABLE t RENAME TO renamed");
    let third = now(&db);
    db.run("TRUNCATE renamed");
    db.run("DROP TABLE renamed");
    db.run("CREATE TABLE t (other DATE)");
    let at = |table: &str, time: &str| format!("SELECT * FROM {table} AS OF SYSTEM TIME {time}");
    assert_eq!(db.run(&at("t", &first)), [["1", "one"]]);
    assert_eq!(db.run(&at("t", &second)), [["1", "one", "7"]]);
    assert_eq!(db.run(&at("renamed", &third)), [["1", "7"]]);
    assert_eq!(db.refused(&at("renamed", &first)).code, "42P01");
    assert_eq!(db.refused(&at("t", &third)).code, "42P01");
    assert_eq!(db.run("SELECT * FROM t"), Vec::<Vec<String>>::new());
    // An index that came later is no way into the past.
    let by_b = format!("SELECT id FROM t AS OF SYSTEM TIME {second} WHERE b = 7");
    assert_eq!(db.run(&by_b), [["1"]]);
    let server = server.restart();
    let db = Session::open(&server.url);
    assert!(now(&db) > third, "the clock does not go back");
    // A block sees all of it, its own catalogue included.
    db.run(&format!("BEGIN AS OF SYSTEM TIME {first}"));
    assert_eq!(db.run("SELECT * FROM t"), [["1", "one"]]);
    assert_eq!(db.value("SELECT cluster_logical_timestamp()"), first);
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 't'";
    assert_eq!(db.value(columns), "2");
    assert_eq!(db.refused("SELECT b FROM t").code, "42703");
    db.run("ROLLBACK");
    assert_eq!(db.run(&at("t", &second)), [["1", "one", "7"]]);
}

#[test]
fn the_time_can_be_a_parameter_of_a_prepared_statement() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)");
    db.run("INSERT INTO t VALUES (1, 10)");
    let then = now(&db);
    db.run("UPDATE t SET v = 20");
    db.with(async |client| {
        let sql = "SELECT v FROM t AS OF SYSTEM TIME $1 WHERE id = $2";
        let rows = client.query(sql, &[&then, &1_i32]).await.expect("a read of the past");
        assert_eq!(rows[0].get::<_, i32>(0), 10);
        let rows = client.query(sql, &[&"-1us", &1_i32]).await.expect("a read of the past");
        assert_eq!(rows[0].get::<_, i32>(0), 20);
        // The columns that Describe tells are those of the past.
        client.batch_execute("ALTER TABLE t ADD COLUMN w INT").await.expect("ALTER TABLE");
        let fixed = format!("SELECT * FROM t AS OF SYSTEM TIME {then}");
        let rows = client.query(&fixed, &[]).await.expect("a read of the past");
        assert_eq!((rows[0].len(), rows[0].get::<_, i32>(1)), (2, 10));
        // With a parameter they are those of now, and a read that has others is refused.
        let error = client
            .query("SELECT * FROM t AS OF SYSTEM TIME $1", &[&then])
            .await
            .expect_err("two columns instead of three");
        assert_eq!(error.code().map(|c| c.code()), Some("0A000"), "{error:?}");
    });
    // EXECUTE does the same in SQL.
    db.run("PREPARE p AS SELECT v FROM t AS OF SYSTEM TIME $1");
    assert_eq!(db.value(&format!("EXECUTE p ('{then}')")), "10");
    db.run("BEGIN");
    db.run(&format!("SET TRANSACTION AS OF SYSTEM TIME {then}"));
    db.run("DECLARE c CURSOR FOR SELECT v FROM t");
    assert_eq!(db.run("FETCH ALL FROM c"), [["10"]]);
    db.run("COMMIT");
}
