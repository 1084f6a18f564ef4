//! The catalogue over the memory engine.

use std::sync::Arc;

use super::descriptor::*;
use super::names::{self, Scope};
use super::privilege::{self, ObjectKind, Privilege};
use super::role::{self, Role, RoleOption};
use super::sequence::Position;
use super::testing::table;
use super::{Catalog, comment, system, watched_spans, zone};
use crate::clock::{ManualClock, Timestamp};
use crate::error::{Result, sqlstate};
use crate::kv::SharedEngine;
use crate::kv::memory::MemoryEngine;
use crate::mvcc::{Isolation, Mvcc, Options, Txn, TxnOptions};
use crate::types::{Datum, Type};

fn open_on(engine: &SharedEngine, wall: u64) -> Arc<Catalog> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(wall)));
    let options = Options { watched: watched_spans(), ..Options::default() };
    Catalog::open(Mvcc::open(Arc::clone(engine), clock, options).unwrap()).unwrap()
}

fn open() -> Arc<Catalog> {
    let engine: SharedEngine = Arc::new(MemoryEngine::new());
    open_on(&engine, 1_000_000_000_000)
}

fn begin(catalog: &Catalog) -> Txn {
    catalog.mvcc().begin(TxnOptions::default()).unwrap()
}

fn create(catalog: &Catalog, name: &str) -> TableDescriptor {
    let table = table(catalog.allocate_id().unwrap(), name);
    let mut txn = begin(catalog);
    catalog.write(&mut txn, &Descriptor::Table(table.clone())).unwrap();
    txn.commit().unwrap();
    table
}

fn resolve(catalog: &Catalog, txn: &mut Txn, parts: &[&str]) -> Result<Arc<TableDescriptor>> {
    let path = ["public".to_owned()];
    let scope = Scope { database: 100, search_path: &path, temp_schema: None };
    names::resolve_relation(&*catalog.snapshot(txn)?, scope, parts)
}

#[test]
fn a_new_store_has_its_databases_roles_and_tables_and_keeps_its_id() {
    let engine: SharedEngine = Arc::new(MemoryEngine::new());
    let catalog = open_on(&engine, 1_000_000_000_000);
    let snapshot = catalog.current().unwrap();
    let found: Vec<(u32, &str)> = snapshot.databases().map(|d| (d.id, d.name.as_str())).collect();
    assert_eq!(found, [(100, "defaultdb"), (102, "postgres"), (1, "system")]);
    assert_eq!(snapshot.schema_named(102, "public").unwrap().unwrap().id, 103);
    assert!(snapshot.is_admin("root") && !snapshot.is_admin("bob"));
    assert!(snapshot.role("root").unwrap().can_login());
    assert!(!snapshot.role("admin").unwrap().can_login());
    for table in system::all() {
        assert_eq!(snapshot.table(table.id()).unwrap(), table.descriptor());
    }
    let mut txn = begin(&catalog);
    assert_eq!(resolve(&catalog, &mut txn, &["system", "users"]).unwrap().id, 4);
    drop(txn);
    assert_eq!(catalog.allocate_id().unwrap(), 104);
    let again = open_on(&engine, 2_000_000_000_000);
    assert_eq!(again.cluster_id(), catalog.cluster_id());
    assert_eq!(again.allocate_ids(3).unwrap(), 105);
    assert_eq!(again.allocate_id().unwrap(), 108);
    assert_eq!(again.allocate_ids(690).unwrap(), 109);
    assert_eq!(again.allocate_ids(3).unwrap(), 16_384, "the catalogue tables' numbers stay free");
    assert_eq!(again.allocate_id().unwrap(), 16_387);
    assert_ne!(open().cluster_id(), catalog.cluster_id());
}

