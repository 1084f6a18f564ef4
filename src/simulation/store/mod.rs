//! The store under simulation: transactions on `mvcc`, many clients, several starts of the machine.
//!
//! ```text
//!   plan.rs     what a seed draws: how many clients, what they like to do, what goes wrong
//!   client.rs   one client: transactions, one after another
//!   running.rs  one transaction: its statements, what it saw, what it took back
//!   record.rs   what everybody saw, for the checker and for the model
//!   model.rs    the same story told by commit times: every read is compared with it
//!   run.rs      start, play, crash, start again …, then judge
//! ```
//!
//! Two judges look at a run, and they share nothing. The checker knows only values. The model knows
//! when each commit happened: it puts them in the order of their times and compares every read
//! of anyone with the state of its time, and of every serializable commit with the state just
//! before it; what the store has in the end, and what it hands to backups, with all of it.

mod client;
mod model;
mod plan;
mod record;
mod run;
mod running;
mod tests;
