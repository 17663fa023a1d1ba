//! Unix stream sockets: their addresses, their files, and what becomes of files that nobody listens at.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix};

use super::unconnected::{socket, start};
use crate::runtime::IpcAddress;

/// The file of a listener, removed when this is dropped; another's that took its place is not.
#[derive(Debug)]
pub(super) struct File {
    /// Absolute, so that a change of the working directory does no harm.
    path: PathBuf,
    device: u64,
    number: u64,
    /// Made for it alone.
    folder: Option<Folder>,
}

/// A folder that only this user enters, removed when this is dropped.
#[derive(Debug)]
struct Folder(PathBuf);

/// A listening socket and its file, if it has one. `random` names the folder of one that may be anywhere.
pub(super) fn listen(at: &IpcAddress, backlog: u32, random: u64) -> io::Result<(UnixListener, Option<File>)> {
    let socket = socket(AddressFamily::UNIX)?;
    let file = match at {
        IpcAddress::Path(path) => Some(bind(&socket, path, None)?),
        IpcAddress::Anywhere => {
            let folder = Folder(std::env::temp_dir().join(format!("zmq-{random:016x}")));
            fs::DirBuilder::new().mode(0o700).create(&folder.0)?;
            Some(bind(&socket, &folder.0.join("socket"), Some(folder))?)
        }
        IpcAddress::Abstract(_) | IpcAddress::Unnamed => {
            net::bind(&socket, &system_address(at)?)?;
            None
        }
    };
    net::listen(&socket, i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok((UnixListener::from(socket), file))
}

fn bind(socket: &OwnedFd, path: &Path, folder: Option<Folder>) -> io::Result<File> {
    let address = SocketAddrUnix::new(path)?;
    match net::bind(socket, &address) {
        Err(Errno::ADDRINUSE) if is_left_behind(path, &address) => {
            fs::remove_file(path)?;
            net::bind(socket, &address)?;
        }
        bound => bound?,
    }
    let file = fs::symlink_metadata(path)?;
    Ok(File { path: std::path::absolute(path)?, device: file.dev(), number: file.ino(), folder })
}

/// A socket that is on its way to `to`. It never waits long: a listener whose backlog is full refuses.
pub(super) fn start_connecting(to: &IpcAddress) -> io::Result<UnixStream> {
    let socket = socket(AddressFamily::UNIX)?;
    start(net::connect(&socket, &system_address(to)?))?;
    Ok(UnixStream::from(socket))
}

/// An address as the system gives it.
pub(super) fn address(system: &SocketAddrUnix) -> IpcAddress {
    if let Some(path) = system.path_bytes() {
        return IpcAddress::Path(OsString::from_vec(path.to_vec()).into());
    }
    #[cfg(target_os = "linux")]
    if let Some(name) = system.abstract_name() {
        return IpcAddress::Abstract(name.to_vec());
    }
    IpcAddress::Unnamed
}

fn system_address(of: &IpcAddress) -> io::Result<SocketAddrUnix> {
    match of {
        IpcAddress::Path(path) => Ok(SocketAddrUnix::new(path)?),
        #[cfg(target_os = "linux")]
        IpcAddress::Abstract(name) => Ok(SocketAddrUnix::new_abstract_name(name)?),
        #[cfg(not(target_os = "linux"))]
        IpcAddress::Abstract(_) => Err(ErrorKind::Unsupported.into()),
        IpcAddress::Anywhere | IpcAddress::Unnamed => Err(ErrorKind::InvalidInput.into()),
    }
}

/// Whether the file is a socket that nobody listens at: that of a program that ended without removing it. The system
/// refuses a connection to it; a living listener sees one that comes and goes.
///
/// Two programs that find the same one at the same time may each remove the other's new one: the system has no way to
/// remove what was looked at.
fn is_left_behind(path: &Path, address: &SocketAddrUnix) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    is_socket && socket(AddressFamily::UNIX).is_ok_and(|probe| net::connect(&probe, address) == Err(Errno::CONNREFUSED))
}

impl Drop for File {
    fn drop(&mut self) {
        let ours =
            fs::symlink_metadata(&self.path).is_ok_and(|file| (file.dev(), file.ino()) == (self.device, self.number));
        if ours {
            // Whoever removed it before us has done what we wanted.
            let _ = fs::remove_file(&self.path);
        }
        drop(self.folder.take());
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}
