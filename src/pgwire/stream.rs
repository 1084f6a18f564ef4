//! The socket with its buffers: whole messages in, one write per turn out.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use socket2::{SockRef, TcpKeepalive};

use crate::error::{Error, Result, sqlstate};
use crate::limits;
use crate::pgwire::frontend::violation;

/// Output is written when this many bytes have gathered, to bound memory on large results.
const FLUSH_BYTES: usize = 64 << 10;

/// Free space offered to each read.
const READ_BYTES: usize = 16 << 10;

/// A client that is silent for so long is asked whether its machine is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);

/// How often it is asked when it does not answer.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// After so many questions without an answer the connection is lost, and its locks are free.
const KEEPALIVE_PROBES: u32 = 3;

/// A buffered connection.
pub struct Stream {
    socket: TcpStream,
    input: Vec<u8>,
    /// Where unread input begins.
    read_at: usize,
    /// What has been encoded and not yet sent.
    pub output: BytesMut,
    /// Bytes handed to the socket so far.
    sent: u64,
    /// How long a read may take, if there is a limit now.
    patience: Option<Duration>,
}

impl Stream {
    /// Wraps an accepted socket.
    pub fn new(socket: TcpStream) -> Result<Stream> {
        socket.set_nodelay(true)?;
        keep_alive(&socket)?;
        Ok(Stream {
            socket,
            input: Vec::with_capacity(READ_BYTES),
            read_at: 0,
            output: BytesMut::with_capacity(8 << 10),
            sent: 0,
            patience: None,
        })
    }

    /// Reads one message: its type byte and where its body lies in [`Stream::body`].
    /// `None` when the client closed the connection between messages.
    pub fn read_message(&mut self) -> Result<Option<(u8, std::ops::Range<usize>)>> {
        if !self.fill(5, true)? {
            return Ok(None);
        }
        let head = &self.input[self.read_at..self.read_at + 5];
        let kind = head[0];
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if !(4..=limits::WIRE_MESSAGE_BYTES_MAX).contains(&length) {
            return Err(violation("invalid message length"));
        }
        self.fill(1 + length, false)?;
        let body = self.read_at + 5..self.read_at + 1 + length;
        self.read_at = body.end;
        Ok(Some((kind, body)))
    }

    /// Waits for the first byte of a message until a limit is over; false if none came. An end of
    /// the connection counts as something that came.
    pub fn wait_readable(&mut self, limit: Option<Duration>) -> Result<bool> {
        if self.next_kind().is_some() {
            return Ok(true);
        }
        let Some(limit) = limit else {
            self.set_patience(None)?;
            return Ok(true);
        };
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            self.set_patience(Some(left))?;
            match self.socket.peek(&mut [0]) {
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                // Whatever it is, the read that follows meets it again.
                _ => {
                    self.set_patience(None)?;
                    return Ok(true);
                }
            }
        }
    }

    fn set_patience(&mut self, limit: Option<Duration>) -> Result<()> {
        if self.patience != limit {
            self.socket.set_read_timeout(limit).map_err(|e| lost(e.to_string()))?;
            self.patience = limit;
        }
        Ok(())
    }

    /// Reads one packet of the start-up phase, which has no type byte: its body.
    /// `None` when the client went away without a word.
    pub fn read_startup(&mut self) -> Result<Option<std::ops::Range<usize>>> {
        if !self.fill(4, true)? {
            return Ok(None);
        }
        let head = &self.input[self.read_at..self.read_at + 4];
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        if !(8..=limits::STARTUP_PACKET_BYTES_MAX).contains(&length) {
            return Err(violation("invalid length of startup packet"));
        }
        self.fill(length, false)?;
        let body = self.read_at + 4..self.read_at + length;
        self.read_at = body.end;
        Ok(Some(body))
    }

    /// The bytes of a message that was just read; valid until the next read.
    pub fn body(&self, range: std::ops::Range<usize>) -> &[u8] {
        &self.input[range]
    }

    /// The type byte of the next message, if it is already here.
    pub fn next_kind(&self) -> Option<u8> {
        self.input.get(self.read_at).copied()
    }

    /// Makes `n` unread bytes available. `false` only at a clean end of file before the first.
    fn fill(&mut self, n: usize, may_end: bool) -> Result<bool> {
        if self.input.len() - self.read_at >= n {
            return Ok(true);
        }
        self.input.drain(..self.read_at);
        self.read_at = 0;
        while self.input.len() < n {
            let have = self.input.len();
            // Memory grows with what arrives, not with what a length word claims.
            let want = (n - have).clamp(READ_BYTES, 1 << 20);
            self.input.resize(have + want, 0);
            let got = self.socket.read(&mut self.input[have..]);
            self.input.truncate(have + *got.as_ref().unwrap_or(&0));
            match got {
                Ok(0) if may_end && self.input.is_empty() => return Ok(false),
                Ok(0) => return Err(lost("unexpected EOF on client connection")),
                Ok(_) => {}
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(lost(format!("could not receive data from client: {e}"))),
            }
        }
        Ok(true)
    }

    /// Sends everything that is in the output buffer.
    pub fn flush(&mut self) -> Result<()> {
        if !self.output.is_empty() {
            self.socket
                .write_all(&self.output)
                .map_err(|e| lost(format!("could not send data to client: {e}")))?;
            self.sent += self.output.len() as u64;
            self.output.clear();
        }
        Ok(())
    }

    /// Sends the output buffer if it has grown large.
    pub fn flush_if_full(&mut self) -> Result<()> {
        if self.output.len() >= FLUSH_BYTES { self.flush() } else { Ok(()) }
    }

    /// Bytes handed to the socket so far.
    pub fn sent(&self) -> u64 {
        self.sent
    }
}

/// Has the system find out when the machine at the other end is gone without a word, whether the
/// connection is silent or has bytes on their way.
fn keep_alive(socket: &TcpStream) -> Result<()> {
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_PROBES);
    let socket = SockRef::from(socket);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(KEEPALIVE_IDLE + KEEPALIVE_INTERVAL * KEEPALIVE_PROBES))?;
    Ok(())
}

/// Answers whether the other end of a socket is still there, without taking data from it.
pub fn is_alive(socket: &TcpStream) -> bool {
    let mut byte = [0];
    if socket.set_nonblocking(true).is_err() {
        return false;
    }
    let peeked = socket.peek(&mut byte);
    let restored = socket.set_nonblocking(false);
    match peeked {
        Ok(0) => false,
        Ok(_) => restored.is_ok(),
        Err(e) => e.kind() == ErrorKind::WouldBlock && restored.is_ok(),
    }
}

fn lost(message: impl Into<String>) -> Error {
    Error::new(sqlstate::CONNECTION_FAILURE, message)
}
