//! Mechanisms with roles in cases: who the subject is in them, and the steps that are about nothing else.

use super::octets::Pattern;
use super::step::{FramePattern, FrameValue, SocketTypeProperty};
use super::words::Words;
use crate::peer::curve::{End, Fault};
use crate::wire::metadata::Property;

/// The mechanism of a case's subject, and its part in it. The raw peers have the other part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Security {
    /// PLAIN, and the subject asks a ZAP handler about user names and passwords.
    PlainServer,
    /// PLAIN, and the subject has a user name and a password.
    PlainClient,
    /// CURVE, and the subject has the key that clients know.
    CurveServer,
    /// CURVE, and the subject knows the key of its server.
    CurveClient,
}

impl Security {
    /// Each with its word in cases.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::PlainServer, "plain-server"),
        (Self::PlainClient, "plain-client"),
        (Self::CurveServer, "curve-server"),
        (Self::CurveClient, "curve-client"),
    ];

    /// Name of the mechanism.
    #[must_use]
    pub fn mechanism(self) -> &'static str {
        match self {
            Self::PlainServer | Self::PlainClient => "PLAIN",
            Self::CurveServer | Self::CurveClient => "CURVE",
        }
    }

    /// The part of the raw peers.
    #[must_use]
    pub fn peers(self) -> End {
        match self {
            Self::PlainServer | Self::CurveServer => End::Client,
            Self::PlainClient | Self::CurveClient => End::Server,
        }
    }

    /// Its word in cases.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(security, _)| *security == self).map_or("", |(_, word)| word)
    }

    /// Reads its word.
    ///
    /// # Errors
    /// Lists the words there are.
    pub fn read(word: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(_, known)| *known == word).map(|(security, _)| *security);
        found.ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|(_, word)| *word).collect();
            format!("expected security to be one of {}, found {word:?}", known.join(", "))
        })
    }
}

/// Socket of a ZAP handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandlerKind {
    /// Sees the envelope, and need not answer.
    Router,
    /// Sees neither routing id nor delimiter.
    Rep,
}

impl HandlerKind {
    /// Reads its word.
    ///
    /// # Errors
    /// Lists the words there are.
    pub fn read(word: &str) -> Result<Self, String> {
        match word {
            "ROUTER" => Ok(Self::Router),
            "REP" => Ok(Self::Rep),
            other => Err(format!("expected ROUTER or REP, found {other:?}")),
        }
    }

    /// The socket type.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Router => "ROUTER",
            Self::Rep => "REP",
        }
    }
}

/// What a raw peer says in a mechanism with roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// HELLO; of PLAIN with a user name and a password.
    Hello {
        /// User name; `None` for the right one.
        username: Option<Vec<u8>>,
        /// Password; `None` for the right one.
        password: Option<Vec<u8>>,
    },
    /// WELCOME.
    Welcome,
    /// INITIATE.
    Initiate {
        /// Socket-Type; `None` for the usual counterpart of the subject's.
        kind: Option<SocketTypeProperty>,
        /// Properties after Socket-Type.
        properties: Vec<Property>,
    },
    /// MESSAGE of CURVE.
    Sealed {
        /// Its payload, the flags octet first.
        payload: Vec<u8>,
        /// The frame around it.
        outer: Outer,
    },
}

/// The frame around a MESSAGE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outer {
    /// A message frame, as libzmq sends it.
    Message,
    /// A command frame, as the text has it.
    Command,
}

/// What a raw peer hears in a mechanism with roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hears {
    /// HELLO; what is in it.
    Hello(Vec<(Field, FramePattern)>),
    /// WELCOME; what is in it.
    Welcome(Vec<(Field, FramePattern)>),
    /// INITIATE, with at least these properties, each with exactly this value.
    Initiate {
        /// Name and value; names compare without case.
        with: Vec<(Vec<u8>, FramePattern)>,
        /// Names that must not be there.
        without: Vec<Vec<u8>>,
    },
    /// MESSAGE of CURVE with this payload, its flags octet first.
    Sealed(Pattern),
}

/// A field of HELLO or WELCOME.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// PLAIN's user name.
    Username,
    /// PLAIN's password.
    Password,
    /// CURVE's transient public key.
    Key,
    /// CURVE's cookie.
    Cookie,
    /// CURVE's nonce, as it is on the wire.
    Nonce,
}

/// The empty frame between a routing id and a reply of ZAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// As it has to be.
    There,
    /// Left out.
    Missing,
}

