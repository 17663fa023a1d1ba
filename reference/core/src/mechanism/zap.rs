//! ZAP 1.0: what is asked of the handler that knows who may come in, and what it may answer (27/ZAP).
//!
//! The requests and replies are messages between a DEALER and the handler's REP or ROUTER; who carries them is not known
//! here.

use crate::connection::PeerMisbehaved;
use crate::frame::Frame;
use crate::message::Message;
use crate::options::Options;
use crate::wire::metadata;

/// Where the handler is bound, in the same context.
// spec: ZAP-ARCH-03, ZAP-ARCH-04
pub const ADDRESS: &str = "zeromq.zap.01";

/// The version of requests and replies.
const VERSION: &[u8] = b"1.0";
/// Longest string of a reply.
const STRING_OCTETS: usize = 255;

/// Whether somebody may come in, and what is known of him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What the handler may judge differently; empty where none was set.
    pub domain: Vec<u8>,
    /// Where the peer comes from: an IP address without port, or the credentials of a process.
    pub address: Vec<u8>,
    /// What the peer wants to be called, as far as it has said so.
    pub routing_id: Vec<u8>,
    /// The mechanism's name.
    pub mechanism: &'static str,
    /// What the peer proves itself by: nothing, a user name and a password, or a public key of 32 octets.
    pub credentials: Vec<Vec<u8>>,
}

impl Request {
    pub(crate) fn new(
        options: &Options,
        mechanism: &'static str,
        routing_id: Vec<u8>,
        credentials: Vec<Vec<u8>>,
    ) -> Self {
        let domain = options.zap_domain.as_ref().map_or_else(Vec::new, |domain| domain.as_str().as_bytes().to_vec());
        Self { domain, address: Vec::new(), routing_id, mechanism, credentials }
    }

    /// The request as a DEALER sends it, under a number that the reply has to repeat.
    // spec: ZAP-REQ-01, ZAP-REQ-02, ZAP-REQ-03, ZAP-REQ-04, ZAP-REQ-05, ZAP-REQ-06, ZAP-REQ-07, ZAP-REQ-08
    #[must_use]
    pub fn message(&self, id: &[u8]) -> Message {
        mark!("ZAP-REQ-01", "ZAP-REQ-04");
        let mut message = Message::new(Frame::EMPTY);
        for part in [VERSION, id, &self.domain, &self.address, &self.routing_id, self.mechanism.as_bytes()] {
            message.push(Frame::copy_of(part));
        }
        for part in &self.credentials {
            message.push(Frame::copy_of(part));
        }
        message
    }
}

/// What a handler decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// 200: the peer may come in.
    Success,
    /// 300: not now; the peer may try again.
    Temporary,
    /// 400: the peer may not come in.
    Denied,
    /// 500: the handler could not decide.
    Internal,
}

impl Status {
    /// The number as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "200",
            Self::Temporary => "300",
            Self::Denied => "400",
            Self::Internal => "500",
        }
    }

    /// The status of that text.
    #[must_use]
    pub fn of(text: &[u8]) -> Option<Self> {
        [Self::Success, Self::Temporary, Self::Denied, Self::Internal]
            .into_iter()
            .find(|status| status.as_str().as_bytes() == text)
    }
}

/// A reply that is none. Whoever waited for it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// It has not the seven parts that a reply has.
    #[error("expected 7 parts, came {0}")]
    Parts(usize),
    /// It does not begin with an empty part.
    #[error("expected an empty part first, came {0} octets")]
    Delimiter(usize),
    /// It is of another version.
    #[error("expected the version \"1.0\"")]
    Version,
    /// It answers another request.
    #[error("expected the number of the request")]
    RequestId,
    /// Its status is none that there is.
    #[error("expected the status 200, 300, 400 or 500")]
    Status,
    /// Its status text or user id is longer than a string may be.
    #[error("expected a string of at most 255 octets, came {0}")]
    TooLong(usize),
    /// Its metadata is none.
    #[error("expected a list of properties")]
    Metadata,
}

/// What a handler says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its decision.
    pub status: Status,
    /// The reason, for people.
    pub text: Vec<u8>,
    /// What the peer is called from here on; empty unless it may come in.
    pub user_id: Vec<u8>,
    /// What else is known of the peer.
    pub metadata: Vec<(String, Vec<u8>)>,
}

