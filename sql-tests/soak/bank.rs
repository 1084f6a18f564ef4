//! Bank: money moves between accounts, accounts close and open; the sum never changes.

use super::figures::Figures;
use super::round::{Dice, Gone, Round, Workload};
use crate::wire::{Refusal, Session};

const ACCOUNTS: u64 = 24;
const TOTAL: &str = "2400";

pub struct Bank;

impl Bank {
    pub fn new() -> Bank {
        Bank
    }

    /// Reads in the transaction, decides, writes.
    fn transfer(&self, db: &Session, dice: &mut Dice) -> Result<(), Refusal> {
        let level = dice.level();
        let (from, to, amount) = (dice.below(ACCOUNTS), dice.below(ACCOUNTS), dice.below(30));
        db.rows(&format!("BEGIN ISOLATION LEVEL {level}"))?;
        // Under READ COMMITTED what is read must be locked to stay as it is.
        let lock = if level == "READ COMMITTED" { " FOR UPDATE" } else { "" };
        let rows = db.rows(&format!(
            "SELECT id, balance FROM soak.public.account WHERE id IN ({from}, {to}){lock}"
        ))?;
        let balance = |id: u64| {
            let row = rows.iter().find(|row| row[0] == id.to_string());
            row.map(|row| row[1].parse::<i64>().expect("a number"))
        };
        if let (Some(has), Some(gets)) = (balance(from), balance(to))
            && from != to
        {
            let amount = (amount as i64).min(has);
            let set = |id: u64, n: i64| {
                format!("UPDATE soak.public.account SET balance = {n} WHERE id = {id}")
            };
            db.rows(&set(from, has - amount))?;
            // A part that is taken back must leave no trace.
            if dice.one_in(4) {
                db.rows("SAVEPOINT s")?;
                db.rows("UPDATE soak.public.account SET balance = balance + 1000")?;
                db.rows("ROLLBACK TO SAVEPOINT s")?;
            }
            db.rows(&set(to, gets + amount))?;
        }
        db.rows("COMMIT").map(drop)
    }

    /// The same in one statement, which is never told to try again.
    fn swift_transfer(&self, db: &Session, dice: &mut Dice) -> Result<(), Refusal> {
        let (from, to) = (dice.below(ACCOUNTS), dice.below(ACCOUNTS));
        if from == to {
            return Ok(());
        }
        db.rows(&format!(
            "UPDATE soak.public.account SET balance = CASE id WHEN {from} THEN 0 \
               ELSE balance + (SELECT balance FROM soak.public.account WHERE id = {from}) END \
             WHERE id IN ({from}, {to}) \
               AND (SELECT count(*) FROM soak.public.account WHERE id IN ({from}, {to})) = 2"
        ))
        .map(drop)
    }

    /// Closes an account in favour of another, or opens a closed one.
    fn close_or_open(&self, db: &Session, dice: &mut Dice) -> Result<(), Refusal> {
        let (id, heir) = (dice.below(ACCOUNTS), dice.below(ACCOUNTS));
        db.rows("BEGIN")?;
        let left =
            db.rows(&format!("DELETE FROM soak.public.account WHERE id = {id} RETURNING balance"))?;
        if let Some(row) = left.first() {
            let written = db.rows(&format!(
                "UPDATE soak.public.account SET balance = balance + {} WHERE id = {heir} \
                 RETURNING id",
                row[0]
            ))?;
            if written.is_empty() {
                return db.rows("ROLLBACK").map(drop);
            }
        } else {
            db.rows(&format!(
                "INSERT INTO soak.public.account (id, balance, holder) \
                 VALUES ({id}, 0, 'holder {}')",
                dice.below(5)
            ))?;
        }
        db.rows("COMMIT").map(drop)
    }
}

impl Workload for Bank {
    fn name(&self) -> &'static str {
        "bank"
    }

    fn create(&self, db: &Session) {
        db.run(&format!(
            "CREATE TABLE soak.public.account (id INT8 PRIMARY KEY, \
               balance INT8 NOT NULL CHECK (balance >= 0), holder TEXT NOT NULL); \
             CREATE INDEX account_balance ON soak.public.account (balance); \
             INSERT INTO soak.public.account \
               SELECT i, 100, 'holder ' || i % 5 FROM generate_series(0, {}) i",
            ACCOUNTS - 1
        ));
    }

    fn clients(&self) -> u64 {
        3
    }

    fn step(&self, _: u64, db: &Session, dice: &mut Dice, round: &Round<'_>) -> Result<(), Gone> {
        let (what, outcome) = match dice.below(8) {
            0..5 => ("a transfer", self.transfer(db, dice)),
            5..7 => ("a swift transfer", self.swift_transfer(db, dice)),
            _ => ("an account closed", self.close_or_open(db, dice)),
        };
        match outcome {
            Ok(()) => round.acknowledged(self),
            Err(refusal) => {
                round.refused(self, &refusal, what)?;
                if what == "a swift transfer" {
                    panic!("a single statement was told to try again: {refusal}");
                }
                db.rows("ROLLBACK").map_err(|_| Gone)?;
            }
        }
        Ok(())
    }

    fn check(&self, db: &Session, _: &Figures) {
        self.check_moment(db, "soak.public", "").expect("a readable bank");
    }

    fn check_moment(&self, db: &Session, schema: &str, clause: &str) -> Result<(), Refusal> {
        // The second half goes by the index on the balance.
        let rows = db.rows(&format!(
            "SELECT sum(balance), count(*), min(balance) >= 0, count(DISTINCT id), \
               (SELECT sum(balance) FROM {schema}.account WHERE balance >= 0), \
               (SELECT count(*) FROM {schema}.account WHERE balance >= 0) \
             FROM {schema}.account {clause}"
        ))?;
        let row = &rows[0];
        assert_eq!(row[0], TOTAL, "bank: the sum in {schema} {clause}: {row:?}");
        assert!(row[2] == "t" && row[1] == row[3], "bank: {schema} {clause}: {row:?}");
        assert_eq!(row[..2], row[4..], "bank: the index in {schema} {clause}: {row:?}");
        Ok(())
    }
}
