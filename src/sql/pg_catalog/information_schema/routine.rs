//! Functions and their parameters. Most columns of the standard say nothing about built-in
//! functions, so rows are written by the names of the few that do.

use super::super::functions::{Callable, every};
use super::super::notation::{Cell, Definition, view, yes};
use super::super::virtual_table;
use crate::error::{Error, Result};
use crate::sql::exec::context::ExecContext;
use crate::sql::function::Volatility;
use crate::types::{Datum, oid};

pub(super) const TABLES: &[Definition] = &[
    view(
        13334,
        "parameters",
        "specific_catalog name, specific_schema name, specific_name name, \
         ordinal_position int4, parameter_mode varchar, is_result varchar, \
         as_locator varchar, parameter_name name, data_type varchar, \
         character_maximum_length int4, character_octet_length int4, \
         character_set_catalog name, character_set_schema name, character_set_name name, \
         collation_catalog name, collation_schema name, collation_name name, \
         numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, \
         datetime_precision int4, interval_type varchar, interval_precision int4, \
         udt_catalog name, udt_schema name, udt_name name, scope_catalog name, \
         scope_schema name, scope_name name, maximum_cardinality int4, \
         dtd_identifier name, parameter_default varchar",
        parameters,
    ),
    view(
        13377,
        "routines",
        "specific_catalog name, specific_schema name, specific_name name, \
         routine_catalog name, routine_schema name, routine_name name, \
         routine_type varchar, module_catalog name, module_schema name, module_name name, \
         udt_catalog name, udt_schema name, udt_name name, data_type varchar, \
         character_maximum_length int4, character_octet_length int4, \
         character_set_catalog name, character_set_schema name, character_set_name name, \
         collation_catalog name, collation_schema name, collation_name name, \
         numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, \
         datetime_precision int4, interval_type varchar, interval_precision int4, \
         type_udt_catalog name, type_udt_schema name, type_udt_name name, \
         scope_catalog name, scope_schema name, scope_name name, maximum_cardinality int4, \
         dtd_identifier name, routine_body varchar, routine_definition varchar, \
         external_name varchar, external_language varchar, parameter_style varchar, \
         is_deterministic varchar, sql_data_access varchar, is_null_call varchar, \
         sql_path varchar, schema_level_routine varchar, max_dynamic_result_sets int4, \
         is_user_defined_cast varchar, is_implicitly_invocable varchar, \
         security_type varchar, to_sql_specific_catalog name, to_sql_specific_schema name, \
         to_sql_specific_name name, as_locator varchar, created timestamptz, \
         last_altered timestamptz, new_savepoint_level varchar, is_udt_dependent varchar, \
         result_cast_from_data_type varchar, result_cast_as_locator varchar, \
         result_cast_char_max_length int4, result_cast_char_octet_length int4, \
         result_cast_char_set_catalog name, result_cast_char_set_schema name, \
         result_cast_char_set_name name, result_cast_collation_catalog name, \
         result_cast_collation_schema name, result_cast_collation_name name, \
         result_cast_numeric_precision int4, result_cast_numeric_precision_radix int4, \
         result_cast_numeric_scale int4, result_cast_datetime_precision int4, \
         result_cast_interval_type varchar, result_cast_interval_precision int4, \
         result_cast_type_udt_catalog name, result_cast_type_udt_schema name, \
         result_cast_type_udt_name name, result_cast_scope_catalog name, \
         result_cast_scope_schema name, result_cast_scope_name name, \
         result_cast_maximum_cardinality int4, result_cast_dtd_identifier name",
        routines,
    ),
];

/// A row in which only some columns have values.
struct Sparse {
    positions: std::collections::HashMap<&'static str, usize>,
}

impl Sparse {
    fn of(name: &str) -> Result<Sparse> {
        let table = virtual_table("information_schema", name)
            .ok_or_else(|| Error::internal(format!("no virtual table {name}")))?;
        let positions = table.columns.iter().enumerate().map(|(i, c)| (c.name, i)).collect();
        Ok(Sparse { positions })
    }

