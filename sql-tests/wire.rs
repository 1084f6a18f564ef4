//! A client for tests: blocking calls over tokio-postgres, results as text.

use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// A session.
pub struct Session {
    runtime: Runtime,
    client: Client,
}

/// What the server answered with: an error's code and message.
#[derive(Debug)]
pub struct Refusal {
    /// SQLSTATE; empty if the connection broke.
    pub code: String,
    /// The message.
    pub message: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Refusal {}

impl From<tokio_postgres::Error> for Refusal {
    fn from(e: tokio_postgres::Error) -> Refusal {
        match e.as_db_error() {
            Some(db) => {
                Refusal { code: db.code().code().to_owned(), message: db.message().to_owned() }
            }
            None => Refusal { code: String::new(), message: e.to_string() },
        }
    }
}

/// Connects within a runtime.
pub async fn connect(url: &str) -> Result<Client, Refusal> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(async move {
        // The client's next call fails with the same reason.
        let _ = connection.await;
    });
    Ok(client)
}

/// Rows as text, NULL as `NULL`.
pub async fn text_rows(client: &Client, sql: &str) -> Result<Vec<Vec<String>>, Refusal> {
    let mut rows = Vec::new();
    for message in client.simple_query(sql).await? {
        if let SimpleQueryMessage::Row(row) = message {
            rows.push((0..row.len()).map(|i| row.get(i).unwrap_or("NULL").to_owned()).collect());
        }
    }
    Ok(rows)
}

impl Session {
    /// Connects.
    pub fn open(url: &str) -> Session {
        Session::try_open(url).unwrap_or_else(|e| panic!("{url}: {e}"))
    }

    /// Connects, if the server lets it.
    pub fn try_open(url: &str) -> Result<Session, Refusal> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let client = runtime.block_on(connect(url))?;
        Ok(Session { runtime, client })
    }

    /// Runs statements; rows as text.
    pub fn rows(&self, sql: &str) -> Result<Vec<Vec<String>>, Refusal> {
        self.runtime.block_on(text_rows(&self.client, sql))
    }

    /// Runs statements that must succeed.
    #[track_caller]
    pub fn run(&self, sql: &str) -> Vec<Vec<String>> {
        self.rows(sql).unwrap_or_else(|e| panic!("{sql}\n{e}"))
    }

    /// The single value of a query that must succeed.
    #[track_caller]
    pub fn value(&self, sql: &str) -> String {
        let rows = self.run(sql);
        rows.first().and_then(|r| r.first()).unwrap_or_else(|| panic!("{sql}: no rows")).clone()
    }

    /// The error of statements that must fail.
    #[track_caller]
    pub fn refused(&self, sql: &str) -> Refusal {
        match self.rows(sql) {
            Ok(rows) => panic!("{sql}\nwas not refused: {rows:?}"),
            Err(e) => e,
        }
    }

    /// The client below, for the extended protocol.
    pub fn with<T>(&self, f: impl AsyncFnOnce(&Client) -> T) -> T {
        self.runtime.block_on(f(&self.client))
    }

    /// Fills a table by COPY.
    pub fn copy_in(&self, sql: &str, text: String) -> u64 {
        use futures::SinkExt as _;
        self.with(async |client| {
            let sink = client.copy_in::<_, bytes::Bytes>(sql).await.expect("COPY");
            let mut sink = std::pin::pin!(sink);
            sink.send(bytes::Bytes::from(text)).await.expect("COPY data");
            sink.finish().await.expect("the end of COPY")
        })
    }

    /// All of `COPY … TO STDOUT`.
    pub fn copy_out(&self, sql: &str) -> String {
        use futures::TryStreamExt as _;
        let bytes: Vec<u8> = self.with(async |client| {
            let stream = client.copy_out(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
            let pieces: Vec<bytes::Bytes> = stream.try_collect().await.expect("COPY data");
            pieces.concat()
        });
        String::from_utf8(bytes).expect("UTF-8")
    }
}
