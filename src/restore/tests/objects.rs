//! Descriptors: new numbers, names, owners, and what is refused.

use super::scene::{Scene, Style, sequence_at, table, value_span};
use crate::catalog::descriptor::*;
use crate::catalog::privilege::{ObjectKind, Privilege};
use crate::catalog::role::{self, Role, RoleOption};
use crate::catalog::sequence::Position;
use crate::error::sqlstate;
use crate::types::EnumMember;

/// A database `shop` with a schema, a type, a sequence, two tables and two views; gives the ids.
struct Shop {
    database: u32,
    public: u32,
    extra: u32,
    mood: u32,
    sequence: u32,
    parent: u32,
    child: u32,
    view: u32,
    over: u32,
}

impl Shop {
    fn all(&self) -> Vec<u32> {
        vec![
            self.database,
            self.public,
            self.extra,
            self.mood,
            self.sequence,
            self.parent,
            self.child,
            self.view,
            self.over,
        ]
    }
}

fn shop(scene: &Scene) -> Shop {
    let catalog = &scene.from.catalog;
    let mut txn = scene.from.begin();
    let (database, public) = catalog.create_database(&mut txn, "shop", "root").unwrap();
    txn.commit().unwrap();
    let first = catalog.allocate_ids(7).unwrap();
    let ids = Shop {
        database: database.id,
        public: public.id,
        extra: first,
        mood: first + 1,
        sequence: first + 2,
        parent: first + 3,
        child: first + 4,
        view: first + 5,
        over: first + 6,
    };
    let initial = |kind| Privileges::initial(kind, "root");
    let extra =
        SchemaDescriptor::new(ids.extra, ids.database, "extra", initial(ObjectKind::Schema));
    let mood = TypeDescriptor {
        id: ids.mood,
        database: ids.database,
        schema: ids.public,
        name: "mood".into(),
        version: 1,
        state: State::Public,
        privileges: initial(ObjectKind::Type),
        members: members(&["sad", "happy"]),
    };
    let here = |mut t: TableDescriptor, schema: u32| {
        (t.database, t.schema) = (ids.database, schema);
        t
    };
    let sequence = here(sequence_at(ids.sequence, "ids", Some((ids.parent, 1))), ids.public);
    let mut parent = here(table(ids.parent, "parent"), ids.public);
    parent.columns[0].default = Some(format!("nextval({}::REGCLASS)", ids.sequence));
    parent.columns[0].uses_sequences = vec![ids.sequence];
    parent.privileges.grant("bob", Privilege::Select.bit(), false);
    let mut child = here(table(ids.child, "child"), ids.extra);
    child.foreign_keys = vec![ForeignKey {
        name: "child_a_fkey".into(),
        columns: vec![1],
        referenced_table: ids.parent,
        referenced_columns: vec![1],
        on_delete: ReferentialAction::Cascade,
        on_update: ReferentialAction::NoAction,
        match_full: false,
        deferrable: None,
        not_valid: false,
    }];
    let mut view = here(table(ids.view, "v"), ids.public);
    view.indexes.clear();
    view.kind = TableKind::View {
        query: "SELECT \"parent\".a FROM \"shop\".\"public\".\"parent\" AS \"parent\"".into(),
    };
    view.depends_on = vec![ids.parent];
    let mut over = here(table(ids.over, "vv"), ids.public);
    over.indexes.clear();
    over.kind =
        TableKind::View { query: "SELECT \"v\".a FROM \"shop\".\"public\".\"v\" AS \"v\"".into() };
    over.depends_on = vec![ids.view];
    scene.from.write(&[
        Descriptor::Schema(extra),
        Descriptor::Type(mood),
        Descriptor::Table(sequence.clone()),
        Descriptor::Table(parent.clone()),
        Descriptor::Table(child.clone()),
        Descriptor::Table(view),
        Descriptor::Table(over),
    ]);
    scene.from.put(&parent, &[(1, Some("one")), (2, Some("two"))]);
    scene.from.put(&child, &[(1, Some("of one"))]);
    let to = Position { last_value: 41, is_called: true };
    catalog.setval(&sequence, to).unwrap();
    ids
}

fn members(labels: &[&str]) -> Vec<EnumMember> {
    let places = crate::types::enumeration::places(labels.len());
    let of = |(label, place): (&&str, _)| EnumMember { label: (*label).to_owned(), place };
    labels.iter().zip(places).map(of).collect()
}

const FROM: &str = "FROM LATEST IN 'nodelocal://1/collection'";

