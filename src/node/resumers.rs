//! Which code runs which kind of job: the one place that knows both jobs and what they do.

use std::sync::Arc;

use crate::sql::server::Server;

/// Registers a resumer for every kind of job. A kind without one cannot be created, and a job of
/// such a kind found in the store is left alone.
pub(super) fn register(_server: &Arc<Server>) {}
