//! User-defined types: how tables name them, and how a snapshot fills them in.
//!
//! A column's type is stored as the type's number alone; expressions and the queries of views name
//! a type as `"@104"`. A snapshot puts what the type's own descriptor says into the descriptors of
//! tables when it is made, so that whoever reads a row has labels and places at hand.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use super::descriptor::{
    ColumnDescriptor, DescriptorId, TableDescriptor, TableKind, TypeDescriptor,
};
use super::mutation::Change;
use super::names::{Scope, find_type};
use super::snapshot::{CatalogSnapshot, Object, Stored};
use crate::error::Result;
use crate::types::{EnumType, Type, oid};

/// The user-defined types that snapshots know, by number.
pub(super) type UserTypes = HashMap<DescriptorId, EnumType>;

/// Makes the types of a new snapshot, those of `like` where nothing changed, and fills in the
/// tables that use them.
pub(super) fn fill_in(snapshot: &mut CatalogSnapshot, like: Option<&CatalogSnapshot>) {
    let mut types = UserTypes::new();
    for (id, stored) in &snapshot.objects {
        let Object::Type(ty) = &stored.object else { continue };
        let schema = snapshot.schema_any_state(ty.schema).map_or("", |s| s.name.as_str());
        let made = enum_type(ty, schema);
        let known = like.and_then(|l| l.user_types.get(id)).filter(|k| k.is_identical(&made));
        types.insert(*id, known.cloned().unwrap_or(made));
    }
    if types.is_empty() {
        return;
    }
    for stored in snapshot.objects.values_mut() {
        let Object::Table(table, _) = &stored.object else { continue };
        if is_table_filled(table, &types) {
            continue;
        }
        let mut table = table.as_ref().clone();
        fill_table(&mut table, &types);
        let object = Object::Table(Arc::new(table), OnceLock::new());
        *stored = Arc::new(Stored { hash: stored.hash, object });
    }
    snapshot.user_types = types;
}

/// The type that a descriptor means.
pub fn enum_type(ty: &TypeDescriptor, schema: &str) -> EnumType {
    EnumType::new(ty.id, schema, &ty.name, &ty.members)
}

fn is_filled(ty: &Type, types: &UserTypes) -> bool {
    match ty {
        Type::Array(element) => is_filled(element, types),
        Type::Enum(own) => types.get(&own.id()).is_none_or(|known| known.is_identical(own)),
        _ => true,
    }
}

fn fill(ty: &mut Type, types: &UserTypes) {
    match ty {
        Type::Array(element) => fill(element, types),
        Type::Enum(own) => {
            if let Some(known) = types.get(&own.id()) {
                *own = known.clone();
            }
        }
        _ => {}
    }
}

/// The same for a table and the forms that its rows are being given.
fn is_table_filled(table: &TableDescriptor, types: &UserTypes) -> bool {
    table.columns.iter().all(|column| is_filled(&column.ty.ty, types))
        && table
            .forms()
            .all(|form| is_table_filled(&form.table, types) && is_table_filled(&form.base, types))
}

fn fill_table(table: &mut TableDescriptor, types: &UserTypes) {
    for column in &mut table.columns {
        fill(&mut column.ty.ty, types);
    }
    for mutation in &mut table.mutations {
        if let Change::Form(form) = &mut mutation.change {
            fill_table(&mut form.table, types);
            fill_table(&mut form.base, types);
        }
    }
}

/// The number of the user-defined type behind a type, be it the element of an array.
pub fn user_type_of(ty: &Type) -> Option<DescriptorId> {
    match ty {
        Type::Array(element) => user_type_of(element),
        Type::Enum(own) => Some(own.id()),
        _ => None,
    }
}

impl CatalogSnapshot {
    /// A user-defined type by number.
    pub fn enum_type(&self, id: DescriptorId) -> Option<&EnumType> {
        self.user_types.get(&id)
    }

