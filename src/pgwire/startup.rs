//! The start of a connection: SSL and GSS requests, cancel requests, the start-up packet.

use crate::error::{Error, Result, sqlstate};
use crate::pgwire::backend;
use crate::pgwire::frontend::{Reader, violation};
use crate::pgwire::stream::Stream;
use crate::sql::sessions::Sessions;

/// Request codes that stand where a protocol version would.
const CANCEL: u32 = 80_877_102;
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;

/// What a client said of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Startup {
    /// The role.
    pub user: String,
    /// The database; the role's name if none was given.
    pub database: String,
    /// Run-time parameters (`application_name`, `client_encoding`, …), those in `options` included.
    pub parameters: Vec<(String, String)>,
}

/// Reads packets until the client has introduced itself. `None` when the connection was for a
/// cancel request or the client went away.
pub fn receive(stream: &mut Stream, sessions: &Sessions) -> Result<Option<Startup>> {
    // A client asks for SSL and GSS at most once each; more is mischief.
    for _ in 0..3 {
        let Some(range) = stream.read_startup()? else { return Ok(None) };
        let body = stream.body(range).to_vec();
        let mut reader = Reader { rest: &body };
        match reader.u32()? {
            SSL | GSS => {
                stream.output.extend_from_slice(b"N");
                stream.flush()?;
            }
            CANCEL => {
                let (pid, secret) = (reader.i32()?, reader.i32()?);
                sessions.cancel(pid, secret);
                return Ok(None);
            }
            version => return read_startup(stream, version, reader).map(Some),
        }
    }
    Err(violation("too many encryption requests"))
}

fn read_startup(stream: &mut Stream, version: u32, mut reader: Reader<'_>) -> Result<Startup> {
    let (major, minor) = (version >> 16, version & 0xffff);
    if major != 3 {
        return Err(Error::new(
            sqlstate::FEATURE_NOT_SUPPORTED,
            format!("unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.0"),
        ));
    }
    let mut startup = Startup::default();
    let mut unknown = Vec::new();
    loop {
        let name = reader.text()?;
        if name.is_empty() {
            break;
        }
        let value = reader.text()?;
        match name {
            "user" => startup.user = value.to_owned(),
            "database" => startup.database = value.to_owned(),
            "options" => parse_options(value, &mut startup.parameters),
            "replication" if value != "false" && value != "off" && value != "0" => {
                return Err(Error::unsupported("replication connection"));
            }
            "replication" => {}
            _ if name.starts_with("_pq_.") => unknown.push(name.to_owned()),
            _ => startup.parameters.push((name.to_owned(), value.to_owned())),
        }
    }
    if startup.user.is_empty() {
        return Err(Error::new(
            sqlstate::INVALID_AUTHORIZATION_SPECIFICATION,
            "no PostgreSQL user name specified in startup packet",
        ));
    }
    if startup.database.is_empty() {
        startup.database = startup.user.clone();
    }
    if minor > 0 || !unknown.is_empty() {
        backend::negotiate(unknown, &mut stream.output)?;
    }
    Ok(startup)
}

/// Splits `-c name=value --name=value …`; a backslash protects the next character.
fn parse_options(options: &str, parameters: &mut Vec<(String, String)>) {
    let mut words = vec![String::new()];
    let mut characters = options.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => words.last_mut().into_iter().for_each(|w| w.extend(characters.next())),
            c if c.is_whitespace() => words.push(String::new()),
            c => words.last_mut().into_iter().for_each(|w| w.push(c)),
        }
    }
    let mut words = words.into_iter().filter(|w| !w.is_empty());
    while let Some(word) = words.next() {
        let setting = if word == "-c" {
            words.next()
        } else {
            word.strip_prefix("--").or_else(|| word.strip_prefix("-c")).map(str::to_owned)
        };
        if let Some((name, value)) = setting.as_deref().and_then(|s| s.split_once('=')) {
            parameters.push((name.replace('-', "_"), value.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_hold_settings_in_three_spellings() {
        let mut parameters = vec![];
        parse_options(
            r"-c statement_timeout=5s --search-path=a\ b -cgeqo=off nonsense",
            &mut parameters,
        );
        let expected = [("statement_timeout", "5s"), ("search_path", "a b"), ("geqo", "off")];
        assert_eq!(parameters, expected.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec());
    }
}