#[test]
fn a_table_is_created_renamed_and_dropped() {
    let catalog = open();
    let mut t = create(&catalog, "t");
    let mut txn = begin(&catalog);
    assert_eq!(resolve(&catalog, &mut txn, &["t"]).unwrap().version, 1);
    t.name = "u".into();
    catalog.write(&mut txn, &Descriptor::Table(t.clone())).unwrap();
    // The transaction sees its own change, others do not.
    let e = resolve(&catalog, &mut txn, &["t"]).unwrap_err();
    assert_eq!(
        (e.code(), e.message()),
        (sqlstate::UNDEFINED_TABLE, "relation \"t\" does not exist")
    );
    assert_eq!(resolve(&catalog, &mut txn, &["public", "u"]).unwrap().version, 2);
    assert!(catalog.snapshot(&mut txn).unwrap().is_private());
    let mut other = begin(&catalog);
    assert!(resolve(&catalog, &mut other, &["defaultdb", "public", "t"]).is_ok());
    txn.commit().unwrap();
    assert!(resolve(&catalog, &mut other, &["t"]).is_ok(), "it still reads its own time");
    let mut txn = begin(&catalog);
    assert!(resolve(&catalog, &mut txn, &["u"]).is_ok());
    // The old name is free again; the new one is not.
    let e = catalog.write(&mut txn, &Descriptor::Table(table(900, "u"))).unwrap_err();
    assert_eq!(
        (e.code(), e.message()),
        (sqlstate::DUPLICATE_TABLE, "relation \"u\" already exists")
    );
    catalog.write(&mut txn, &Descriptor::Table(table(900, "t"))).unwrap();
    catalog.delete(&mut txn, &Descriptor::Table(t)).unwrap();
    txn.commit().unwrap();
    let mut txn = begin(&catalog);
    assert_eq!(resolve(&catalog, &mut txn, &["t"]).unwrap().id, 900);
    assert!(resolve(&catalog, &mut txn, &["u"]).is_err());
}

#[test]
fn rolling_back_to_a_savepoint_takes_the_schema_along() {
    let catalog = open();
    let mut txn = begin(&catalog);
    catalog.write(&mut txn, &Descriptor::Table(table(900, "first"))).unwrap();
    let savepoint = txn.savepoint();
    catalog.write(&mut txn, &Descriptor::Table(table(901, "second"))).unwrap();
    assert!(resolve(&catalog, &mut txn, &["second"]).is_ok());
    txn.rollback_to(savepoint).unwrap();
    assert!(resolve(&catalog, &mut txn, &["second"]).is_err());
    assert!(resolve(&catalog, &mut txn, &["first"]).is_ok());
}

#[test]
fn of_two_transactions_that_take_a_name_one_fails() {
    let catalog = open();
    for isolation in [Isolation::Serializable, Isolation::Snapshot, Isolation::ReadCommitted] {
        let name = format!("{isolation:?}");
        let options = TxnOptions { isolation, ..TxnOptions::default() };
        let mut slow = catalog.mvcc().begin(options).unwrap();
        let savepoint = slow.savepoint();
        assert!(resolve(&catalog, &mut slow, &[&name]).is_err());
        create(&catalog, &name);
        let mine = Descriptor::Table(table(catalog.allocate_id().unwrap(), &name));
        let e = catalog.write(&mut slow, &mine).unwrap_err();
        assert_eq!(e.code(), sqlstate::SERIALIZATION_FAILURE, "{isolation:?}");
        // Run again, the statement sees why.
        assert!(slow.restart_statement(savepoint).unwrap());
        let e = catalog.write(&mut slow, &mine).unwrap_err();
        assert_eq!(e.code(), sqlstate::DUPLICATE_TABLE, "{isolation:?}");
    }
}

