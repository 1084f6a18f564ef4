//! Changes of the schema while clients write: each is tried, looked at, and taken back.
//!
//! A kill may leave one half way; the next round's begin by saying IF EXISTS.

use super::round::{Dice, Fate, Gone, Round, fate};
use crate::wire::{Refusal, Session};

/// Transactions of others between two changes.
const PAUSE: u64 = 60;

/// A change.
struct Change {
    make: &'static str,
    /// Counts what is wrong with it, in one moment.
    wrong: &'static str,
    undo: &'static str,
}

const CHANGES: [Change; 5] = [
    Change {
        make: "CREATE INDEX IF NOT EXISTS account_holder ON soak.public.account (holder)",
        wrong: "SELECT (SELECT count(*) FROM soak.public.account WHERE holder >= 'holder 2') \
                - (SELECT count(*) FROM soak.public.account WHERE holder || '' >= 'holder 2')",
        undo: "DROP INDEX IF EXISTS soak.public.account_holder",
    },
    Change {
        make: "ALTER TABLE soak.public.account ADD COLUMN IF NOT EXISTS extra INT8 NOT NULL DEFAULT 7",
        wrong: "SELECT count(*) FROM soak.public.account WHERE extra IS DISTINCT FROM 7",
        undo: "ALTER TABLE soak.public.account DROP COLUMN IF EXISTS extra",
    },
    Change {
        make: "CREATE UNIQUE INDEX IF NOT EXISTS parent_both ON soak.public.parent (name, id)",
        wrong: "SELECT (SELECT count(*) FROM soak.public.parent WHERE name >= 'n3') \
                - (SELECT count(*) FROM soak.public.parent WHERE name || '' >= 'n3')",
        undo: "DROP INDEX IF EXISTS soak.public.parent_both",
    },
    Change {
        make: "ALTER TABLE soak.public.child ADD COLUMN IF NOT EXISTS twice INT8 DEFAULT 2",
        wrong: "SELECT count(*) FROM soak.public.child WHERE twice IS DISTINCT FROM 2",
        undo: "ALTER TABLE soak.public.child DROP COLUMN IF EXISTS twice",
    },
    Change {
        make: "CREATE TABLE IF NOT EXISTS soak.public.copied AS \
               SELECT id, balance FROM soak.public.account",
        wrong: "SELECT sum(balance) - 2400 FROM soak.public.copied",
        undo: "DROP TABLE IF EXISTS soak.public.copied",
    },
];

/// Makes one change, looks at it, takes it back.
pub fn step(db: &Session, dice: &mut Dice, round: &Round<'_>) -> Result<(), Gone> {
    let change = dice.pick(&CHANGES);
    for sql in [change.undo, change.make] {
        until_done(db, sql, round)?;
    }
    round.target.pause(PAUSE);
    match db.rows(change.wrong) {
        Ok(rows) => assert_eq!(rows, [["0"]], "{} after {}", change.wrong, change.make),
        Err(refusal) => return gone(&refusal, change.wrong),
    }
    until_done(db, change.undo, round)?;
    round.figures.done("changes of the schema");
    round.target.pause(PAUSE);
    Ok(())
}

fn until_done(db: &Session, sql: &str, round: &Round<'_>) -> Result<(), Gone> {
    round.figures.note(sql);
    while let Err(refusal) = db.rows(sql) {
        // A change that a kill interrupted is being brought to its end by its job.
        if refusal.code == "55006" {
            round.figures.done("changes of the schema that waited for another");
        } else if fate(&refusal, sql) == Fate::Unknown {
            return Err(Gone);
        } else {
            round.figures.done("changes of the schema told to try again");
        }
        if round.target.is_over() {
            return Err(Gone);
        }
        round.target.pause(1);
    }
    Ok(())
}

#[track_caller]
fn gone(refusal: &Refusal, sql: &str) -> Result<(), Gone> {
    assert_eq!(fate(refusal, sql), Fate::Unknown, "{sql}: {refusal}");
    Err(Gone)
}
