//! Queries such as clients send to find their way, over a catalogue with one of everything.

use std::sync::Arc;

use super::tests::with_one_of_everything;
use crate::sql::bind::{BindContext, ParameterTypes, bind_statement};
use crate::sql::query::{Planned, collect};
use crate::sql::server::Server;
use crate::sql::testing::{session, within};
use crate::types::text;

/// The rows of a query as text, `|` between values.
fn rows(server: &Arc<Server>, sql: &str) -> Vec<String> {
    let mut found = Vec::new();
    within(server, &mut session(), |context| {
        let statement = crate::syntax::parse(sql).unwrap().pop().unwrap();
        let (catalog, format) = (context.eval.catalog, context.eval.session.format.clone());
        let ctx = BindContext::new(catalog, context.eval.session);
        let bound = bind_statement(&ctx, &statement, &mut ParameterTypes::default())
            .unwrap_or_else(|e| panic!("{sql}: {e}"));
        let planned = Planned::new(server, catalog, context.eval.session, bound).unwrap();
        let values = collect(&planned, context).unwrap_or_else(|e| panic!("{sql}: {e}"));
        for row in values {
            let cells = row.iter().zip(&planned.output);
            let cells = cells.map(|(v, o)| text::to_string(v, &o.ty.ty, &format));
            found.push(cells.collect::<Vec<_>>().join("|"));
        }
    });
    found
}

#[test]
fn a_table_is_found_and_described() {
    let server = with_one_of_everything();
    assert_eq!(
        rows(
            &server,
            "SELECT c.oid::regclass, n.nspname, c.relkind, am.amname \
             FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             LEFT JOIN pg_am am ON am.oid = c.relam \
             WHERE c.relname OPERATOR(pg_catalog.~) '^(Child|v)$' COLLATE pg_catalog.default \
             AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 2, c.relname",
        ),
        ["\"Child\"|public|r|heap", "v|public|v|"]
    );
    assert_eq!(
        rows(
            &server,
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, \
             (SELECT pg_get_expr(d.adbin, d.adrelid, true) FROM pg_attrdef d \
              WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef) \
             FROM pg_attribute a WHERE a.attrelid = '\"Child\"'::regclass AND a.attnum > 0 \
             AND NOT a.attisdropped ORDER BY a.attnum",
        ),
        [
            "id|integer|t||nextval('child_id_seq'::regclass)",
            "parent|bigint|f||",
            "note|character varying(20)|f||",
            "key|integer|f|d|",
        ]
    );
}

#[test]
fn indexes_and_constraints_are_described() {
    let server = with_one_of_everything();
    assert_eq!(
        rows(
            &server,
            "SELECT c2.relname, i.indisprimary, pg_get_indexdef(i.indexrelid, 1, true), con.contype, \
             pg_get_constraintdef(con.oid, true) \
             FROM pg_class c, pg_class c2, pg_index i LEFT JOIN pg_constraint con \
             ON (conrelid = i.indrelid AND conindid = i.indexrelid AND contype IN ('p', 'u', 'x')) \
             WHERE c.oid = '\"Child\"'::regclass AND c.oid = i.indrelid AND i.indexrelid = c2.oid \
             ORDER BY i.indisprimary DESC, c2.relname",
        ),
        [
            "Child_pkey|t|id|p|PRIMARY KEY (id)",
            "by_note|f|note||",
            "one_note|f|note|u|UNIQUE (note)",
        ]
    );
    assert_eq!(
        rows(
            &server,
            "SELECT conname, conrelid::regclass, pg_get_constraintdef(oid, true) FROM pg_constraint \
             WHERE confrelid IN (SELECT pg_partition_ancestors('parent') \
             UNION ALL VALUES ('parent'::regclass)) AND contype = 'f'",
        ),
        [
            "child_parent_fkey|\"Child\"|FOREIGN KEY (parent) REFERENCES parent(id) ON DELETE CASCADE"
        ]
    );
}

#[test]
fn drivers_find_keys_and_types() {
    let server = with_one_of_everything();
    assert_eq!(
        rows(
            &server,
            "SELECT r.attname, r.place FROM (SELECT a.attname, a.attnum, \
             (information_schema._pg_expandarray(i.indkey)).n AS place, \
             information_schema._pg_expandarray(i.indkey) AS keys \
             FROM pg_attribute a JOIN pg_index i ON a.attrelid = i.indrelid \
             WHERE i.indexrelid = 'by_note'::regclass) r WHERE r.attnum = (r.keys).x ORDER BY 2",
        ),
        ["note|1", "parent|2", "key|3"]
    );
    assert_eq!(
        rows(
            &server,
            "SELECT t.typname, t.typinput = 'pg_catalog.array_in'::regproc, e.typname, t.typdelim \
             FROM pg_type t LEFT JOIN pg_range r ON r.rngtypid = t.oid \
             JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_type e ON e.oid = t.typelem \
             WHERE t.oid = 1007 AND n.nspname = ANY(current_schemas(true))",
        ),
        ["_int4|t|int4|,"]
    );
    assert_eq!(
        rows(
            &server,
            "SELECT d.refobjid::regclass, a.attname, d.deptype FROM pg_depend d JOIN pg_attribute a \
             ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid \
             WHERE d.classid = 'pg_class'::regclass AND d.objid = 'child_id_seq'::regclass \
             AND d.deptype IN ('a', 'i')",
        ),
        ["\"Child\"|id|a"]
    );
    assert_eq!(
        rows(
            &server,
            "SELECT relowner::regrole, tableoid::regclass FROM pg_class WHERE relname = 'parent'",
        ),
        ["root|pg_class"]
    );
}
