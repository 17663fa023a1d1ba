//! Sockets as applications have them: made, bound, connected, closed.

use std::sync::{Arc, Weak};

use zmq_core::error::SendError;
use zmq_core::frame::Frame;
use zmq_core::message::Message;
use zmq_core::options::Linger;
use zmq_core::pattern::PatternOption;
use zmq_core::pattern::table::{Attach, SocketType};
use zmq_core::session::{Ends, linger_deadline};
use zmq_core::socket::joining::{self, Joined, NotJoined};
use zmq_core::socket::{IoSide, PeerId, Socket};
use zmq_world::{Address, Errno, HostId, Listen, ListenerId, Reuse};

use super::dialler::Dialler;
use super::draws;
use super::endpoint::Endpoint;
use super::io::{Event, EventKind};
use super::net::Net;
use super::task::{Kind, Listener, Me};
use crate::actor::Failure;
use crate::options::Made;

/// A socket of a [`Net`]. None is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SocketKey(pub(super) u32);

/// What a net has of a socket.
pub(super) struct Held {
    pub(super) host: HostId,
    /// `None` once it is closed.
    core: Option<Arc<Socket>>,
    bound: Vec<Placed>,
    connected: Vec<Placed>,
    name: u64,
    tasks: u64,
}

struct Placed {
    given: String,
    at: String,
    place: Place,
}

enum Place {
    Listener(u32, ListenerId, Address),
    Dialled(u32, Option<PeerId>),
    Joined(joining::Place),
}

impl Held {
    pub(super) const fn core(&self) -> Option<&Arc<Socket>> {
        self.core.as_ref()
    }

    /// A name for the next task: by its socket and its place among the socket's.
    pub(super) fn next_name(&mut self) -> u64 {
        self.tasks += 1;
        draws::name((self.name, self.tasks))
    }

    /// An endpoint is dialled no more.
    pub(super) fn forget(&mut self, task: u32) {
        self.connected.retain(|placed| match placed.place {
            Place::Dialled(token, _) => token != task,
            Place::Listener(..) | Place::Joined(_) => true,
        });
    }
}

const EINVAL: i32 = 22;
const ENOENT: i32 = 2;
const EADDRINUSE: i32 = 98;
const ENOTSOCK: i32 = 88;
const ENOCOMPATPROTO: i32 = 156_384_764;

impl Net {
    /// Makes a socket on a host. `name` has to be another for each, and the same in every run.
    ///
    /// # Errors
    ///
    /// A [`Failure`] for options that the type does not have.
    pub fn open(&mut self, host: HostId, name: u64, made: Made) -> Result<SocketKey, Failure> {
        let core = Socket::new(made.socket_type, made.options, self.io.random(host));
        for option in made.then {
            core.set(option).map_err(|why| Failure { errno: EINVAL, why: why.to_string() })?;
        }
        let key = SocketKey(u32::try_from(self.sockets.len()).expect("sockets are few"));
        let core = Some(Arc::new(core));
        self.sockets.push(Held { host, core, bound: Vec::new(), connected: Vec::new(), name, tasks: 0 });
        Ok(key)
    }

    /// The socket, to send and receive with; `None` once it is closed.
    #[must_use]
    pub fn socket(&self, key: SocketKey) -> Option<&Arc<Socket>> {
        self.sockets.get(key.0 as usize)?.core()
    }

    /// Takes connections at an endpoint from here on.
    ///
    /// # Errors
    ///
    /// A [`Failure`] with libzmq's number.
    pub fn bind(&mut self, key: SocketKey, endpoint: &str) -> Result<(), Failure> {
        let (host, core) = self.open_socket(key)?;
        let at = Endpoint::read(endpoint)?;
        if let Endpoint::Inproc(name) = &at {
            let now = self.io.now(host);
            let place = self.names(host).bind(core.shared(), joined(&core), name, now);
            let place = Place::Joined(place.map_err(|why| not_joined(why, endpoint))?);
            let (given, at) = (endpoint.to_owned(), endpoint.to_owned());
            self.sockets[key.0 as usize].bound.push(Placed { given, at, place });
            return Ok(());
        }
        let address = at.to_bind(&self.io.world, host)?;
        let how = Listen { backlog: core.shared().options().backlog, reuse: Reuse::Address };
        let listener = match self.listen(host, &address, &how) {
            Ok(listener) => listener,
            Err(why) => {
                self.emit(key, EventKind::BindFailed, endpoint);
                let errno = why.raw().unwrap_or(EINVAL);
                return Err(Failure { errno, why: format!("cannot listen at {endpoint}: {why}") });
            }
        };
        let address = self.io.world.listener_addr(listener).unwrap_or(address);
        let at = match &address {
            Address::Tcp(address) => format!("tcp://{address}"),
            Address::Path(_) | Address::Abstract(_) | Address::Unnamed => endpoint.to_owned(),
        };
        self.emit(key, EventKind::Listening, &at);
        let name = self.sockets[key.0 as usize].next_name();
        let me = |token, bell| Me { token, host, socket: key, endpoint: at.clone(), bell, name, runs: 0 };
        let token = self.start(me, |cx| {
            cx.io.own_listener(listener, cx.me.token);
            Kind::Listener(Listener::new(listener))
        });
        let place = Place::Listener(token, listener, address);
        self.sockets[key.0 as usize].bound.push(Placed { given: endpoint.to_owned(), at, place });
        Ok(())
    }

