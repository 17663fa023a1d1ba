//! inproc: two sockets of one context, joined by their pipes. There is no link, no session and no I/O thread.
//!
//! Who connects before there is somebody bound waits in the table of names; a socket that sends can fill its pipe
//! meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::{Attachment, Inbound, IoSide, Lease, Outbound, PeerId, PeerInfo, Shared, Socket};
use crate::frame::Frame;
use crate::options::Options;
use crate::pattern::table::{Attach, Direction, Protocol, SocketType};
use crate::pipe::{Limits, Reader, ReaderState, Writer};
use crate::time::Instant;

/// The names of one context.
#[derive(Default)]
pub struct Names {
    table: Mutex<Table>,
}

/// A socket that is joined with others. It has to be there no longer than its application holds it.
pub trait Joined: Send + Sync {
    /// [`Socket::attend`].
    fn attend(&self);
}

impl Joined for Socket {
    fn attend(&self) {
        Self::attend(self);
    }
}

/// Why a socket is not joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotJoined {
    /// Somebody of the same context is bound to this name.
    #[error("the name is bound already")]
    NameTaken,
    /// Sockets of these types do not talk to each other.
    #[error("a {ours} does not talk to the {theirs} that is bound there")]
    Incompatible {
        /// This socket.
        ours: SocketType,
        /// The other.
        theirs: SocketType,
    },
    /// Octets without messages need a link, and there is none.
    #[error("a {0} needs a link, which there is none of")]
    NoLink(SocketType),
}

#[derive(Default)]
struct Table {
    bound: BTreeMap<String, Bound>,
    /// In the order of their `connect`.
    waiting: Vec<Waiting>,
}

#[derive(Clone)]
struct Bound {
    shared: Arc<Shared>,
    socket: Weak<dyn Joined>,
}

/// A socket that connected before there was anybody.
struct Waiting {
    name: String,
    half: Half,
}

/// The connecting side of a connection whose other side is still to come.
struct Half {
    shared: Arc<Shared>,
    socket: Weak<dyn Joined>,
    options: Arc<Options>,
    lease: Arc<Lease>,
    /// What the other side will get of pipes that this side uses already; `None`: it is attached later.
    pipes: Option<(Reader, Writer)>,
    /// Leads this side's wake-ups to the other.
    towards_other: Arc<Side>,
    info: PeerInfo,
}

/// What a socket remembers of its place.
#[must_use = "a place is given up by leaving it"]
pub struct Place {
    names: Weak<Names>,
    name: String,
    kind: Kind,
}

enum Kind {
    Bound(Arc<Shared>),
    /// The connecting socket, what it calls the other, and the way to the other.
    Connected(Arc<Shared>, PeerId, Arc<Side>),
}

/// The way from one side to the other.
#[derive(Default)]
struct Side {
    other: OnceLock<Other>,
}

struct Other {
    shared: Arc<Shared>,
    /// What the other side calls us.
    us: PeerId,
    /// How the other side addresses us, if it is a ROUTER.
    routing_id: Frame,
}

impl IoSide for Side {
    fn messages_waiting(&self) {
        if let Some(other) = self.other.get() {
            other.shared.readable(other.us);
        }
    }

    fn room_made(&self) {
        if let Some(other) = self.other.get() {
            other.shared.writable(other.us);
        }
    }

    fn closed(&self) {
        if let Some(other) = self.other.get() {
            if !other.routing_id.is_empty() {
                other.shared.routing_ids().release(&other.routing_id, other.us);
            }
            other.shared.readable(other.us);
            other.shared.detach(other.us);
        }
    }
}

impl Names {
    /// Binds a socket to a name, and joins it with those that wait for it.
    ///
    /// # Errors
    ///
    /// [`NotJoined`].
    pub fn bind(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        socket: Weak<dyn Joined>,
        name: &str,
        now: Instant,
    ) -> Result<Place, NotJoined> {
        speaks_zmtp(shared)?;
        let bound = Bound { shared: Arc::clone(shared), socket };
        let halves = {
            let mut table = self.lock();
            if table.bound.contains_key(name) {
                return Err(NotJoined::NameTaken);
            }
            table.bound.insert(name.to_owned(), bound.clone());
            let theirs = shared.socket_type();
            let fits = |waiting: &Waiting| waiting.name == name && waiting.half.shared.socket_type().talks_to(theirs);
            table.waiting.extract_if(.., |waiting| fits(waiting)).collect::<Vec<_>>()
        };
        for mut waiting in halves {
            if !waiting.half.shared.has_ended() || waiting.half.lingers(now) {
                waiting.half.join(&bound);
            }
        }
        let kind = Kind::Bound(Arc::clone(shared));
        Ok(Place { names: Arc::downgrade(self), name: name.to_owned(), kind })
    }

