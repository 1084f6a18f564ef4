//! Whether the log lost something that was acknowledged.
//!
//! RocksDB stops replaying at the first record that it cannot read. That is right for the record
//! that a crash cut off, and wrong for damage further up: everything behind it was synced, and
//! would be gone without a word. So the log is read here before RocksDB opens it.
//!
//! ```text
//!   block of 32 KiB  │ record │ record │ first part ┊│┊ last part │ record │ …
//!   part             │ crc32c (4) │ length (2) │ kind (1) │ bytes
//!   record           │ sequence number (8) │ how many numbers (4) │ …        (a write batch)
//! ```
//!
//! A record begins only after the one before it was written, and a synced one after that was
//! synced. So a record behind a damaged place proves a loss, unless its number is the one that
//! was expected at the damaged place: then what is damaged is an attempt that failed (the disk was
//! full) and was made again.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

const BLOCK: usize = 32 << 10;
const HEADER: usize = 7;
const FULL: u8 = 1;
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;
const LAST: u8 = 4;

/// A place in the log that cannot be read, with something synced behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    file: PathBuf,
    offset: usize,
    /// Where what follows was found.
    next: (PathBuf, usize),
}

impl Damage {
    fn error(&self) -> Error {
        Error::corrupt(format!(
            "the log {} is damaged at byte {}, and commits follow it (at byte {} of {})",
            self.file.display(),
            self.offset,
            self.next.1,
            self.next.0.display()
        ))
        .with_hint(
            "Bring the file back from a copy of the disk, or restore a backup. Starting once with \
             --discard-damaged-log gives up the damaged commits and all after them.",
        )
    }
}

/// Refuses a store whose log is damaged before its end.
pub(super) fn check(store: &Path) -> Result<()> {
    match damage(store)? {
        Some(damage) => Err(damage.error()),
        None => Ok(()),
    }
}

/// The first damaged place of a store's log that is not its torn end.
fn damage(store: &Path) -> Result<Option<Damage>> {
    let mut reader = Reader::default();
    for path in files(store)? {
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            // Another process has the store and has just flushed; opening it will fail.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => {
                return Err(Error::from(e).context(format!("reading {}", path.display())));
            }
        };
        if let Some(damage) = reader.read(&path, &bytes) {
            return Ok(Some(damage));
        }
    }
    Ok(None)
}

/// The log's files, oldest first.
fn files(store: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(store) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::from(e).context(format!("reading {}", store.display()))),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let number = path
            .extension()
            .filter(|extension| *extension == "log")
            .and_then(|_| path.file_stem()?.to_str()?.parse::<u64>().ok());
        if let Some(number) = number {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// Reads files one after the other and remembers the first place that was unreadable.
#[derive(Default)]
struct Reader {
    /// The number that the next record has if nothing is missing.
    expected: Option<u64>,
    bad: Option<(PathBuf, usize)>,
    /// The beginning of a record in several parts: where it begins, and its first bytes.
    begun: Option<(usize, Vec<u8>)>,
}

/// One part of a record.
struct Part<'a> {
    kind: u8,
    bytes: &'a [u8],
    /// Where the next part's header may be.
    end: usize,
}

impl Reader {
    fn read(&mut self, path: &Path, bytes: &[u8]) -> Option<Damage> {
        self.begun = None;
        let mut at = 0;
        while at < bytes.len() {
            let left = BLOCK - at % BLOCK;
            if left < HEADER {
                at += left;
                continue;
            }
            // A file may be longer than what was written to it.
            if bytes.get(at..).is_some_and(|rest| rest.iter().all(|b| *b == 0)) {
                break;
            }
            let Some(part) = part(bytes, at) else {
                self.note(path, self.begun.as_ref().map_or(at, |(start, _)| *start));
                self.begun = None;
                at = after_damage(bytes, at);
                continue;
            };
            match part.kind {
                FULL | FIRST => {
                    if let Some((start, _)) = self.begun.take() {
                        self.note(path, start);
                    }
                    if part.kind == FIRST {
                        self.begun = Some((at, part.bytes.to_vec()));
                    } else if let Some(damage) = self.whole(path, at, part.bytes) {
                        return Some(damage);
                    }
                }
                MIDDLE | LAST => match &mut self.begun {
                    Some((_, head)) if head.len() < 12 => head.extend_from_slice(part.bytes),
                    Some(_) => {}
                    // Its beginning was unreadable, and that was noted.
                    None => self.note(path, at),
                },
                // What the log says about itself.
                _ => {}
            }
            if part.kind == LAST
                && let Some((start, head)) = self.begun.take()
                && let Some(damage) = self.whole(path, start, &head)
            {
                return Some(damage);
            }
            at = part.end;
        }
        if let Some((start, _)) = self.begun.take() {
            self.note(path, start);
        }
        None
    }

    fn note(&mut self, path: &Path, at: usize) {
        self.bad.get_or_insert_with(|| (path.to_owned(), at));
    }

    /// Takes in a record that is there from its first part to its last.
    fn whole(&mut self, path: &Path, at: usize, head: &[u8]) -> Option<Damage> {
        let (sequence, rest) = head.split_first_chunk::<8>()?;
        let (count, _) = rest.split_first_chunk::<4>()?;
        let sequence = u64::from_le_bytes(*sequence);
        if let Some((file, offset)) = self.bad.take()
            && self.expected != Some(sequence)
        {
            return Some(Damage { file, offset, next: (path.to_owned(), at) });
        }
        self.expected = Some(sequence.wrapping_add(u64::from(u32::from_le_bytes(*count))));
        None
    }
}

