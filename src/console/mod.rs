//! # console: the door for browsers and machines that watch
//!
//! A small HTTP server beside the PostgreSQL port.
//!
//! ```text
//!   GET /health    ──▶ 200 {"status":"ok"}     for load balancers: the node serves
//!   GET /metrics   ──▶ metrics.rs              for Prometheus: text format 0.0.4
//! ```
//!
//! Words: a *gauge* is a number of now, a *counter* one that only grows.
//!
//! Invariants:
//! - It asks the services of `sql` for what it shows; it keeps no state of its own.
//! - Nothing that it answers holds a row, a statement, a name or a secret: it asks for no password.
//! - Work that may wait for a disk runs on a blocking thread, not on the runtime's.
//!
//! What it is not: a way to change anything. A person works through SQL.

mod metrics;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::sql::server::Server;

/// The running HTTP server.
pub struct Console {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
}

impl Console {
    /// Binds the address and begins to serve on a runtime.
    pub fn start(runtime: &Handle, address: &str, server: Arc<Server>) -> Result<Console> {
        let listener = std::net::TcpListener::bind(address)
            .and_then(|l| l.set_nonblocking(true).map(|()| l))
            .map_err(|e| Error::from(e).context(format!("could not listen on {address}")))?;
        let address = listener.local_addr()?;
        let routes = Router::new()
            .route("/health", get(health))
            .route("/metrics", get(show_metrics))
            .with_state(server);
        let (stop, stopped) = oneshot::channel::<()>();
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        runtime.spawn(async move {
            let ended = async move {
                // A dropped sender means the same as a message: the node is going down.
                let _ = stopped.await;
            };
            if let Err(e) = axum::serve(listener, routes).with_graceful_shutdown(ended).await {
                tracing::error!(error = %e, "the console ended");
            }
        });
        tracing::info!(%address, "console");
        Ok(Console { address, stop })
    }

    /// The address in use (with the port the system chose, if it was 0).
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests; those under way end.
    pub fn shutdown(self) {
        // Nobody listens any more if the server ended by itself, which was logged.
        let _ = self.stop.send(());
    }
}

async fn health() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], "{\"status\":\"ok\"}\n")
}

async fn show_metrics(State(server): State<Arc<Server>>) -> Response {
    let gathered = tokio::task::spawn_blocking(move || metrics::gather(&server)).await;
    match gathered {
        Ok(Ok(text)) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
                .into_response()
        }
        Ok(Err(e)) => {
            tracing::warn!(error = %e, "metrics could not be gathered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Err(e) => {
            tracing::error!(error = %e, "gathering metrics panicked");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
