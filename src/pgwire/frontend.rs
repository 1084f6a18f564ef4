//! Client messages: bytes to values, without I/O and without trust.

use crate::error::{Error, Result, sqlstate};

/// A message of the main phase. Borrowed from the read buffer.
#[derive(Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A text of statements to run at once.
    Query(&'a str),
    /// Prepares a statement.
    Parse {
        /// The statement's name; empty for the unnamed one.
        name: &'a str,
        /// Its text.
        text: &'a str,
        /// Parameter types; 0 leaves one to inference.
        types: Vec<u32>,
    },
    /// Makes a portal from a statement and parameter values.
    Bind {
        /// The portal's name; empty for the unnamed one.
        portal: &'a str,
        /// The statement's name.
        statement: &'a str,
        /// Format codes of the values: none, one for all, or one each.
        formats: Vec<i16>,
        /// The values; `None` is NULL.
        values: Vec<Option<&'a [u8]>>,
        /// Format codes of the results: none, one for all, or one each.
        result_formats: Vec<i16>,
    },
    /// Asks what a statement takes and gives.
    DescribeStatement(&'a str),
    /// Asks what a portal gives.
    DescribePortal(&'a str),
    /// Runs a portal.
    Execute {
        /// The portal's name.
        portal: &'a str,
        /// Rows at most; 0 for all.
        limit: u32,
    },
    /// Forgets a statement.
    CloseStatement(&'a str),
    /// Forgets a portal.
    ClosePortal(&'a str),
    /// Asks for what is in the output buffer.
    Flush,
    /// Ends a sequence of extended messages.
    Sync,
    /// Says goodbye.
    Terminate,
    /// A piece of COPY data.
    CopyData(&'a [u8]),
    /// COPY data is complete.
    CopyDone,
    /// The client gives up a COPY, and why.
    CopyFail(&'a str),
    /// Password, SASL response: depends on the phase.
    Password(&'a [u8]),
}

/// Reads a message's body. `kind` is the type byte.
pub fn parse(kind: u8, body: &[u8]) -> Result<Message<'_>> {
    let mut reader = Reader { rest: body };
    let message = match kind {
        b'Q' => Message::Query(reader.text()?),
        b'P' => {
            let name = reader.text()?;
            let text = reader.text()?;
            let count = reader.count()?;
            let types = (0..count).map(|_| reader.u32()).collect::<Result<_>>()?;
            Message::Parse { name, text, types }
        }
        b'B' => {
            let portal = reader.text()?;
            let statement = reader.text()?;
            let formats = reader.formats()?;
            let count = reader.count()?;
            let values = (0..count).map(|_| reader.value()).collect::<Result<_>>()?;
            let result_formats = reader.formats()?;
            Message::Bind { portal, statement, formats, values, result_formats }
        }
        b'D' | b'C' => {
            let target = reader.u8()?;
            let name = reader.text()?;
            match (kind, target) {
                (b'D', b'S') => Message::DescribeStatement(name),
                (b'D', b'P') => Message::DescribePortal(name),
                (b'C', b'S') => Message::CloseStatement(name),
                (b'C', b'P') => Message::ClosePortal(name),
                _ => {
                    return Err(violation(format!(
                        "invalid DESCRIBE or CLOSE message subtype {target}"
                    )));
                }
            }
        }
        b'E' => {
            let portal = reader.text()?;
            let limit = u32::try_from(reader.i32()?).unwrap_or(0);
            Message::Execute { portal, limit }
        }
        b'H' => Message::Flush,
        b'S' => Message::Sync,
        b'X' => Message::Terminate,
        b'd' => return Ok(Message::CopyData(body)),
        b'c' => Message::CopyDone,
        b'f' => Message::CopyFail(reader.text()?),
        b'p' => return Ok(Message::Password(body)),
        _ => return Err(violation(format!("invalid frontend message type {kind}"))),
    };
    if reader.rest.is_empty() { Ok(message) } else { Err(violation("invalid message format")) }
}

/// `08P01`.
pub fn violation(message: impl Into<String>) -> Error {
    Error::new(sqlstate::PROTOCOL_VIOLATION, message)
}

/// Takes bounds-checked pieces off the front of a body.
pub struct Reader<'a> {
    /// What has not been read.
    pub rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .rest
            .split_at_checked(n)
            .ok_or_else(|| violation("insufficient data left in message"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| violation("insufficient data left in message"))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    /// An unsigned 32-bit number.
    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// A signed 32-bit number.
    pub fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// A 16-bit count, which is unsigned on the wire.
    fn count(&mut self) -> Result<usize> {
        Ok(usize::from(u16::from_be_bytes(self.array()?)))
    }

    fn formats(&mut self) -> Result<Vec<i16>> {
        let count = self.count()?;
        (0..count).map(|_| Ok(i16::from_be_bytes(self.array()?))).collect()
    }

    fn value(&mut self) -> Result<Option<&'a [u8]>> {
        match self.i32()? {
            -1 => Ok(None),
            n => {
                let n = usize::try_from(n).map_err(|_| violation("invalid value length"))?;
                self.take(n).map(Some)
            }
        }
    }

    /// A string with its terminating zero.
    pub fn text(&mut self) -> Result<&'a str> {
        let end = self
            .rest
            .iter()
            .position(|&b| b == 0)
            .ok_or_else(|| violation("invalid string in message"))?;
        let text = self.take(end)?;
        self.take(1)?;
        std::str::from_utf8(text).map_err(|_| {
            Error::new(
                sqlstate::CHARACTER_NOT_IN_REPERTOIRE,
                "invalid byte sequence for encoding \"UTF8\"",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bind_message_is_taken_apart() {
        let mut body = b"p\0s\0".to_vec();
        body.extend([0, 1, 0, 1]); // one format: binary
        body.extend([0, 2]); // two values
        body.extend([0, 0, 0, 2, 7, 8]);
        body.extend([255, 255, 255, 255]);
        body.extend([0, 0]);
        assert_eq!(
            parse(b'B', &body).unwrap(),
            Message::Bind {
                portal: "p",
                statement: "s",
                formats: vec![1],
                values: vec![Some(&[7, 8][..]), None],
                result_formats: vec![],
            }
        );
    }

    #[test]
    fn counts_and_lengths_that_lie_are_refused() {
        let mut body = b"\0\0".to_vec();
        body.extend([0, 0, 255, 255]); // 65535 values, none there
        assert_eq!(parse(b'B', &body).unwrap_err().code(), sqlstate::PROTOCOL_VIOLATION);
        assert!(parse(b'Q', b"select 1").is_err(), "no terminating zero");
        assert!(parse(b'Q', b"select 1\0x").is_err(), "bytes left over");
        assert!(parse(b'D', b"Xname\0").is_err());
        assert!(parse(b'?', b"").is_err());
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(kind in any::<u8>(), body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(kind, &body);
        }
    }
}
