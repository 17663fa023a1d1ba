//! The runtime on tokio: I/O threads of its own, or the caller's runtime.

use std::convert::Infallible;
use std::future::{self, Future};
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant as Clock;

use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use zmq_core::time::Instant;

use super::watch::{Interest, Watch};
use super::{Address, BoxFuture, Dialling, Family, Link, Listener, Listening, Runtime, Timer};
use crate::context_options::ThreadOptions;

mod gate;
mod given;
mod handoff;
mod interface;
mod ipc;
mod link;
mod listener;
mod reactor;
mod tcp;
mod timer;
mod unconnected;
mod wake_state;
#[expect(unsafe_code, reason = "tokio registers a descriptor on the promise that it stays open")]
mod watched;

use gate::Gate;
use link::StreamLink;
use listener::{IpcAcceptor, TcpAcceptor};
use reactor::Reactor;
use timer::TokioTimer;
use watched::Watched;

/// Tokio as a [`Runtime`].
#[derive(Debug)]
pub struct TokioRuntime {
    threads: Threads,
    started: Clock,
}

#[derive(Debug)]
enum Threads {
    /// I/O threads of our own, each with a current-thread runtime. They outlive this value until their last task has ended.
    Owned(Vec<Reactor>),
    /// The caller's runtime, for everything. What is on it ends with it.
    Local(Local),
}

/// A runtime that is not ours.
#[derive(Debug)]
struct Local {
    handle: Handle,
    end: Arc<Gate>,
    /// Dropped with us, which ends the task that waits for the runtime's end.
    watches: Mutex<Vec<oneshot::Sender<Infallible>>>,
}

/// What a task has to do that is dropped with its runtime, and not otherwise.
struct AtEnd {
    end: Arc<Gate>,
    call: Option<Box<dyn FnOnce() + Send>>,
}

impl AtEnd {
    fn forget(mut self) {
        self.call = None;
    }
}

impl Drop for AtEnd {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.end.close();
            call();
        }
    }
}

impl TokioRuntime {
    /// A runtime with `io_threads` threads of its own, at least one. Errors are those of creating threads and epoll
    /// instances, and of moving threads to CPUs.
    pub fn owned(io_threads: usize, options: &ThreadOptions) -> io::Result<Self> {
        let mut reactors = Vec::new();
        for index in 0..io_threads.max(1) {
            match Reactor::start(&options.name(index), options.cpus.clone()) {
                Ok(reactor) => reactors.push(reactor),
                Err(error) => {
                    reactors.iter().for_each(Reactor::stop);
                    return Err(error);
                }
            }
        }
        Ok(Self { threads: Threads::Owned(reactors), started: Clock::now() })
    }

    /// The runtime in which this is called, which must have I/O and time enabled. An error outside of one.
    ///
    /// Its tasks live on the caller's runtime: no thread hop between them and a caller on a current-thread runtime, and no
    /// linger beyond its end.
    pub fn local() -> io::Result<Self> {
        let handle = Handle::try_current().map_err(io::Error::other)?;
        let local = Local { handle, end: Arc::default(), watches: Mutex::default() };
        Ok(Self { threads: Threads::Local(local), started: Clock::now() })
    }

    fn handle(&self, index: usize) -> &Handle {
        match &self.threads {
            Threads::Owned(reactors) => reactors[index % reactors.len()].handle(),
            Threads::Local(local) => &local.handle,
        }
    }

    fn handles(&self) -> Vec<Handle> {
        (0..self.io_threads()).map(|index| self.handle(index).clone()).collect()
    }
}

impl Runtime for TokioRuntime {
    fn io_threads(&self) -> usize {
        match &self.threads {
            Threads::Owned(reactors) => reactors.len(),
            Threads::Local(_) => 1,
        }
    }

    fn start_io(&self, index: usize, task: BoxFuture<'static, ()>) {
        match &self.threads {
            Threads::Owned(reactors) => reactors[index % reactors.len()].spawn(task),
            Threads::Local(local) => {
                local.handle.spawn(task);
            }
        }
    }