#[test]
fn an_earlier_time_has_the_earlier_schema() {
    let engine: SharedEngine = Arc::new(MemoryEngine::new());
    let catalog = open_on(&engine, 1_000_000_000_000);
    let before = catalog.mvcc().now();
    let mut t = create(&catalog, "t");
    let between = catalog.mvcc().now();
    let mut txn = begin(&catalog);
    t.columns.push(ColumnDescriptor::new(2, "b", Type::Text));
    catalog.write(&mut txn, &Descriptor::Table(t.clone())).unwrap();
    txn.commit().unwrap();
    let at = |catalog: &Catalog, at| {
        let mut txn =
            catalog.mvcc().begin(TxnOptions { as_of: Some(at), ..TxnOptions::default() }).unwrap();
        catalog.snapshot(&mut txn).unwrap().table(t.id).map(|t| t.columns.len())
    };
    let again = open_on(&engine, 1_000_000_000_000);
    for catalog in [&catalog, &again] {
        assert_eq!(at(catalog, before), None);
        assert_eq!(at(catalog, between), Some(1));
        assert_eq!(at(catalog, catalog.mvcc().now()), Some(2));
        let snapshot = catalog.mvcc().snapshot(between).unwrap();
        assert_eq!(catalog.snapshot_at(&snapshot).unwrap().table(t.id).unwrap().columns.len(), 1);
    }
}

#[test]
fn snapshots_are_shared_until_something_changes_and_reuse_what_did_not() {
    let catalog = open();
    let t = create(&catalog, "t");
    let first = catalog.current().unwrap();
    assert!(Arc::ptr_eq(&first, &catalog.snapshot(&mut begin(&catalog)).unwrap()));
    let codec = first.codec(t.id).unwrap();
    create(&catalog, "u");
    let second = catalog.current().unwrap();
    assert!(!Arc::ptr_eq(&first, &second));
    assert!(Arc::ptr_eq(first.table(t.id).unwrap(), second.table(t.id).unwrap()));
    assert!(Arc::ptr_eq(&codec, &second.codec(t.id).unwrap()));
}

#[test]
fn offline_objects_keep_their_names_but_are_not_found() {
    let catalog = open();
    let mut t = create(&catalog, "t");
    t.state = State::Offline("restoring".into());
    let mut txn = begin(&catalog);
    catalog.write(&mut txn, &Descriptor::Table(t.clone())).unwrap();
    let e = resolve(&catalog, &mut txn, &["t"]).unwrap_err();
    assert_eq!(e.code(), sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE);
    assert_eq!(e.message(), "relation \"t\" is offline: restoring");
    let snapshot = catalog.snapshot(&mut txn).unwrap();
    assert!(snapshot.relation_any_state(101, "t").is_some());
    assert_eq!(snapshot.tables_in(101).count(), 0);
    assert!(snapshot.table(t.id).is_none() && snapshot.table_any_state(t.id).is_some());
    let e = catalog.write(&mut txn, &Descriptor::Table(table(900, "t"))).unwrap_err();
    assert_eq!(e.code(), sqlstate::DUPLICATE_TABLE);
}

