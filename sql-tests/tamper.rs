//! Every kind of file of a collection, damaged in every way: RESTORE says so and leaves nothing.

use std::path::{Path, PathBuf};

use crate::process::Cairn;
use crate::wire::Session;

/// What is done to a file.
type Damage = (&'static str, fn(&Path));

const DAMAGES: &[Damage] = &[
    ("a flipped bit", |path| {
        let mut bytes = std::fs::read(path).expect("a readable file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        std::fs::write(path, bytes).expect("a writable file");
    }),
    ("a cut end", |path| {
        let bytes = std::fs::read(path).expect("a readable file");
        std::fs::write(path, &bytes[..bytes.len() / 2]).expect("a writable file");
    }),
    ("an empty file", |path| std::fs::write(path, b"").expect("a writable file")),
    ("a missing file", |path| std::fs::remove_file(path).expect("a removable file")),
];

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Files without which a restore is whole all the same.
fn is_harmless(path: &Path) -> bool {
    path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("BACKUP-STATISTICS"))
}

fn damaged(with: &str, restore_with: &str) {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE DATABASE d; CREATE TABLE d.public.t (id INT8 PRIMARY KEY, v TEXT)");
    let lines: String = (0..500).map(|i| format!("{i}\tvalue {i}\n")).collect();
    db.copy_in("COPY d.public.t FROM STDIN", lines);
    db.run(&format!("BACKUP DATABASE d INTO 'nodelocal://1/c'{with}"));
    db.run("UPDATE d.public.t SET v = 'new' WHERE id < 10");
    db.run(&format!("BACKUP DATABASE d INTO LATEST IN 'nodelocal://1/c'{with}"));
    db.run("DROP DATABASE d CASCADE");
    let collection = server.home().nodelocal().join("c");
    let all = files(&collection);
    assert!(all.len() >= 5, "{all:?}");
    let restore = format!("RESTORE DATABASE d FROM LATEST IN 'nodelocal://1/c'{restore_with}");
    for path in all.iter().filter(|p| !is_harmless(p)) {
        let whole = std::fs::read(path).expect("a readable file");
        for (damage, apply) in DAMAGES {
            apply(path);
            let shown = path.strip_prefix(&collection).expect("below").display();
            match db.rows(&restore) {
                // Without its manifest the last layer does not exist, so the chain ends before it;
                // that is how an unfinished backup looks, too.
                Ok(_) if *damage == "a missing file" && is_last_manifest(path, &all) => {
                    db.run("DROP DATABASE d CASCADE");
                }
                Ok(_) => panic!("{damage} of {shown} was not noticed"),
                Err(e) => assert!(
                    !e.code.is_empty() && !e.code.starts_with("XX000"),
                    "{damage} of {shown}: {e}"
                ),
            }
            let left = db.refused("SELECT count(*) FROM d.public.t").code;
            assert!(
                ["3D000", "3F000", "42P01"].contains(&left.as_str()),
                "{damage} of {shown}: {left}"
            );
            std::fs::write(path, &whole).expect("a writable file");
        }
    }
    // Whole again, it restores: the refusals left nothing in the way.
    db.run(&restore);
    assert_eq!(db.value("SELECT count(*) FROM d.public.t WHERE v = 'new'"), "10");
}

fn is_last_manifest(path: &Path, all: &[PathBuf]) -> bool {
    let manifests = all.iter().filter(|p| p.file_name().is_some_and(|n| n == "BACKUP"));
    manifests.max_by_key(|p| p.components().count()).is_some_and(|last| last == path)
}

#[test]
fn damage_to_a_plain_collection_is_noticed() {
    damaged("", "");
}

#[test]
fn damage_to_an_encrypted_collection_is_noticed() {
    let with = " WITH encryption_passphrase = 'sesame'";
    damaged(with, with);
}

#[test]
fn a_wrong_passphrase_and_none_are_told_apart_and_never_shown() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE DATABASE d; CREATE TABLE d.public.t (id INT8 PRIMARY KEY)");
    db.run("BACKUP DATABASE d INTO 'nodelocal://1/c' WITH encryption_passphrase = 'sesame'");
    db.run("DROP DATABASE d CASCADE");
    let restore = "RESTORE DATABASE d FROM LATEST IN 'nodelocal://1/c'";
    let none = db.refused(restore);
    assert!(none.message.contains("encrypt"), "{none}");
    let wrong = db.refused(&format!("{restore} WITH encryption_passphrase = 'mellon'"));
    assert!(!wrong.message.contains("mellon"), "{wrong}");
    assert_ne!(none.message, wrong.message);
    db.run(&format!("{restore} WITH encryption_passphrase = 'sesame'"));
    let jobs = db.run("SELECT description FROM [SHOW JOBS]");
    assert!(jobs.len() >= 2);
    assert!(jobs.iter().all(|j| !j[0].contains("sesame") && !j[0].contains("mellon")), "{jobs:?}");
    for path in files(&server.home().nodelocal()) {
        let bytes = std::fs::read(&path).expect("a readable file");
        assert!(!bytes.windows(6).any(|w| w == b"sesame"), "{}", path.display());
    }
}
