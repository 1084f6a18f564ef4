//! Backup to a real S3 server, and back; keys wrapped by a real key management service.
//!
//! The server is moto's, from the virtual environment that `./dev` makes (or on the PATH); see
//! `CAIRN_MOTO_SERVER`. It holds its buckets in memory and ends with the test.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::process::Cairn;
use crate::wire::Session;

struct S3 {
    child: Child,
    address: String,
}

impl S3 {
    fn start() -> S3 {
        let program =
            std::env::var("CAIRN_MOTO_SERVER").unwrap_or_else(|_| "moto_server".to_owned());
        let mut child = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .env("PYTHONUNBUFFERED", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{program}: {e}; ./dev test installs it"));
        let mut said = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut all = String::new();
        let address = loop {
            let mut line = String::new();
            let read = said.read_line(&mut line).expect("a readable pipe");
            all.push_str(&line);
            assert!(read > 0, "{program} did not start:\n{all}");
            if let Some((_, rest)) = line.split_once("Running on http://") {
                break rest.trim().to_owned();
            }
        };
        // What it says of each request must go somewhere, or it would wait for a reader.
        std::thread::spawn(move || {
            let _ = said.read_to_string(&mut String::new());
        });
        let s3 = S3 { child, address };
        let made = s3.request("PUT", "/bucket");
        assert!(made.starts_with("HTTP/1.1 200"), "{made}");
        s3
    }

    fn request(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            self.address
        )
        .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// Makes a master key in a region; its id.
    fn master_key(&self, region: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: TrentService.CreateKey\r\n\
             Content-Type: application/x-amz-json-1.1\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=id/20200101/{region}/kms/aws4_request, SignedHeaders=host, Signature=0\r\n\
             Content-Length: 2\r\nConnection: close\r\n\r\n{{}}",
            self.address
        )
        .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (_, rest) = answer.split_once("\"KeyId\": \"").unwrap_or_else(|| panic!("{answer}"));
        rest.split('"').next().expect("an id").to_owned()
    }

    fn kms(&self, region: &str, key: &str) -> String {
        format!(
            "aws:///{key}?REGION={region}&AUTH=specified&AWS_ACCESS_KEY_ID=id\
             &AWS_SECRET_ACCESS_KEY=verysecret&AWS_ENDPOINT=http%3A%2F%2F{}",
            self.address.replace(':', "%3A")
        )
    }

