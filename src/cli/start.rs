//! `cairn start`: runs a node until it is told to stop.

use std::io::Write as _;
use std::path::PathBuf;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::log;
use crate::config::{self, Config, LISTEN_DEFAULT, ROOT_PASSWORD_VARIABLE, Secret};
use crate::error::{Error, Result, sqlstate};
use crate::node::{GRACE, Node};
use crate::settings::parse_bytes;

/// What can be typed after `cairn start`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Directory that holds everything; made if it is not there
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Where PostgreSQL clients connect; port 0 lets the system choose
    #[arg(long, value_name = "HOST:PORT", default_value = LISTEN_DEFAULT)]
    listen: String,
    /// Where /health and /metrics are served; not served without
    #[arg(long, value_name = "HOST:PORT")]
    http: Option<String>,
    /// Directory of nodelocal:// files, or "disabled" [default: extern in the store]
    #[arg(long, value_name = "DIR")]
    external_io_dir: Option<String>,
    /// Where this server stands, widest tier first (region=eu,zone=eu-1)
    #[arg(long, value_name = "KEY=VALUE,…", default_value = "")]
    locality: String,
    /// Believe every client without a password
    #[arg(long)]
    insecure: bool,
    /// Refuse http, https and custom endpoints as external storage
    #[arg(long)]
    external_io_disable_http: bool,
    /// Refuse external storage with the server's own credentials
    #[arg(long)]
    external_io_disable_implicit_credentials: bool,
    /// Memory for cached blocks of the store
    #[arg(long, value_name = "SIZE", default_value = "256MiB")]
    cache: String,
    /// File that gets the addresses in use once clients are served
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// How the log looks
    #[arg(long, value_enum, default_value_t)]
    log_format: log::Format,
}

impl Arguments {
    fn config(&self) -> Result<Config> {
        let mut config = Config::new(&self.store);
        config.listen = self.listen.clone();
        config.http = self.http.clone();
        config.external_io_dir =
            config::external_io_dir(self.external_io_dir.as_deref(), &self.store)?;
        config.locality = config::locality(&self.locality)?;
        config.insecure = self.insecure;
        config.disable_external_http = self.external_io_disable_http;
        config.disable_implicit_credentials = self.external_io_disable_implicit_credentials;
        config.ready_file = self.ready_file.clone();
        config.cache_bytes =
            parse_bytes(&self.cache).and_then(|n| usize::try_from(n).ok()).ok_or_else(|| {
                Error::new(
                    sqlstate::INVALID_PARAMETER_VALUE,
                    format!("\"{}\" is not a size such as 256MiB", self.cache),
                )
            })?;
        config.root_password = match std::env::var(ROOT_PASSWORD_VARIABLE) {
            Ok(password) if password.is_empty() => None,
            Ok(password) => Some(Secret::new(password)),
            Err(std::env::VarError::NotPresent) => None,
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(Error::new(
                    sqlstate::INVALID_PARAMETER_VALUE,
                    format!("{ROOT_PASSWORD_VARIABLE} is not UTF-8"),
                ));
            }
        };
        Ok(config)
    }
}

/// Runs the node.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    log::begin(arguments.log_format, "info")?;
    let node = Node::start(&arguments.config()?)?;
    let signals = {
        let _inside = node.runtime().enter();
        Signals::listen()?
    };
    greet(&node);
    wait(&node, signals);
    node.shutdown(GRACE)
}

/// Tells whoever started the process how to connect.
fn greet(node: &Node) {
    let mut text =
        format!("cairn {} is ready.\n  psql '{}'\n", env!("CARGO_PKG_VERSION"), node.url());
    if let Some(address) = node.http_address() {
        text.push_str(&format!("  http://{address}/metrics\n"));
    }
    // Nobody may be listening any more, which is no reason not to serve.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Waits until somebody asks the process to end; a second request ends it at once.
pub(super) fn wait(node: &Node, mut signals: Signals) {
    let name = node.runtime().block_on(signals.next());
    tracing::info!(signal = name, "asked to stop");
    node.runtime().spawn(async move {
        signals.next().await;
        tracing::warn!("asked to stop again: stopping at once; nothing acknowledged is lost");
        std::process::exit(1);
    });
}

/// The signals that ask a process to end.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Begins to listen. Must be called within a runtime.
    pub(super) fn listen() -> Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