#[test]
fn a_database_comes_back_under_another_name_with_new_numbers_everywhere() {
    let scene = Scene::new();
    let ids = shop(&scene);
    let style = Style { complete: vec![ids.database], entries: 1, ..Style::default() };
    scene.backup(&ids.all(), None, &style);
    let job =
        scene.restore(&format!("RESTORE DATABASE shop {FROM} WITH new_db_name = 'store'")).unwrap();
    let snapshot = scene.to.catalog.current().unwrap();
    let database = snapshot.database_named("store").unwrap().unwrap().clone();
    let public = snapshot.schema_named(database.id, "public").unwrap().unwrap().clone();
    let extra = snapshot.schema_named(database.id, "extra").unwrap().unwrap().clone();
    let relation = |schema: u32, name: &str| {
        snapshot.relation(schema, name).unwrap().unwrap().as_ref().clone()
    };
    let (parent, child) = (relation(public.id, "parent"), relation(extra.id, "child"));
    let (sequence, view) = (relation(public.id, "ids"), relation(public.id, "v"));
    let over = relation(public.id, "vv");
    let old = ids.all();
    for id in [database.id, public.id, extra.id, parent.id, child.id, sequence.id, view.id] {
        assert!(!old.contains(&id));
    }
    assert_eq!(child.foreign_keys[0].referenced_table, parent.id);
    assert_eq!(snapshot.inbound_foreign_keys(parent.id), [(child.id, 0)]);
    assert_eq!(sequence.sequence().unwrap().owned_by, Some((parent.id, 1)));
    assert_eq!(parent.columns[0].uses_sequences, [sequence.id]);
    assert_eq!(
        parent.columns[0].default.as_deref().unwrap(),
        format!("nextval({}::REGCLASS)", sequence.id)
    );
    assert_eq!(view.depends_on, [parent.id]);
    assert_eq!(over.depends_on, [view.id]);
    let TableKind::View { query } = &over.kind else { panic!() };
    assert_eq!(query, "SELECT \"v\".a FROM \"store\".\"public\".\"v\" AS \"v\"");
    let mood = snapshot.user_type(public.id, "mood").unwrap().unwrap();
    assert_eq!(mood.members, members(&["sad", "happy"]));
    assert_eq!((mood.database, mood.schema), (database.id, public.id));
    // The sequence goes on where it stood.
    assert_eq!(scene.to.catalog.nextval(&sequence).unwrap(), 42);
    assert_eq!(scene.to.dump(parent.id), scene.from.dump(ids.parent));
    assert_eq!(scene.to.dump(child.id), scene.from.dump(ids.child));
    assert!(table_holds(&scene, sequence.id));
    // Grants are wiped.
    assert_eq!(parent.privileges, Privileges::initial(ObjectKind::Table, "root"));
    assert_eq!(public.privileges, Privileges::initial_public_schema("root"));
    assert_eq!(job.state().rows, 4);
    let expected = "RESTORE DATABASE shop FROM 'nodelocal://1/collection/";
    assert!(job.plan.description.starts_with(expected), "{}", job.plan.description);
    assert!(job.plan.description.ends_with("' WITH new_db_name = 'store'"));
}

fn table_holds(scene: &Scene, id: u32) -> bool {
    let mut txn = scene.to.begin();
    txn.get(&value_span(id).start).unwrap().is_some()
}

#[test]
fn names_that_are_taken_and_targets_that_are_absent_are_refused() {
    let scene = Scene::new();
    let ids = shop(&scene);
    let complete = Style { complete: vec![ids.database], ..Style::default() };
    scene.backup(&ids.all(), None, &complete);
    let code = |sql: &str| scene.plan(sql).err().unwrap().code();
    let one = format!("RESTORE TABLE shop.parent, shop.ids {FROM}");
    assert_eq!(code(&one), sqlstate::INVALID_CATALOG_NAME);
    assert_eq!(code(&format!("RESTORE DATABASE other {FROM}")), sqlstate::INVALID_CATALOG_NAME);
    assert_eq!(code(&format!("RESTORE TABLE shop.nothing {FROM}")), sqlstate::UNDEFINED_TABLE);
    assert_eq!(code(&format!("RESTORE TABLE other.* {FROM}")), sqlstate::UNDEFINED_TABLE);
    assert_eq!(
        code(&format!("RESTORE DATABASE shop {FROM} WITH new_db_name = 'defaultdb'")),
        sqlstate::DUPLICATE_DATABASE
    );
    assert_eq!(
        code(&format!("RESTORE DATABASE shop {FROM} WITH into_db = 'defaultdb'")),
        sqlstate::INVALID_PARAMETER_VALUE
    );
    assert_eq!(code(&format!("RESTORE {FROM}")), sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE);
    let everything = format!("RESTORE TABLE shop.* {FROM} WITH into_db = 'defaultdb'");
    scene.restore(&everything).unwrap();
    let e = scene.plan(&everything).err().unwrap();
    assert_eq!(e.code(), sqlstate::DUPLICATE_TABLE);
    // The user schema was made, and is used again by the next table.
    let snapshot = scene.to.catalog.current().unwrap();
    let extra = snapshot.schema_named(100, "extra").unwrap().unwrap();
    assert!(snapshot.relation(extra.id, "child").unwrap().is_some());
    // A name may be taken between the plan and the job.
    let first = scene.plan(&format!("RESTORE DATABASE shop {FROM}")).unwrap();
    scene.restore(&format!("RESTORE DATABASE shop {FROM}")).unwrap();
    let e = scene.resumer().run(&first).unwrap_err();
    assert_eq!(e.code(), sqlstate::DUPLICATE_DATABASE);
    scene.resumer().revert(&first).unwrap();
    scene.assert_gone(&first);
    assert!(scene.to.catalog.current().unwrap().database_named("shop").unwrap().is_some());
}

