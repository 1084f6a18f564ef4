//! Tests of Cairn's process: what a client, an operator and a crash see from outside.
//!
//! Every test starts servers of its own (`process.rs`) on throw-away stores and free ports, so all
//! of them can run at once. `scripts.rs` runs the `.slt` files beside this one; the rest are tests
//! that need more than one process, a kill, a real S3 server, or a damaged file.

mod check;
mod consistency;
mod copy;
mod crash;
mod disk;
mod door;
mod history;
mod isolation;
mod jobs;
mod large;
mod offline;
mod online;
mod pgbench;
mod process;
mod protocol;
mod psql;
mod s3;
mod scripts;
mod soak;
mod tamper;
mod wire;