    /// Connects a socket to a name, now or when somebody binds to it.
    ///
    /// # Errors
    ///
    /// [`NotJoined`].
    pub fn connect(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        socket: Weak<dyn Joined>,
        name: &str,
    ) -> Result<Place, NotJoined> {
        speaks_zmtp(shared)?;
        let options = shared.options();
        let towards_other = Arc::<Side>::default();
        let lease = shared.peers().lease();
        let us = lease.id();
        let mut half = Half {
            shared: Arc::clone(shared),
            socket,
            options,
            lease,
            pipes: None,
            towards_other: Arc::clone(&towards_other),
            info: PeerInfo::default(),
        };
        let mut table = self.lock();
        if let Some(other) = table.bound.get(name).cloned() {
            drop(table);
            let (ours, theirs) = (shared.socket_type(), other.shared.socket_type());
            if !ours.talks_to(theirs) {
                return Err(NotJoined::Incompatible { ours, theirs });
            }
            half.join(&other);
        } else {
            half.attach_early();
            table.waiting.push(Waiting { name: name.to_owned(), half });
        }
        let kind = Kind::Connected(Arc::clone(shared), us, towards_other);
        Ok(Place { names: Arc::downgrade(self), name: name.to_owned(), kind })
    }

    /// The type of the socket that is bound to a name.
    #[must_use]
    pub fn bound_type(&self, name: &str) -> Option<SocketType> {
        self.lock().bound.get(name).map(|bound| bound.shared.socket_type())
    }

    /// Sockets that are bound, and those that wait for somebody who is.
    #[must_use]
    pub fn len(&self) -> usize {
        let table = self.lock();
        table.bound.len() + table.waiting.len()
    }

    /// Whether nobody is bound, and nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Half {
    /// Attaches this side before there is another: messages wait in its pipe.
    fn attach_early(&mut self) {
        let rules = self.shared.socket_type().rules();
        if rules.attach == Attach::AtHandshake || rules.subscriptions != Direction::None || self.options.immediate {
            return;
        }
        let keep = self.options.keeps(self.shared.socket_type());
        let (mut to_other, from_us) = keep.pipe(Limits { hwm: self.options.send_hwm, bytes: None });
        let (to_us, from_other) = keep.pipe(Limits { hwm: self.options.recv_hwm, bytes: None });
        say_first(&self.options, self.shared.socket_type(), &mut to_other);
        self.attach(to_other, from_other, Frame::EMPTY, None);
        self.pipes = Some((from_us, to_us));
    }

    /// Whether something was sent that is still to be delivered although the socket is closed.
    fn lingers(&mut self, now: Instant) -> bool {
        let in_time = self.shared.linger_deadline().is_none_or(|deadline| now < deadline);
        in_time && self.pipes.as_mut().is_some_and(|(from_us, _)| from_us.has_message())
    }

    fn attach(&self, to_other: Writer, from_other: Reader, routing_id: Frame, inproc: Option<(Arc<Shared>, PeerId)>) {
        let io: Arc<dyn IoSide> = Arc::clone(&self.towards_other) as _;
        self.shared.attach(Attachment {
            peer: self.lease.id(),
            outbound: Outbound::new(to_other, Arc::clone(&io), Arc::clone(&self.lease)),
            inbound: Inbound::new(from_other, io, Arc::clone(&self.lease), self.info.clone()),
            routing_id,
            inproc,
        });
    }

    /// Joins this side with the socket that is bound.
    fn join(self, bound: &Bound) {
        let sockets = [(&bound.shared, &bound.socket), (&self.shared, &self.socket)];
        let subscribes = |shared: &Shared| shared.socket_type().rules().subscriptions == Direction::ToPeer;
        let subscribers = sockets.map(|(shared, socket)| socket.upgrade().filter(|_| subscribes(shared)));
        self.join_pipes(&bound.shared);
        // Subscriptions take effect although the subscriber's application may not call for long. No lock is held here.
        for socket in subscribers.into_iter().flatten() {
            socket.attend();
        }
    }

