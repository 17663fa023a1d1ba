//! Mechanisms with roles: what a raw peer says in PLAIN and CURVE, and what it makes of the subject's commands.

use super::peer_steps::words;
use super::play::Player;
use super::stage::{PASSWORD, USERNAME};
use super::trouble::{Trouble, Unmet};
use crate::case::security::{Field, Hears, Outer, Says, Security};
use crate::case::step::{FramePattern, Pace};
use crate::peer::curve::{Curve, End, Fault, Wrong, bend};
use crate::wire::annotate::describe;
use crate::wire::frame::{Decoded, Frame, decode, flag};
use crate::wire::greeting::{Greeting, Version};
use crate::wire::metadata::Property;
use crate::wire::show;

type Fields = Vec<(Field, Vec<u8>)>;

impl Player<'_> {
    /// A faultless greeting of the case's mechanism.
    pub(super) fn own_greeting(&self, version: Version) -> Greeting {
        let mut greeting = Greeting::null(version);
        if let Some(security) = self.case.security {
            let name = security.mechanism().as_bytes();
            greeting.mechanism = [0; 20];
            greeting.mechanism[..name.len()].copy_from_slice(name);
            greeting.as_server = match security.peers() {
                End::Client => 0,
                End::Server => 1,
            };
        }
        greeting
    }

    /// Octets as they are; one by one where the handshake is trickled.
    pub(super) fn say_at_pace(&mut self, who: &str, octets: &[u8]) -> Result<(), Trouble> {
        match self.pace {
            Pace::AtOnce => self.say(who, octets),
            Pace::OneByOne => octets.chunks(1).try_for_each(|octet| self.say(who, octet)),
        }
    }

    /// Frames of traffic; each in a MESSAGE where CURVE has been agreed on.
    pub(super) fn say_traffic(&mut self, who: &str, octets: &[u8]) -> Result<(), Trouble> {
        let Some(curve) = self.stage.peer(who).curve.as_mut().filter(|curve| curve.traffic) else {
            return self.say(who, octets);
        };
        let (mut rest, mut sealed) = (octets, Vec::new());
        while let Decoded::Frame(frame, taken) = decode(rest, octets.len()) {
            let flags = payload_flags(&frame);
            let payload = [&[flags], &frame.body[..]].concat();
            sealed.extend(Frame::minimal(0, curve.message(&payload, None)).encode());
            rest = &rest[taken..];
        }
        self.say(who, &sealed)
    }

    /// Everything behind the greetings, up to the end of the handshake.
    pub(super) fn finish_handshake(&mut self, who: &str, metadata: &[u8]) -> Result<(), Trouble> {
        let Some(security) = self.case.security else {
            self.send_ready(who, metadata, None)?;
            self.await_ready(who)?;
            return Ok(());
        };
        match security.peers() {
            End::Client => {
                self.send_hello(who, None, None, None)?;
                self.receive_secured(who, &Hears::Welcome(Vec::new()))?;
                self.send_initiate(who, metadata, None)?;
                self.await_ready(who)?;
            }
            End::Server => {
                self.receive_secured(who, &Hears::Hello(Vec::new()))?;
                self.send_welcome(who, None)?;
                self.receive_secured(who, &Hears::Initiate { with: Vec::new(), without: Vec::new() })?;
                self.send_ready(who, metadata, None)?;
            }
        }
        Ok(())
    }

    pub(super) fn send_secured(&mut self, who: &str, says: &Says, fault: Option<&Fault>) -> Result<(), Trouble> {
        match says {
            Says::Hello { username, password } => self.send_hello(who, username.as_deref(), password.as_deref(), fault),
            Says::Welcome => self.send_welcome(who, fault),
            Says::Initiate { kind, properties } => {
                let metadata = self.metadata(kind.as_ref(), properties);
                self.send_initiate(who, &metadata, fault)
            }
            Says::Sealed { payload, outer } => {
                let (body, mended) = self.curve_body(who, fault, |curve, fault| curve.message(payload, fault))?;
                let flags = match outer {
                    Outer::Message => 0,
                    Outer::Command => flag::COMMAND,
                };
                self.write(who, flags, &body, mended.as_deref())
            }
        }
    }

    fn send_hello(
        &mut self,
        who: &str,
        username: Option<&[u8]>,
        password: Option<&[u8]>,
        fault: Option<&Fault>,
    ) -> Result<(), Trouble> {
        let length = |text: &[u8]| text.len().to_be_bytes()[size_of::<usize>() - 1];
        let (username, password) = (username.unwrap_or(USERNAME), password.unwrap_or(PASSWORD));
        let plain = [b"\x05HELLO", &[length(username)][..], username, &[length(password)], password].concat();
        let (body, mended) = self.body(who, fault, plain, Curve::hello)?;
        self.write(who, flag::COMMAND, &body, mended.as_deref())
    }

    fn send_welcome(&mut self, who: &str, fault: Option<&Fault>) -> Result<(), Trouble> {
        let (body, mended) = self.body(who, fault, b"\x07WELCOME".to_vec(), Curve::welcome)?;
        self.write(who, flag::COMMAND, &body, mended.as_deref())
    }

    fn send_initiate(&mut self, who: &str, metadata: &[u8], fault: Option<&Fault>) -> Result<(), Trouble> {
        let plain = [b"\x08INITIATE", metadata].concat();
        let cookie = match fault {
            Some(Fault::CookieOf(other)) => Some(self.curve_of(other)?.cookie.clone()),
            Some(_) | None => None,
        };
        let (mut body, mended) = self.body(who, fault, plain, |curve, fault| {
            curve.initiate(metadata, cookie.clone().filter(|_| fault.is_some()), fault)
        })?;
        if let Some(Fault::CommandOf(other)) = fault {
            body.clone_from(&self.curve_of(other)?.initiate);
        }
        self.stage.peer(who).introduced = true;
        self.write(who, flag::COMMAND, &body, mended.as_deref())
    }

    /// READY, in the form of the case's mechanism.
    pub(super) fn send_ready(&mut self, who: &str, metadata: &[u8], fault: Option<&Fault>) -> Result<(), Trouble> {
        let plain = [b"\x05READY", metadata].concat();
        let serves = self.case.security.is_some_and(|security| security.peers() == End::Server);
        let (body, mended) = if serves {
            self.body(who, fault, plain, |curve, fault| curve.ready(metadata, fault))?
        } else {
            (bend(plain.clone(), fault), fault.map(|_| plain))
        };
        self.write(who, flag::COMMAND, &body, mended.as_deref())
    }

    /// The body of a command, and what it would be without the fault.
    fn body(
        &mut self,
        who: &str,
        fault: Option<&Fault>,
        plain: Vec<u8>,
        make: impl Fn(&mut Curve, Option<&Fault>) -> Vec<u8>,
    ) -> Result<(Vec<u8>, Option<Vec<u8>>), Trouble> {
        match self.case.security.map(Security::mechanism) {
            Some("CURVE") => self.curve_body(who, fault, make),
            Some(_) | None => Ok((bend(plain.clone(), fault), fault.map(|_| plain))),
        }
    }

    fn curve_body(
        &mut self,
        who: &str,
        fault: Option<&Fault>,
        make: impl Fn(&mut Curve, Option<&Fault>) -> Vec<u8>,
    ) -> Result<(Vec<u8>, Option<Vec<u8>>), Trouble> {
        let curve = self.curve_of(who)?;
        let mended = fault.map(|_| make(&mut curve.clone(), None));
        Ok((make(curve, fault), mended))
    }

    fn curve_of(&mut self, who: &str) -> Result<&mut Curve, Trouble> {
        let curve = self.stage.peers.get_mut(who).and_then(|peer| peer.curve.as_mut());
        curve.ok_or_else(|| {
            Trouble::Harness(format!("{who} does not speak CURVE here; link it, and set security in the case"))
        })
    }

    fn write(&mut self, who: &str, flags: u8, body: &[u8], mended: Option<&[u8]>) -> Result<(), Trouble> {
        let frame = |body: &[u8]| Frame::minimal(flags, body.to_vec()).encode();
        if mended.is_none() {
            self.say_at_pace(who, &frame(body))?;
        } else {
            self.stage.send_faulty(who, &frame(body), mended.map(frame).as_deref())?;
        }
        self.stage.peer(who).introduced |= body.starts_with(b"\x05READY");
        Ok(())
    }

    pub(super) fn receive_secured(&mut self, who: &str, hears: &Hears) -> Result<(), Trouble> {
        match hears {
            Hears::Hello(wanted) => {
                let frame = self.command_named(who, "HELLO")?;
                let came = match self.stage.peer(who).curve.as_mut() {
                    Some(curve) => {
                        let key = curve.on_hello(&frame.body).map_err(|wrong| unmet(wrong, &frame))?;
                        vec![(Field::Key, key.to_vec()), (Field::Nonce, frame.body[112..120].to_vec())]
                    }
                    None => plain_hello(&frame)?,
                };
                self.hold_fields("HELLO", &came, wanted)
            }
            Hears::Welcome(wanted) => {
                let frame = self.command_named(who, "WELCOME")?;
                let came = match self.stage.peer(who).curve.as_mut() {
                    Some(curve) => {
                        let key = curve.on_welcome(&frame.body).map_err(|wrong| unmet(wrong, &frame))?;
                        let cookie = curve.cookie.clone();
                        let nonce = frame.body[8..24].to_vec();
                        vec![(Field::Key, key.to_vec()), (Field::Cookie, cookie), (Field::Nonce, nonce)]
                    }
                    // spec: PLAIN-HELLO-03
                    None if frame.body == b"\x07WELCOME" => Vec::new(),
                    None => {
                        return Err(Unmet::new("WELCOME without data", describe(&frame), "welcome-size").into());
                    }
                };
                self.hold_fields("WELCOME", &came, wanted)
            }
            Hears::Initiate { with, without } => {
                let frame = self.command_named(who, "INITIATE")?;
                let metadata = match self.stage.peer(who).curve.as_mut() {
                    Some(curve) => curve.on_initiate(&frame.body).map_err(|wrong| unmet(wrong, &frame))?,
                    None => frame.body[9..].to_vec(),
                };
                self.stage.peer(who).ready = true;
                let properties = self.properties(&metadata, "INITIATE")?;
                self.hold_properties("INITIATE", &properties, with, without)
            }
            Hears::Sealed(pattern) => {
                let wanted = format!("a MESSAGE with the payload {pattern}");
                let until = self.stage.deadline();
                match self.stage.frame(who, until)? {
                    Ok(frame) => {
                        let flags = payload_flags(&frame);
                        let payload = [&[flags], &frame.body[..]].concat();
                        if pattern.matches(&payload) {
                            return Ok(());
                        }
                        Err(Unmet::new(wanted, format!("the payload {}", show(&payload)), "other-payload").into())
                    }
                    Err(stop) => Err(self.stopped(&stop, &wanted)),
                }
            }
        }
    }

    fn hold_fields(&mut self, command: &str, came: &Fields, wanted: &[(Field, FramePattern)]) -> Result<(), Trouble> {
        for (field, pattern) in wanted {
            let value = came.iter().find(|(known, _)| known == field).map(|(_, value)| value.clone());
            let value = value.ok_or_else(|| Trouble::Harness(format!("{command} here has no {field:?}")))?;
            if !self.matches(pattern, &value) {
                let wanted = format!("{command} with {field:?} {}", words(std::slice::from_ref(pattern)));
                return Err(Unmet::new(wanted, show(&value), "other-value").into());
            }
        }
        Ok(())
    }

    /// Waits for READY and nothing else; gives its properties.
    pub(super) fn await_ready(&mut self, who: &str) -> Result<Vec<Property>, Trouble> {
        let frame = self.command_named(who, "READY")?;
        self.take_ready(who, &frame)
    }

    /// What a READY says; from here on the peer is ready.
    pub(super) fn take_ready(&mut self, who: &str, frame: &Frame) -> Result<Vec<Property>, Trouble> {
        let metadata = match self.stage.peer(who).curve.as_mut() {
            Some(curve) if curve.end == End::Client => {
                curve.on_ready(&frame.body).map_err(|wrong| unmet(wrong, frame))?
            }
            Some(_) | None => frame.body[6..].to_vec(),
        };
        self.stage.peer(who).ready = true;
        self.properties(&metadata, "READY")
    }

    /// The next frame is this command. While a handshake is on its way as a whole, the ZAP handler admits the peer.
    fn command_named(&mut self, who: &str, name: &str) -> Result<Frame, Trouble> {
        let wanted = format!("command {name}");
        let asks = self.admits
            && match self.case.security {
                Some(Security::PlainServer) => name == "WELCOME",
                Some(Security::CurveServer) => name == "READY",
                Some(Security::PlainClient | Security::CurveClient) => false,
                None => self.case.options.contains_key("zap_domain"),
            };
        let frame = if asks {
            self.admitted_frame(who)?
        } else {
            let until = self.stage.deadline();
            self.stage.frame(who, until)?
        };
        match frame {
            Ok(frame) => match frame.command().filter(|_| frame.is_command()) {
                Some((found, _)) if found == name.as_bytes() => Ok(frame),
                Some((b"ERROR", _)) => Err(Unmet::new(wanted, describe(&frame), "error").into()),
                _ => Err(Unmet::new(wanted, describe(&frame), "other-frame").into()),
            },
            Err(stop) => Err(self.stopped(&stop, &wanted)),
        }
    }
}

