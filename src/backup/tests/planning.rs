//! What is refused, and how a backup is described.

use super::*;
use crate::catalog::privilege::Privilege;
use crate::catalog::role::{self, Role};
use crate::error::{SqlState, sqlstate};

fn refused(world: &World, request: &Request) -> (SqlState, String) {
    let e = world.plan(request).err().unwrap();
    assert_eq!(world.mvcc().protected(), []);
    (e.code(), e.message().to_owned())
}

fn described(world: &World, request: &Request) -> String {
    world.clock.advance_nanos(SECOND);
    let mut txn = world.mvcc().begin(TxnOptions::default()).unwrap();
    let plan = plan(
        &mut PlanContext {
            catalog: &world.catalog,
            stores: &*world.stores,
            settings: &world.settings,
            txn: &mut txn,
            job_id: 77,
            role: "root",
            names: Names { database: "defaultdb", search_path: &["public".to_owned()] },
            interrupt: &Interrupt::new(),
        },
        request,
    );
    plan.unwrap().description
}

#[test]
fn descriptions_are_canonical_and_hide_secrets() {
    let world = World::new();
    world.create("t");
    world.create("Odd name");
    let shown = "'s3://bucket/base?AWS_ACCESS_KEY_ID=id&AWS_SECRET_ACCESS_KEY=redacted'";
    let mut full = request(tables(&["t", "\"Odd name\"", "public.*"]), Into::New(uri()));
    full.secret = Some(Secret::passphrase("open sesame"));
    full.revision_history = true;
    full.detached = true;
    assert_eq!(
        described(&world, &full),
        format!(
            "BACKUP TABLE defaultdb.public.t, defaultdb.public.\"Odd name\", defaultdb.public.* \
             INTO '/2023/11/14-221321.00' IN {shown} \
             WITH revision_history, encryption_passphrase = '*****', detached"
        )
    );
    let end = world.mvcc().now();
    let to = Request { end: Some(end), ..request(Targets::Cluster, Into::To(uri(), vec![])) };
    assert_eq!(described(&world, &to), format!("BACKUP TO {shown} AS OF SYSTEM TIME '{end}'"));
    // The transactions did not commit: nothing is protected, nothing is kept, nothing was written.
    assert_eq!(world.mvcc().protected(), []);
    assert!(secret::find::<Value>(world.mvcc(), 77).unwrap().is_none());
    assert_eq!(world.store.list("").unwrap(), []);
}

#[test]
fn a_layer_must_follow_from_the_one_before() {
    let world = World::new();
    let t = world.create("t");
    world.create("u");
    let append = |targets| request(targets, Into::Latest(uri()));
    assert_eq!(refused(&world, &append(Targets::Cluster)).0, sqlstate::UNDEFINED_FILE);

    world.full(tables(&["t"]));
    let (code, words) = refused(&world, &append(tables(&["t", "u"])));
    assert_eq!(code, sqlstate::INVALID_PARAMETER_VALUE);
    assert!(words.contains("does not contain table \"u\""), "{words}");
    let (_, words) = refused(&world, &append(database("defaultdb")));
    assert!(words.contains("does not contain the complete database \"defaultdb\""), "{words}");
    let (_, words) = refused(&world, &append(Targets::Cluster));
    assert!(words.contains("cannot append a cluster backup"), "{words}");

    world.full(Targets::Cluster);
    let (_, words) = refused(&world, &append(tables(&["t"])));
    assert!(words.contains("to a cluster backup"), "{words}");
    let early = Request { end: Some(world.chain(None)[0].1.end_time), ..append(Targets::Cluster) };
    let (code, words) = refused(&world, &early);
    assert_eq!(code, sqlstate::INVALID_PARAMETER_VALUE);
    assert!(words.contains("is not after that of the previous"), "{words}");

    // Fewer targets are fine, and so are new tables of a complete database.
    world.full(database("defaultdb"));
    world.create("v");
    world.incremental(tables(&["t", "v"]));
    world.drop_table(&t);
    world.incremental(tables(&["v"]));
    // What was left out once has a gap.
    let (_, words) = refused(&world, &append(database("defaultdb")));
    assert!(words.contains("does not contain the complete database"), "{words}");
}

#[test]
fn another_clusters_chain_is_refused() {
    let world = World::new();
    world.full(Targets::Cluster);
    let other = World::new();
    *other.stores.0.lock() = world.store.clone();
    let (code, words) = refused(&other, &request(Targets::Cluster, Into::Latest(uri())));
    assert_eq!(code, sqlstate::INVALID_PARAMETER_VALUE);
    assert!(words.contains("previous BACKUP belongs to cluster"), "{words}");
}

#[test]
fn history_that_is_gone_or_to_come_is_refused() {
    let world = World::new();
    let t = world.create("t");
    world.full(database("defaultdb"));
    world.clock.advance_nanos(SECOND);
    world.write(&t, &[(1, "a")], &[]);
    let past = world.mvcc().visible();
    world.clock.advance_nanos(SECOND);
    world.mvcc().collect_garbage(&table_span(t.id), world.mvcc().visible()).unwrap();
    let full = |end| Request { end, ..request(database("defaultdb"), Into::New(uri())) };
    let (code, words) = refused(&world, &full(Some(past)));
    assert_eq!(code, sqlstate::INVALID_PARAMETER_VALUE);
    assert!(words.contains("garbage collected"), "{words}");
    let (_, words) = refused(&world, &request(database("defaultdb"), Into::Latest(uri())));
    assert!(words.contains("protected ts verification error"), "{words}");
    let future = Timestamp::from_nanos(world.mvcc().now().wall + 3_600 * SECOND);
    let (_, words) = refused(&world, &full(Some(future)));
    assert!(words.contains("in the future"), "{words}");
    let before_all = Request {
        end: Some(Timestamp::from_nanos(5)),
        ..request(tables(&["t"]), Into::New(uri()))
    };
    assert_eq!(refused(&world, &before_all).0, sqlstate::UNDEFINED_TABLE);
    world.full(database("defaultdb"));
}

