//! Events as libzmq's monitor sockets say them, and the task that sends them.
//!
//! The first form is two frames: event (16 bits) and value (32 bits) in the machine's order of octets, and an endpoint.
//! The second has a frame for each number, all of 64 bits: the event, how many values there are, the values; and then
//! both ends of the connection.

use std::future::Future;
use std::ops::BitOr;
use std::pin::pin;
use std::task::Poll;

use zmq_core::error::{SendError, Unsent};
use zmq_core::frame::Frame;
use zmq_core::message::Message;
use zmq_core::options::{Hwm, Linger, Options};
use zmq_core::pattern::table::SocketType;

use super::{Event, Monitor};
use crate::endpoint::Endpoint;
use crate::error::EndpointFailed;
use crate::socket::Socket;

/// A set of events, in libzmq's bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventMask(u64);

impl EventMask {
    /// Every event.
    pub const ALL: Self = Self(0xFFFF);
    /// A connection was made.
    pub const CONNECTED: Self = Self(0x0001);
    /// An attempt to connect goes on.
    pub const CONNECT_DELAYED: Self = Self(0x0002);
    /// There will be another attempt.
    pub const CONNECT_RETRIED: Self = Self(0x0004);
    /// Bound.
    pub const LISTENING: Self = Self(0x0008);
    /// Not bound.
    pub const BIND_FAILED: Self = Self(0x0010);
    /// A connection came in.
    pub const ACCEPTED: Self = Self(0x0020);
    /// A connection that came in could not be taken.
    pub const ACCEPT_FAILED: Self = Self(0x0040);
    /// A listener or an attempt was closed.
    pub const CLOSED: Self = Self(0x0080);
    /// A connection ended.
    pub const DISCONNECTED: Self = Self(0x0200);
    /// The last event.
    pub const MONITOR_STOPPED: Self = Self(0x0400);
    /// The connection was lost during the handshake.
    pub const HANDSHAKE_FAILED_NO_DETAIL: Self = Self(0x0800);
    /// The handshake is over.
    pub const HANDSHAKE_SUCCEEDED: Self = Self(0x1000);
    /// A peer broke the protocol in the handshake.
    pub const HANDSHAKE_FAILED_PROTOCOL: Self = Self(0x2000);
    /// A peer was refused.
    pub const HANDSHAKE_FAILED_AUTH: Self = Self(0x4000);

    /// The events of these bits. Bits that no event has are kept, and never happen.
    #[must_use]
    pub const fn of_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    const fn has(self, bit: u64) -> bool {
        self.0 & bit != 0
    }
}

impl BitOr for EventMask {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The form of events on a monitor socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventVersion {
    /// Two frames: event and value, endpoint.
    V1,
    /// Event, number of values, values, local end, remote end: a frame for each.
    V2,
}

/// The type of the socket that sends events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MonitorType {
    /// For one reader, as libzmq's first form.
    Pair,
    /// For any number of readers, which miss what happens before they are heard.
    Pub,
    /// For readers that share the events.
    Push,
}

impl Socket {
    /// Sends the events of `mask` from here on, as libzmq does, over a socket of `monitor_type` that is bound to `endpoint`
    /// (`inproc://…`) of the same context. Another monitor of this socket ends.
    ///
    /// Events that the reader has not taken wait for it, up to a thousand in its pipe and 10,000 before that. The last
    /// event is `MONITOR_STOPPED`: the socket was closed, or [`Self::end_monitor`] was called.
    ///
    /// # Errors
    ///
    /// [`EndpointFailed::MonitorTransport`] for another transport than inproc, and what [`Socket::bind`] may say.
    pub async fn monitor_at(
        &self,
        endpoint: &str,
        mask: EventMask,
        version: EventVersion,
        monitor_type: MonitorType,
    ) -> Result<(), EndpointFailed> {
        let Endpoint::Inproc(_) = endpoint.parse::<Endpoint>()? else {
            return Err(EndpointFailed::MonitorTransport(endpoint.to_owned()));
        };
        let context = crate::Context::of(&self.inner().context);
        let socket_type = match monitor_type {
            MonitorType::Pair => SocketType::Pair,
            MonitorType::Pub => SocketType::Pub,
            MonitorType::Push => SocketType::Push,
        };
        let options = Options { linger: Linger::Discard, send_hwm: Hwm::DEFAULT, ..Options::default() };
        let sender = context.socket_with(socket_type, options).map_err(|_| EndpointFailed::Terminated)?;
        sender.bind(endpoint).await?;
        let events = self.monitor();
        let runtime = &self.inner().context.runtime;
        runtime.start_io(0, Box::pin(async move { deliver(&events, &sender, mask, version).await }));
        Ok(())
    }

