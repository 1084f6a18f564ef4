//! (essay to be written by the room's builder)

pub mod bind;
pub mod client;
pub mod exec;
pub mod function;
pub mod pg_catalog;
pub mod plan;
pub mod relation;
pub mod scalar;
pub mod server;
pub mod sessions;
pub mod variables;