    /// The user-defined type, or the array over one, that an OID means.
    pub fn user_type_by_oid(&self, number: u32) -> Option<Type> {
        let (id, is_array) = oid::user_type(number)?;
        let ty = Type::Enum(self.enum_type(id)?.clone());
        Some(if is_array { Type::Array(Box::new(ty)) } else { ty })
    }
}

/// The user-defined type that a name means: `mood`, `schema.mood`, `_mood` for the array, or `@104`
/// as stored expressions have it.
pub fn find_user_type(
    snapshot: &CatalogSnapshot,
    scope: Scope<'_>,
    parts: &[&str],
) -> Result<Option<Type>> {
    let filled = |id| snapshot.enum_type(id).cloned().map(Type::Enum);
    if let [word] = parts
        && let Some(id) = word.strip_prefix('@').and_then(|number| number.parse().ok())
    {
        return Ok(filled(id));
    }
    if let Some(found) = find_type(snapshot, scope, parts)? {
        return Ok(filled(found.id));
    }
    let Some((last, before)) = parts.split_last() else { return Ok(None) };
    let Some(element) = last.strip_prefix('_').filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let parts: Vec<&str> = before.iter().copied().chain([element]).collect();
    let found = find_type(snapshot, scope, &parts)?;
    Ok(found.and_then(|ty| filled(ty.id)).map(|ty| Type::Array(Box::new(ty))))
}

/// Puts other words in the place of the types (`"@104"`) that a stored expression or query names.
/// What `name_of` does not know stays.
pub fn replace_types(stored: &str, name_of: &dyn Fn(DescriptorId) -> Option<String>) -> String {
    const OPENING: &str = "\"@";
    let mut out = String::with_capacity(stored.len());
    let mut rest = stored;
    while let Some(at) = rest.find(OPENING) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let inner = after.get(OPENING.len()..).unwrap_or_default();
        let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = inner.split_at(digits);
        let name = number.parse().ok().filter(|_| behind.starts_with('"')).and_then(name_of);
        match name {
            Some(name) => {
                out.push_str(&name);
                rest = behind.get(1..).unwrap_or_default();
            }
            None => {
                out.push_str(OPENING);
                rest = inner;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The types that a stored expression or query names.
pub fn types_in(stored: &str) -> Vec<DescriptorId> {
    let found = std::cell::RefCell::new(Vec::new());
    replace_types(stored, &|id| {
        found.borrow_mut().push(id);
        None
    });
    found.into_inner()
}

impl TableDescriptor {
    /// The user-defined types that its columns and expressions use.
    pub fn types_used(&self) -> BTreeSet<DescriptorId> {
        let mut used = BTreeSet::new();
        for column in &self.columns {
            used.extend(column.types_used());
        }
        let indexes = std::iter::once(&self.primary_index).chain(self.written_indexes());
        let mut texts: Vec<&str> = indexes.filter_map(|index| index.predicate.as_deref()).collect();
        texts.extend(self.checks.iter().map(|check| check.expression.as_str()));
        if let TableKind::View { query } | TableKind::MaterializedView { query } = &self.kind {
            texts.push(query);
        }
        for form in self.forms() {
            used.extend(form.table.types_used());
            texts.extend(form.values.iter().map(|value| value.sql.as_str()));
        }
        used.extend(texts.into_iter().flat_map(types_in));
        used
    }
}

impl ColumnDescriptor {
    /// The user-defined types of the column and of its default.
    pub fn types_used(&self) -> impl Iterator<Item = DescriptorId> {
        let texts = [&self.default, &self.computed];
        let named = texts.into_iter().flatten().flat_map(|text| types_in(text));
        user_type_of(&self.ty.ty).into_iter().chain(named.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_in_stored_texts_are_found_and_replaced() {
        let text = "'a'::\"@104\" = ANY (x::\"@105\"[]) OR \"@x\" = '\"@'";
        assert_eq!(types_in(text), [104, 105]);
        let named = replace_types(text, &|id| (id == 104).then(|| "mood".into()));
        assert_eq!(named, "'a'::mood = ANY (x::\"@105\"[]) OR \"@x\" = '\"@'");
    }
}