/// The flags octet in front of a payload: MORE is bit 0, COMMAND bit 1.
fn payload_flags(frame: &Frame) -> u8 {
    u8::from(frame.has_more()) + 2 * u8::from(frame.is_command())
}

// spec: PLAIN-HELLO-01, PLAIN-HELLO-02
fn plain_hello(frame: &Frame) -> Result<Fields, Trouble> {
    let field = |octets: &[u8]| -> Option<(Vec<u8>, Vec<u8>)> {
        let (length, rest) = octets.split_first()?;
        rest.split_at_checked(usize::from(*length)).map(|(field, rest)| (field.to_vec(), rest.to_vec()))
    };
    let both = field(&frame.body[6..]).and_then(|(username, rest)| Some((username, field(&rest)?)));
    match both {
        Some((username, (password, rest))) if rest.is_empty() => {
            Ok(vec![(Field::Username, username), (Field::Password, password)])
        }
        Some(_) | None => {
            Err(Unmet::new("HELLO with user name and password and nothing else", describe(frame), "hello-size").into())
        }
    }
}

fn unmet(wrong: Wrong, frame: &Frame) -> Trouble {
    let octets = frame.body.len();
    Unmet::new(wrong.rule, format!("a command of {octets} octets that breaks this"), wrong.slug).into()
}