    /// Listens. A path that an earlier process left behind, so that nobody listens there, is taken.
    fn listen(&mut self, host: HostId, address: &Address, how: &Listen) -> Result<ListenerId, Errno> {
        match (self.io.world.listen(host, address, how), address) {
            (Err(Errno::InUse), Address::Path(path)) => match self.io.world.dial(host, address, None) {
                Err(Errno::Refused) => {
                    self.io.world.unlink(host, path)?;
                    self.io.world.listen(host, address, how)
                }
                Ok(probe) => {
                    self.io.world.close(probe);
                    Err(Errno::InUse)
                }
                Err(_) => Err(Errno::InUse),
            },
            (listened, _) => listened,
        }
    }

    /// Connects to an endpoint, now or whenever there is somebody.
    ///
    /// # Errors
    ///
    /// A [`Failure`] with libzmq's number.
    pub fn connect(&mut self, key: SocketKey, endpoint: &str) -> Result<(), Failure> {
        let (host, core) = self.open_socket(key)?;
        let to = Endpoint::read(endpoint)?;
        to.check_to_connect()?;
        let shared = core.shared();
        if let Endpoint::Inproc(name) = &to {
            let place = self.names(host).connect(shared, joined(&core), name);
            let place = Place::Joined(place.map_err(|why| not_joined(why, endpoint))?);
            let (given, at) = (endpoint.to_owned(), endpoint.to_owned());
            self.sockets[key.0 as usize].connected.push(Placed { given, at, place });
            return Ok(());
        }
        let options = shared.options();
        let at_once = shared.socket_type().rules().attach == Attach::AtConnect && !options.immediate;
        let name = self.sockets[key.0 as usize].next_name();
        let mut taken = false;
        let mut peer = None;
        let me = |token, bell| Me { token, host, socket: key, endpoint: endpoint.to_owned(), bell, name, runs: 0 };
        let token = self.start(me, |cx| {
            let io: Arc<dyn IoSide> = Arc::clone(&cx.me.bell) as _;
            let named = shared.routing_ids().next_connect.take();
            let ends = match named {
                Some(id) => {
                    let ends = Ends::attach_named(shared, &io, &options, &id);
                    taken = ends.is_none();
                    ends
                }
                None => at_once.then(|| Ends::attach(shared, &io, &options)),
            };
            peer = ends.as_ref().map(Ends::peer);
            Kind::Dialler(Box::new(Dialler::new(shared, options, to, ends)))
        });
        if taken {
            if let Some(task) = self.tasks[token as usize].take() {
                self.end(*task);
            }
            return Err(Failure { errno: EADDRINUSE, why: "another peer has the routing id".into() });
        }
        let place = Place::Dialled(token, peer);
        let placed = Placed { given: endpoint.to_owned(), at: endpoint.to_owned(), place };
        self.sockets[key.0 as usize].connected.push(placed);
        Ok(())
    }

    /// Takes no more connections at an endpoint. Those that there are stay.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if it is not bound there.
    pub fn unbind(&mut self, key: SocketKey, endpoint: &str) -> Result<(), Failure> {
        self.open_socket(key)?;
        let placed = take(&mut self.sockets[key.0 as usize].bound, endpoint)?;
        self.give_up(key, placed);
        Ok(())
    }

    /// Ends the connection to an endpoint, after what waits for it is sent.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if it is not connected there.
    pub fn disconnect(&mut self, key: SocketKey, endpoint: &str) -> Result<(), Failure> {
        self.open_socket(key)?;
        let placed = take(&mut self.sockets[key.0 as usize].connected, endpoint)?;
        self.give_up(key, placed);
        Ok(())
    }

    /// Subscribes: a SUB by its option, an XSUB by a message.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if the type does not subscribe, or has no room for the message.
    pub fn subscribe(&mut self, key: SocketKey, topic: &str) -> Result<(), Failure> {
        self.want(key, topic, 1, PatternOption::Subscribe)
    }

    /// Takes a subscription back.
    ///
    /// # Errors
    ///
    /// As [`Self::subscribe`].
    pub fn unsubscribe(&mut self, key: SocketKey, topic: &str) -> Result<(), Failure> {
        self.want(key, topic, 0, PatternOption::Unsubscribe)
    }

