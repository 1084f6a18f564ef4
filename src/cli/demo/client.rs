//! A connection over the wire, as any client of PostgreSQL makes it.

use std::pin::pin;

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::error::{Error, Result, sqlstate};

/// A session.
pub(super) struct Connection {
    client: Client,
}

/// The rows of a result as text.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Names of the columns.
    pub(super) columns: Vec<String>,
    /// Values; NULL is `None`.
    pub(super) rows: Vec<Vec<Option<String>>>,
    /// Rows that the statement changed or returned, as its tag says.
    pub(super) affected: u64,
}

impl Answer {
    /// The value of a column in the first row.
    pub(super) fn first(&self, column: &str) -> Option<&str> {
        let at = self.columns.iter().position(|c| c == column)?;
        self.rows.first()?.get(at)?.as_deref()
    }
}

impl Connection {
    /// Logs in. The connection ends when this is dropped.
    pub(super) async fn open(url: &str) -> Result<Connection> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.map_err(failed)?;
        tokio::spawn(async move {
            if let Err(e) = connection.await {
                tracing::debug!(error = %e, "the demo's connection ended");
            }
        });
        Ok(Connection { client })
    }

    /// Runs one statement.
    pub(super) async fn run(&self, sql: &str) -> Result<Answer> {
        let mut answer = Answer::default();
        for message in self.client.simple_query(sql).await.map_err(failed)? {
            match message {
                SimpleQueryMessage::RowDescription(columns) => {
                    answer.columns = columns.iter().map(|c| c.name().to_owned()).collect();
                }
                SimpleQueryMessage::Row(row) => answer
                    .rows
                    .push((0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect()),
                SimpleQueryMessage::CommandComplete(n) => answer.affected = n,
                _ => {}
            }
        }
        Ok(answer)
    }

    /// Sends lines into `COPY … FROM STDIN`.
    pub(super) async fn copy_in(&self, sql: &str, text: String) -> Result<u64> {
        let sink = self.client.copy_in::<_, Bytes>(sql).await.map_err(failed)?;
        let mut sink = pin!(sink);
        sink.send(Bytes::from(text)).await.map_err(failed)?;
        sink.finish().await.map_err(failed)
    }

    /// Reads all of `COPY … TO STDOUT`, piece by piece.
    pub(super) async fn copy_out(&self, sql: &str, mut each: impl FnMut(&[u8])) -> Result<()> {
        let stream = self.client.copy_out(sql).await.map_err(failed)?;
        let mut stream = pin!(stream);
        while let Some(piece) = stream.next().await {
            each(&piece.map_err(failed)?);
        }
        Ok(())
    }
}

/// A client's error as ours.
fn failed(e: tokio_postgres::Error) -> Error {
    match e.as_db_error() {
        Some(db) => {
            let mut error = Error::internal(format!("{} ({})", db.message(), db.code().code()));
            if let Some(detail) = db.detail() {
                error = error.with_detail(detail);
            }
            if let Some(hint) = db.hint() {
                error = error.with_hint(hint);
            }
            error
        }
        None => Error::new(sqlstate::CONNECTION_FAILURE, e.to_string()).with_source(e),
    }
}
