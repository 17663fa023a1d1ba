//! A bench for patterns: the application's side on one end, and the far ends of all pipes on the other.
//!
//! ```text
//!   Bench { pattern, shared } ══ pipes ══ Far { reader, writer }
//!                    ▲ mailbox ─────────────┘ as an I/O side would write it
//! ```

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::table::SocketType;
use super::{Pattern, PatternOption, Unsupported};
use crate::error::{RecvError, SendError, Unsent};
use crate::frame::Frame;
use crate::message::Message;
use crate::options::Options;
use crate::pipe::{Limits, Read, Reader, ReaderState, Writer, pipe};
use crate::socket::{Attachment, Effects, Inbound, IoSide, Lease, Letter, Outbound, PeerId, PeerInfo, Shared};

/// A pattern, called as a socket calls it.
pub(crate) struct Bench<P> {
    pub(crate) pattern: P,
    pub(crate) shared: Arc<Shared>,
}

impl<P: Pattern> Bench<P> {
    /// A socket without peers.
    pub(crate) fn new(socket_type: SocketType, make: impl FnOnce(Arc<Shared>) -> P) -> Self {
        let shared = Arc::new(Shared::new(socket_type, Options::default(), 1));
        Self { pattern: make(Arc::clone(&shared)), shared }
    }

    /// A new peer, with a high-water mark of `hwm` messages each way; 0 for none.
    pub(crate) fn peer(&mut self, hwm: u32) -> Far {
        self.attach("", hwm)
    }

    /// As [`Self::peer`], with a routing id.
    pub(crate) fn peer_of_id(&mut self, id: &str, hwm: u32) -> Far {
        self.attach(id, hwm)
    }

    fn attach(&mut self, routing_id: &str, hwm: u32) -> Far {
        let (attachment, far) = peer(&self.shared, routing_id, hwm);
        self.shared.attach(attachment);
        far
    }

    pub(crate) fn send(&mut self, message: impl Into<Message>) -> Result<(), SendError> {
        let message = message.into();
        let given = message.clone();
        self.call(|pattern, effects| pattern.send(message, effects)).map_err(|Unsent { message, why }| {
            assert_eq!(message, given, "what is not sent comes back whole");
            why
        })
    }

    pub(crate) fn recv(&mut self) -> Result<Message, RecvError> {
        self.call(|pattern, effects| pattern.recv(effects))
    }

    /// All that can be received now.
    pub(crate) fn recv_all(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.recv().ok()).collect()
    }

    pub(crate) fn can_send(&mut self) -> bool {
        self.call(|pattern, effects| pattern.can_send(effects))
    }

    pub(crate) fn can_recv(&mut self) -> bool {
        self.call(|pattern, effects| pattern.can_recv(effects))
    }

    pub(crate) fn set(&mut self, option: PatternOption) -> Result<(), Unsupported> {
        self.call(|pattern, effects| pattern.set(option, effects))
    }

    /// The name of the peer that sent the message received last.
    pub(crate) fn sender(&mut self) -> Option<String> {
        let properties = self.pattern.sender()?.properties();
        properties.iter().find(|(name, _)| name == "Name").map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }

    /// Lets the pattern know what the I/O sides have told, without calling it for anything else.
    pub(crate) fn settle(&mut self) {
        self.call(|_, _| ());
    }

    fn call<T>(&mut self, call: impl FnOnce(&mut P, &mut Effects) -> T) -> T {
        let mut effects = Effects::default();
        for letter in letters(&self.shared) {
            match letter {
                Letter::Attached(attachment) => self.pattern.attach(*attachment, &mut effects),
                Letter::Detached(peer) => self.pattern.detach(peer, &mut effects),
                Letter::Readable(peer) => self.pattern.readable(peer, &mut effects),
                Letter::Writable(peer) => self.pattern.writable(peer),
            }
        }
        let result = call(&mut self.pattern, &mut effects);
        effects.run();
        result
    }
}

/// What the I/O sides have told since the last time.
pub(crate) fn letters(shared: &Shared) -> VecDeque<Letter> {
    let mut letters = VecDeque::new();
    if shared.mailbox().has_any() {
        shared.mailbox().take(&mut letters);
    }
    letters
}

/// Both ends of the pipes of a new peer, with a high-water mark of `hwm` messages each way; 0 for none.
pub(crate) fn peer(shared: &Arc<Shared>, routing_id: &str, hwm: u32) -> (Attachment, Far) {
    let routing_id = Frame::from(routing_id);
    let lease = shared.peers().lease();
    let peer = lease.id();
    let wakes = Arc::<Wakes>::default();
    let io: Arc<dyn IoSide> = wakes.clone();
    if !routing_id.is_empty() {
        assert!(shared.routing_ids().claim(&routing_id, peer, &io).is_ok(), "each id is given once");
    }
    let (writer, far_reader) = pipe(Limits::messages(hwm));
    let (far_writer, reader) = pipe(Limits::messages(hwm));
    let info = PeerInfo::default();
    info.set(vec![("Name".into(), format!("{peer:?}").into_bytes())]);
    let attachment = Attachment {
        peer,
        outbound: Outbound::new(writer, Arc::clone(&io), Arc::clone(&lease)),
        inbound: Inbound::new(reader, io, Arc::clone(&lease), info),
        routing_id: routing_id.clone(),
        inproc: None,
    };
    let ends = Some((far_reader, far_writer));
    (attachment, Far { peer, routing_id, shared: Arc::clone(shared), wakes, ends, lease: Some(lease) })
}

