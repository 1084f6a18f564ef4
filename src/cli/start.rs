//! `cairn start`: runs a node until it is told to stop.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

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
    /// How far the machine's clock may leap ahead, or be behind the store's time at start; "off" is
    /// anywhere
    #[arg(long, value_name = "DURATION", default_value = config::MAX_OFFSET_DEFAULT)]
    max_offset: String,
    /// Start although the store's log is damaged, and give up everything after the damage
    #[arg(long)]
    discard_damaged_log: bool,
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
        config.max_offset = config::max_offset(&self.max_offset)?;
        config.discard_damaged_log = self.discard_damaged_log;
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
    match wait(&node, signals) {
        Wish::Stop => node.shutdown(GRACE),
        Wish::StartAnew => Err(start_anew()),
    }
}

/// Puts a new process in the place of this one, with the same arguments. Returns only if that
/// fails. Sessions are cut off, as in a crash: nothing that this process could still write counts.
fn start_anew() -> Error {
    use std::os::unix::process::CommandExt as _;
    tracing::warn!("the store's disk works again: starting anew to take writes");
    let mut arguments = std::env::args_os();
    let Some(name) = arguments.next() else { return Error::internal("no arguments") };
    let failed = match std::env::current_exe() {
        Ok(program) => std::process::Command::new(program).arg0(name).args(arguments).exec(),
        Err(e) => e,
    };
    Error::from(failed).context("starting anew after a failed write")
}

/// What a running node is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// End in order.
    Stop,
    /// Make place for a new process that recovers the store.
    StartAnew,
}

/// How often it is looked whether the node should start anew.
const LOOK: Duration = Duration::from_secs(1);

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
pub(super) fn wait(node: &Node, mut signals: Signals) -> Wish {
    let name = node.runtime().block_on(async {
        loop {
            tokio::select! {
                name = signals.next() => break Some(name),
                () = tokio::time::sleep(LOOK) => {}
            }
            if node.should_start_anew() {
                break None;
            }
        }
    });
    let Some(name) = name else { return Wish::StartAnew };
    tracing::info!(signal = name, "asked to stop");
    node.runtime().spawn(async move {
        signals.next().await;
        tracing::warn!("asked to stop again: stopping at once; nothing acknowledged is lost");
        std::process::exit(1);
    });
    Wish::Stop
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
