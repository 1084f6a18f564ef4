//! The statement as the job's description shows it: canonical, names in full, secrets redacted.

use std::collections::BTreeMap;

use super::holdings::Holdings;
use super::place::Move;
use super::plan::RestoreRequest;
use super::source::Source;
use super::target::{Kind, Selection};
use crate::catalog::descriptor::{DescriptorId, TableDescriptor};
use crate::catalog::mutation::Change;
use crate::syntax::{Targets, quote_identifier, quote_literal};

/// Prints a statement. `FROM` names the directories that were found, as the older form does.
pub fn describe(
    request: &RestoreRequest,
    holdings: &Holdings,
    selection: &Selection,
    moves: &BTreeMap<DescriptorId, Move>,
    source: &Source,
) -> String {
    let mut text = "RESTORE ".to_owned();
    let targets = match &request.targets {
        Targets::Tables(patterns) if patterns.iter().all(|p| p.table.is_some()) => {
            format!("TABLE {}", qualified(holdings, selection, moves).join(", "))
        }
        targets => targets.to_string(),
    };
    if !targets.is_empty() {
        text += &format!("{targets} ");
    }
    let from: Vec<String> = source.shown.iter().map(|uri| quote_literal(uri)).collect();
    text += &format!("FROM {}", from.join(", "));
    if let Some(at) = request.as_of {
        text += &format!(" AS OF SYSTEM TIME {}", quote_literal(&at.to_string()));
    }
    let options = options(request);
    if !options.is_empty() {
        text += &format!(" WITH {}", options.join(", "));
    }
    text
}

/// The selected tables that the statement named itself.
fn qualified(
    holdings: &Holdings,
    selection: &Selection,
    moves: &BTreeMap<DescriptorId, Move>,
) -> Vec<String> {
    if selection.kind != Kind::Tables {
        return Vec::new();
    }
    let tables = selection.ids.iter().filter_map(|id| holdings.table(*id));
    let shown = |name: [String; 3]| name.map(|word| quote_identifier(&word)).join(".");
    tables
        .map(|table| {
            let old = shown(holdings.qualified_name(table));
            match moves.get(&table.id) {
                Some(to) if to.name != table.name => {
                    let to = to.clone();
                    format!("{old} AS {}", shown([to.database, to.schema, to.name]))
                }
                _ => old,
            }
        })
        .collect()
}

fn options(request: &RestoreRequest) -> Vec<String> {
    let o = &request.options;
    let mut list = Vec::new();
    for (name, value) in
        [("into_db", &o.into_db), ("into_schema", &o.into_schema), ("new_db_name", &o.new_db_name)]
    {
        if let Some(value) = value {
            list.push(format!("{name} = {}", quote_literal(value)));
        }
    }
    if let Some(secret) = &request.secret {
        list.push(secret.shown(false));
    }
    for (name, on) in [
        ("skip_missing_foreign_keys", o.skip_missing_foreign_keys),
        ("skip_missing_sequences", o.skip_missing_sequences),
        ("skip_missing_sequence_owners", o.skip_missing_sequence_owners),
        ("skip_missing_views", o.skip_missing_views),
        ("schema_only", o.schema_only),
        ("verify_backup_table_data", o.verify_backup_table_data),
        ("grants", o.grants),
        ("detached", o.detached),
    ] {
        if on {
            list.push(name.to_owned());
        }
    }
    list
}

/// A change that a table was in the middle of when it was backed up, as the job that goes on with it
/// shows it.
pub fn going_on(table: &TableDescriptor, change: &Change) -> String {
    let name = quote_identifier(&table.name);
    let column = |id| table.column(id).map_or_else(String::new, |c| quote_identifier(&c.name));
    let statement = match change {
        Change::Index { index, .. } => format!(
            "CREATE {}INDEX {} ON {name} ({})",
            if index.unique { "UNIQUE " } else { "" },
            quote_identifier(&index.name),
            index.columns.iter().map(|c| column(c.column)).collect::<Vec<_>>().join(", ")
        ),
        Change::Constraint { name: constraint, .. } => {
            format!("ALTER TABLE {name} VALIDATE CONSTRAINT {}", quote_identifier(constraint))
        }
        Change::NotNull { column: id } => {
            format!("ALTER TABLE {name} ALTER COLUMN {} SET NOT NULL", column(*id))
        }
        Change::Form(_) => format!("ALTER TABLE {name}"),
    };
    format!("RESTORING: {statement}")
}