#[test]
fn privileges_come_through_roles() {
    let catalog = open();
    let t = create(&catalog, "t");
    let mut txn = begin(&catalog);
    for (id, name) in [(500, "ann"), (501, "bob"), (502, "readers"), (503, "everyone_else")] {
        role::write(&mut txn, &Role::new(id, name, id > 501)).unwrap();
    }
    let snapshot = catalog.snapshot(&mut txn).unwrap();
    role::grant(&mut txn, &snapshot, "readers", "everyone_else", false).unwrap();
    let snapshot = catalog.snapshot(&mut txn).unwrap();
    role::grant(&mut txn, &snapshot, "everyone_else", "ann", false).unwrap();
    let mut t = Descriptor::Table(t);
    t.privileges_mut().grant("readers", Privilege::Select.bit(), false);
    t.privileges_mut().owner = "bob".into();
    catalog.write(&mut txn, &t).unwrap();
    let snapshot = catalog.snapshot(&mut txn).unwrap();
    let e = role::grant(&mut txn, &snapshot, "ann", "readers", false).unwrap_err();
    assert_eq!(e.code(), sqlstate::INVALID_GRANT_OPERATION, "no circles");
    let may = |role: &str, p| privilege::holds(&snapshot, role, &t, p);
    assert!(may("ann", Privilege::Select) && !may("ann", Privilege::Insert));
    assert!(may("bob", Privilege::Insert), "the owner");
    assert!(may("root", Privilege::Insert), "an administrator");
    let e = privilege::check(&snapshot, "ann", &t, Privilege::Insert).unwrap_err();
    assert_eq!(e.message(), "permission denied for table t");
    assert_eq!(e.code(), sqlstate::INSUFFICIENT_PRIVILEGE);
    assert!(privilege::require_owner(&snapshot, "ann", &t).is_err());
    assert!(privilege::require_admin(&snapshot, "ann", "fly").is_err());
    let database = snapshot.database(100).unwrap();
    assert!(privilege::check(&snapshot, "ann", database, Privilege::Connect).is_ok());
    assert!(privilege::check(&snapshot, "ann", database, Privilege::Create).is_err());
    let schema = snapshot.schema(101).unwrap();
    assert!(privilege::check(&snapshot, "ann", schema, Privilege::Create).is_ok());
    // Leaving the role takes the privilege away; dropping the role ends its memberships.
    role::delete(&mut txn, &snapshot, "everyone_else").unwrap();
    let snapshot = catalog.snapshot(&mut txn).unwrap();
    assert!(!privilege::holds(&snapshot, "ann", &t, Privilege::Select));
    assert!(role::delete(&mut txn, &snapshot, "root").is_err());
}

#[test]
fn role_options_and_passwords_are_kept() {
    let catalog = open();
    let mut txn = begin(&catalog);
    let mut ann = Role::new(500, "ann", false);
    ann.password = Some("SCRAM-SHA-256$…".into());
    ann.options.set(RoleOption::ControlJob, true);
    ann.options.set(RoleOption::Login, false);
    ann.options.valid_until = Some("2030-01-01 00:00:00+00".into());
    role::write(&mut txn, &ann).unwrap();
    let snapshot = catalog.snapshot(&mut txn).unwrap();
    assert_eq!(snapshot.role("ann"), Some(&ann));
    assert!(privilege::has_option(&snapshot, "ann", RoleOption::ControlJob));
    assert!(!privilege::has_option(&snapshot, "ann", RoleOption::CreateDb));
    ann.options.set(RoleOption::ControlJob, false);
    role::write(&mut txn, &ann).unwrap();
    assert_eq!(catalog.snapshot(&mut txn).unwrap().role("ann"), Some(&ann));
}

#[test]
fn default_privileges_reach_new_objects() {
    let catalog = open();
    let mut txn = begin(&catalog);
    let (mut database, schema) = catalog.create_database(&mut txn, "d", "ann").unwrap();
    database.default_privileges.push(DefaultPrivilege {
        creator: "ann".into(),
        schema: None,
        kind: "tables".into(),
        grantee: "bob".into(),
        grant: GrantSet::of(Privilege::Select.bit()),
    });
    catalog.write(&mut txn, &Descriptor::Database(database.clone())).unwrap();
    let e = catalog.create_database(&mut txn, "d", "ann").unwrap_err();
    assert_eq!(e.code(), sqlstate::DUPLICATE_DATABASE);
    let snapshot = catalog.snapshot(&mut txn).unwrap();
    let new = |kind, creator| {
        privilege::for_new_object(&snapshot, database.id, Some(schema.id), kind, creator)
    };
    assert!(new(ObjectKind::Table, "ann").grants["bob"].holds(Privilege::Select));
    assert!(!new(ObjectKind::Sequence, "ann").grants.contains_key("bob"));
    assert!(!new(ObjectKind::Table, "root").grants.contains_key("bob"));
}

