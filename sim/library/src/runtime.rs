//! The library's runtime seam over a world: one for each process.

use std::future::{self, Future};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use zmq_core::time::Instant;
use zmq_reference::runtime::{self as seam, BoxFuture, Dialling, Family, IpcAddress, Listening, Runtime};
use zmq_world::{Address, Errno, HostId, Listen, ListenerId, LookupId, StreamId, World};

use crate::link::WorldLink;
use crate::listener::WorldListener;
use crate::process::Process;
use crate::timer::WorldTimer;

/// What a process on a host of a world has of the outside.
#[derive(Debug)]
pub struct WorldRuntime {
    process: Arc<Process>,
}

impl WorldRuntime {
    /// That of a process.
    #[must_use]
    pub fn of(process: &Arc<Process>) -> Self {
        Self { process: Arc::clone(process) }
    }

    fn host(&self) -> HostId {
        self.process.host()
    }
}

impl Runtime for WorldRuntime {
    /// One: which task runs next is drawn anyway.
    fn io_threads(&self) -> usize {
        1
    }

    fn start_io(&self, _: usize, task: BoxFuture<'static, ()>) {
        self.process.spawn(task);
    }

    /// Never: it ends with its process, which nobody is told of.
    fn on_end(&self, _: Box<dyn FnOnce() + Send>) {}

    fn listen(&self, _: usize, at: &seam::Address, how: Listening<'_>) -> io::Result<Box<dyn seam::Listener>> {
        if how.given.is_some() {
            return Err(ErrorKind::Unsupported.into());
        }
        let state = &mut *self.process.net().lock();
        let at = match at {
            seam::Address::Ipc(IpcAddress::Anywhere) => anywhere(&mut state.world, self.host()),
            at => address(at)?,
        };
        let how = Listen { backlog: how.backlog, ..Listen::default() };
        let listener = listen(&mut state.world, self.host(), &at, &how)?;
        let path = match at {
            Address::Path(path) => Some(path),
            Address::Tcp(_) | Address::Abstract(_) | Address::Unnamed => None,
        };
        Ok(Box::new(WorldListener::new(&self.process, listener, path)))
    }

    fn dial(
        &self,
        _: usize,
        to: &seam::Address,
        how: Dialling<'_>,
    ) -> BoxFuture<'static, io::Result<Box<dyn seam::Link>>> {
        let begun = address(to).and_then(|to| {
            let mut state = self.process.net().lock();
            Ok(state.world.dial(self.host(), &to, how.source)?)
        });
        let begun = begun.map(|stream| WorldLink::new(&self.process, stream));
        Box::pin(async move {
            let link = begun?;
            future::poll_fn(|cx| link.poll_dialled(cx)).await?;
            Ok(Box::new(link) as Box<dyn seam::Link>)
        })
    }

    /// Each host has `lo`, and `eth0` with its addresses.
    fn interface(&self, name: &str, family: Family) -> io::Result<Option<SocketAddr>> {
        let of_family = |address: &&IpAddr| family == Family::Any || address.is_ipv4();
        let found = match name {
            "lo" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            "eth0" => {
                let state = self.process.net().lock();
                let addresses = state.world.addresses(self.host()).iter();
                // Of IPv6 if it has one.
                addresses.filter(of_family).max_by_key(|address| address.is_ipv6()).copied()
            }
            _ => None,
        };
        Ok(found.map(|address| SocketAddr::new(address, 0)))
    }

    fn resolve(&self, host: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        if let Ok(literal) = host.parse::<IpAddr>() {
            return Box::pin(future::ready(Ok(vec![SocketAddr::new(literal, port)])));
        }
        let lookup = self.process.net().lock().world.resolve(self.host(), host);
        let mut search = Search { process: Arc::clone(&self.process), lookup: Some(lookup) };
        Box::pin(async move {
            let found = future::poll_fn(|cx| search.poll(cx)).await?;
            Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
        })
    }

    /// What the host's own clock says.
    fn now(&self) -> Instant {
        Instant::from_nanos(self.process.net().lock().world.host_now(self.host()))
    }

    fn timer(&self, _: usize) -> Box<dyn seam::Timer> {
        Box::new(WorldTimer::new(&self.process))
    }

    fn random(&self, bytes: &mut [u8]) {
        self.process.net().lock().world.random(self.host(), bytes);
    }

    /// # Panics
    ///
    /// Always: no thread of a simulated host may block. Its tasks wait.
    fn block_on(&self, _: usize, _: Pin<&mut dyn Future<Output = ()>>) {
        panic!("a blocking call on a simulated host, where time stands still for whoever blocks: use the async calls");
    }
}

