//! Tests of the virtual tables: the list, and the rows over a catalogue with one of everything.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::*;
use crate::catalog::descriptor::{
    CheckConstraint, ColumnDescriptor, Descriptor, ForeignKey, Identity, IndexColumn,
    IndexDescriptor, ReferentialAction, SequenceOptions, State, TableDescriptor, TableKind,
};
use crate::catalog::privilege::{ObjectKind, Privilege};
use crate::clock::Timestamp;
use crate::sql::server::Server;
use crate::sql::testing::{server, session, within};
use crate::types::session::NameResolver as _;
use crate::types::{Type, text};

#[test]
fn names_and_numbers_are_unique_and_columns_have_types() {
    let (mut names, mut oids) = (HashSet::new(), HashSet::new());
    for table in all() {
        assert!(is_virtual_schema(table.schema));
        assert!(names.insert((table.schema, table.name)), "{} twice", table.name);
        assert!(oids.insert(table.oid), "{}'s number twice", table.name);
        assert!(!table.columns.is_empty(), "{}", table.name);
        assert!((800..16_384).contains(&table.oid), "{}: descriptors keep off these", table.name);
        let mut columns = HashSet::new();
        for column in &table.columns {
            assert!(columns.insert(column.name), "{}.{} twice", table.name, column.name);
        }
    }
    assert!(virtual_table("pg_catalog", "pg_class").is_some());
    assert!(virtual_table("public", "pg_class").is_none());
}

fn table(server: &Server, name: &str, kind: TableKind) -> TableDescriptor {
    let catalog = server.catalog.current().unwrap();
    let database = catalog.database_named("defaultdb").unwrap().unwrap().id;
    let schema = catalog.schema_named(database, "public").unwrap().unwrap().id;
    TableDescriptor {
        id: server.catalog.allocate_id().unwrap(),
        database,
        schema,
        name: name.to_owned(),
        version: 1,
        state: State::Public,
        privileges: crate::catalog::descriptor::Privileges::initial(ObjectKind::Table, "root"),
        kind,
        columns: Vec::new(),
        next_column_id: 10,
        primary_index: IndexDescriptor::new(1, format!("{name}_pkey"), true, &[1]),
        indexes: Vec::new(),
        next_index_id: 5,
        checks: Vec::new(),
        foreign_keys: Vec::new(),
        depends_on: Vec::new(),
        created: Timestamp::from_nanos(1),
        data_since: Timestamp::MIN,
        temporary: false,
        storage_parameters: Vec::new(),
        mutations: Vec::new(),
    }
}

/// A parent, a child with every kind of constraint and index, its sequence, and a view.
pub(super) fn with_one_of_everything() -> Arc<Server> {
    let server = server();
    let mut parent = table(&server, "parent", TableKind::Table);
    parent.columns = vec![ColumnDescriptor::new(1, "id", Type::Int8)];
    parent.columns[0].nullable = false;
    let mut child = table(&server, "Child", TableKind::Table);
    let options = SequenceOptions {
        ty: Type::Int8,
        start: 1,
        increment: 1,
        minimum: 1,
        maximum: i64::MAX,
        cycle: false,
        cache: 1,
        owned_by: Some((child.id, 1)),
    };
    let sequence = table(&server, "child_id_seq", TableKind::Sequence(options));
    child.columns = vec![
        ColumnDescriptor::new(1, "id", Type::Int4),
        ColumnDescriptor::new(2, "parent", Type::Int8),
        ColumnDescriptor::new(
            3,
            "note",
            crate::types::ColumnType { ty: Type::Varchar, modifier: 24 },
        ),
        ColumnDescriptor::new(4, "key", Type::Int4),
    ];
    child.columns[0].nullable = false;
    child.columns[0].default = Some(format!("nextval({}::regclass)", sequence.id));
    child.columns[0].uses_sequences = vec![sequence.id];
    child.columns[3].identity = Some(Identity::ByDefault);
    let mut by_note = IndexDescriptor::new(2, "by_note", false, &[3]);
    by_note.columns = vec![IndexColumn { column: 3, descending: true }, IndexColumn::ascending(2)];
    by_note.storing = vec![4];
    by_note.predicate = Some("note IS NOT NULL".to_owned());
    let mut unique = IndexDescriptor::new(3, "one_note", true, &[3]);
    unique.constraint = true;
    child.indexes = vec![by_note, unique];
    child.checks = vec![CheckConstraint {
        name: "positive".into(),
        expression: "id > 0".into(),
        columns: vec![1],
        not_valid: false,
    }];
    child.foreign_keys = vec![ForeignKey {
        name: "child_parent_fkey".into(),
        columns: vec![2],
        referenced_table: parent.id,
        referenced_columns: vec![1],
        on_delete: ReferentialAction::Cascade,
        on_update: ReferentialAction::NoAction,
        match_full: false,
        deferrable: None,
        not_valid: false,
    }];
    child.privileges.grant("public", Privilege::Select.bit(), false);
    let mut view = table(&server, "v", TableKind::View { query: "SELECT 1".into() });
    view.columns = vec![ColumnDescriptor::new(1, "one", Type::Int4)];
    view.depends_on = vec![child.id];
    let mut txn = server.mvcc.begin(Default::default()).unwrap();
    for table in [parent, child, sequence, view] {
        server.catalog.write(&mut txn, &Descriptor::Table(table)).unwrap();
    }
    txn.commit().unwrap();
    server
}

