//! REP: one request in, one reply back to whoever asked, strictly in turn (28/REQREP).
//!
//! ```text
//!   Waiting --request--> RequestReady --recv--> Answering --send--> Waiting
//! ```
//!
//! Requests are taken from the peers in turn. The envelope, which is all up to the first empty frame, is kept and put
//! before the reply; a request without it, or with nothing behind it, is dropped. A reply is never waited for: it is
//! dropped if its peer is gone or its pipe is full.

use std::sync::Arc;

use super::{Pattern, PatternOption, Unsupported};
use crate::error::{RecvError, SendError, Unsent};
use crate::frame::Frame;
use crate::message::Message;
use crate::routing::{FairQueue, FanOut};
use crate::socket::{Attachment, Effects, PeerId, PeerInfo, Shared};

pub(super) fn make(_shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(Rep::default())
}

#[derive(Default)]
struct Rep {
    state: State,
    requests: FairQueue,
    replies: FanOut,
}

#[derive(Default)]
enum State {
    #[default]
    Waiting,
    RequestReady {
        request: Message,
        back: WayBack,
    },
    Answering(WayBack),
}

/// Where the reply goes.
struct WayBack {
    peer: PeerId,
    /// The envelope without its delimiter; nothing if a REQ asks directly.
    addresses: Vec<Frame>,
}

impl Pattern for Rep {
    // spec: REQREP-REP-01
    fn attach(&mut self, peer: Attachment, _effects: &mut Effects) {
        self.requests.attach(peer.peer, peer.inbound);
        self.replies.attach(peer.peer, peer.outbound);
    }

    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        self.requests.readable(peer);
        self.replies.detach(peer, effects);
    }

    fn readable(&mut self, peer: PeerId) {
        self.requests.readable(peer);
    }

    fn writable(&mut self, _peer: PeerId) {}

    // spec: REQREP-REP-02, REQREP-REP-03, REQREP-REP-09, REQREP-REP-10, REQREP-REP-11, REQREP-REP-12
    fn send(&mut self, message: Message, effects: &mut Effects) -> Result<(), Unsent> {
        match std::mem::take(&mut self.state) {
            State::Answering(back) => {
                self.reply(back, message, effects);
                Ok(())
            }
            early @ (State::Waiting | State::RequestReady { .. }) => {
                self.state = early;
                Err(Unsent { message, why: SendError::OutOfTurn })
            }
        }
    }

    // spec: REQREP-REP-02, REQREP-REP-03, REQREP-REP-05, REQREP-REP-08
    fn recv(&mut self, effects: &mut Effects) -> Result<Message, RecvError> {
        let (back, request) = match std::mem::take(&mut self.state) {
            State::Waiting => self.next_request(effects).ok_or(RecvError::WouldBlock)?,
            State::RequestReady { request, back } => (back, request),
            answering @ State::Answering(_) => {
                self.state = answering;
                return Err(RecvError::OutOfTurn);
            }
        };
        self.state = State::Answering(back);
        Ok(request)
    }

    fn sender(&self) -> Option<&PeerInfo> {
        self.requests.sender()
    }

    fn can_send(&mut self, _effects: &mut Effects) -> bool {
        matches!(self.state, State::Answering(_))
    }

    fn can_recv(&mut self, effects: &mut Effects) -> bool {
        match &self.state {
            State::Waiting => match self.next_request(effects) {
                Some((back, request)) => {
                    self.state = State::RequestReady { request, back };
                    true
                }
                None => false,
            },
            State::RequestReady { .. } => true,
            State::Answering(_) => false,
        }
    }

    fn set(&mut self, _option: PatternOption, _effects: &mut Effects) -> Result<(), Unsupported> {
        Err(Unsupported)
    }
}

impl Rep {
    fn next_request(&mut self, effects: &mut Effects) -> Option<(WayBack, Message)> {
        loop {
            let (peer, message) = self.requests.pop(effects)?;
            if let Some((addresses, request)) = open(message) {
                return Some((WayBack { peer, addresses }, request));
            }
        }
    }

    fn reply(&mut self, back: WayBack, message: Message, effects: &mut Effects) {
        let Some(outbound) = self.replies.with_room(back.peer) else { return };
        match Message::from_frames(back.addresses) {
            None => outbound.push_enveloped(Frame::EMPTY, message, effects),
            Some(mut reply) => {
                reply.push(Frame::EMPTY);
                message.into_iter().for_each(|frame| reply.push(frame));
                outbound.push(reply, effects);
            }
        }
    }
}

/// Divides a request into the addresses before its delimiter and the data behind it; `None` if there is no delimiter,
/// or nothing behind it.
// spec: REQREP-REP-04, REQREP-REP-06, REQREP-REP-07
fn open(message: Message) -> Option<(Vec<Frame>, Message)> {
    let delimiter = message.iter().position(|frame| frame.is_empty())?;
    if delimiter == 0 {
        return message.split_first().ok().map(|(_, request)| (Vec::new(), request));
    }
    let mut frames = message.into_iter();
    let addresses = frames.by_ref().take(delimiter).collect();
    let request = Message::from_frames(frames.skip(1))?;
    Some((addresses, request))
}