/// What happens at the ZAP handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ZapAct {
    /// A handler is bound.
    Binds(HandlerKind),
    /// The next request is this, without its envelope.
    Receives(Vec<FramePattern>),
    /// There is no request.
    ReceivesNothing,
    /// Answers the last request with these frames, behind its envelope.
    Sends {
        /// The frames.
        frames: Vec<FrameValue>,
        /// The empty frame in front of them.
        delimiter: Delimiter,
    },
    /// Answers the last request with this status; where there is none that waits, the next one.
    Answers(Vec<u8>),
    /// The handler is closed.
    Closes,
}

const FIELDS: &[&str] = &["username", "password", "key", "cookie", "nonce"];

pub(super) fn fields(words: &mut Words<'_>) -> Result<Vec<(Field, FramePattern)>, String> {
    let mut fields = Vec::new();
    while !words.at_end() {
        let field = match words.one_of(FIELDS)? {
            "username" => Field::Username,
            "password" => Field::Password,
            "key" => Field::Key,
            "cookie" => Field::Cookie,
            _ => Field::Nonce,
        };
        fields.push((field, words.frame_pattern()?));
    }
    Ok(fields)
}

pub(super) fn sealed(words: &mut Words<'_>) -> Result<Says, String> {
    let payload = words.octets()?;
    let mut outer = Outer::Message;
    if words.maybe("in") {
        sentence(words, &["a", "command"])?;
        outer = Outer::Command;
    }
    Ok(Says::Sealed { payload, outer })
}

pub(super) fn hello(words: &mut Words<'_>) -> Result<Says, String> {
    let (mut username, mut password) = (None, None);
    loop {
        if words.maybe("username") {
            username = Some(words.octets()?);
        } else if words.maybe("password") {
            password = Some(words.octets()?);
        } else {
            return Ok(Says::Hello { username, password });
        }
    }
}

/// `but …`: the one thing that is wrong with a command.
pub(super) fn fault(words: &mut Words<'_>) -> Result<Option<Fault>, String> {
    const WHAT: &[&str] = &[
        "octet", "cut", "padded", "nonce", "prefix", "holding", "metadata", "sealed", "low", "another", "vouch",
        "cookie", "all",
    ];
    if !words.maybe("but") {
        return Ok(None);
    }
    let fault = match words.one_of(WHAT)? {
        "octet" => {
            let at = words.number()?;
            words.expect("flipped")?;
            Fault::Flipped(at)
        }
        "cut" => {
            words.expect("to")?;
            Fault::Cut(words.number()?)
        }
        "padded" => {
            words.expect("by")?;
            Fault::Padded(words.number()?)
        }
        "nonce" => Fault::Nonce(u64::try_from(words.number()?).unwrap_or(u64::MAX)),
        "prefix" => Fault::Prefix(words.text("a prefix in quotes")?),
        "metadata" => Fault::Metadata(words.octets()?),
        "holding" => Fault::Holding(words.octets()?),
        "sealed" => {
            let fault = match words.one_of(&["by", "to"])? {
                "by" => Fault::SealedByAnother,
                _ => Fault::SealedToAnother,
            };
            sentence(words, &["another", "key"])?;
            fault
        }
        "low" => {
            sentence(words, &["order", "key"])?;
            Fault::LowOrder
        }
        "another" => {
            sentence(words, &["permanent", "key"])?;
            Fault::AnotherPermanentKey
        }
        "vouch" => vouch(words)?,
        "cookie" => {
            words.expect("of")?;
            Fault::CookieOf(words.word("the name of a raw peer")?)
        }
        _ => {
            words.expect("of")?;
            Fault::CommandOf(words.word("the name of a raw peer")?)
        }
    };
    Ok(Some(fault))
}

fn vouch(words: &mut Words<'_>) -> Result<Fault, String> {
    Ok(match words.one_of(&["by", "for", "prefix"])? {
        "by" => {
            sentence(words, &["another", "key"])?;
            Fault::VouchByAnother
        }
        "for" => {
            words.expect("another")?;
            match words.one_of(&["transient", "server"])? {
                "transient" => {
                    words.expect("key")?;
                    Fault::VouchForAnotherTransient
                }
                _ => Fault::VouchForAnotherServer,
            }
        }
        _ => Fault::VouchPrefix(words.text("a prefix in quotes")?),
    })
}