/// Whether a value is of a type, by the form in which values are held.
fn fits(value: &Datum, ty: &Type) -> bool {
    match (value, ty) {
        (Datum::Null, _) => true,
        (Datum::Array(array), Type::Array(element)) => {
            array.element == **element && array.items.iter().all(|item| fits(item, element))
        }
        (Datum::Array(array), Type::Int2Vector) => array.element == Type::Int2,
        (Datum::Array(array), Type::OidVector) => array.element == Type::Oid,
        (Datum::Oid(_), Type::Regproc | Type::Regtype | Type::Regclass | Type::Oid) => true,
        (Datum::Text(_), Type::Text | Type::Name | Type::Varchar) => true,
        (value, ty) => value.shown_type() == *ty,
    }
}

#[test]
fn rows_have_their_columns_values() {
    let server = with_one_of_everything();
    let mut state = session();
    state.variables.insert("application_name".into(), "tests".into());
    within(&server, &mut state, |context| {
        for table in all() {
            let rows = (table.rows)(context).unwrap();
            for row in &rows {
                assert_eq!(row.len(), table.columns.len(), "{}", table.name);
                for (value, column) in row.iter().zip(&table.columns) {
                    let ty = &column.ty.ty;
                    assert!(fits(value, ty), "{}.{}: {value:?}", table.name, column.name);
                }
            }
        }
    });
}

/// The rows of a table as text, by the value of one column, each a map from columns to values.
fn rows_by(
    server: &Arc<Server>,
    (schema, name): (&str, &str),
    key: &str,
) -> BTreeMap<String, BTreeMap<&'static str, String>> {
    let table = virtual_table(schema, name).unwrap();
    let mut found = BTreeMap::new();
    let mut state = session();
    within(server, &mut state, |context| {
        let rows = (table.rows)(context).unwrap();
        let format = context.eval.session.format.clone();
        for row in rows {
            let cells = table.columns.iter().zip(row);
            let cells: BTreeMap<&'static str, String> = cells
                .map(|(c, value)| (c.name, text::to_string(&value, &c.ty.ty, &format)))
                .collect();
            found.insert(cells[key].clone(), cells);
        }
    });
    found
}

