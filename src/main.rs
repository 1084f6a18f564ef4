//! The `cairn` command. The server is under construction: until it stands, every invocation says so
//! and fails, so that no script takes it for work that was done.

use std::process::ExitCode;

fn main() -> ExitCode {
    eprintln!("cairn: the server is not built yet; see the README for what stands");
    ExitCode::FAILURE
}