    /// Ends this socket's monitor, whichever it is.
    pub fn end_monitor(&self) {
        if let Some(events) = self.inner().events().take() {
            events.end();
        }
    }
}

/// Sends events until there are no more.
async fn deliver(events: &Monitor, sender: &Socket, mask: EventMask, version: EventVersion) {
    while let Some(event) = events.recv().await {
        if mask.has(event.kind.bit()) && send(events, sender, message(&event, version)).await.is_err() {
            return;
        }
    }
    if mask.has(EventMask::MONITOR_STOPPED.0) {
        let _ = sender.try_send(stopped(version));
    }
    sender.close(Some(Linger::Discard));
}

/// Sends one event, whenever there is room; when no further event will come, now or never.
///
/// # Errors
///
/// The sending socket was closed: its context ends.
async fn send(events: &Monitor, sender: &Socket, message: Message) -> Result<(), SendError> {
    let mut message = Some(message);
    loop {
        let unsent = message.take().expect("only what was sent is gone, and that ends the loop");
        match sender.try_send(unsent) {
            Ok(()) => return Ok(()),
            Err(Unsent { message: unsent, why: SendError::WouldBlock }) if !events.has_ended() => {
                message = Some(unsent);
            }
            Err(Unsent { why: SendError::WouldBlock, .. }) => return Ok(()),
            Err(Unsent { why, .. }) => return Err(why),
        }
        let (mut room, mut end) = (pin!(sender.writable()), pin!(events.ended()));
        std::future::poll_fn(|cx| {
            let room = room.as_mut().poll(cx);
            let end = end.as_mut().poll(cx);
            if room.is_ready() || end.is_ready() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

fn message(event: &Event, version: EventVersion) -> Message {
    match version {
        EventVersion::V1 => first_form(event.kind.bit(), event.value(), &event.endpoint_text()),
        EventVersion::V2 => second_form(event.kind.bit(), event.value(), &event.local_text(), &event.remote_text()),
    }
}

/// The last event.
fn stopped(version: EventVersion) -> Message {
    match version {
        EventVersion::V1 => first_form(EventMask::MONITOR_STOPPED.0, 0, ""),
        EventVersion::V2 => second_form(EventMask::MONITOR_STOPPED.0, 0, "", ""),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the first form has 16 and 32 bits")]
fn first_form(event: u64, value: i64, endpoint: &str) -> Message {
    let mut head = [0; 6];
    head[..2].copy_from_slice(&(event as u16).to_ne_bytes());
    head[2..].copy_from_slice(&(value as u32).to_ne_bytes());
    Message::of_parts(Frame::copy_of(&head), vec![Frame::copy_of(endpoint.as_bytes())])
}

fn second_form(event: u64, value: i64, local: &str, remote: &str) -> Message {
    let number = |number: u64| Frame::copy_of(&number.to_ne_bytes());
    let rest = vec![
        number(1),
        number(value.cast_unsigned()),
        Frame::copy_of(local.as_bytes()),
        Frame::copy_of(remote.as_bytes()),
    ];
    Message::of_parts(number(event), rest)
}
