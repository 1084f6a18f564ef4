//! A `cairn start` process with a store that goes when the test does.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

/// Where a server's files are; shared by the servers that follow each other on one store.
#[derive(Clone)]
pub struct Home {
    dir: Arc<TempDir>,
}

impl Home {
    /// An empty place.
    pub fn new() -> Home {
        Home { dir: Arc::new(TempDir::with_prefix("cairn-test-").expect("a temporary directory")) }
    }

    /// The place.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The store's directory.
    pub fn store(&self) -> PathBuf {
        self.path().join("store")
    }

    /// Where `nodelocal://1/` is.
    pub fn nodelocal(&self) -> PathBuf {
        self.path().join("nodelocal")
    }

    /// The command that starts a server here on a free port.
    pub fn command(&self) -> Command {
        self.command_at("127.0.0.1:0")
    }

    /// The command that starts a server here on a port of the caller's.
    pub fn command_at(&self, listen: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cairn"));
        command.args(["start", "--listen", listen, "--http", "127.0.0.1:0"]);
        command.arg("--store").arg(self.store());
        command.arg("--external-io-dir").arg(self.nodelocal());
        command.arg("--ready-file").arg(self.path().join("ready"));
        command.env_remove("CAIRN_ROOT_PASSWORD");
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }

    /// Starts a server that believes everyone.
    pub fn start(&self) -> Cairn {
        let mut command = self.command();
        command.arg("--insecure");
        Cairn::launch(self.clone(), command)
    }

    /// What the servers here have logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path().join("log")).unwrap_or_default()
    }
}

/// A running server; killed when dropped.
pub struct Cairn {
    home: Home,
    child: Child,
    /// The connection URL of root.
    pub url: String,
    /// The address of the console.
    pub http: String,
}

impl Cairn {
    /// A server on a store of its own.
    pub fn fresh() -> Cairn {
        Home::new().start()
    }

    /// Runs a prepared command and waits until the server says that it serves.
    pub fn launch(home: Home, command: Command) -> Cairn {
        Cairn::try_launch(home, command).unwrap_or_else(|log| panic!("{log}"))
    }

    /// The same, if it does; else its log.
    pub fn try_launch(home: Home, mut command: Command) -> Result<Cairn, String> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(home.path().join("log"))
            .expect("a log file");
        let mut child = command.stderr(log).spawn().expect("the cairn binary");
        let stdout = child.stdout.take().expect("a pipe");
        let mut greeted = false;
        for line in BufReader::new(stdout).lines() {
            let line = line.expect("a readable pipe");
            if line.contains("psql '") {
                greeted = true;
                break;
            }
        }
        if !greeted {
            let status = child.wait().expect("a status");
            return Err(format!("the server did not start ({status}):\n{}", home.log()));
        }
        let ready = std::fs::read_to_string(home.path().join("ready")).expect("the ready file");
        let of = |key: &str| {
            ready.lines().find_map(|l| l.strip_prefix(key)).expect("an address").to_owned()
        };
        let (url, http) = (of("sql="), of("http=http://"));
        Ok(Cairn { home, child, url, http })
    }

    /// Where its files are.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a power cut would: at once, without a chance to tidy up.
    pub fn kill(mut self) -> Home {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("a status");
        self.home.clone()
    }

    /// Asks it to end and waits.
    pub fn terminate(mut self) -> (Home, ExitStatus) {
        self.signal("TERM");
        let status = self.child.wait().expect("a status");
        (self.home.clone(), status)
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().expect("kill");
        assert!(status.success());
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("a status")
    }

    /// Stops it in order, starts it again on the same store.
    pub fn restart(self) -> Cairn {
        let (home, status) = self.terminate();
        assert!(status.success(), "{status}:\n{}", home.log());
        home.start()
    }
}

impl Drop for Cairn {
    fn drop(&mut self) {
        // It is gone already if the test ended it.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of the server ---\n{}", self.home.log());
        }
    }
}