pub(super) fn zap(words: &mut Words<'_>) -> Result<ZapAct, String> {
    Ok(match words.one_of(ZAP_VERBS)? {
        "binds" => ZapAct::Binds(if words.maybe("as") {
            HandlerKind::read(&words.word("ROUTER or REP")?)?
        } else {
            HandlerKind::Router
        }),
        "receives" if words.maybe("nothing") => ZapAct::ReceivesNothing,
        "receives" => ZapAct::Receives(words.frame_patterns()?),
        "sends" => {
            let frames = words.frame_values()?;
            let mut delimiter = Delimiter::There;
            if words.maybe("without") {
                words.expect("delimiter")?;
                delimiter = Delimiter::Missing;
            }
            ZapAct::Sends { frames, delimiter }
        }
        "answers" => ZapAct::Answers(words.octets()?),
        _ => ZapAct::Closes,
    })
}

/// What a ZAP handler can do.
pub const ZAP_VERBS: &[&str] = &["binds", "receives", "sends", "answers", "closes"];

fn sentence(words: &mut Words<'_>, rest: &[&str]) -> Result<(), String> {
    rest.iter().try_for_each(|word| words.expect(word))
}

#[cfg(test)]
mod tests {
    use super::super::parse::steps;
    use super::super::step::{Act, PeerAct};
    use super::*;

    fn one(line: &str) -> Act {
        steps(line).unwrap().remove(0).act
    }

    fn fault_of(line: &str) -> Option<Fault> {
        match one(line) {
            Act::Peer { act: PeerAct::SendsSecured { fault, .. } | PeerAct::SendsReady { fault, .. }, .. } => fault,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_fault_has_its_words() {
        let wrong = |words: &str| fault_of(&format!("peer sends initiate as PUSH but {words}")).unwrap();
        assert_eq!(wrong("octet 9 flipped"), Fault::Flipped(9));
        assert_eq!(wrong("cut to 256"), Fault::Cut(256));
        assert_eq!(wrong("padded by 1"), Fault::Padded(1));
        assert_eq!(wrong("nonce 0"), Fault::Nonce(0));
        assert_eq!(wrong("prefix \"X\""), Fault::Prefix(b"X".to_vec()));
        assert_eq!(wrong("holding <00*2>"), Fault::Holding(vec![0, 0]));
        assert_eq!(wrong("metadata \"m\""), Fault::Metadata(b"m".to_vec()));
        assert_eq!(wrong("sealed by another key"), Fault::SealedByAnother);
        assert_eq!(wrong("sealed to another key"), Fault::SealedToAnother);
        assert_eq!(wrong("low order key"), Fault::LowOrder);
        assert_eq!(wrong("another permanent key"), Fault::AnotherPermanentKey);
        assert_eq!(wrong("vouch by another key"), Fault::VouchByAnother);
        assert_eq!(wrong("vouch for another transient key"), Fault::VouchForAnotherTransient);
        assert_eq!(wrong("vouch for another server"), Fault::VouchForAnotherServer);
        assert_eq!(wrong("vouch prefix \"V\""), Fault::VouchPrefix(b"V".to_vec()));
        assert_eq!(wrong("cookie of A"), Fault::CookieOf("A".to_owned()));
        assert_eq!(wrong("all of A"), Fault::CommandOf("A".to_owned()));
        assert_eq!(fault_of("peer sends hello username \"a\" password \"b\""), None);
        assert_eq!(fault_of("peer sends ready but cut to 29"), Some(Fault::Cut(29)));
    }

    #[test]
    fn a_handler_has_its_sentences() {
        let answer = |delimiter| ZapAct::Sends { frames: vec![FrameValue::Octets(b"1.0".to_vec())], delimiter };
        assert_eq!(one("zap binds as REP"), Act::Zap(ZapAct::Binds(HandlerKind::Rep)));
        assert_eq!(one("zap sends \"1.0\""), Act::Zap(answer(Delimiter::There)));
        assert_eq!(one("zap sends \"1.0\" without delimiter"), Act::Zap(answer(Delimiter::Missing)));
        assert_eq!(one("zap receives nothing"), Act::Zap(ZapAct::ReceivesNothing));
        assert_eq!(one("zap answers \"200\""), Act::Zap(ZapAct::Answers(b"200".to_vec())));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let wrong = [
            "peer sends hello but",
            "peer sends hello but octet 3",
            "peer sends sealed",
            "peer sends sealed <00> in a message",
            "peer receives hello colour \"red\"",
            "zap dances",
            "zap binds as PULL",
            "zap sends \"1.0\" without",
        ];
        let report: Vec<String> = wrong.iter().map(|line| format!("{line}: {}", steps(line).unwrap_err().1)).collect();
        insta::assert_snapshot!(report.join("\n"));
        assert!(Security::read("plain").is_err() && Security::read("curve-client") == Ok(Security::CurveClient));
    }
}
