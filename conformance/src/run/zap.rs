//! The ZAP handler beside the subject: a socket of the same process, driven through the same adapter.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::peer_steps::words;
use super::play::Player;
use super::stage::{Stop, part};
use super::subject_steps::millis;
use super::trouble::{Trouble, Unmet};
use crate::adapter::process::CallError;
use crate::adapter::protocol::{ErrorClass, Part, RequestBody};
use crate::case::security::{Delimiter, HandlerKind, ZapAct};
use crate::case::step::FramePattern;
use crate::sabotage::api::HANDLER;
use crate::wire::frame::Frame;
use crate::wire::{show, unhex};

/// Where a handler is bound.
// spec: ZAP-ARCH-03
const ENDPOINT: &str = "inproc://zeromq.zap.01";
/// How long one look at the handler or at a connection lasts while both are watched.
const LOOK: Duration = Duration::from_millis(20);

/// A bound handler, and the request that it has not answered.
#[derive(Debug)]
pub(super) struct Handler {
    kind: HandlerKind,
    /// Routing id and delimiter of the last request, at a ROUTER.
    envelope: Vec<Vec<u8>>,
    /// The frames behind that.
    request: Vec<Vec<u8>>,
    open: Open,
}

/// Whether a request waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Yes,
    No,
}

