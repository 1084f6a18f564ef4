//! The whole cluster: users, settings and system tables come back with everything else.

use super::scene::{Scene, Style};
use crate::catalog::comment::{self, CommentKind};
use crate::catalog::descriptor::{Descriptor, TableDescriptor};
use crate::catalog::role::{self, Role};
use crate::catalog::system;
use crate::catalog::zone::{self, ZoneConfig};
use crate::error::sqlstate;
use crate::settings;
use crate::types::Datum;

const RESTORE: &str = "RESTORE FROM LATEST IN 'nodelocal://1/collection'";

fn scene() -> (Scene, TableDescriptor) {
    let scene = Scene::new();
    let mut table = scene.from.table("t");
    table.privileges.owner = "bob".into();
    scene.from.write(&[Descriptor::Table(table.clone())]);
    scene.from.put(&table, &[(1, Some("x")), (2, Some("y"))]);
    let mut txn = scene.from.begin();
    role::write(&mut txn, &Role::new(70, "bob", false)).unwrap();
    comment::set(&mut txn, CommentKind::Table, table.id, 0, Some("a table")).unwrap();
    zone::write(&mut txn, table.id, &ZoneConfig { gc_ttl_seconds: Some(7), ..Default::default() })
        .unwrap();
    let row = [
        Datum::text("kv.bulk_io_write.max_rate"),
        Datum::text("5MiB"),
        Datum::Timestamp(0),
        Datum::Null,
    ];
    system::SETTINGS.upsert(&mut txn, &row).unwrap();
    for (id, status) in [(1_000, "succeeded"), (1_001, "running")] {
        let payload = serde_json::json!({
            "kind": "BACKUP", "description": "d", "user": "root", "details": null
        });
        let mut row = vec![
            Datum::Int8(id),
            Datum::text(status),
            Datum::Timestamp(0),
            Datum::bytes(payload.to_string()),
        ];
        row.resize(12, Datum::Null);
        system::JOBS.upsert(&mut txn, &row).unwrap();
    }
    txn.commit().unwrap();
    (scene, table)
}

#[test]
fn users_owners_settings_comments_zones_and_jobs_come_back() {
    let (scene, table) = scene();
    scene.backup(&[], None, &Style { cluster: true, entries: 4, ..Style::default() });
    // What the second cluster had of its own goes.
    let mut txn = scene.to.begin();
    role::write(&mut txn, &Role::new(80, "eve", false)).unwrap();
    txn.commit().unwrap();
    scene.restore(RESTORE).unwrap();
    let snapshot = scene.to.catalog.current().unwrap();
    let database = snapshot.database_named("defaultdb").unwrap().unwrap();
    let public = snapshot.schema_named(database.id, "public").unwrap().unwrap();
    let there = snapshot.relation(public.id, "t").unwrap().unwrap();
    assert_ne!(there.id, table.id);
    assert_eq!(there.privileges.owner, "bob");
    assert_eq!(scene.to.dump(there.id), scene.from.dump(table.id));
    assert!(snapshot.role("bob").is_some() && snapshot.role("eve").is_none());
    assert!(snapshot.is_admin("root"));
    assert_eq!(snapshot.comment(CommentKind::Table, there.id, 0), Some("a table"));
    assert_eq!(snapshot.zone(there.id).unwrap().gc_ttl_seconds, Some(7));
    assert_eq!(snapshot.zones().count(), 1);
    assert_eq!(scene.services.settings.bytes(settings::BULK_IO_MAX_RATE), 5 << 20);
    let mut txn = scene.to.begin();
    let status = |txn: &mut crate::mvcc::Txn, id: i64| {
        system::JOBS.get(txn, &[Datum::Int8(id)]).unwrap().unwrap()[1].clone()
    };
    assert!(matches!(status(&mut txn, 1_000), Datum::Text(s) if &*s == "succeeded"));
    assert!(matches!(status(&mut txn, 1_001), Datum::Text(s) if &*s == "failed"));
}