    fn join_pipes(mut self, theirs: &Arc<Shared>) {
        let their_options = theirs.options();
        let their_lease = theirs.peers().lease();
        let (us_there, them_here) = (their_lease.id(), self.lease.id());
        let towards_us = Arc::<Side>::default();
        let io_there: Arc<dyn IoSide> = Arc::clone(&towards_us) as _;
        let io_here: Arc<dyn IoSide> = Arc::clone(&self.towards_other) as _;
        let our_id_there = routing_id(theirs, us_there, &io_there, &self.options);
        let their_id_here = routing_id(&self.shared, them_here, &io_here, &their_options);
        let _ = towards_us.other.set(Other {
            shared: Arc::clone(&self.shared),
            us: them_here,
            routing_id: their_id_here.clone(),
        });
        let early = self.pipes.is_some();
        let (from_us, mut to_us, ours) = match self.pipes.take() {
            Some((from_us, to_us)) => (from_us, to_us, None),
            None => {
                let keep = self.options.keeps(self.shared.socket_type()).and(their_options.keeps(theirs.socket_type()));
                let forth = self.options.send_hwm.and(their_options.recv_hwm);
                let back = their_options.send_hwm.and(self.options.recv_hwm);
                let (mut to_other, from_us) = keep.pipe(Limits { hwm: forth, bytes: None });
                let (to_us, from_other) = keep.pipe(Limits { hwm: back, bytes: None });
                say_first(&self.options, self.shared.socket_type(), &mut to_other);
                (from_us, to_us, Some((to_other, from_other)))
            }
        };
        say_first(&their_options, theirs.socket_type(), &mut to_us);
        self.info.set(properties(theirs.socket_type(), &their_options));
        let their_info = PeerInfo::default();
        their_info.set(properties(self.shared.socket_type(), &self.options));
        let io: Arc<dyn IoSide> = towards_us;
        // The bound side first: what the connecting side tells it then finds it attached.
        theirs.attach(Attachment {
            peer: us_there,
            outbound: Outbound::new(to_us, Arc::clone(&io), Arc::clone(&their_lease)),
            inbound: Inbound::new(from_us, io, their_lease, their_info)
                .with_last_words(their_options.disconnect_message(theirs.socket_type())),
            routing_id: our_id_there.clone(),
            inproc: Some((Arc::clone(&self.shared), them_here)),
        });
        let other = Other { shared: Arc::clone(theirs), us: us_there, routing_id: our_id_there };
        let _ = self.towards_other.other.set(other);
        if let Some((to_other, from_other)) = ours {
            self.attach(to_other, from_other, their_id_here, Some((Arc::clone(theirs), us_there)));
        }
        if early {
            // What was sent or closed before there was anybody to tell; and what the other says first.
            theirs.readable(us_there);
            self.shared.readable(them_here);
            if self.shared.has_ended() {
                self.towards_other.closed();
            }
        }
    }
}

/// What goes before the first message. The reader looks when it is attached.
fn say_first(options: &Options, socket_type: SocketType, to_other: &mut Writer) {
    for message in options.first_messages(socket_type) {
        to_other.write(message);
    }
    let (ReaderState::Awake | ReaderState::Asleep) = to_other.flush();
}

/// Octets without messages need a link.
fn speaks_zmtp(shared: &Shared) -> Result<(), NotJoined> {
    let socket_type = shared.socket_type();
    match socket_type.rules().protocol {
        Protocol::Zmtp => Ok(()),
        Protocol::Raw => Err(NotJoined::NoLink(socket_type)),
    }
}

/// How `shared`, if it is a ROUTER, addresses a peer of these options.
fn routing_id(shared: &Arc<Shared>, peer: PeerId, io: &Arc<dyn IoSide>, theirs: &Options) -> Frame {
    if shared.socket_type() != SocketType::Router {
        return Frame::EMPTY;
    }
    let mut ids = shared.routing_ids();
    match &theirs.routing_id {
        Some(id) if ids.claim(id.as_slice(), peer, io).is_ok() => id.frame(),
        Some(_) | None => ids.generate(peer, io),
    }
}

fn properties(socket_type: SocketType, options: &Options) -> Vec<(String, Vec<u8>)> {
    let mut properties = vec![("Socket-Type".to_owned(), socket_type.name().as_bytes().to_vec())];
    if let Some(id) = &options.routing_id {
        properties.push(("Identity".to_owned(), id.as_slice().to_vec()));
    }
    properties.extend(options.metadata.iter().cloned());
    properties
}