#[test]
fn zones_inherit_and_go_away_with_their_table() {
    let catalog = open();
    let t = create(&catalog, "t");
    let mut txn = begin(&catalog);
    let ttl = |seconds| zone::ZoneConfig { gc_ttl_seconds: Some(seconds), ..Default::default() };
    let effective = |txn: &mut Txn| catalog.snapshot(txn).unwrap().gc_ttl_seconds(t.id);
    assert_eq!(effective(&mut txn), None);
    zone::write(&mut txn, zone::DEFAULT_ZONE, &ttl(100)).unwrap();
    assert_eq!(effective(&mut txn), Some(100));
    zone::write(&mut txn, 100, &ttl(200)).unwrap();
    assert_eq!(effective(&mut txn), Some(200));
    zone::write(&mut txn, t.id, &ttl(300)).unwrap();
    assert_eq!(effective(&mut txn), Some(300));
    comment::set(&mut txn, comment::CommentKind::Column, t.id, 1, Some("the a")).unwrap();
    let snapshot = catalog.snapshot(&mut txn).unwrap();
    assert_eq!(snapshot.comment(comment::CommentKind::Column, t.id, 1), Some("the a"));
    catalog.delete(&mut txn, &Descriptor::Table(t.clone())).unwrap();
    let snapshot = catalog.snapshot(&mut txn).unwrap();
    assert!(snapshot.zone(t.id).is_none());
    assert_eq!(snapshot.comments().count(), 0);
}

#[test]
fn what_hangs_together_is_known() {
    let catalog = open();
    let parent = create(&catalog, "parent");
    let mut child = table(catalog.allocate_id().unwrap(), "child");
    child.foreign_keys.push(ForeignKey {
        name: "fk".into(),
        columns: vec![1],
        referenced_table: parent.id,
        referenced_columns: vec![1],
        on_delete: ReferentialAction::Cascade,
        on_update: ReferentialAction::NoAction,
        match_full: false,
        deferrable: None,
        not_valid: false,
    });
    let mut sequence = sequence(catalog.allocate_id().unwrap(), "s");
    if let TableKind::Sequence(options) = &mut sequence.kind {
        options.owned_by = Some((child.id, 1));
    }
    child.columns[0].uses_sequences.push(sequence.id);
    let mut txn = begin(&catalog);
    for t in [&child, &sequence] {
        catalog.write(&mut txn, &Descriptor::Table(t.clone())).unwrap();
    }
    let snapshot = catalog.snapshot(&mut txn).unwrap();
    assert_eq!(snapshot.inbound_foreign_keys(parent.id), [(child.id, 0)]);
    assert_eq!(snapshot.dependents(sequence.id), [child.id]);
    assert_eq!(snapshot.owned_sequences(child.id), [sequence.id]);
    assert!(snapshot.dependents(parent.id).is_empty());
}

#[test]
fn rows_of_system_tables_keep_their_indexes_in_step() {
    let catalog = open();
    let mut txn = begin(&catalog);
    let job = |id: i64, status: &str| {
        let mut row = vec![Datum::Null; system::JOBS.descriptor().columns.len()];
        row[0] = Datum::Int8(id);
        row[1] = Datum::text(status);
        row[2] = Datum::Timestamp(id);
        row[3] = Datum::bytes(b"{}");
        row
    };
    for id in 1..=3 {
        system::JOBS.insert(&mut txn, &job(id, "running")).unwrap();
    }
    let e = system::JOBS.insert(&mut txn, &job(1, "running")).unwrap_err();
    assert_eq!(e.code(), sqlstate::UNIQUE_VIOLATION);
    system::JOBS.upsert(&mut txn, &job(2, "paused")).unwrap();
    assert!(system::JOBS.delete(&mut txn, &[Datum::Int8(3)]).unwrap());
    assert!(!system::JOBS.delete(&mut txn, &[Datum::Int8(3)]).unwrap());
    let ids = |txn: &mut Txn, status: &str| -> Vec<String> {
        let prefix = [Datum::text(status)];
        let rows = system::JOBS.scan_index(txn, "jobs_status_created_idx", &prefix).unwrap();
        rows.iter().map(|row| format!("{:?}", row[0])).collect()
    };
    assert_eq!(ids(&mut txn, "running"), ["Int8(1)"]);
    assert_eq!(ids(&mut txn, "paused"), ["Int8(2)"]);
    txn.commit().unwrap();
    let mut now = catalog.mvcc().snapshot(catalog.mvcc().visible()).unwrap();
    assert_eq!(system::JOBS.scan(&mut now, &[]).unwrap().len(), 2);
}