    fn row(&self, cells: Vec<(&str, Datum)>) -> Vec<Datum> {
        let mut row = vec![Datum::Null; self.positions.len()];
        for (name, value) in cells {
            if let Some(cell) = self.positions.get(name).and_then(|at| row.get_mut(*at)) {
                *cell = value;
            }
        }
        row
    }
}

/// What tells overloads of one name apart.
fn specific_name(f: &Callable) -> String {
    format!("{}_{}", f.name, f.oid)
}

/// The name of a type and its name in the catalogue; pseudo types have one for both.
fn type_names(number: u32) -> (String, String) {
    match oid::type_from_oid(number) {
        Some(crate::types::Type::Array(element)) => {
            let array = crate::types::Type::Array(element);
            ("ARRAY".to_owned(), oid::type_name(&array))
        }
        Some(ty) => (oid::format_type(&ty, -1), oid::type_name(&ty)),
        None => {
            let name = super::super::types::pseudo_type_name(number).to_owned();
            (name.clone(), name)
        }
    }
}

fn routines(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let database = context.eval.session.database.to_string();
    let sparse = Sparse::of("routines")?;
    let rows = every().filter(|f| f.kind == b'f').map(|f| {
        let (data_type, udt) = type_names(f.result);
        sparse.row(vec![
            ("specific_catalog", database.as_str().datum()),
            ("specific_schema", "pg_catalog".datum()),
            ("specific_name", specific_name(&f).datum()),
            ("routine_catalog", database.as_str().datum()),
            ("routine_schema", "pg_catalog".datum()),
            ("routine_name", f.name.datum()),
            ("routine_type", "FUNCTION".datum()),
            ("data_type", data_type.datum()),
            ("type_udt_catalog", database.as_str().datum()),
            ("type_udt_schema", "pg_catalog".datum()),
            ("type_udt_name", udt.datum()),
            ("dtd_identifier", "0".datum()),
            ("routine_body", "EXTERNAL".datum()),
            ("external_language", "INTERNAL".datum()),
            ("parameter_style", "GENERAL".datum()),
            ("is_deterministic", yes(f.volatility == Volatility::Immutable).datum()),
            ("sql_data_access", "MODIFIES".datum()),
            ("is_null_call", yes(f.strict).datum()),
            ("schema_level_routine", "YES".datum()),
            ("max_dynamic_result_sets", 0i32.datum()),
            ("security_type", "INVOKER".datum()),
            ("as_locator", "NO".datum()),
            ("is_udt_dependent", "NO".datum()),
        ])
    });
    Ok(rows.collect())
}

fn parameters(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let database = context.eval.session.database.to_string();
    let sparse = Sparse::of("parameters")?;
    let mut rows = Vec::new();
    for f in every().filter(|f| f.kind == b'f') {
        for (i, parameter) in f.params.iter().enumerate() {
            let (data_type, udt) = type_names(*parameter);
            let place = i32::try_from(i + 1).unwrap_or(i32::MAX);
            rows.push(sparse.row(vec![
                ("specific_catalog", database.as_str().datum()),
                ("specific_schema", "pg_catalog".datum()),
                ("specific_name", specific_name(&f).datum()),
                ("ordinal_position", place.datum()),
                ("parameter_mode", "IN".datum()),
                ("is_result", "NO".datum()),
                ("as_locator", "NO".datum()),
                ("parameter_name", f.names.get(i).copied().datum()),
                ("data_type", data_type.datum()),
                ("udt_catalog", database.as_str().datum()),
                ("udt_schema", "pg_catalog".datum()),
                ("udt_name", udt.datum()),
                ("dtd_identifier", place.to_string().datum()),
            ]));
        }
    }
    Ok(rows)
}
