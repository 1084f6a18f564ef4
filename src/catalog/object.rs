//! A borrowed view of any descriptor, so that those who only look (privileges, messages, lists)
//! need not care which kind it is nor copy it.

use super::descriptor::{
    DatabaseDescriptor, Descriptor, DescriptorId, Privileges, SchemaDescriptor, State,
    TableDescriptor, TableKind, TypeDescriptor,
};
use super::privilege::ObjectKind;

/// Any object, borrowed.
#[derive(Clone, Copy, Debug)]
pub enum ObjectRef<'a> {
    /// A database.
    Database(&'a DatabaseDescriptor),
    /// A schema.
    Schema(&'a SchemaDescriptor),
    /// A table, view, materialised view or sequence.
    Table(&'a TableDescriptor),
    /// A user-defined type.
    Type(&'a TypeDescriptor),
}

impl<'a> ObjectRef<'a> {
    /// Its number.
    pub fn id(self) -> DescriptorId {
        match self {
            ObjectRef::Database(d) => d.id,
            ObjectRef::Schema(d) => d.id,
            ObjectRef::Table(d) => d.id,
            ObjectRef::Type(d) => d.id,
        }
    }

    /// Its name.
    pub fn name(self) -> &'a str {
        match self {
            ObjectRef::Database(d) => &d.name,
            ObjectRef::Schema(d) => &d.name,
            ObjectRef::Table(d) => &d.name,
            ObjectRef::Type(d) => &d.name,
        }
    }

    /// Whether it can be used.
    pub fn state(self) -> &'a State {
        match self {
            ObjectRef::Database(d) => &d.state,
            ObjectRef::Schema(d) => &d.state,
            ObjectRef::Table(d) => &d.state,
            ObjectRef::Type(d) => &d.state,
        }
    }

    /// Owner and grants.
    pub fn privileges(self) -> &'a Privileges {
        match self {
            ObjectRef::Database(d) => &d.privileges,
            ObjectRef::Schema(d) => &d.privileges,
            ObjectRef::Table(d) => &d.privileges,
            ObjectRef::Type(d) => &d.privileges,
        }
    }

    /// What privileges it takes.
    pub fn kind(self) -> ObjectKind {
        match self {
            ObjectRef::Database(_) => ObjectKind::Database,
            ObjectRef::Schema(_) => ObjectKind::Schema,
            ObjectRef::Table(d) if d.sequence().is_some() => ObjectKind::Sequence,
            ObjectRef::Table(_) => ObjectKind::Table,
            ObjectRef::Type(_) => ObjectKind::Type,
        }
    }

    /// What PostgreSQL's messages call it: `table`, `view`, `sequence`, …
    pub fn noun(self) -> &'static str {
        match self {
            ObjectRef::Database(_) => "database",
            ObjectRef::Schema(_) => "schema",
            ObjectRef::Type(_) => "type",
            ObjectRef::Table(d) => match d.kind {
                TableKind::Table => "table",
                TableKind::View { .. } => "view",
                TableKind::MaterializedView { .. } => "materialized view",
                TableKind::Sequence(_) => "sequence",
            },
        }
    }

    /// What "x does not exist" and "x already exists" call it: tables and their like are relations.
    pub fn class(self) -> &'static str {
        match self {
            ObjectRef::Table(_) => "relation",
            other => other.noun(),
        }
    }

    /// A copy that can be changed and written.
    pub fn to_descriptor(self) -> Descriptor {
        match self {
            ObjectRef::Database(d) => Descriptor::Database(d.clone()),
            ObjectRef::Schema(d) => Descriptor::Schema(d.clone()),
            ObjectRef::Table(d) => Descriptor::Table(d.clone()),
            ObjectRef::Type(d) => Descriptor::Type(d.clone()),
        }
    }
}

impl<'a> From<&'a Descriptor> for ObjectRef<'a> {
    fn from(descriptor: &'a Descriptor) -> Self {
        match descriptor {
            Descriptor::Database(d) => ObjectRef::Database(d),
            Descriptor::Schema(d) => ObjectRef::Schema(d),
            Descriptor::Table(d) => ObjectRef::Table(d),
            Descriptor::Type(d) => ObjectRef::Type(d),
        }
    }
}

macro_rules! borrowed_from {
    ($($variant:ident $descriptor:ident),*) => {$(
        impl<'a> From<&'a $descriptor> for ObjectRef<'a> {
            fn from(descriptor: &'a $descriptor) -> Self {
                ObjectRef::$variant(descriptor)
            }
        }
        impl<'a> From<&'a std::sync::Arc<$descriptor>> for ObjectRef<'a> {
            fn from(descriptor: &'a std::sync::Arc<$descriptor>) -> Self {
                ObjectRef::$variant(descriptor)
            }
        }
    )*};
}
borrowed_from!(
    Database DatabaseDescriptor, Schema SchemaDescriptor, Table TableDescriptor, Type TypeDescriptor
);
