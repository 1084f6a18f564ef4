//! The sample: a bank with customers, their accounts, and what moved between them.
//!
//! Rows follow from their numbers alone, so that every run loads the same ones.

use std::fmt::Write as _;

/// What the bank is made of.
pub(super) const SCHEMA: &[&str] = &[
    "CREATE DATABASE bank",
    "CREATE TABLE bank.public.customers (
        id INT8 PRIMARY KEY,
        name TEXT NOT NULL,
        email TEXT NOT NULL UNIQUE,
        city TEXT NOT NULL,
        since DATE NOT NULL)",
    "CREATE INDEX customers_city_idx ON bank.public.customers (city)",
    "CREATE TABLE bank.public.accounts (
        id INT8 PRIMARY KEY,
        customer INT8 NOT NULL REFERENCES bank.public.customers (id),
        kind TEXT NOT NULL,
        balance NUMERIC(14,2) NOT NULL CHECK (balance >= 0))",
    "CREATE INDEX accounts_customer_idx ON bank.public.accounts (customer)",
    "CREATE TABLE bank.public.transfers (
        id INT8 PRIMARY KEY,
        source INT8 NOT NULL,
        target INT8 NOT NULL,
        amount NUMERIC(14,2) NOT NULL,
        at TIMESTAMP NOT NULL,
        note TEXT)",
    "CREATE INDEX transfers_source_at_idx ON bank.public.transfers (source, at)",
];

/// Changes one row in a hundred: some rewritten, some gone, some new.
pub(super) const CHANGES: &[&str] = &[
    "UPDATE bank.public.accounts SET balance = balance + 1 WHERE id % 100 = 0",
    "UPDATE bank.public.transfers SET note = 'corrected' WHERE id % 125 = 0",
    "DELETE FROM bank.public.transfers WHERE id % 1000 = 1",
    "INSERT INTO bank.public.transfers
        SELECT -id, target, source, amount, at, 'reversed'
        FROM bank.public.transfers WHERE id % 1000 = 2",
];

/// One more change, for the backup that nobody waits for.
pub(super) const LATER_CHANGE: &str =
    "UPDATE bank.public.customers SET city = 'Bergen' WHERE id % 1000 = 0";

/// A table of the sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    /// Its name.
    pub(super) name: &'static str,
    /// How many rows it has.
    pub(super) rows: u64,
    row: fn(&Size, u64, &mut String),
}

/// Rows by table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    customers: u64,
    accounts: u64,
    transfers: u64,
}

impl Size {
    /// Splits a number of rows among the tables: a tenth, two tenths, the rest.
    pub(super) fn new(rows: u64) -> Size {
        let customers = (rows / 10).max(1);
        let accounts = (rows / 5).max(1);
        Size { customers, accounts, transfers: rows.saturating_sub(customers + accounts).max(1) }
    }

    /// The tables, parents first.
    pub(super) fn tables(self) -> [Table; 3] {
        [
            Table { name: "customers", rows: self.customers, row: customer },
            Table { name: "accounts", rows: self.accounts, row: account },
            Table { name: "transfers", rows: self.transfers, row: transfer },
        ]
    }
}

impl Table {
    /// Lines of COPY's text format for the rows `from..to`.
    pub(super) fn lines(&self, size: &Size, from: u64, to: u64) -> String {
        let mut text = String::with_capacity(usize::try_from((to - from) * 90).unwrap_or(0));
        for id in from..to {
            (self.row)(size, id, &mut text);
            text.push('\n');
        }
        text
    }
}

const FIRST: &[&str] =
    &["Ada", "Bela", "Chidi", "Dorit", "Emre", "Freya", "Goran", "Hana", "Ivo", "Jun", "Kofi"];
const LAST: &[&str] =
    &["Abe", "Berg", "Costa", "Diaz", "Eze", "Fodor", "Ghosh", "Haas", "Ito", "Jensen", "Kaya"];
const CITY: &[&str] = &["Aarhus", "Bari", "Cork", "Dakar", "Essen", "Faro", "Gent", "Hue", "Izmir"];
const KIND: &[&str] = &["current", "savings", "deposit"];
const NOTE: &[&str] = &["rent", "groceries", "salary", "for the weekend", "invoice", "refund"];

/// Scatters the bits of a number, as splitmix64 does.
fn scatter(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn pick(words: &[&'static str], by: u64) -> &'static str {
    let at = usize::try_from(by % words.len().max(1) as u64).unwrap_or(0);
    words.get(at).copied().unwrap_or("")
}

// Writing to a string cannot fail, here and below.
fn customer(_: &Size, id: u64, out: &mut String) {
    let r = scatter(id);
    let (first, last) = (pick(FIRST, r), pick(LAST, r >> 8));
    let _ = write!(
        out,
        "{id}\t{first} {last}\t{first}.{last}.{id}@example.com\t{}\t20{:02}-{:02}-{:02}",
        pick(CITY, r >> 16),
        10 + (r >> 24) % 15,
        1 + (r >> 32) % 12,
        1 + (r >> 40) % 28
    );
}

fn account(size: &Size, id: u64, out: &mut String) {
    let r = scatter(id ^ 0xacc0);
    let _ = write!(
        out,
        "{id}\t{}\t{}\t{}.{:02}",
        r % size.customers,
        pick(KIND, r >> 8),
        (r >> 16) % 100_000,
        (r >> 40) % 100
    );
}

fn transfer(size: &Size, id: u64, out: &mut String) {
    let r = scatter(id ^ 0x7a35);
    let _ = write!(
        out,
        "{id}\t{}\t{}\t{}.{:02}\t2024-{:02}-{:02} {:02}:{:02}:{:02}\t",
        r % size.accounts,
        scatter(r) % size.accounts,
        (r >> 20) % 5_000,
        (r >> 40) % 100,
        1 + (r >> 8) % 12,
        1 + (r >> 12) % 28,
        (r >> 18) % 24,
        (r >> 26) % 60,
        (r >> 34) % 60
    );
    out.push_str(if r.is_multiple_of(7) { "\\N" } else { pick(NOTE, r >> 48) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_split_among_the_tables_and_none_is_lost() {
        let total: u64 = Size::new(1_000_000).tables().iter().map(|t| t.rows).sum();
        assert_eq!(total, 1_000_000);
        assert!(Size::new(0).tables().iter().all(|t| t.rows == 1));
    }

    #[test]
    fn a_row_follows_from_its_number() {
        let size = Size::new(1_000);
        for table in size.tables() {
            let all = table.lines(&size, 0, 20);
            assert_eq!(all, table.lines(&size, 0, 10) + &table.lines(&size, 10, 20));
            let fields = all.lines().map(|l| l.split('\t').count()).collect::<Vec<_>>();
            let wanted = fields.first().copied().unwrap();
            assert!(fields.iter().all(|n| *n == wanted), "{fields:?}");
        }
    }
}
