//! The log: structured events on standard error.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::error::{Error, Result, sqlstate};

/// The environment variable that says what is logged (`info`, `cairndb::jobs=debug,warn`, …).
const VARIABLE: &str = "CAIRN_LOG";

/// How events look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A line for people.
    #[default]
    Text,
    /// An object a line.
    Json,
}

/// Begins to log; `usual` is what is logged if nobody says otherwise.
pub(super) fn begin(format: Format, usual: &str) -> Result<()> {
    let wanted = std::env::var(VARIABLE).unwrap_or_default();
    let wanted = if wanted.is_empty() { usual.to_owned() } else { wanted };
    let filter = EnvFilter::try_new(&wanted).map_err(|e| {
        Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            format!("{VARIABLE} holds \"{wanted}\", which is no log filter: {e}"),
        )
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second call in one process leaves the first one's log in place, which serves as well.
    let _ = match format {
        Format::Text => log.with_ansi(false).try_init(),
        Format::Json => log.json().try_init(),
    };
    Ok(())
}
