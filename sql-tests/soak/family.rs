//! Family: no child without its parent, no name twice, whoever comes and goes at once.

use super::figures::Figures;
use super::round::{Dice, Fate, Gone, Round, Workload, fate};
use crate::wire::{Refusal, Session};

const PARENTS: u64 = 12;
const NAMES: u64 = 16;

pub struct Family;

impl Family {
    pub fn new() -> Family {
        Family
    }
}

impl Workload for Family {
    fn name(&self) -> &'static str {
        "keys and references"
    }

    fn create(&self, db: &Session) {
        db.run(
            "CREATE TABLE soak.public.parent (id INT8 PRIMARY KEY, name TEXT NOT NULL UNIQUE); \
             CREATE TABLE soak.public.child (id SERIAL PRIMARY KEY, \
               parent INT8 NOT NULL REFERENCES soak.public.parent); \
             CREATE INDEX child_parent ON soak.public.child (parent); \
             CREATE TABLE soak.public.ward (id SERIAL PRIMARY KEY, \
               parent INT8 NOT NULL REFERENCES soak.public.parent ON DELETE CASCADE); \
             CREATE INDEX ward_parent ON soak.public.ward (parent)",
        );
    }

    fn clients(&self) -> u64 {
        3
    }

    fn step(&self, _: u64, db: &Session, dice: &mut Dice, round: &Round<'_>) -> Result<(), Gone> {
        let (parent, name) = (dice.below(PARENTS), dice.below(NAMES));
        let one = match dice.below(10) {
            0 | 1 => format!("INSERT INTO soak.public.parent VALUES ({parent}, 'n{name}')"),
            2 => format!(
                "INSERT INTO soak.public.parent VALUES ({parent}, 'n{name}') ON CONFLICT DO NOTHING"
            ),
            3 => format!("UPDATE soak.public.parent SET name = 'n{name}' WHERE id = {parent}"),
            4 => format!("INSERT INTO soak.public.child (parent) VALUES ({parent})"),
            5 | 6 => format!("INSERT INTO soak.public.ward (parent) VALUES ({parent}), ({parent})"),
            7 => format!("DELETE FROM soak.public.child WHERE parent = {parent}"),
            8 => format!("UPDATE soak.public.ward SET parent = {parent} WHERE id % 7 = 0"),
            _ => format!("DELETE FROM soak.public.parent WHERE id = {parent}"),
        };
        let level = dice.level();
        let outcome = if dice.one_in(2) {
            db.rows(&one)
        } else {
            let other = dice.below(PARENTS);
            db.rows(&format!("BEGIN ISOLATION LEVEL {level}"))
                .and_then(|_| {
                    db.rows(&format!("SELECT * FROM soak.public.parent WHERE id = {other}"))
                })
                .and_then(|_| db.rows(&one))
                .and_then(|_| db.rows("COMMIT"))
        };
        match outcome {
            Ok(_) => round.acknowledged(self),
            // Refused as it should be: by a unique key or a reference.
            Err(refusal) if ["23505", "23503"].contains(&refusal.code.as_str()) => {
                round.figures.done("rows refused by a key or a reference");
                db.rows("ROLLBACK").map_err(|_| Gone)?;
            }
            Err(refusal) => {
                if fate(&refusal, &one) == Fate::Unknown {
                    round.figures.unknown(self.name());
                    return Err(Gone);
                }
                round.figures.refused(self.name());
                db.rows("ROLLBACK").map_err(|_| Gone)?;
            }
        }
        Ok(())
    }

    fn check(&self, db: &Session, _: &Figures) {
        self.check_moment(db, "soak.public", "").expect("a readable family");
    }

    fn check_moment(&self, db: &Session, schema: &str, clause: &str) -> Result<(), Refusal> {
        for table in ["child", "ward"] {
            let orphans = db.rows(&format!(
                "SELECT count(*) FROM {schema}.{table} AS c \
                 LEFT JOIN {schema}.parent AS p ON p.id = c.parent {clause} WHERE p.id IS NULL"
            ))?;
            assert_eq!(orphans[0][0], "0", "orphans: {table} in {schema} {clause}");
        }
        let rows = db.rows(&format!(
            "SELECT count(*), count(DISTINCT name), count(DISTINCT id) FROM {schema}.parent {clause}"
        ))?;
        let row = &rows[0];
        assert!(row[0] == row[1] && row[0] == row[2], "a name twice in {schema} {clause}: {row:?}");
        Ok(())
    }
}
