//! What a reader of the virtual tables sees: the current database, and who owns what.

use std::sync::Arc;

use super::number;
use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::{
    GrantSet, IndexDescriptor, Privileges, SchemaDescriptor, TableDescriptor, TypeDescriptor,
};
use crate::catalog::privilege::{ObjectKind, Privilege};
use crate::catalog::role::{ADMIN, PUBLIC, PUBLIC_ID, ROOT, ROOT_ID};
use crate::sql::exec::context::ExecContext;
use crate::sql::variables::SessionState;

/// The order in which an access list has its letters.
const ACCESS_LETTERS: &str = "arwdDxtXUCTc";

/// The catalogue, cut down to the current database. Objects that are offline are left out.
pub(super) struct Scene<'a> {
    pub(super) catalog: &'a CatalogSnapshot,
    pub(super) session: &'a SessionState,
    /// The current database; 0 if it is gone.
    pub(super) database: u32,
}

impl<'a> Scene<'a> {
    /// What the session sees.
    pub(super) fn of(context: &'a ExecContext<'_>) -> Scene<'a> {
        let (catalog, session) = (context.eval.catalog, &*context.eval.session);
        let database = match catalog.database_named(&session.database) {
            Ok(Some(database)) => database.id,
            _ => 0,
        };
        Scene { catalog, session, database }
    }

    /// The schemas that have descriptors.
    pub(super) fn schemas(&self) -> impl Iterator<Item = &'a Arc<SchemaDescriptor>> {
        self.catalog.schemas(self.database)
    }

    /// Tables, views, materialised views and sequences, each with its schema.
    pub(super) fn relations(
        &self,
    ) -> impl Iterator<Item = (&'a SchemaDescriptor, &'a Arc<TableDescriptor>)> {
        let catalog = self.catalog;
        self.schemas()
            .flat_map(move |schema| catalog.tables_in(schema.id).map(move |t| (&**schema, t)))
    }

    /// User-defined types.
    pub(super) fn types(
        &self,
    ) -> impl Iterator<Item = (&'a SchemaDescriptor, &'a Arc<TypeDescriptor>)> {
        let catalog = self.catalog;
        self.schemas().flat_map(move |schema| {
            let public = catalog.types_in(schema.id).filter(|t| t.state.is_public());
            public.map(move |t| (&**schema, t))
        })
    }

    /// The number of a role; that of root for one that is gone.
    pub(super) fn role(&self, name: &str) -> u32 {
        match name {
            PUBLIC => PUBLIC_ID,
            _ => self.catalog.role(name).map_or(ROOT_ID, |role| role.id),
        }
    }

    /// The access list of an object as PostgreSQL prints its items; `None` while nobody changed
    /// it. Administrators, who may do everything anyway, are left out.
    pub(super) fn access_list(
        &self,
        privileges: &Privileges,
        kind: ObjectKind,
    ) -> Option<Vec<String>> {
        let initial = Privileges::initial(kind, &*privileges.owner);
        let owner = privileges.owner.as_str();
        let plain = |grants: &&String| **grants != ADMIN && **grants != ROOT && **grants != owner;
        let same = privileges.grants.keys().filter(plain).eq(initial.grants.keys().filter(plain))
            && privileges.grants.get(PUBLIC) == initial.grants.get(PUBLIC);
        if same {
            return None;
        }
        let mut items = vec![access_item(owner, GrantSet::of(kind.all()), owner)];
        for (role, grant) in privileges.grants.iter().filter(|(role, _)| plain(role)) {
            items.push(access_item(role, *grant, owner));
        }
        Some(items)
    }

    /// Whether a role may be told about an object: it owns it or holds anything on it.
    pub(super) fn may_see(&self, privileges: &Privileges) -> bool {
        let me = &*self.session.current_user;
        let is_mine = |role: &str| role == me || self.catalog.is_member(me, role);
        self.catalog.is_admin(me)
            || is_mine(&privileges.owner)
            || privileges.grants.iter().any(|(role, set)| !set.is_empty() && is_mine(role))
    }
}

/// One item of an access list: `grantee=letters/grantor`, nobody's name standing for everybody.
pub(super) fn access_item(grantee: &str, grant: GrantSet, grantor: &str) -> String {
    let mut text = if grantee == PUBLIC { String::new() } else { grantee.to_owned() };
    text.push('=');
    for wanted in ACCESS_LETTERS.chars() {
        let privilege = Privilege::all().find(|p| p.acl_letter() == Some(wanted));
        let Some(privilege) = privilege.filter(|p| grant.holds(*p)) else { continue };
        text.push(wanted);
        if grant.may_grant(privilege) {
            text.push('*');
        }
    }
    text.push('/');
    text.push_str(grantor);
    text
}

/// The indexes that a reader sees: all but a primary index that consists of hidden columns.
pub(super) fn indexes(table: &TableDescriptor) -> impl Iterator<Item = &IndexDescriptor> {
    table.all_indexes().filter(|index| {
        let shown = |id: u32| table.column(id).is_some_and(|c| !c.is_row_id());
        table.has_rows() && index.columns.iter().any(|c| shown(c.column))
    })
}

/// Whether an index is the table's primary key.
pub(super) fn is_primary(table: &TableDescriptor, index: &IndexDescriptor) -> bool {
    index.id == table.primary_index.id
        && matches!(table.kind, crate::catalog::descriptor::TableKind::Table)
}

/// The OID of an index.
pub(super) fn index_oid(table: &TableDescriptor, index: &IndexDescriptor) -> u32 {
    number::index(table.id, index.id)
}

/// The number of a column as `attnum`.
pub(super) fn attnum(id: u32) -> i16 {
    i16::try_from(id).unwrap_or(i16::MAX)
}