/// A question for a name's addresses, which is given up when this is dropped.
struct Search {
    process: Arc<Process>,
    lookup: Option<LookupId>,
}

impl Search {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Vec<IpAddr>>> {
        let lookup = self.lookup.expect("it is polled until it has an answer");
        let state = &mut *self.process.net().lock();
        match state.world.resolved(lookup) {
            Some(answer) => {
                self.lookup = None;
                Poll::Ready(answer.map_err(io::Error::from))
            }
            None => {
                state.waiting.until_resolved(lookup, cx.waker());
                Poll::Pending
            }
        }
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        if let Some(lookup) = self.lookup.filter(|_| !self.process.is_dead()) {
            let waker = {
                let mut state = self.process.net().lock();
                state.world.cancel_lookup(lookup);
                state.waiting.take(zmq_world::Wake::Resolved(lookup))
            };
            drop(waker);
        }
    }
}

/// As the system does it, but for a path that somebody left behind: it is removed.
fn listen(world: &mut World, host: HostId, at: &Address, how: &Listen) -> Result<ListenerId, Errno> {
    match (world.listen(host, at, how), at) {
        (Err(Errno::InUse), Address::Path(path)) if is_left_behind(world, host, at) => {
            world.unlink(host, path)?;
            world.listen(host, at, how)
        }
        (done, _) => done,
    }
}

/// Whether nobody listens at the path. A living listener sees a connection that comes and goes.
fn is_left_behind(world: &mut World, host: HostId, at: &Address) -> bool {
    match world.dial(host, at, None) {
        Ok(probe) => {
            world.close(probe);
            false
        }
        Err(why) => why == Errno::Refused,
    }
}

fn anywhere(world: &mut World, host: HostId) -> Address {
    let mut random = [0; 8];
    world.random(host, &mut random);
    Address::Path(format!("/tmp/zmq-{:016x}/socket", u64::from_ne_bytes(random)))
}

/// An address of the seam, as the world has it.
fn address(of: &seam::Address) -> io::Result<Address> {
    Ok(match of {
        seam::Address::Tcp(address) => Address::Tcp(*address),
        seam::Address::Ipc(IpcAddress::Path(path)) => Address::Path(path.to_string_lossy().into_owned()),
        seam::Address::Ipc(IpcAddress::Abstract(name)) => Address::Abstract(name.clone()),
        seam::Address::Ipc(IpcAddress::Anywhere | IpcAddress::Unnamed) => return Err(ErrorKind::InvalidInput.into()),
    })
}

/// An address of the world, as the seam has it.
pub(crate) fn told(of: Address) -> seam::Address {
    match of {
        Address::Tcp(address) => seam::Address::Tcp(address),
        Address::Path(path) => seam::Address::Ipc(IpcAddress::Path(path.into())),
        Address::Abstract(name) => seam::Address::Ipc(IpcAddress::Abstract(name)),
        Address::Unnamed => seam::Address::Ipc(IpcAddress::Unnamed),
    }
}

/// Waits in the world until a call that would block does not.
pub(crate) fn or_wait<T>(done: Result<T, Errno>, wait: impl FnOnce()) -> Poll<io::Result<T>> {
    match done {
        Ok(done) => Poll::Ready(Ok(done)),
        Err(Errno::WouldBlock) => {
            wait();
            Poll::Pending
        }
        Err(why) => Poll::Ready(Err(why.into())),
    }
}

impl WorldLink {
    fn poll_dialled(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream: StreamId = self.stream();
        let state = &mut *self.process().net().lock();
        match state.world.dialled(stream) {
            Some(Ok(())) => Poll::Ready(Ok(())),
            Some(Err(why)) => Poll::Ready(Err(why.into())),
            None => {
                state.waiting.until_writable(stream, cx.waker());
                Poll::Pending
            }
        }
    }
}