    fn want(
        &self,
        key: SocketKey,
        topic: &str,
        first: u8,
        option: impl FnOnce(Vec<u8>) -> PatternOption,
    ) -> Result<(), Failure> {
        let (_, core) = self.open_socket(key)?;
        if core.shared().socket_type() == SocketType::XSub {
            let octets: Vec<u8> = std::iter::once(first).chain(topic.bytes()).collect();
            let sent = core.try_send(Message::new(Frame::copy_of(&octets)));
            return sent.map_err(|unsent| of_sending(unsent.why));
        }
        core.set(option(topic.as_bytes().to_vec())).map_err(|why| Failure { errno: EINVAL, why: why.to_string() })
    }

    /// Closes a socket; a closed one stays closed. What is unsent has `linger`, or the socket's.
    pub fn close(&mut self, key: SocketKey, linger: Option<Linger>) {
        let held = &mut self.sockets[key.0 as usize];
        let Some(core) = held.core.take() else { return };
        let host = held.host;
        let mut places = std::mem::take(&mut held.bound);
        // Diallers have until the end of linger.
        let joined = |placed: &mut Placed| matches!(placed.place, Place::Joined(_));
        places.extend(std::mem::take(&mut held.connected).extract_if(.., joined));
        let linger = linger.unwrap_or_else(|| core.shared().options().linger);
        core.shared().set_linger_deadline(linger_deadline(linger, self.io.now(host)));
        core.close();
        for placed in places {
            self.give_up(key, placed);
        }
        for task in self.tasks.iter().flatten().filter(|task| task.me.socket == key) {
            task.me.bell.ring();
        }
    }

    fn give_up(&mut self, key: SocketKey, placed: Placed) {
        match placed.place {
            Place::Listener(token, listener, address) => {
                let host = self.sockets[key.0 as usize].host;
                self.io.world.close_listener(listener);
                if let Address::Path(path) = &address {
                    // Whoever removed it before us has done what we wanted.
                    let _ = self.io.world.unlink(host, path);
                }
                if let Some(task) = self.tasks[token as usize].take() {
                    self.end(*task);
                }
                self.emit(key, EventKind::Closed, &placed.at);
            }
            Place::Dialled(token, peer) => {
                if let (Some(peer), Some(core)) = (peer, self.sockets[key.0 as usize].core()) {
                    core.shared().detach(peer);
                }
                if let Some(task) = &mut self.tasks[token as usize] {
                    task.is_stopping = true;
                    task.me.bell.ring();
                }
            }
            Place::Joined(place) => {
                let host = self.sockets[key.0 as usize].host;
                place.leave(self.io.now(host));
            }
        }
    }

    /// The process of the host is gone.
    pub(super) fn lose_sockets(&mut self, host: HostId) {
        for held in self.sockets.iter_mut().filter(|held| held.host == host) {
            held.bound.clear();
            held.connected.clear();
            drop(held.core.take());
        }
        self.names.remove(&host);
    }

    fn open_socket(&self, key: SocketKey) -> Result<(HostId, Arc<Socket>), Failure> {
        let held = self.sockets.get(key.0 as usize);
        let open = held.and_then(|held| held.core.clone().map(|core| (held.host, core)));
        open.ok_or_else(not_open)
    }

    fn emit(&mut self, socket: SocketKey, kind: EventKind, endpoint: &str) {
        self.io.events.push(Event { socket, kind, endpoint: endpoint.to_owned() });
    }
}

/// The failure of what is done with a closed socket.
pub(super) fn not_open() -> Failure {
    Failure { errno: ENOTSOCK, why: "the socket is not open".into() }
}

/// A send that failed.
pub(super) fn of_sending(why: SendError) -> Failure {
    Failure { errno: why.errno(), why: why.to_string() }
}

fn joined(core: &Arc<Socket>) -> Weak<dyn Joined> {
    let weak: Weak<Socket> = Arc::downgrade(core);
    weak as _
}

fn not_joined(why: NotJoined, endpoint: &str) -> Failure {
    let errno = match why {
        NotJoined::NameTaken => EADDRINUSE,
        NotJoined::Incompatible { .. } => EINVAL,
        NotJoined::NoLink(_) => ENOCOMPATPROTO,
    };
    Failure { errno, why: format!("{endpoint}: {why}") }
}

/// One place, as it was given or as it came to be: of several the one that was made first.
fn take(places: &mut Vec<Placed>, endpoint: &str) -> Result<Placed, Failure> {
    match places.iter().position(|placed| placed.at == endpoint || placed.given == endpoint) {
        Some(found) => Ok(places.remove(found)),
        None => Err(Failure { errno: ENOENT, why: format!("not bound or connected to {endpoint}") }),
    }
}