impl Reply {
    /// Reads the reply to the request of that number, as a DEALER receives it.
    ///
    /// # Errors
    ///
    /// [`ReplyError`] for what is none.
    // spec: ZAP-REP-01, ZAP-REP-02, ZAP-REP-03, ZAP-REP-04, ZAP-REP-05, ZAP-REP-06, ZAP-REP-07, ZAP-REP-08
    // spec: ZAP-FIELD-01, ZAP-FIELD-05, ZAP-FIELD-10, ZAP-FIELD-11
    pub fn read(message: &Message, id: &[u8]) -> Result<Self, ReplyError> {
        let parts: Vec<&[u8]> = message.iter().map(Frame::as_slice).collect();
        let [delimiter, version, number, status, text, user_id, properties] = parts[..] else {
            return Err(ReplyError::Parts(parts.len()));
        };
        if !delimiter.is_empty() {
            return Err(ReplyError::Delimiter(delimiter.len()));
        }
        if version != VERSION {
            return Err(ReplyError::Version);
        }
        if number != id {
            return Err(ReplyError::RequestId);
        }
        let status = Status::of(status).ok_or(ReplyError::Status)?;
        if let Some(long) = [text, user_id].into_iter().find(|string| string.len() > STRING_OCTETS) {
            return Err(ReplyError::TooLong(long.len()));
        }
        let metadata = metadata::parse(properties).map_err(|_| ReplyError::Metadata)?;
        Ok(Self { status, text: text.to_vec(), user_id: user_id.to_vec(), metadata })
    }
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The handler has replied, well or badly.
    Replied(Result<Reply, ReplyError>),
    /// Nobody is bound there who could be asked.
    NoHandler,
    /// The handler went away before it replied.
    Gone,
}

/// Whether there has to be a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handler {
    /// Without one nobody comes in.
    Needed,
    /// Without one everybody does.
    Optional,
}

impl Handler {
    /// NULL and CURVE: only where domains are enforced.
    pub(crate) const fn of(options: &Options) -> Self {
        match options.zap_enforcement {
            crate::options::ZapEnforcement::Enforced => Self::Needed,
            crate::options::ZapEnforcement::Lenient => Self::Optional,
        }
    }
}

/// What is known of a peer that was admitted, beside what it says itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Admission {
    /// `User-Id`, and what else the handler has told.
    pub(crate) properties: Vec<(String, Vec<u8>)>,
}