/// The part whose header is at a place, if it is whole and its checksum is right.
fn part(bytes: &[u8], at: usize) -> Option<Part<'_>> {
    let (header, rest) = bytes.get(at..)?.split_first_chunk::<HEADER>()?;
    let [a, b, c, d, low, high, kind] = *header;
    let length = usize::from(u16::from_le_bytes([low, high]));
    let end = at + HEADER + length;
    if kind == 0 || at % BLOCK + HEADER + length > BLOCK {
        return None;
    }
    let payload = rest.get(..length)?;
    let sum = crc32c::crc32c_append(crc32c::crc32c(&[kind]), payload);
    let masked = sum.rotate_right(15).wrapping_add(0xa282_ead8);
    (masked == u32::from_le_bytes([a, b, c, d])).then_some(Part { kind, bytes: payload, end })
}

/// Where reading may go on after a place that cannot be read: at the next place of the block that
/// looks like a part, or at the next block.
fn after_damage(bytes: &[u8], at: usize) -> usize {
    let next_block = (at / BLOCK + 1) * BLOCK;
    let kinds = FULL..=LAST;
    (at + 1..next_block.min(bytes.len()))
        .find(|i| {
            bytes.get(i + HEADER - 1).is_some_and(|kind| kinds.contains(kind))
                && part(bytes, *i).is_some()
        })
        .unwrap_or(next_block)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes records as RocksDB does.
    #[derive(Default)]
    struct Writer {
        out: Vec<u8>,
        starts: Vec<usize>,
        sequence: u64,
    }

    impl Writer {
        fn record(&mut self, size: usize) {
            let mut record = self.sequence.to_le_bytes().to_vec();
            record.extend(1u32.to_le_bytes());
            record.extend((0..size).map(|i| i as u8 ^ 0x5A));
            self.sequence += 1;
            self.starts.push(self.out.len());
            let mut rest = record.as_slice();
            let mut first = true;
            loop {
                let left = BLOCK - self.out.len() % BLOCK;
                if left < HEADER {
                    self.out.extend(vec![0; left]);
                    continue;
                }
                let (now, later) = rest.split_at(rest.len().min(left - HEADER));
                let kind = match (first, later.is_empty()) {
                    (true, true) => FULL,
                    (true, false) => FIRST,
                    (false, false) => MIDDLE,
                    (false, true) => LAST,
                };
                let sum = crc32c::crc32c_append(crc32c::crc32c(&[kind]), now);
                let sum = sum.rotate_right(15).wrapping_add(0xa282_ead8);
                self.out.extend(sum.to_le_bytes());
                self.out.extend((now.len() as u16).to_le_bytes());
                self.out.push(kind);
                self.out.extend(now);
                rest = later;
                first = false;
                if rest.is_empty() {
                    return;
                }
            }
        }
    }

    fn look(files: &[&[u8]]) -> Option<Damage> {
        let mut reader = Reader::default();
        files
            .iter()
            .enumerate()
            .find_map(|(i, bytes)| reader.read(Path::new(&format!("{i}.log")), bytes))
    }

    fn written(sizes: &[usize]) -> Writer {
        let mut writer = Writer { sequence: 7, ..Writer::default() };
        sizes.iter().for_each(|size| writer.record(*size));
        writer
    }

    #[test]
    fn an_attempt_that_failed_and_was_made_again_is_no_loss() {
        let mut log = written(&[100, 100]);
        let begin = log.out.len();
        log.record(50_000);
        // Cut off in its second part; then the same number once more, in the same file or the next.
        log.out.truncate(begin + 40_000);
        log.sequence -= 1;
        let mut next = Writer { sequence: log.sequence, ..Writer::default() };
        next.record(50_000);
        next.record(10);
        assert_eq!(look(&[&log.out, &next.out]), None);
        let before = log.out.clone();
        log.record(50_000);
        log.record(10);
        assert_eq!(look(&[&log.out]), None);
        // But with a number left out there was something.
        next = Writer { sequence: log.sequence + 1, ..Writer::default() };
        next.record(10);
        let found = look(&[&before, &next.out]).expect("a gap");
        assert_eq!((found.file, found.offset), (PathBuf::from("0.log"), begin));
    }

    #[test]
    fn space_at_the_end_that_was_never_written_is_no_damage() {
        let mut log = written(&[100]);
        log.out.extend(vec![0; 100_000]);
        assert_eq!(look(&[&log.out]), None);
        // Zeros with a record behind them are.
        let mut log = written(&[100, 200, 100]);
        let (second, third) = (log.starts[1], log.starts[2]);
        log.out[second..third].fill(0);
        assert_eq!(look(&[&log.out]).expect("damage").offset, second);
    }

    proptest! {
        #[test]
        fn a_torn_end_is_accepted_and_a_flipped_byte_before_the_last_record_is_not(
            sizes in prop::collection::vec(0usize..40_000, 2..8),
            cut in any::<prop::sample::Index>(),
            flip in any::<prop::sample::Index>(),
            bit in 0u8..8,
        ) {
            let log = written(&sizes);
            prop_assert_eq!(look(&[&log.out]), None);
            prop_assert_eq!(look(&[&log.out[..cut.index(log.out.len())]]), None);
            let last = log.starts[sizes.len() - 1];
            let mut damaged = log.out.clone();
            let at = flip.index(last);
            damaged[at] ^= 1 << bit;
            let padding = log.starts.iter().rev().find(|s| **s <= at).copied().unwrap_or(0);
            // The few zeros that fill a block up belong to no record.
            if BLOCK - at % BLOCK >= HEADER || at < padding {
                prop_assert!(look(&[&damaged]).is_some(), "byte {at}");
            }
        }

        #[test]
        fn noise_does_not_panic(bytes in prop::collection::vec(0u8..6, 0..400)) {
            let _ = look(&[&bytes]);
        }
    }
}
