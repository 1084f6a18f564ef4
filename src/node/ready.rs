//! The ready file: how a script that let the system choose the ports learns them.
//!
//! ```text
//! sql=postgresql://root@127.0.0.1:40123/defaultdb
//! http=http://127.0.0.1:40124
//! ```

use std::fmt::Write as _;
use std::path::Path;

use super::{Node, reachable};
use crate::error::{Error, Result};

/// Writes the file whole: whoever sees it sees all of it.
pub(super) fn write(path: &Path, node: &Node) -> Result<()> {
    let mut text = format!("sql={}\n", node.url());
    if let Some(address) = node.http_address() {
        let _ = writeln!(text, "http=http://{}", reachable(address));
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    std::fs::write(&unfinished, text)
        .and_then(|()| std::fs::rename(&unfinished, path))
        .map_err(|e| Error::from(e).context(format!("writing {}", path.display())))
}
