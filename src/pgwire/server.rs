//! Listening: accepts connections, gives each a thread, and takes them down in order.

use std::collections::HashMap;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::error::{Error, Result};
use crate::limits;
use crate::pgwire::connection;
use crate::sql::server::Server;
use crate::task::{Cause, Interrupt};

/// How clients may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Whoever connects is believed (`--insecure`).
    Trust,
    /// A password is asked for (SCRAM-SHA-256).
    Password,
}

/// A listening PostgreSQL port.
pub struct PgServer {
    shared: Arc<Shared>,
    address: SocketAddr,
}

/// What the accept loop and the connections share.
pub struct Shared {
    /// The node's services.
    pub server: Arc<Server>,
    /// How clients may log in.
    pub security: Security,
    stopping: AtomicBool,
    next: AtomicU64,
    open: Mutex<HashMap<u64, Open>>,
    closed: Condvar,
}

struct Open {
    socket: TcpStream,
    interrupt: Interrupt,
    /// Whether it waits for its client's next command.
    idle: Arc<AtomicBool>,
}

impl PgServer {
    /// Binds the address and begins to accept.
    pub fn start(server: Arc<Server>, address: &str, security: Security) -> Result<PgServer> {
        let listener = TcpListener::bind(address)
            .map_err(|e| Error::from(e).context(format!("could not listen on {address}")))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server,
            security,
            stopping: AtomicBool::new(false),
            next: AtomicU64::new(1),
            open: Mutex::new(HashMap::new()),
            closed: Condvar::new(),
        });
        let accepting = shared.clone();
        std::thread::Builder::new()
            .name("pgwire-accept".into())
            .spawn(move || accept_loop(&listener, &accepting))?;
        Ok(PgServer { shared, address })
    }

    /// The address in use (with the port the system chose, if it was 0).
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: idle connections end at once, busy statements are given `grace` to finish, then
    /// everything is interrupted. Returns when the last session is gone.
    pub fn shutdown(&self, grace: Duration) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // A connection to ourselves wakes the accept loop.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        let deadline = Instant::now() + grace;
        let mut open = self.shared.open.lock();
        while !open.is_empty() {
            let late = Instant::now() >= deadline;
            for connection in open.values() {
                if late || connection.idle.load(Ordering::SeqCst) {
                    connection.interrupt.raise(Cause::Shutdown);
                    let _ = connection.socket.shutdown(Shutdown::Read);
                }
            }
            self.shared.closed.wait_for(&mut open, Duration::from_millis(50));
            if Instant::now() >= deadline + grace {
                tracing::warn!(connections = open.len(), "sessions did not end in time");
                return;
            }
        }
    }
}

fn accept_loop(listener: &TcpListener, shared: &Arc<Shared>) {
    for socket in listener.incoming() {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        match socket {
            Ok(socket) => begin(socket, shared),
            Err(e) => {
                // Out of file descriptors, most likely: let others finish before the next try.
                tracing::warn!(error = %e, "could not accept a connection");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

fn begin(socket: TcpStream, shared: &Arc<Shared>) {
    let id = shared.next.fetch_add(1, Ordering::Relaxed);
    let (Ok(probe), Ok(registered)) = (socket.try_clone(), socket.try_clone()) else {
        tracing::warn!("could not duplicate a client's socket");
        return;
    };
    let interrupt =
        Interrupt::with_probe(Box::new(move || crate::pgwire::stream::is_alive(&probe)));
    let idle = Arc::new(AtomicBool::new(true));
    let crowded = {
        let mut open = shared.open.lock();
        open.insert(
            id,
            Open { socket: registered, interrupt: interrupt.clone(), idle: idle.clone() },
        );
        open.len() > limits::CONNECTIONS_MAX
    };
    let thread_shared = shared.clone();
    let spawned = std::thread::Builder::new()
        .name(format!("session-{id}"))
        .stack_size(limits::SESSION_STACK_BYTES)
        .spawn(move || {
            connection::serve(socket, &thread_shared, &interrupt, &idle, crowded);
            thread_shared.forget(id);
        });
    if let Err(e) = spawned {
        tracing::warn!(error = %e, "could not start a session's thread");
        shared.forget(id);
    }
}

impl Shared {
    fn forget(&self, id: u64) {
        self.open.lock().remove(&id);
        self.closed.notify_all();
    }

    /// Whether the server is going down.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}