#[test]
fn a_cluster_in_use_is_refused_and_one_that_fails_is_as_it_was() {
    let (scene, _) = scene();
    scene.backup(&[], None, &Style { cluster: true, entries: 4, ..Style::default() });
    let other = scene.to.table("other");
    let e = scene.plan(RESTORE).err().unwrap();
    assert_eq!(e.code(), sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE);
    assert!(e.message().contains("found 1 descriptors: other"), "{e}");
    let mut txn = scene.to.begin();
    scene.to.catalog.delete(&mut txn, &Descriptor::Table(other)).unwrap();
    txn.commit().unwrap();
    let job = scene.plan(RESTORE).unwrap();
    super::damage::spoil_every(&scene, ".cdf");
    scene.resumer().run(&job).unwrap_err();
    scene.resumer().revert(&job).unwrap();
    scene.assert_gone(&job);
    let snapshot = scene.to.catalog.current().unwrap();
    for name in ["defaultdb", "postgres"] {
        let database = snapshot.database_named(name).unwrap().unwrap();
        assert!(snapshot.schema_named(database.id, "public").unwrap().is_some());
    }
    assert!(snapshot.role("bob").is_none());
}

#[test]
fn one_database_of_a_cluster_backup_comes_back_alone() {
    let (scene, table) = scene();
    scene.backup(&[], None, &Style { cluster: true, ..Style::default() });
    let from = "FROM LATEST IN 'nodelocal://1/collection'";
    scene.restore(&format!("RESTORE DATABASE defaultdb {from} WITH new_db_name = 'copy'")).unwrap();
    let snapshot = scene.to.catalog.current().unwrap();
    let database = snapshot.database_named("copy").unwrap().unwrap();
    let public = snapshot.schema_named(database.id, "public").unwrap().unwrap();
    let there = snapshot.relation(public.id, "t").unwrap().unwrap();
    assert_eq!(scene.to.dump(there.id), scene.from.dump(table.id));
    assert_eq!(there.privileges.owner, "root");
    assert!(snapshot.role("bob").is_none());
    // System tables can be looked at as ordinary tables in another database.
    scene.restore(&format!("RESTORE TABLE system.users {from} WITH into_db = 'copy'")).unwrap();
    let snapshot = scene.to.catalog.current().unwrap();
    let users = snapshot.relation(public.id, "users").unwrap().unwrap();
    assert_eq!(scene.to.dump(users.id).len(), 3);
}

#[test]
fn users_come_back_beside_those_that_are_here() {
    let (scene, _) = scene();
    scene.backup(&[], None, &Style { cluster: true, ..Style::default() });
    let other = scene.to.table("other");
    let mut txn = scene.to.begin();
    // Another one has bob's number.
    role::write(&mut txn, &Role::new(70, "eve", false)).unwrap();
    txn.commit().unwrap();
    let from = "FROM LATEST IN 'nodelocal://1/collection'";
    let sql = format!("RESTORE SYSTEM USERS {from}");
    let e = scene.plan_as("eve", &sql, None).err().unwrap();
    assert_eq!(e.code(), sqlstate::INSUFFICIENT_PRIVILEGE);
    let job = scene.restore(&sql).unwrap();
    assert!(job.plan.description.starts_with("RESTORE SYSTEM USERS FROM '"));
    let snapshot = scene.to.catalog.current().unwrap();
    let (bob, eve) = (snapshot.role("bob").unwrap(), snapshot.role("eve").unwrap());
    assert_eq!(eve.id, 70);
    assert_ne!(bob.id, 70);
    assert!(snapshot.is_admin("root") && !snapshot.is_admin("bob"));
    assert!(snapshot.table(other.id).is_some());
    assert_eq!(scene.services.settings.bytes(settings::BULK_IO_MAX_RATE), 1 << 40);
    // Again, nothing is new.
    scene.restore(&sql).unwrap();
    assert_eq!(scene.to.catalog.current().unwrap().roles().roles().count(), 4);
}