/// The I/O side of one peer: what would be a link.
pub(crate) struct Far {
    pub(crate) peer: PeerId,
    pub(crate) wakes: Arc<Wakes>,
    routing_id: Frame,
    shared: Arc<Shared>,
    /// `None` when the peer is gone.
    ends: Option<(Reader, Writer)>,
    lease: Option<Arc<Lease>>,
}

/// How often it was told something.
#[derive(Default)]
pub(crate) struct Wakes {
    messages: AtomicUsize,
    rooms: AtomicUsize,
    closes: AtomicUsize,
}

impl IoSide for Wakes {
    fn messages_waiting(&self) {
        self.messages.fetch_add(1, Ordering::Relaxed);
    }

    fn room_made(&self) {
        self.rooms.fetch_add(1, Ordering::Relaxed);
    }

    fn closed(&self) {
        self.closes.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wakes {
    /// How often it was told that messages wait.
    pub(crate) fn messages(&self) -> usize {
        self.messages.load(Ordering::Relaxed)
    }

    /// How often it was told that there is room.
    pub(crate) fn rooms(&self) -> usize {
        self.rooms.load(Ordering::Relaxed)
    }

    /// How often it was told that the application's end is gone.
    pub(crate) fn closes(&self) -> usize {
        self.closes.load(Ordering::Relaxed)
    }
}

impl Far {
    /// The peer sends a message, if there is room for it; whether there was.
    pub(crate) fn send(&mut self, message: impl Into<Message>) -> bool {
        let (_, writer) = self.ends.as_mut().expect("the peer is there");
        if !writer.has_room() {
            return false;
        }
        let (head, tail) = message.into().into_parts();
        let last = tail.len();
        for (i, frame) in std::iter::once(head).chain(tail).enumerate() {
            writer.write(if i < last { frame.more() } else { frame.last() });
        }
        if writer.flush() == ReaderState::Asleep {
            self.shared.readable(self.peer);
        }
        true
    }

    /// The next message that was sent to the peer.
    pub(crate) fn recv(&mut self) -> Option<Message> {
        let (reader, _) = self.ends.as_mut().expect("the peer is there");
        let mut frames = Vec::new();
        while let Read::Frame(frame) = reader.read() {
            let more = frame.has_more();
            frames.push(frame);
            if !more {
                break;
            }
        }
        if reader.room_made() {
            self.shared.writable(self.peer);
        }
        Message::from_frames(frames)
    }

    /// All messages that were sent to the peer.
    pub(crate) fn recv_all(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.recv()).collect()
    }

    /// Whether the socket has closed its end.
    pub(crate) fn sees_end(&mut self) -> bool {
        let (reader, _) = self.ends.as_mut().expect("the peer is there");
        reader.read() == Read::End
    }

    /// The peer sends nothing any more, but goes on receiving.
    pub(crate) fn end(&mut self) {
        let (_, writer) = self.ends.as_mut().expect("the peer is there");
        if writer.close() == ReaderState::Asleep {
            self.shared.readable(self.peer);
        }
    }

    /// The peer is gone for good; the socket is told.
    pub(crate) fn close(&mut self) {
        self.close_untold();
        self.shared.detach(self.peer);
    }

    /// The peer is gone for good, and the socket knows of the ends of its pipes only.
    pub(crate) fn close_untold(&mut self) {
        self.lease = None;
        let Some((_, mut writer)) = self.ends.take() else { return };
        if writer.close() == ReaderState::Asleep {
            self.shared.readable(self.peer);
        }
        self.shared.routing_ids().release(&self.routing_id, self.peer);
    }
}

/// A name, and how its state is reached.
pub(crate) type State<M> = (&'static str, fn() -> M);

/// A name, and what happens; it says what came of it.
pub(crate) type Event<M> = (&'static str, fn(&mut M) -> String);

/// A table of transitions: each event in each state, what came of it, and the state behind it.
pub(crate) fn table<M>(states: &[State<M>], events: &[Event<M>], state: fn(&mut M) -> String) -> String {
    let mut table = String::new();
    for (name, reach) in states {
        let _ = writeln!(table, "{name}");
        for (event, happen) in events {
            let mut machine = reach();
            assert_eq!(state(&mut machine), *name, "the state to begin with");
            let outcome = happen(&mut machine);
            let _ = writeln!(table, "  {event:<34}{outcome:<24}{}", state(&mut machine));
        }
    }
    table
}