    fn on_end(&self, call: Box<dyn FnOnce() + Send>) {
        let Threads::Local(local) = &self.threads else { return };
        let at_end = AtEnd { end: Arc::clone(&local.end), call: Some(call) };
        let (watch, ours) = oneshot::channel();
        local.watches.lock().unwrap_or_else(PoisonError::into_inner).push(watch);
        local.handle.spawn(async move {
            let _ = ours.await;
            at_end.forget();
        });
    }

    fn listen(&self, index: usize, at: &Address, how: Listening<'_>) -> io::Result<Box<dyn Listener>> {
        let (handle, all) = (self.handle(index), self.handles());
        if let Some(given) = how.given {
            return given::listener(given, handle, all);
        }
        match at {
            Address::Tcp(at) => {
                let listener = tcp::listen(at, how.backlog, how.tcp)?;
                Ok(Box::new(TcpAcceptor::register(listener, handle, all)?))
            }
            Address::Ipc(at) => {
                let mut random = [0; 8];
                self.random(&mut random);
                let (listener, file) = ipc::listen(at, how.backlog, u64::from_ne_bytes(random))?;
                Ok(Box::new(IpcAcceptor::register(listener, file, handle, all)?))
            }
        }
    }

    fn dial(&self, index: usize, to: &Address, how: Dialling<'_>) -> BoxFuture<'static, io::Result<Box<dyn Link>>> {
        let handle = self.handle(index);
        match to {
            Address::Tcp(to) => {
                let begun = tcp::start_connecting(to, how.source, how.tcp);
                connected(begun.and_then(|stream| StreamLink::<TcpStream>::register(stream, handle)))
            }
            Address::Ipc(to) => {
                let begun = ipc::start_connecting(to);
                connected(begun.and_then(|stream| StreamLink::<UnixStream>::register(stream, handle)))
            }
        }
    }

    fn interface(&self, name: &str, family: Family) -> io::Result<Option<SocketAddr>> {
        interface::address(name, family)
    }

    fn resolve(&self, host: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        if let Ok(literal) = host.parse::<IpAddr>() {
            return Box::pin(future::ready(Ok(vec![SocketAddr::new(literal, port)])));
        }
        let host = host.to_owned();
        // The system's resolver blocks for seconds, so it gets a thread of the runtime's pool.
        let search = self.handle(0).spawn_blocking(move || (host.as_str(), port).to_socket_addrs().map(Vec::from_iter));
        Box::pin(async move {
            match search.await {
                Ok(Ok(found)) if found.is_empty() => Err(io::Error::new(io::ErrorKind::NotFound, "no address")),
                Ok(result) => result,
                Err(gone) => Err(io::Error::other(gone)),
            }
        })
    }

    fn now(&self) -> Instant {
        Instant::after_start(self.started.elapsed())
    }

    fn timer(&self, index: usize) -> Box<dyn Timer> {
        let end = match &self.threads {
            Threads::Owned(_) => None,
            Threads::Local(local) => Some(Arc::clone(&local.end)),
        };
        Box::new(TokioTimer::new(self.started, self.handle(index).clone(), end))
    }

    fn random(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("without entropy there is no safe key, id or jitter to go on with");
    }

    fn watch(&self, index: usize, descriptor: OwnedFd) -> io::Result<Box<dyn Watch>> {
        Ok(Box::new(Watched::register(descriptor, self.handle(index))?))
    }

    fn look(&self, descriptors: &[(BorrowedFd<'_>, Interest)]) -> io::Result<Vec<Interest>> {
        watched::look(descriptors)
    }

    fn block_on(&self, index: usize, future: Pin<&mut dyn Future<Output = ()>>) {
        match &self.threads {
            Threads::Owned(reactors) => reactors[index % reactors.len()].block_on(future),
            Threads::Local(_) => reactor::park_on(future),
        }
    }
}

/// Waits for a connection that was begun.
fn connected<S: link::Stream + 'static>(
    begun: io::Result<StreamLink<S>>,
) -> BoxFuture<'static, io::Result<Box<dyn Link>>> {
    Box::pin(async move {
        let link = begun?;
        future::poll_fn(|cx| link.poll_connected(cx)).await?;
        Ok(Box::new(link) as Box<dyn Link>)
    })
}

impl Drop for TokioRuntime {
    fn drop(&mut self) {
        match &self.threads {
            Threads::Owned(reactors) => reactors.iter().for_each(Reactor::stop),
            Threads::Local(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