#[test]
fn a_running_backup_keeps_its_history() {
    let world = World::new();
    let t = world.create("t");
    world.write(&t, &[(1, "a")], &[]);
    world.full(database("defaultdb"));
    world.write(&t, &[(1, "b")], &[(1, "a")]);
    let job = world.plan(&request(database("defaultdb"), Into::Latest(uri()))).unwrap();
    world.write(&t, &[(1, "c")], &[(1, "b")]);
    world.clock.advance_nanos(SECOND);
    world.mvcc().collect_garbage(&table_span(t.id), world.mvcc().visible()).unwrap();
    world.resumer.back_up(&job).unwrap();
    world.check_chain_holds(&[&t]);
}

#[test]
fn names_are_found_as_of_the_end_time() {
    let world = World::new();
    let mut t = world.create("t");
    let before = world.mvcc().now();
    t.name = "renamed".into();
    world.put_descriptor(&t);
    let at = |name, end| Request { end, ..request(tables(&[name]), Into::New(uri())) };
    assert!(world.plan(&at("t", Some(before))).is_ok());
    world.mvcc().protected().iter().for_each(|r| world.mvcc().release(&r.id).unwrap());
    let (code, words) = refused(&world, &at("t", None));
    assert_eq!(code, sqlstate::UNDEFINED_TABLE);
    assert!(words.starts_with("failed to resolve targets specified in the BACKUP stmt"), "{words}");
    let (code, _) = refused(&world, &at("nowhere.*", None));
    assert_eq!(code, sqlstate::INVALID_CATALOG_NAME);
    let (code, _) = refused(&world, &request(database("nowhere"), Into::New(uri())));
    assert_eq!(code, sqlstate::INVALID_CATALOG_NAME);
    world.back_up(&at("defaultdb.*", None));
    assert_eq!(world.last_layer().1.complete_databases, [100]);
}

#[test]
fn a_taken_directory_and_a_switched_off_feature_are_refused() {
    let world = World::new();
    let named = |sub: &str| request(Targets::Cluster, Into::Named(sub.into(), uri()));
    let job = world.plan(&named("by hand")).unwrap();
    *job.stop_at.lock() = Some("backup.before.flow");
    assert!(world.resumer.back_up(&job).is_err());
    assert_eq!(world.plan(&named("by hand")).err().unwrap().code(), sqlstate::FILE_ALREADY_EXISTS);
    *job.stop_at.lock() = None;
    world.resumer.back_up(&job).unwrap();
    assert_eq!(collection::latest_full(&*world.store).unwrap(), "/by hand");
    world.back_up(&named("/by hand/"));
    assert_eq!(world.chain(None).len(), 2);
    assert_eq!(refused(&world, &named("2020/01/01-000000.00")).0, sqlstate::UNDEFINED_FILE);
    world.set(settings::BACKUP_FULL_WITH_SUBDIR, "off");
    assert_eq!(refused(&world, &named("other")).0, sqlstate::UNDEFINED_FILE);
    world.set(settings::FEATURE_BACKUP, "off");
    assert_eq!(refused(&world, &named("by hand")).0, sqlstate::OPERATOR_INTERVENTION);
}

#[test]
fn a_backup_to_a_directory_appends_to_itself() {
    let world = World::new();
    let t = world.create("t");
    world.write(&t, &[(1, "a")], &[]);
    let to = || request(database("defaultdb"), Into::To(uri(), vec![]));
    world.back_up(&to());
    assert!(!world.store.exists("LATEST").unwrap());
    world.write(&t, &[(2, "b")], &[]);
    world.back_up(&to());
    let layers = collection::layers(&*world.store, "").unwrap();
    assert_eq!(layers.len(), 2);
    let (code, _) = refused(&world, &request(database("defaultdb"), Into::New(uri())));
    assert_eq!(code, sqlstate::FILE_ALREADY_EXISTS, "it is no collection");
}

#[test]
fn rights_are_needed_on_everything_and_now() {
    let world = World::new();
    let mut t = world.create("t");
    let mut txn = world.mvcc().begin(TxnOptions::default()).unwrap();
    role::write(&mut txn, &Role::new(500, "bob", false)).unwrap();
    txn.commit().unwrap();
    let code = |request: &Request| world.plan_as("bob", request).err().map(|e| e.code());
    let denied = Some(sqlstate::INSUFFICIENT_PRIVILEGE);
    let cluster = request(Targets::Cluster, Into::New(uri()));
    let table = request(tables(&["t"]), Into::New(uri()));
    assert_eq!(code(&cluster), denied);
    assert_eq!(code(&table), denied);
    t.privileges.grant("bob", Privilege::Select.bit(), false);
    world.put_descriptor(&t);
    let granted = world.mvcc().now();
    assert_eq!(code(&table), None);
    assert_eq!(code(&request(database("defaultdb"), Into::New(uri()))), None);
    let own_disk = ExternalUri::parse("nodelocal://1/x").unwrap();
    assert_eq!(code(&request(tables(&["t"]), Into::New(own_disk))), denied);
    t.privileges.revoke("bob", Privilege::Select.bit(), false);
    world.put_descriptor(&t);
    // He had the right at that time; he has it no more.
    assert_eq!(code(&Request { end: Some(granted), ..table }), denied);
}