impl Player<'_> {
    pub(super) fn zap_step(&mut self, act: &ZapAct) -> Result<(), Trouble> {
        match act {
            ZapAct::Binds(kind) => self.bind_handler(*kind).map_err(Trouble::on_the_way),
            ZapAct::Receives(frames) => self.receive_request(frames),
            ZapAct::ReceivesNothing => match self.next_request(Duration::ZERO)? {
                None => Ok(()),
                Some(request) => {
                    let came = format!("the request {}", shown(&request));
                    Err(Unmet::new("no request to the ZAP handler", came, "zap-request").into())
                }
            },
            ZapAct::Sends { frames, delimiter } => {
                let frames = self.frames(frames)?;
                self.reply(&frames, *delimiter)
            }
            ZapAct::Answers(status) => {
                if self.handler.as_ref().is_some_and(|handler| handler.open == Open::No) {
                    self.receive_request(&[]).map_err(Trouble::on_the_way)?;
                }
                let reply = self.right_reply(status);
                self.reply(&reply, Delimiter::There)
            }
            ZapAct::Closes => {
                self.handler = None;
                let close = RequestBody::Close { s: HANDLER.to_owned(), linger: Some(0) };
                self.stage.ask(close, self.stage.patience)?;
                Ok(())
            }
        }
    }

    /// Opens a handler in the subject's context and binds it.
    pub(super) fn bind_handler(&mut self, kind: HandlerKind) -> Result<(), Trouble> {
        let has = |list: &[String], wanted: &str| list.iter().any(|have| have == wanted);
        for (what, list, wanted) in [
            ("transport", &self.stage.hello.transports, "inproc"),
            ("socket type", &self.stage.hello.sockets, kind.word()),
        ] {
            if !has(list, wanted) {
                return Err(Trouble::Unsupported(format!("no {what} {wanted} for a ZAP handler")));
            }
        }
        let kind_word = kind.word().to_owned();
        let open = RequestBody::Open { s: HANDLER.to_owned(), ctx: None, kind: kind_word, options: BTreeMap::new() };
        self.stage.ask(open, self.stage.patience)?;
        let bind = RequestBody::Bind { s: HANDLER.to_owned(), endpoint: ENDPOINT.to_owned() };
        self.stage.ask(bind, self.stage.patience)?;
        self.handler = Some(Handler { kind, envelope: Vec::new(), request: Vec::new(), open: Open::No });
        Ok(())
    }

    /// The next request has these frames; without any: whatever it has.
    fn receive_request(&mut self, frames: &[FramePattern]) -> Result<(), Trouble> {
        let wanted = if frames.is_empty() {
            "a request to the ZAP handler".to_owned()
        } else {
            format!("the ZAP request {}", words(frames))
        };
        let until = self.stage.deadline();
        let request = loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.next_request(left.min(LOOK))? {
                Some(request) => break request,
                None if Instant::now() < until => self.stage.settle(super::stage::SUBJECT)?,
                None => {
                    let came = format!("no request within {} ms", self.stage.patience.as_millis());
                    return Err(Unmet::new(wanted, came, "no-zap-request").into());
                }
            }
        };
        if frames.is_empty() || self.all_match(frames, &request) {
            return Ok(());
        }
        Err(Unmet::new(wanted, format!("the request {}", shown(&request)), "other-zap-request").into())
    }

    /// Whether the handler has been asked something that no step has received.
    pub(super) fn is_asked(&mut self) -> Result<bool, Trouble> {
        if self.handler.is_none() {
            return Ok(false);
        }
        Ok(self.next_request(Duration::ZERO)?.is_some())
    }

    /// The next request behind its envelope, which is kept for the reply.
    // spec: ZAP-REQ-01, ZAP-SOCK-02, ZAP-SOCK-03
    fn next_request(&mut self, within: Duration) -> Result<Option<Vec<Vec<u8>>>, Trouble> {
        let Some(kind) = self.handler.as_ref().map(|handler| handler.kind) else {
            return Err(Trouble::Harness("there is no ZAP handler in this step; let it bind first".to_owned()));
        };
        let recv = RequestBody::Recv { s: HANDLER.to_owned(), timeout_ms: millis(within) };
        let reply = match self.stage.ask(recv, within) {
            Ok(reply) => reply,
            Err(CallError::Refused(refusal)) if matches!(refusal.class, ErrorClass::WouldBlock | ErrorClass::State) => {
                return Ok(None);
            }
            Err(error) => return Err(Trouble::Adapter(error)),
        };
        let mut frames: Vec<Vec<u8>> = reply.parts.unwrap_or_default().iter().map(octets).collect();
        let mut envelope = Vec::new();
        if kind == HandlerKind::Router {
            if frames.len() < 2 || !frames[1].is_empty() {
                let came = format!("the request {}", shown(&frames));
                let wanted = "a ZAP request with an empty delimiter behind the routing id";
                return Err(Unmet::new(wanted, came, "zap-envelope").into());
            }
            envelope = frames.drain(..2).collect();
        }
        if let Some(handler) = &mut self.handler {
            handler.envelope = envelope;
            handler.request.clone_from(&frames);
            handler.open = Open::Yes;
        }
        Ok(Some(frames))
    }

    fn right_reply(&self, status: &[u8]) -> Vec<Vec<u8>> {
        let id = self.handler.as_ref().and_then(|handler| handler.request.get(1)).cloned().unwrap_or_default();
        let text: &[u8] = if status == b"200" { b"OK" } else { b"no" };
        vec![b"1.0".to_vec(), id, status.to_vec(), text.to_vec(), Vec::new(), Vec::new()]
    }

    /// Answers the last request. A reply that is anything but 200 in due form counts as wrong on purpose.
    fn reply(&mut self, frames: &[Vec<u8>], delimiter: Delimiter) -> Result<(), Trouble> {
        let Some(handler) = &mut self.handler else { return Ok(()) };
        handler.open = Open::No;
        let right = handler.envelope.clone();
        let envelope = match delimiter {
            Delimiter::There => right.clone(),
            Delimiter::Missing => right.iter().take(1).cloned().collect(),
        };
        let send = |envelope: &[Vec<u8>], frames: &[Vec<u8>]| RequestBody::Send {
            s: HANDLER.to_owned(),
            parts: envelope.iter().chain(frames).map(|octets| part(octets)).collect(),
            more: false,
            timeout_ms: 1000,
        };
        let mended = send(&right, &self.right_reply(b"200"));
        self.stage.ask_faulty(send(&envelope, frames), mended, self.stage.patience)?;
        Ok(())
    }

    /// Admits whoever is asked for until a frame comes to a raw peer.
    pub(super) fn admitted_frame(&mut self, who: &str) -> Result<Result<Frame, Stop>, Trouble> {
        let until = self.stage.deadline();
        if self.handler.is_none() {
            return self.stage.frame(who, until);
        }
        loop {
            if self.next_request(LOOK)?.is_some() {
                let reply = self.right_reply(b"200");
                self.reply(&reply, Delimiter::There)?;
            }
            match self.stage.frame(who, until.min(Instant::now() + LOOK))? {
                Err(Stop::Deadline) if Instant::now() < until => {}
                outcome => return Ok(outcome),
            }
        }
    }
}

fn octets(part: &Part) -> Vec<u8> {
    match part {
        Part::Hex(text) => unhex(text).unwrap_or_default(),
        Part::Digest { sha256, .. } => sha256.clone().into_bytes(),
        Part::Fill { fill, len } => unhex(fill).unwrap_or_default().repeat(*len),
    }
}

fn shown(frames: &[Vec<u8>]) -> String {
    frames.iter().map(|frame| show(frame)).collect::<Vec<_>>().join(" ")
}
