//! Statements that define things: which file runs which.

use sqlparser::ast::Statement as Tree;

use super::sequence::{self, CreateSequence};
use super::{
    Outcome, Work, alter_object, comment, database, drop, grant, maintain, owned, role, schema,
    table, user_type, view, zone,
};
use crate::error::{Error, Result};
use crate::syntax::{CreateTable, ParsedStatement, Statement};

/// Runs a statement that defines something.
pub fn run(parsed: &ParsedStatement, work: &mut Work<'_>) -> Result<Outcome> {
    match &parsed.statement {
        Statement::Sql(tree) => tree_of_sqlparser(parsed, tree, work),
        Statement::CreateTable(stmt) => table::create::run(stmt, work),
        Statement::AlterSequence(stmt) => sequence::alter(stmt, work),
        Statement::CreateDatabase(stmt) => database::create(stmt, work),
        Statement::AlterDatabase(stmt) => database::alter(stmt, work),
        Statement::DropDatabase(stmt) => database::drop(stmt, work),
        Statement::CreateSchema(stmt) => schema::create(stmt, work),
        Statement::AlterSchema(stmt) => schema::alter(stmt, work),
        Statement::Comment(stmt) => comment::run(stmt, work),
        Statement::CreateRole(stmt) => role::create(stmt, work),
        Statement::AlterRole(stmt) => role::alter(stmt, work),
        Statement::DropRole(stmt) => role::drop(stmt, work),
        Statement::Grant(stmt) => grant::grant(stmt, work),
        Statement::Revoke(stmt) => grant::revoke(stmt, work),
        Statement::AlterDefaultPrivileges(stmt) => owned::default_privileges(stmt, work),
        Statement::ReassignOwned(stmt) => owned::reassign(stmt, work),
        Statement::DropOwned(stmt) => owned::drop_owned(stmt, work),
        Statement::Vacuum(stmt) => maintain::vacuum(stmt, work),
        Statement::Analyze(stmt) => maintain::analyze(stmt, work),
        Statement::Maintain(stmt) => maintain::run(stmt, work),
        Statement::LockTable(stmt) => maintain::lock(stmt, work),
        Statement::Checkpoint => maintain::checkpoint(work),
        Statement::AlterObject(stmt) => alter_object::run(stmt, work),
        Statement::Drop(stmt) => drop::run(stmt, work),
        Statement::ConfigureZone(stmt) => zone::configure(stmt, work),
        Statement::ShowZone(target) => zone::show(target.as_ref(), work),
        _ => Err(Error::unsupported(super::first_words(&parsed.text))),
    }
}

/// Runs one that comes as sqlparser's tree.
fn tree_of_sqlparser(
    parsed: &ParsedStatement,
    tree: &Tree,
    work: &mut Work<'_>,
) -> Result<Outcome> {
    match tree {
        Tree::CreateTable(stmt) => {
            let stmt = CreateTable {
                table: stmt.clone(),
                indexes: Vec::new(),
                families: Vec::new(),
                interleave: None,
                like_options: Vec::new(),
                with_no_data: parsed.extras.with_no_data,
            };
            table::create::run(&stmt, work)
        }
        Tree::CreateType { name, representation } => {
            let if_not_exists = parsed.extras.if_not_exists;
            user_type::create(name, representation.as_ref(), if_not_exists, work)
        }
        Tree::AlterType(stmt) => user_type::alter(stmt, work),
        Tree::CreateView(stmt) => view::create(stmt, parsed.extras.with_no_data, work),
        Tree::AlterTable(stmt) => table::alter::run(stmt, work),
        Tree::Truncate(stmt) => table::truncate::run(stmt, work),
        Tree::Query(query) => table::create::select_into(query, work),
        Tree::CreateIndex(stmt) => table::index::run(stmt, work),
        Tree::CreateSequence {
            temporary,
            if_not_exists,
            name,
            data_type,
            sequence_options,
            owned_by,
        } => {
            let stmt = CreateSequence {
                temporary: *temporary,
                if_not_exists: *if_not_exists,
                name,
                data_type: data_type.as_ref(),
                options: sequence_options,
                owned_by: owned_by.as_ref(),
            };
            sequence::create(&stmt, work)
        }
        _ => Err(Error::unsupported(super::first_words(&parsed.text))),
    }
}
