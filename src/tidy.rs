//! The house rules, as a test: floors, file lengths, essays, names.
//!
//! It reads the sources as text, so it needs no build plugin and its findings name a file and a
//! line. What it checks is what `lib.rs` promises.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of each floor, lowest first. A room imports only from lower floors.
const FLOORS: &[&[&str]] = &[
    &["error"],
    &["clock"],
    &["ids"],
    &["limits"],
    &["settings"],
    &["task"],
    &["syntax", "types"],
    &["keys"],
    &["kv"],
    &["mvcc"],
    &["catalog", "cloud"],
    &["archive", "jobs"],
    &["backup", "restore"],
    &["sql"],
    &["console", "pgwire"],
    &["config"],
    &["node"],
    &["cli"],
    &["main"],
];

/// Rooms that are tests and may see everything.
const ABOVE_ALL: &[&str] = &["lib", "simulation", "tidy"];

/// Longest file, in lines of production code.
const LINES_MAX: usize = 600;

/// Files that are lists of equal entries and may be longer.
const LONG_LISTS: &[&str] = &["syntax/text/keyword.rs"];

/// Names that say nothing about what is inside.
const BANNED_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "manager", "misc"];

/// Marks of unfinished work.
const BANNED_WORDS: &[&str] = &["TODO", "FIXME", "XXX:", "todo!(", "unimplemented!("];

struct Source {
    path: PathBuf,
    room: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable source folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let relative = path.strip_prefix(&root).expect("below src").to_path_buf();
                let first = relative.iter().next().expect("a name").to_string_lossy();
                let room = first.trim_end_matches(".rs").to_owned();
                let text = fs::read_to_string(&path).expect("readable source");
                found.push(Source { path: relative, room, text });
            }
        }
    }
    // A room under construction joins the house, and its rules, when lib.rs declares it.
    let rooms = fs::read_to_string(root.join("lib.rs")).expect("readable lib.rs");
    let built: BTreeSet<String> = declared(&rooms).into_iter().collect();
    found.retain(|s| built.contains(&s.room) || s.room == "lib" || s.room == "main");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// The code of a file without its tests, which stand last.
fn production(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(text)
}

/// The rooms that a text names after `crate::`, with line numbers. Comments do not count.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or(line);
        for piece in code.split("crate::").skip(1) {
            let room: String =
                piece.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if !room.is_empty() {
                found.push((number + 1, room));
            }
        }
    }
    found
}

fn report(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn a_room_imports_only_from_lower_floors() {
    let mut findings = Vec::new();
    for source in sources() {
        if ABOVE_ALL.contains(&source.room.as_str()) {
            continue;
        }
        let Some(own) = floor(&source.room) else {
            findings.push(format!("{}: the room is on no floor", source.path.display()));
            continue;
        };
        for (line, room) in imports(&source.text) {
            match floor(&room) {
                Some(other) if room == source.room || other < own => {}
                Some(_) => findings.push(format!(
                    "{}:{line}: {} may not import {room}",
                    source.path.display(),
                    source.room
                )),
                None => {
                    findings.push(format!("{}:{line}: no room is {room}", source.path.display()))
                }
            }
        }
    }
    report(findings);
}

#[test]
fn files_stay_short() {
    let findings = sources()
        .iter()
        .filter(|s| !LONG_LISTS.contains(&s.path.to_string_lossy().as_ref()))
        .map(|s| (s, production(&s.text).lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(s, lines)| format!("{}: {lines} lines, at most {LINES_MAX}", s.path.display()))
        .collect();
    report(findings);
}

#[test]
fn every_file_says_what_it_is_and_every_room_has_an_essay() {
    let mut findings = Vec::new();
    for source in sources() {
        let opening = source.text.lines().take_while(|line| line.starts_with("//!")).count();
        let is_room = source.path.ends_with("mod.rs") && source.path.iter().count() == 2;
        if opening == 0 {
            findings.push(format!("{}: does not open with //!", source.path.display()));
        } else if is_room && opening < 12 {
            findings.push(format!("{}: {opening} lines are no essay", source.path.display()));
        }
    }
    report(findings);
}

#[test]
fn names_say_what_is_inside() {
    let mut findings = Vec::new();
    for source in sources() {
        for part in source.path.iter() {
            let name = part.to_string_lossy();
            if BANNED_NAMES.contains(&name.trim_end_matches(".rs")) {
                findings.push(format!("{}: name it by its noun", source.path.display()));
            }
        }
    }
    report(findings);
}

#[test]
fn nothing_is_left_unfinished() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|s| s.room != "tidy") {
        for (number, line) in source.text.lines().enumerate() {
            if BANNED_WORDS.iter().any(|word| line.contains(word)) {
                findings.push(format!("{}:{}: {}", source.path.display(), number + 1, line.trim()));
            }
        }
    }
    report(findings);
}

#[test]
fn every_file_is_part_of_the_crate() {
    let all = sources();
    let known: BTreeSet<String> = all
        .iter()
        .flat_map(|s| {
            let folder = match s.path.file_name().and_then(|n| n.to_str()) {
                Some("mod.rs" | "lib.rs" | "main.rs") | None => {
                    s.path.parent().unwrap_or(Path::new("")).to_path_buf()
                }
                Some(_) => s.path.with_extension(""),
            };
            declared(&s.text).into_iter().flat_map(move |name| {
                [folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")]
                    .map(|p| p.to_string_lossy().into_owned())
            })
        })
        .collect();
    let findings = all
        .iter()
        .map(|s| s.path.to_string_lossy().into_owned())
        .filter(|p| p != "lib.rs" && p != "main.rs" && !known.contains(p))
        .map(|p| format!("{p}: no module declares this file"))
        .collect();
    report(findings);
}

/// The modules that a text declares.
fn declared(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let line = line.trim_start();
            let line = line
                .strip_prefix("pub(super) ")
                .or_else(|| line.strip_prefix("pub(crate) "))
                .or_else(|| line.strip_prefix("pub "))
                .unwrap_or(line);
            line.strip_prefix("mod ")?.strip_suffix(';').map(str::to_owned)
        })
        .collect()
}

#[test]
fn the_import_reader_sees_through_braces_and_comments() {
    let text = "use crate::keys::Span; // crate::sql\nlet x = crate::mvcc::Txn::new();\n";
    assert_eq!(imports(text), vec![(1, "keys".to_owned()), (2, "mvcc".to_owned())]);
}