impl Place {
    /// Gives the place up.
    pub fn leave(self, now: Instant) {
        let Some(names) = self.names.upgrade() else { return };
        match self.kind {
            Kind::Bound(shared) => {
                let mut table = names.lock();
                if table.bound.get(&self.name).is_some_and(|bound| Arc::ptr_eq(&bound.shared, &shared)) {
                    table.bound.remove(&self.name);
                }
            }
            Kind::Connected(shared, peer, towards_other) => {
                let waiting = {
                    let mut table = names.lock();
                    let found = table.waiting.iter().position(|waiting| {
                        Arc::ptr_eq(&waiting.half.shared, &shared) && waiting.half.lease.id() == peer
                    });
                    // Who connected, sent and closed before anybody was bound still delivers.
                    found
                        .filter(|found| !(shared.has_ended() && table.waiting[*found].half.lingers(now)))
                        .map(|found| table.waiting.remove(found))
                };
                drop(waiting);
                shared.detach(peer);
                if !shared.has_ended() {
                    towards_other.closed();
                }
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::error::RecvError;
    use crate::message::Message;
    use crate::pattern::PatternOption;

    fn socket(socket_type: SocketType) -> Arc<Socket> {
        Arc::new(Socket::new(socket_type, Options::default(), 1))
    }

    fn weak(socket: &Arc<Socket>) -> Weak<dyn Joined> {
        let weak: Weak<Socket> = Arc::downgrade(socket);
        weak as _
    }

    fn bind(names: &Arc<Names>, socket: &Arc<Socket>) -> Result<Place, NotJoined> {
        names.bind(socket.shared(), weak(socket), "here", Instant::START)
    }

    fn connect(names: &Arc<Names>, socket: &Arc<Socket>) -> Result<Place, NotJoined> {
        names.connect(socket.shared(), weak(socket), "here")
    }

    // spec: ZMTP31-SEM-02
    #[test]
    fn whoever_comes_first_both_are_joined() {
        for bound_first in [true, false] {
            let names = Arc::<Names>::default();
            let (push, pull) = (socket(SocketType::Push), socket(SocketType::Pull));
            let _place = bound_first.then(|| bind(&names, &pull).unwrap());
            let _other = connect(&names, &push).unwrap();
            assert_eq!(push.try_send(Message::from("early")), Ok(()), "bound first: {bound_first}");
            let _late = (!bound_first).then(|| bind(&names, &pull).unwrap());
            assert_eq!(pull.try_recv(), Ok(Message::from("early")));
        }
    }

    #[test]
    fn a_publisher_knows_at_once_what_is_wanted() {
        let names = Arc::<Names>::default();
        let (publisher, subscriber) = (socket(SocketType::Pub), socket(SocketType::Sub));
        subscriber.set(PatternOption::Subscribe(b"a".to_vec())).unwrap();
        let _bound = bind(&names, &publisher).unwrap();
        let _connected = connect(&names, &subscriber).unwrap();
        publisher.try_send(Message::from("b")).unwrap();
        publisher.try_send(Message::from("a")).unwrap();
        assert_eq!(subscriber.try_recv(), Ok(Message::from("a")));
        assert_eq!(subscriber.try_recv(), Err(RecvError::WouldBlock));
    }

    #[test]
    fn a_name_is_bound_once_and_only_by_who_fits() {
        let names = Arc::<Names>::default();
        let (first, second, other) = (socket(SocketType::Pull), socket(SocketType::Pull), socket(SocketType::Sub));
        let place = bind(&names, &first).unwrap();
        assert_eq!(bind(&names, &second).err(), Some(NotJoined::NameTaken));
        let (ours, theirs) = (SocketType::Sub, SocketType::Pull);
        assert_eq!(connect(&names, &other).err(), Some(NotJoined::Incompatible { ours, theirs }));
        assert_eq!(names.bound_type("here"), Some(SocketType::Pull));
        let stream = socket(SocketType::Stream);
        assert_eq!(connect(&names, &stream).err(), Some(NotJoined::NoLink(SocketType::Stream)));
        place.leave(Instant::START);
        assert!(names.is_empty());
        assert!(bind(&names, &second).is_ok());
    }

    #[test]
    fn what_was_sent_and_closed_before_anybody_was_bound_is_kept_for_its_linger() {
        for (deadline, delivered) in [(None, true), (Some(2), true), (Some(1), false)] {
            let names = Arc::<Names>::default();
            let (push, pull) = (socket(SocketType::Push), socket(SocketType::Pull));
            let place = connect(&names, &push).unwrap();
            push.try_send(Message::from("left behind")).unwrap();
            push.shared().set_linger_deadline(deadline.map(Instant::from_nanos));
            push.close();
            place.leave(Instant::START);
            let now = Instant::from_nanos(1);
            let _bound = names.bind(pull.shared(), weak(&pull), "here", now).unwrap();
            assert_eq!(pull.try_recv().is_ok(), delivered, "{deadline:?}");
            assert_eq!(names.len(), 1);
        }
    }
}