#[test]
fn tables_columns_and_keys_are_found_by_their_numbers() {
    let server = with_one_of_everything();
    let classes = rows_by(&server, ("pg_catalog", "pg_class"), "relname");
    assert_eq!(classes["Child"]["relkind"], "r");
    assert_eq!(classes["Child"]["relchecks"], "1");
    assert_eq!(classes["Child"]["relhastriggers"], "t", "it has a foreign key");
    assert_eq!(classes["Child"]["relacl"], "{root=arwdDxt/root,=r/root}");
    assert_eq!(classes["parent"]["relacl"], "", "nobody changed it");
    assert_eq!(classes["by_note"]["relkind"], "i");
    let indexes = rows_by(&server, ("pg_catalog", "pg_index"), "indexrelid");
    let by_note = &indexes[&classes["by_note"]["oid"]];
    assert_eq!(by_note["indrelid"], classes["Child"]["oid"]);
    assert_eq!((&*by_note["indkey"], &*by_note["indoption"]), ("3 2 4", "3 0"));
    assert_eq!((&*by_note["indnatts"], &*by_note["indnkeyatts"]), ("3", "2"));
    let defaults = rows_by(&server, ("pg_catalog", "pg_attrdef"), "adbin");
    assert!(defaults.contains_key("nextval('child_id_seq'::regclass)"), "{defaults:?}");
    let constraints = rows_by(&server, ("pg_catalog", "pg_constraint"), "conname");
    let foreign = &constraints["child_parent_fkey"];
    assert_eq!(foreign["confrelid"], classes["parent"]["oid"]);
    assert_eq!(foreign["conindid"], classes["parent_pkey"]["oid"]);
    assert_eq!((&*foreign["confdeltype"], &*foreign["conkey"]), ("c", "{2}"));
    let rules =
        rows_by(&server, ("information_schema", "referential_constraints"), "constraint_name");
    assert_eq!(rules["child_parent_fkey"]["unique_constraint_name"], "parent_pkey");
    assert_eq!(rules["child_parent_fkey"]["delete_rule"], "CASCADE");
    let columns = rows_by(&server, ("information_schema", "columns"), "column_name");
    assert_eq!(columns["note"]["character_maximum_length"], "20");
    assert_eq!(columns["note"]["data_type"], "character varying");
}

#[test]
fn definitions_are_sql() {
    let server = with_one_of_everything();
    let catalog = server.catalog.current().unwrap();
    let sql: Vec<String> = catalog
        .tables_any_state()
        .filter(|t| t.name == "Child")
        .flat_map(|t| definition::constraints(t).map(|c| c.sql(&catalog, t)))
        .collect();
    assert_eq!(
        sql,
        [
            "PRIMARY KEY (id)",
            "UNIQUE (note)",
            "CHECK ((id > 0))",
            "FOREIGN KEY (parent) REFERENCES parent(id) ON DELETE CASCADE",
        ]
    );
    let (table, index) =
        catalog.tables_any_state().find_map(|t| Some((t, t.index_named("by_note")?))).unwrap();
    assert_eq!(
        definition::index_sql(&catalog, table, index),
        "CREATE INDEX by_note ON public.\"Child\" USING btree (note DESC, parent) INCLUDE (key) \
         WHERE (note IS NOT NULL)"
    );
    let oid = number::index(table.id, index.id);
    assert_eq!(definition::index_with_oid(&catalog, oid).unwrap().1.name, "by_note");
}

#[test]
fn names_become_numbers_and_back() {
    let server = with_one_of_everything();
    let catalog = server.catalog.current().unwrap();
    let mut state = session();
    let names = CatalogNames::new(&catalog, &state);
    let there_and_back = |ty: Type, name: &str| {
        let oid = names.oid_of(&ty, name).unwrap();
        names.name_of(&ty, oid).unwrap()
    };
    assert_eq!(there_and_back(Type::Regclass, "public.\"Child\""), "\"Child\"");
    assert_eq!(there_and_back(Type::Regclass, "by_note"), "by_note");
    assert_eq!(there_and_back(Type::Regclass, "pg_catalog.pg_class"), "pg_class");
    assert_eq!(
        there_and_back(Type::Regclass, "information_schema.tables"),
        "information_schema.tables"
    );
    assert_eq!(there_and_back(Type::Regtype, "int[]"), "integer[]");
    assert_eq!(there_and_back(Type::Regtype, "anyarray"), "anyarray");
    assert_eq!(there_and_back(Type::Regproc, "array_in"), "array_in");
    assert_eq!(there_and_back(Type::Regnamespace, "pg_catalog"), "pg_catalog");
    assert_eq!(there_and_back(Type::Regnamespace, "public"), "public");
    let e = names.oid_of(&Type::Regclass, "nothing").unwrap_err();
    assert_eq!(e.message(), "relation \"nothing\" does not exist");
    state.search_path.clear();
    let elsewhere = CatalogNames::new(&catalog, &state);
    let oid = names.oid_of(&Type::Regclass, "parent").unwrap();
    assert_eq!(elsewhere.name_of(&Type::Regclass, oid).unwrap(), "public.parent");
}