    fn uri(&self, dir: &str) -> String {
        format!(
            "s3://bucket/{dir}?AWS_ACCESS_KEY_ID=id&AWS_SECRET_ACCESS_KEY=verysecret\
             &AWS_REGION=us-east-1&AWS_ENDPOINT=http%3A%2F%2F{}",
            self.address.replace(':', "%3A")
        )
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_chain_on_s3_restores_and_its_secrets_stay_secret() {
    let s3 = S3::start();
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE DATABASE d");
    db.run(
        "CREATE TABLE d.public.t (id INT8 PRIMARY KEY, v TEXT); CREATE INDEX v ON d.public.t (v)",
    );
    let lines: String = (0..30_000).map(|i| format!("{i}\tvalue {}\n", i * 31 % 997)).collect();
    db.copy_in("COPY d.public.t FROM STDIN", lines);
    let uri = s3.uri("backups");
    db.run(&format!("BACKUP DATABASE d INTO '{uri}'"));
    db.run("UPDATE d.public.t SET v = 'new' WHERE id % 100 = 0");
    db.run("DELETE FROM d.public.t WHERE id % 100 = 1");
    db.run(&format!("BACKUP DATABASE d INTO LATEST IN '{uri}'"));
    let all = "COPY (SELECT * FROM d.public.t ORDER BY id) TO STDOUT";
    let before = db.copy_out(all);
    assert_eq!(db.run(&format!("SHOW BACKUPS IN '{uri}'")).len(), 1);
    let listed = s3.request("GET", "/bucket?list-type=2");
    assert!(listed.contains("backups/LATEST"), "{listed}");

    db.run("DROP DATABASE d CASCADE");
    db.run(&format!("RESTORE DATABASE d FROM LATEST IN '{uri}'"));
    assert!(before == db.copy_out(all), "the rows differ");
    assert_eq!(db.value("SELECT count(*) FROM d.public.t WHERE v = 'new'"), "300");

    // SHOW JOBS cuts long descriptions short; SHOW JOB does not.
    let jobs = db.run("SELECT job_id FROM [SHOW JOBS]");
    assert_eq!(jobs.len(), 3);
    for job in &jobs {
        let description = db.value(&format!("SELECT description FROM [SHOW JOB {}]", job[0]));
        assert!(description.contains("AWS_SECRET_ACCESS_KEY=redacted"), "{description}");
    }
    assert!(!server.home().log().contains("verysecret"));
}

#[test]
fn what_is_wrong_with_a_bucket_is_said_without_its_keys() {
    let s3 = S3::start();
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE TABLE t (id INT8 PRIMARY KEY)");
    let absent = s3.uri("x").replace("s3://bucket/", "s3://nowhere/");
    let refusal = db.refused(&format!("BACKUP TABLE t INTO '{absent}'"));
    assert!(!refusal.message.contains("verysecret") && !refusal.code.is_empty(), "{refusal}");
    let empty = db.refused(&format!("RESTORE TABLE t FROM LATEST IN '{}'", s3.uri("nothing")));
    assert_eq!(empty.code, "58P01", "{empty}");
    let keyless = format!("s3://bucket/x?AWS_ENDPOINT=http%3A%2F%2F{}", s3.address);
    let refusal = db.refused(&format!("BACKUP TABLE t INTO '{keyless}'"));
    assert!(refusal.message.contains("AWS_ACCESS_KEY_ID"), "{refusal}");
    // The server goes on.
    assert_eq!(db.value("SELECT count(*) FROM t"), "0");
}

#[test]
fn a_chain_under_master_keys_of_two_regions_opens_by_either_and_by_no_other() {
    let s3 = S3::start();
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE DATABASE d");
    db.run("CREATE TABLE d.public.t (id INT8 PRIMARY KEY, v TEXT)");
    db.run("INSERT INTO d.public.t SELECT g, 'value ' || g FROM generate_series(1, 1000) g");
    let east = s3.kms("us-east-1", &s3.master_key("us-east-1"));
    let west = s3.kms("us-west-2", &s3.master_key("us-west-2"));
    let other = s3.kms("us-east-1", &s3.master_key("us-east-1"));
    let uri = s3.uri("sealed");
    db.run(&format!("BACKUP DATABASE d INTO '{uri}' WITH kms = ('{east}', '{west}')"));
    db.run("DELETE FROM d.public.t WHERE id <= 10");
    db.run(&format!("BACKUP DATABASE d INTO LATEST IN '{uri}' WITH kms = '{west}'"));
    for (name, key) in [("a", &east), ("b", &west)] {
        let restore = "RESTORE DATABASE d FROM LATEST IN";
        db.run(&format!("{restore} '{uri}' WITH new_db_name = '{name}', kms = '{key}'"));
        assert_eq!(db.value(&format!("SELECT count(*) FROM {name}.public.t")), "990");
    }
    // Nothing that lies in the bucket can be read without a key.
    assert!(!s3.request("GET", "/bucket/sealed/LATEST").contains("verysecret"));
    let show = format!("SHOW BACKUP FROM LATEST IN '{uri}'");
    assert_eq!(db.refused(&show).code, "22023");
    let refusal = db.refused(&format!("{show} WITH kms = '{other}'"));
    assert!(refusal.message.contains("was not used when encrypting"), "{refusal}");
    let absent = s3.kms("us-east-1", "00000000-0000-0000-0000-000000000000");
    let refusal = db.refused(&format!("BACKUP DATABASE d INTO '{uri}' WITH kms = '{absent}'"));
    assert!(refusal.message.contains("NotFoundException"), "{refusal}");
    assert!(!refusal.message.contains("verysecret"), "{refusal}");
    // A new key is let in by an old one.
    db.run(&format!(
        "ALTER BACKUP LATEST IN '{uri}' ADD NEW_KMS = '{other}' WITH OLD_KMS = '{east}'"
    ));
    db.run(&format!("{show} WITH kms = '{other}'"));
    for job in &db.run("SELECT job_id FROM [SHOW JOBS]") {
        let description = db.value(&format!("SELECT description FROM [SHOW JOB {}]", job[0]));
        assert!(description.contains("kms = "), "{description}");
        assert!(!description.contains("verysecret"), "{description}");
    }
    assert!(!server.home().log().contains("verysecret"));
}