impl Answer {
    /// Whether the peer comes in.
    // spec: ZAP-FIELD-07, ZAP-FIELD-08, ZAP-ARCH-07
    pub(crate) fn admission(self, handler: Handler) -> Result<Admission, PeerMisbehaved> {
        let reply = match (self, handler) {
            (Self::Replied(reply), Handler::Needed | Handler::Optional) => reply.map_err(PeerMisbehaved::ZapReply)?,
            (Self::NoHandler, Handler::Optional) => {
                mark!("ZAP-ARCH-04");
                return Ok(Admission::default());
            }
            (Self::NoHandler, Handler::Needed) | (Self::Gone, Handler::Needed | Handler::Optional) => {
                return Err(PeerMisbehaved::NoZapHandler);
            }
        };
        match reply.status {
            Status::Success => {
                mark!("ZAP-FIELD-07", "ZAP-FIELD-08");
                let mut properties = vec![("User-Id".to_owned(), reply.user_id)];
                properties.extend(reply.metadata);
                Ok(Admission { properties })
            }
            Status::Temporary | Status::Denied | Status::Internal => {
                mark!("ZAP-ARCH-07", "ZAP-REP-08");
                Err(PeerMisbehaved::Denied { status: reply.status })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::ZapDomain;

    fn message(parts: &[&[u8]]) -> Message {
        Message::from_frames(parts.iter().map(|part| Frame::copy_of(part))).unwrap()
    }

    const GOOD: [&[u8]; 7] = [b"", b"1.0", b"7", b"200", b"OK", b"joe", b"\x05Hello\0\0\0\x05World"];

    /// A good reply in which one part is another.
    fn with(part: usize, octets: &[u8]) -> Result<Reply, ReplyError> {
        let mut parts = GOOD;
        parts[part] = octets;
        Reply::read(&message(&parts), b"7")
    }

    // spec: ZAP-REQ-01, ZAP-REQ-02, ZAP-REQ-03, ZAP-REQ-04, ZAP-REQ-05, ZAP-REQ-06, ZAP-REQ-07, ZAP-REQ-08
    // spec: ZAP-FIELD-04, ZAP-PLAIN-01, ZAP-PLAIN-02
    #[test]
    fn a_request_has_its_parts_in_their_order() {
        let options = Options { zap_domain: Some(ZapDomain::new("global").unwrap()), ..Options::default() };
        let mut request = Request::new(&options, "PLAIN", b"me".to_vec(), vec![b"admin".to_vec(), b"secret".to_vec()]);
        request.address = b"127.0.0.1".to_vec();
        let expected: [&[u8]; 9] = [b"", b"1.0", b"7", b"global", b"127.0.0.1", b"me", b"PLAIN", b"admin", b"secret"];
        assert_eq!(request.message(b"7"), message(&expected));
    }

    // spec: ZAP-NULL-01, ZAP-NULL-02
    #[test]
    fn a_request_of_null_ends_with_the_mechanism() {
        let request = Request::new(&Options::default(), "NULL", Vec::new(), Vec::new());
        assert_eq!(request.message(b"1"), message(&[b"", b"1.0", b"1", b"", b"", b"", b"NULL"]));
    }

    // spec: ZAP-REP-05, ZAP-REP-06, ZAP-REP-07, ZAP-FIELD-06, ZAP-FIELD-07
    #[test]
    fn a_reply_is_read() {
        let reply = Reply::read(&message(&GOOD), b"7").unwrap();
        let metadata = vec![("Hello".to_owned(), b"World".to_vec())];
        let expected = Reply { status: Status::Success, text: b"OK".to_vec(), user_id: b"joe".to_vec(), metadata };
        assert_eq!(reply, expected);
        for part in 4..7 {
            assert!(with(part, b"").is_ok(), "{part} may be empty");
        }
        assert!(with(4, &[b'x'; 255]).is_ok());
    }

    // spec: ZAP-REP-01, ZAP-REP-02, ZAP-REP-03, ZAP-REP-04, ZAP-FIELD-01, ZAP-FIELD-05, ZAP-FIELD-10, ZAP-FIELD-11
    #[test]
    fn a_reply_with_one_wrong_part_is_refused() {
        assert_eq!(with(0, b"x"), Err(ReplyError::Delimiter(1)));
        for version in [&b"1.1"[..], b"1", b"", b"1.0\0"] {
            assert_eq!(with(1, version), Err(ReplyError::Version));
        }
        for id in [&b"8"[..], b"", b"77"] {
            assert_eq!(with(2, id), Err(ReplyError::RequestId));
        }
        for status in [&b"201"[..], b"20", b"", b"2000", b"100", b"600"] {
            assert_eq!(with(3, status), Err(ReplyError::Status));
        }
        assert_eq!(with(4, &[b'x'; 256]), Err(ReplyError::TooLong(256)));
        assert_eq!(with(5, &[b'x'; 256]), Err(ReplyError::TooLong(256)));
        assert_eq!(with(6, b"\x05Hel"), Err(ReplyError::Metadata));
    }

    // spec: ZAP-REP-08
    #[test]
    fn a_reply_has_seven_parts() {
        assert_eq!(Reply::read(&message(&GOOD[..6]), b"7"), Err(ReplyError::Parts(6)));
        let eight = [&GOOD[..], &[b"more"]].concat();
        assert_eq!(Reply::read(&message(&eight), b"7"), Err(ReplyError::Parts(8)));
        // What a REP handler sends without the envelope does not begin with the delimiter.
        assert_eq!(Reply::read(&message(&GOOD[1..]), b"7"), Err(ReplyError::Parts(6)));
    }

    // spec: ZAP-FIELD-05, ZAP-FIELD-08, ZAP-ARCH-07
    #[test]
    fn only_success_lets_in_and_without_a_handler_it_depends() {
        for (status, error) in
            [(Status::Temporary, None), (Status::Denied, Some("400")), (Status::Internal, Some("500"))]
        {
            let reply = with(3, status.as_str().as_bytes());
            for handler in [Handler::Needed, Handler::Optional] {
                let refused = Answer::Replied(reply.clone()).admission(handler).unwrap_err();
                assert_eq!(refused, PeerMisbehaved::Denied { status });
                assert_eq!(refused.error_reason(), error);
            }
        }
        let admitted = Answer::Replied(with(6, b"")).admission(Handler::Needed).unwrap();
        assert_eq!(admitted.properties, [("User-Id".to_owned(), b"joe".to_vec())]);
        assert_eq!(Answer::NoHandler.admission(Handler::Needed), Err(PeerMisbehaved::NoZapHandler));
        assert_eq!(Answer::NoHandler.admission(Handler::Optional), Ok(Admission::default()));
        assert_eq!(Answer::Gone.admission(Handler::Optional), Err(PeerMisbehaved::NoZapHandler));
    }
}
