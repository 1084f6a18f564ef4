//! The extended protocol with values in binary: what drivers do.

use std::time::{Duration, SystemTime};

use tokio_postgres::types::Type;

use crate::process::Cairn;
use crate::wire::Session;

#[test]
fn values_of_every_kind_go_in_and_out_in_binary() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run(
        "CREATE TABLE v (id INT8 PRIMARY KEY, i2 INT2, i4 INT4, f4 FLOAT4, f8 FLOAT8, b BOOL, \
         t TEXT, by BYTEA, ts TIMESTAMPTZ, a INT8[])",
    );
    db.with(async |client| {
        let insert = client
            .prepare("INSERT INTO v VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
            .await
            .expect("a prepared INSERT");
        let wanted = [
            Type::INT8,
            Type::INT2,
            Type::INT4,
            Type::FLOAT4,
            Type::FLOAT8,
            Type::BOOL,
            Type::TEXT,
            Type::BYTEA,
            Type::TIMESTAMPTZ,
            Type::INT8_ARRAY,
        ];
        assert_eq!(insert.params(), wanted);
        let moment = SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_123_456);
        let bytes: &[u8] = &[0, 1, 255];
        let array = vec![1i64, -2, i64::MAX];
        let affected = client
            .execute(
                &insert,
                &[
                    &i64::MIN,
                    &i16::MAX,
                    &-1i32,
                    &1.5f32,
                    &-0.1f64,
                    &true,
                    &"snow ☃",
                    &bytes,
                    &moment,
                    &array,
                ],
            )
            .await
            .expect("an insert");
        assert_eq!(affected, 1);
        let row = client.query_one("SELECT * FROM v", &[]).await.expect("one row");
        assert_eq!(row.get::<_, i64>(0), i64::MIN);
        assert_eq!(row.get::<_, i16>(1), i16::MAX);
        assert_eq!(row.get::<_, i32>(2), -1);
        assert_eq!(row.get::<_, f32>(3), 1.5);
        assert_eq!(row.get::<_, f64>(4), -0.1);
        assert!(row.get::<_, bool>(5));
        assert_eq!(row.get::<_, &str>(6), "snow ☃");
        assert_eq!(row.get::<_, &[u8]>(7), bytes);
        assert_eq!(row.get::<_, SystemTime>(8), moment);
        assert_eq!(row.get::<_, Vec<i64>>(9), array);
    });
}

#[test]
fn a_prepared_statement_is_used_again_and_again_and_outlives_a_change_of_its_table() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE TABLE t (id INT8 PRIMARY KEY, v TEXT)");
    db.with(async |client| {
        let put = client.prepare("INSERT INTO t VALUES ($1, $2)").await.expect("prepared");
        let get = client.prepare("SELECT v FROM t WHERE id = $1").await.expect("prepared");
        for id in 0..100i64 {
            client.execute(&put, &[&id, &format!("v{id}")]).await.expect("an insert");
        }
        client.batch_execute("CREATE INDEX t_v_idx ON t (v)").await.expect("an index");
        for id in 0..100i64 {
            let row = client.query_one(&get, &[&id]).await.expect("a row");
            assert_eq!(row.get::<_, String>(0), format!("v{id}"));
        }
        assert!(client.query_opt(&get, &[&-1i64]).await.expect("no error").is_none());
        let null: Option<String> = None;
        client.execute(&put, &[&1000i64, &null]).await.expect("a NULL");
        let row = client.query_one(&get, &[&1000i64]).await.expect("a row");
        assert_eq!(row.get::<_, Option<String>>(0), None);
    });
}

#[test]
fn a_portal_gives_its_rows_in_pieces() {
    let server = Cairn::fresh();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut client = crate::wire::connect(&server.url).await.expect("a connection");
        let transaction = client.transaction().await.expect("a transaction");
        let portal = transaction
            .bind("SELECT g FROM generate_series(1, 10::int8) AS g", &[])
            .await
            .expect("a portal");
        let mut seen = Vec::new();
        for wanted in [4, 4, 2, 0] {
            let rows = transaction.query_portal(&portal, 4).await.expect("rows");
            assert_eq!(rows.len(), wanted);
            seen.extend(rows.iter().map(|r| r.get::<_, i64>(0)));
        }
        assert_eq!(seen, (1..=10).collect::<Vec<i64>>());
    });
}

#[test]
fn an_error_in_a_pipeline_skips_to_the_next_sync_and_the_session_lives() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE TABLE t (id INT8 PRIMARY KEY)");
    db.with(async |client| {
        let put = client.prepare("INSERT INTO t VALUES ($1)").await.expect("prepared");
        let (one, again, two): (i64, i64, i64) = (1, 1, 2);
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&one, &again, &two];
        let (first, second, third) = tokio::join!(
            client.execute(&put, &params[..1]),
            client.execute(&put, &params[1..2]),
            client.execute(&put, &params[2..]),
        );
        assert_eq!(first.expect("an insert"), 1);
        let code = second.expect_err("a duplicate").code().map(|c| c.code().to_owned());
        assert_eq!(code.as_deref(), Some("23505"));
        assert_eq!(third.expect("an insert"), 1);
    });
    assert_eq!(db.value("SELECT count(*) FROM t"), "2");
}

#[test]
fn a_cancel_request_ends_a_statement_and_nothing_else() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.with(async |client| {
        let token = client.cancel_token();
        let slow = client.batch_execute("SELECT pg_sleep(300)");
        let mut slow = std::pin::pin!(slow);
        // The request is repeated until it finds the statement under way.
        let error = loop {
            tokio::select! {
                ended = &mut slow => break ended.expect_err("a canceled statement"),
                () = tokio::time::sleep(Duration::from_millis(50)) => {
                    token.cancel_query(tokio_postgres::NoTls).await.expect("a cancel request");
                }
            }
        };
        assert_eq!(error.code().map(|c| c.code()), Some("57014"));
        let row = client.query_one("SELECT 1::int8", &[]).await.expect("a session that lives");
        assert_eq!(row.get::<_, i64>(0), 1);
    });
}

#[test]
fn statements_are_described_with_their_types() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE TABLE t (id INT8 PRIMARY KEY, n NUMERIC(10,2), j JSONB, u UUID)");
    db.with(async |client| {
        let select = client.prepare("SELECT *, id + $1 FROM t WHERE n > $2").await.expect("SELECT");
        let types: Vec<&Type> = select.columns().iter().map(|c| c.type_()).collect();
        assert_eq!(types, [&Type::INT8, &Type::NUMERIC, &Type::JSONB, &Type::UUID, &Type::INT8]);
        assert_eq!(select.params(), [Type::INT8, Type::NUMERIC]);
        let backup = client
            .prepare("BACKUP TABLE t INTO $1 WITH detached")
            .await
            .expect("a BACKUP with a parameter");
        assert_eq!(backup.params(), [Type::TEXT]);
        let names: Vec<&str> = backup.columns().iter().map(|c| c.name()).collect();
        assert_eq!(names, ["job_id"]);
        let show = client.prepare("SHOW JOBS").await.expect("SHOW JOBS");
        assert_eq!(show.columns().first().map(|c| c.name()), Some("job_id"));
    });
}