#[test]
fn a_backup_of_tables_is_no_backup_of_their_database() {
    let scene = Scene::new();
    let ids = shop(&scene);
    scene.backup(&ids.all(), None, &Style::default());
    let e = scene.plan(&format!("RESTORE DATABASE shop {FROM}")).err().unwrap();
    assert_eq!(e.code(), sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE);
    assert!(e.message().contains("from a backup of individual tables"), "{e}");
}

#[test]
fn missing_dependencies_are_refused_or_left_out_on_request() {
    let scene = Scene::new();
    let ids = shop(&scene);
    let complete = Style { complete: vec![ids.database], ..Style::default() };
    scene.backup(&ids.all(), None, &complete);
    for (table, option) in [
        ("extra.child", "skip_missing_foreign_keys"),
        ("public.parent", "skip_missing_sequences"),
        ("public.ids", "skip_missing_sequence_owners"),
    ] {
        let sql = format!("RESTORE TABLE shop.{table} {FROM} WITH into_db = 'postgres'");
        let e = scene.plan(&sql).err().unwrap();
        assert_eq!(e.code(), sqlstate::DEPENDENT_OBJECTS_STILL_EXIST);
        assert!(e.hint().unwrap().contains(option), "{e:?}");
        scene.restore(&format!("{sql}, {option}")).unwrap();
    }
    let snapshot = scene.to.catalog.current().unwrap();
    let extra = snapshot.schema_named(102, "extra").unwrap().unwrap();
    assert!(snapshot.relation(extra.id, "child").unwrap().unwrap().foreign_keys.is_empty());
    let parent = snapshot.relation(103, "parent").unwrap().unwrap();
    assert_eq!(parent.columns[0].default, None);
    let sequence = snapshot.relation(103, "ids").unwrap().unwrap();
    assert_eq!(sequence.sequence().unwrap().owned_by, None);
    // A view over a missing view is missing as well.
    let sql = format!("RESTORE TABLE shop.v, shop.vv {FROM} WITH into_db = 'defaultdb'");
    let e = scene.plan(&sql).err().unwrap();
    assert!(e.message().contains("view \"v\""), "{e}");
    let job = scene.restore(&format!("{sql}, skip_missing_views")).unwrap();
    assert!(job.plan.descriptor_ids.is_empty());
    assert!(scene.to.find(101, "vv").is_none());
}

#[test]
fn who_may_restore_what() {
    let scene = Scene::new();
    let ids = shop(&scene);
    let complete = Style { complete: vec![ids.database], ..Style::default() };
    scene.backup(&ids.all(), None, &complete);
    let mut txn = scene.to.begin();
    role::write(&mut txn, &Role::new(50, "bob", false)).unwrap();
    let mut eve = Role::new(51, "eve", false);
    eve.options.set(RoleOption::CreateDb, true);
    role::write(&mut txn, &eve).unwrap();
    txn.commit().unwrap();
    let database = format!("RESTORE DATABASE shop {FROM}");
    for user in ["bob", "eve"] {
        let e = scene.plan_as(user, &database, None).err().unwrap();
        assert_eq!(e.code(), sqlstate::INSUFFICIENT_PRIVILEGE);
        assert_eq!(
            e.message(),
            "only users with the admin role are allowed to RESTORE from the specified nodelocal URI"
        );
        let e = scene.plan_as(user, &format!("RESTORE {FROM}"), None).err().unwrap();
        assert_eq!(e.code(), sqlstate::INSUFFICIENT_PRIVILEGE);
    }
    // With grants kept, only those to roles that exist here.
    scene.restore(&format!("{database} WITH grants, new_db_name = 'kept'")).unwrap();
    let snapshot = scene.to.catalog.current().unwrap();
    let kept = snapshot.database_named("kept").unwrap().unwrap();
    let public = snapshot.schema_named(kept.id, "public").unwrap().unwrap();
    let parent = snapshot.relation(public.id, "parent").unwrap().unwrap();
    assert!(parent.privileges.grants["bob"].holds(Privilege::Select));
}
