//! Where subject and raw peers meet: free ports of the loopback interface, and paths for ipc that nobody else has.

use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::trouble::{Trouble, Unmet};
use crate::case::file::Transport;
use crate::peer::stream::{Listener, Stream};

/// Paths of one case; what is left of them goes with it.
#[derive(Debug, Default)]
pub(super) struct Paths {
    made: Vec<PathBuf>,
}

impl Paths {
    /// A path at which nothing is.
    pub(super) fn fresh(&mut self) -> PathBuf {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("zmqspec-{}-{number}", std::process::id()));
        self.made.push(path.clone());
        path
    }
}

impl Drop for Paths {
    fn drop(&mut self) {
        for path in &self.made {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Where a subject is asked to bind.
pub(super) fn to_bind(transport: Transport, paths: &mut Paths) -> String {
    match transport {
        Transport::Tcp => "tcp://127.0.0.1:*".to_owned(),
        Transport::Ipc => format!("ipc://{}", paths.fresh().display()),
    }
}

/// A listener of the harness, and its endpoint.
///
/// # Errors
/// The system has no room for one.
pub(super) fn listen(transport: Transport, paths: &mut Paths) -> Result<(Listener, String), Trouble> {
    let tcp = || -> std::io::Result<(Listener, String)> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        Ok((Listener::Tcp(listener), format!("tcp://127.0.0.1:{port}")))
    };
    let mut ipc = || -> std::io::Result<(Listener, String)> {
        let path = paths.fresh();
        let listener = UnixListener::bind(&path)?;
        listener.set_nonblocking(true)?;
        Ok((Listener::Ipc(listener), format!("ipc://{}", path.display())))
    };
    let made = match transport {
        Transport::Tcp => tcp(),
        Transport::Ipc => ipc(),
    };
    made.map_err(|error| Trouble::Harness(format!("cannot listen on {}: {error}", transport.word())))
}

/// Connects to an endpoint of the subject, as its adapter gave it back.
///
/// # Errors
/// It cannot be reached.
pub(super) fn dial(endpoint: &str, patience: Duration) -> Result<Stream, Trouble> {
    let refused =
        |error| Trouble::Unmet(Unmet::new("the subject accepts a connection", format!("{error}"), "not-accepted"));
    if let Some(path) = endpoint.strip_prefix("ipc://") {
        return UnixStream::connect(path).map(Stream::Ipc).map_err(refused);
    }
    let Some(address) = endpoint.strip_prefix("tcp://").and_then(|address| address.parse().ok()) else {
        return Err(Trouble::Harness(format!(
            "expected a resolved tcp endpoint such as tcp://127.0.0.1:5555, or one of ipc, from `bind`, found {endpoint:?}; mend the adapter"
        )));
    };
    TcpStream::connect_timeout(&address, patience).map(Stream::Tcp).map_err(refused)
}
