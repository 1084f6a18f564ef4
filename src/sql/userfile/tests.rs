//! userfile storage as every store has to be, and what it makes of tables that are absent or damaged.

use super::*;
use crate::cloud::conformance::conforms;
use crate::sql::testing::{ask, login, server};

fn uri(text: &str) -> ExternalUri {
    ExternalUri::parse(text).unwrap()
}

#[test]
fn userfile_conforms_and_leaves_no_piece_behind() {
    let server = server();
    let uri = uri("userfile://defaultdb.public.mine/a/b");
    Tables::of(&uri).unwrap().unwrap().create(&server, "root").unwrap();
    conforms(server.cloud.open_uri(&uri, None).unwrap());
    let mut session = login(&server, "root");
    let stray = "SELECT count(*) FROM mine_upload_payload WHERE file_id NOT IN \
                 (SELECT file_id FROM mine_upload_files)";
    let rows = ask(&mut session, stray).unwrap().rows;
    assert!(matches!(rows[0][0], Datum::Int8(0)), "{rows:?}");
}

#[test]
fn where_there_are_no_tables_there_are_no_files() {
    let server = server();
    for place in ["userfile://defaultdb.public.none/x", "userfile://nowhere.public.none/x"] {
        let store = server.cloud.open_uri(&uri(place), None).unwrap();
        assert_eq!(store.size("f").unwrap(), None);
        assert!(store.list("").unwrap().is_empty());
        assert_eq!(store.read("f").unwrap_err().code(), sqlstate::UNDEFINED_FILE);
    }
}

#[test]
fn a_damaged_payload_is_noticed() {
    let server = server();
    let uri = uri("userfile://defaultdb.public.mine");
    Tables::of(&uri).unwrap().unwrap().create(&server, "root").unwrap();
    let store = server.cloud.open_uri(&uri, None).unwrap();
    let content = Bytes::from(vec![7u8; 3 * PIECE_BYTES + 5]);
    store.write("f", content.clone(), WriteMode::CreateNew).unwrap();
    assert_eq!(store.read("f").unwrap(), content);
    let middle = PIECE_BYTES as u64 - 2;
    assert_eq!(store.read_range("f", middle, 4).unwrap()[..], [7; 4]);
    let mut session = login(&server, "root");
    ask(
        &mut session,
        "DELETE FROM mine_upload_payload WHERE byte_offset > 0 AND byte_offset < 300000",
    )
    .unwrap();
    assert_eq!(store.read("f").unwrap_err().code(), sqlstate::DATA_CORRUPTED);
    assert_eq!(store.read_range("f", 0, 10).unwrap()[..], [7; 10]);
}