fn sequence(id: u32, name: &str) -> TableDescriptor {
    TableDescriptor {
        kind: TableKind::Sequence(SequenceOptions {
            ty: Type::Int8,
            start: 1,
            increment: 1,
            minimum: 1,
            maximum: i64::MAX,
            cycle: false,
            cache: 1,
            owned_by: None,
        }),
        ..table(id, name)
    }
}

#[test]
fn numbers_of_a_sequence_are_never_given_twice() {
    let engine: SharedEngine = Arc::new(MemoryEngine::new());
    let catalog = open_on(&engine, 1_000_000_000_000);
    let s = sequence(900, "s");
    let mut all: Vec<i64> = std::thread::scope(|scope| {
        let take = || (0..100).map(|_| catalog.nextval(&s).unwrap()).collect::<Vec<i64>>();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    all.sort_unstable();
    assert_eq!(all, (1..=400).collect::<Vec<i64>>());
    // A crash skips what was reserved, no more than has been taken; a flush gives it back.
    let crashed = open_on(&engine, 2_000_000_000_000);
    let next = crashed.nextval(&s).unwrap();
    assert!(next > 400 && next <= 400 + 400, "{next}");
    crashed.flush_sequences().unwrap();
    let flushed = open_on(&engine, 3_000_000_000_000);
    let position = flushed.sequence_position(&mut begin(&flushed), &s).unwrap();
    assert_eq!(position, Position { last_value: next, is_called: true });
    assert_eq!(flushed.nextval(&s).unwrap(), next + 1);
}

#[test]
fn setting_a_sequence_holds_at_once_and_restarting_it_at_commit() {
    let catalog = open();
    let s = sequence(900, "s");
    assert_eq!(catalog.nextval(&s).unwrap(), 1);
    catalog.setval(&s, Position { last_value: 10, is_called: true }).unwrap();
    assert_eq!(catalog.nextval(&s).unwrap(), 11);
    let e = catalog.setval(&s, Position { last_value: 0, is_called: true }).unwrap_err();
    assert_eq!(e.code(), sqlstate::NUMERIC_VALUE_OUT_OF_RANGE);
    let to = Position { last_value: 5, is_called: false };
    let mut txn = begin(&catalog);
    catalog.write(&mut txn, &Descriptor::Table(s.clone())).unwrap();
    let restarted = catalog.restart_sequence(&mut txn, &s, to).unwrap();
    assert_eq!(catalog.nextval(&restarted).unwrap(), 5, "within the transaction");
    assert_eq!(catalog.nextval(&s).unwrap(), 12, "others do not see it yet");
    drop(txn);
    assert_eq!(catalog.nextval(&s).unwrap(), 13, "a rollback undoes it");
    let mut txn = begin(&catalog);
    catalog.write(&mut txn, &Descriptor::Table(s.clone())).unwrap();
    let restarted = catalog.restart_sequence(&mut txn, &s, to).unwrap();
    txn.commit().unwrap();
    assert_eq!(catalog.nextval(&restarted).unwrap(), 5, "what the rollback left is replaced");
    assert_eq!(catalog.nextval(&restarted).unwrap(), 6);
    // A changed step counts from where the sequence stands, not from what was reserved.
    let mut wide = restarted.clone();
    wide.version += 1;
    if let TableKind::Sequence(options) = &mut wide.kind {
        options.increment = 10;
    }
    assert_eq!(catalog.nextval(&wide).unwrap(), 16);
    assert_eq!(catalog.nextval(&table(901, "t")).unwrap_err().code(), sqlstate::WRONG_OBJECT_TYPE);
}

#[test]
fn names_are_looked_for_along_the_path_and_in_the_temporary_schema() {
    let catalog = open();
    create(&catalog, "t");
    let mut txn = begin(&catalog);
    let temp = SchemaDescriptor::new(800, 100, "pg_temp_7", Privileges::default());
    catalog.write(&mut txn, &Descriptor::Schema(temp)).unwrap();
    let hidden = TableDescriptor { schema: 800, temporary: true, ..table(801, "t") };
    catalog.write(&mut txn, &Descriptor::Table(hidden)).unwrap();
    let snapshot = catalog.snapshot(&mut txn).unwrap();
    let path = ["nowhere".to_owned(), "public".to_owned()];
    let mine = Scope { database: 100, search_path: &path, temp_schema: Some("pg_temp_7") };
    let other = Scope { temp_schema: None, ..mine };
    let id = |scope, parts: &[&str]| {
        names::find_relation(&snapshot, scope, parts).unwrap().map(|t| t.id)
    };
    assert_eq!(id(mine, &["t"]), Some(801));
    assert_eq!(id(mine, &["pg_temp", "t"]), Some(801));
    assert_ne!(id(other, &["t"]), Some(801));
    assert_eq!(id(other, &["pg_temp", "t"]), None);
    let (schema, name) = names::resolve_schema_for_create(&snapshot, mine, &["new"]).unwrap();
    assert_eq!((schema.id, name), (101, "new"));
    let (schema, _) = names::resolve_schema_for_create(&snapshot, mine, &["pg_temp", "x"]).unwrap();
    assert_eq!(schema.id, 800);
    let (schema, _) =
        names::resolve_schema_for_create(&snapshot, mine, &["postgres", "x"]).unwrap();
    assert_eq!(schema.id, 103);
    let e = names::resolve_schema_for_create(&snapshot, mine, &["nowhere", "x"]).unwrap_err();
    assert_eq!(e.code(), sqlstate::INVALID_SCHEMA_NAME);
    assert_eq!(
        names::resolve_database(&snapshot, "x").unwrap_err().code(),
        sqlstate::INVALID_CATALOG_NAME
    );
    assert_eq!(names::truncate(&"é".repeat(40)).len(), 62);
}

#[test]
fn whoever_pinned_a_table_keeps_it_as_it_is() {
    let catalog = open();
    let mut t = create(&catalog, "t");
    let mut late = begin(&catalog);
    let mut early = begin(&catalog);
    catalog.pin(&mut early, t.id).unwrap();
    t.columns.push(ColumnDescriptor::new(2, "b", Type::Text));
    std::thread::scope(|scope| {
        let changed = scope.spawn(|| {
            let mut txn = begin(&catalog);
            catalog.write(&mut txn, &Descriptor::Table(t.clone())).unwrap();
            txn.commit().unwrap()
        });
        // The change cannot come before this: it waits for the pin.
        let until = catalog.mvcc().now();
        early.commit().unwrap();
        assert!(changed.join().unwrap() > until);
    });
    // Who still sees the old table may not write rows of it any more.
    assert_eq!(catalog.snapshot(&mut late).unwrap().table(t.id).unwrap().columns.len(), 1);
    let e = catalog.pin(&mut late, t.id).unwrap_err();
    assert_eq!(e.code(), sqlstate::SERIALIZATION_FAILURE);
    // As a session does after an error: what the failed pin locked is let go.
    late.rollback();
    let mut own = begin(&catalog);
    catalog.write(&mut own, &Descriptor::Table(t.clone())).unwrap();
    catalog.pin(&mut own, t.id).unwrap();
}
