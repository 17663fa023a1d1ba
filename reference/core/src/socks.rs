//! A client of SOCKS5 (RFC 1928) with user and password (RFC 1929), up to the point where the connection is the target's.
//!
//!   Methods --chosen--> [Login --accepted-->] Reply --succeeded--> Open
//!
//! It is told octets and says how many more it wants: what comes behind the proxy's last word is the target's and must not
//! be read with it.

use std::net::IpAddr;

use crate::options::SocksProxy;

/// Where the proxy shall connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An address.
    Address(IpAddr),
    /// A name, which the proxy looks up; of 1 to 255 octets.
    Name(String),
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this, then read.
    Send(Vec<u8>),
    /// Read on.
    Read,
    /// The connection is the target's.
    Open,
}

/// Why the proxy does not lead to the target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SocksError {
    /// It does not speak the protocol.
    #[error("expected {expected} of the proxy, came {came:#04x}")]
    Malformed {
        /// What should have come.
        expected: &'static str,
        /// The octet that came.
        came: u8,
    },
    /// It accepts none of the ways in which we can say who we are.
    #[error("the proxy accepts neither a client without a name nor our user and password")]
    NoMethod,
    /// It does not accept user and password; its status.
    #[error("the proxy refuses user and password with status {0}")]
    Login(u8),
    /// It does not connect to the target; its code.
    #[error("the proxy does not connect: {}", reply(*.0))]
    Refused(u8),
    /// What we would have to say does not fit the protocol.
    #[error("expected {what} of 1 to 255 octets, came {came}")]
    Length {
        /// What has the wrong length.
        what: &'static str,
        /// Octets.
        came: usize,
    },
}

/// A handshake with a proxy.
#[derive(Debug)]
pub struct Client {
    state: State,
    /// Octets of what is awaited.
    read: Vec<u8>,
    wanted: usize,
    request: Vec<u8>,
}

#[derive(Debug)]
enum State {
    /// The method it chooses. With what answers when it asks for user and password.
    Method {
        login: Option<Vec<u8>>,
    },
    /// Whether it accepts them.
    Login,
    /// Whether it connected, up to the octet that tells how long its address is.
    Reply,
    /// The rest of its address.
    Address,
    Open,
}

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;

impl Client {
    /// Begins a handshake; what to send first.
    ///
    /// # Errors
    ///
    /// [`SocksError::Length`].
    pub fn start(proxy: &SocksProxy, target: &Target, port: u16) -> Result<(Self, Vec<u8>), SocksError> {
        let login = match &proxy.login {
            Some((user, password)) => {
                let mut login = vec![1];
                counted(&mut login, "a user", user)?;
                counted(&mut login, "a password", password)?;
                Some(login)
            }
            None => None,
        };
        let mut request = vec![VERSION, 1, 0];
        match target {
            Target::Address(IpAddr::V4(address)) => {
                request.push(1);
                request.extend_from_slice(&address.octets());
            }
            Target::Address(IpAddr::V6(address)) => {
                request.push(4);
                request.extend_from_slice(&address.octets());
            }
            Target::Name(name) => {
                request.push(3);
                counted(&mut request, "a name", name)?;
            }
        }
        request.extend_from_slice(&port.to_be_bytes());
        let methods: &[u8] = if login.is_some() { &[NO_LOGIN, USER_AND_PASSWORD] } else { &[NO_LOGIN] };
        let mut greeting = vec![VERSION, if login.is_some() { 2 } else { 1 }];
        greeting.extend_from_slice(methods);
        Ok((Self { state: State::Method { login }, read: Vec::new(), wanted: 2, request }, greeting))
    }

    /// How many octets may be read next. 0 when the connection is open.
    #[must_use]
    pub const fn wanted(&self) -> usize {
        self.wanted
    }

    /// Takes octets that the proxy sent, at most [`Self::wanted`].
    ///
    /// # Errors
    ///
    /// [`SocksError`]; the connection is of no use then.
    pub fn on_octets(&mut self, octets: &[u8]) -> Result<Step, SocksError> {
        debug_assert!(octets.len() <= self.wanted, "octets of the target were read");
        self.read.extend_from_slice(octets);
        self.wanted -= octets.len();
        if self.wanted > 0 {
            return Ok(Step::Read);
        }
        let read = std::mem::take(&mut self.read);
        match std::mem::replace(&mut self.state, State::Open) {
            State::Method { login } => {
                expect("version 5", VERSION, read[0])?;
                match (read[1], login) {
                    (NO_LOGIN, _) => Ok(self.ask()),
                    (USER_AND_PASSWORD, Some(login)) => {
                        self.state = State::Login;
                        self.wanted = 2;
                        Ok(Step::Send(login))
                    }
                    (0xff, _) => Err(SocksError::NoMethod),
                    (other, _) => Err(SocksError::Malformed { expected: "a method that was offered", came: other }),
                }
            }
            State::Login => {
                expect("version 1 of user and password", 1, read[0])?;
                if read[1] != 0 {
                    return Err(SocksError::Login(read[1]));
                }
                Ok(self.ask())
            }
            State::Reply => {
                expect("version 5", VERSION, read[0])?;
                if read[1] != 0 {
                    return Err(SocksError::Refused(read[1]));
                }
                expect("a reserved octet of zero", 0, read[2])?;
                // The first octet of the address is read already; the port is behind it.
                self.wanted = 2 + match read[3] {
                    1 => 4 - 1,
                    4 => 16 - 1,
                    3 => usize::from(read[4]),
                    came => return Err(SocksError::Malformed { expected: "an address", came }),
                };
                self.state = State::Address;
                Ok(Step::Read)
            }
            State::Address | State::Open => Ok(Step::Open),
        }
    }

    fn ask(&mut self) -> Step {
        self.state = State::Reply;
        self.wanted = 5;
        Step::Send(std::mem::take(&mut self.request))
    }
}

fn counted(out: &mut Vec<u8>, what: &'static str, text: &str) -> Result<(), SocksError> {
    let octets = text.as_bytes();
    match u8::try_from(octets.len()) {
        Ok(len @ 1..) => out.push(len),
        Ok(0) | Err(_) => return Err(SocksError::Length { what, came: octets.len() }),
    }
    out.extend_from_slice(octets);
    Ok(())
}

const fn expect(expected: &'static str, octet: u8, came: u8) -> Result<(), SocksError> {
    if came == octet { Ok(()) } else { Err(SocksError::Malformed { expected, came }) }
}

const fn reply(code: u8) -> &'static str {
    match code {
        1 => "it failed",
        2 => "its rules forbid it",
        3 => "the network is unreachable",
        4 => "the host is unreachable",
        5 => "the connection was refused",
        6 => "it took too long",
        7 => "it has no such command",
        8 => "it has no such kind of address",
        _ => "for a reason that it does not name",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(login: Option<(&str, &str)>) -> SocksProxy {
        let login = login.map(|(user, password)| (user.to_owned(), password.to_owned()));
        SocksProxy { address: "proxy:1080".into(), login }
    }

    fn name() -> Target {
        Target::Name("a.example".into())
    }

    /// Tells it octets one at a time, or as many as it wants; what it sends and the end.
    fn run(client: &mut Client, mut octets: &[u8], torn: bool) -> Result<(Vec<Vec<u8>>, usize), SocksError> {
        let mut sent = Vec::new();
        loop {
            let n = if torn { 1 } else { client.wanted() }.min(octets.len());
            match client.on_octets(&octets[..n])? {
                Step::Send(what) => sent.push(what),
                Step::Read if n == 0 => return Ok((sent, usize::MAX)),
                Step::Read => {}
                Step::Open => return Ok((sent, octets.len() - n)),
            }
            octets = &octets[n..];
        }
    }

    #[test]
    fn it_asks_without_login_and_leaves_what_is_the_targets() {
        for torn in [false, true] {
            let (mut client, greeting) = Client::start(&proxy(None), &name(), 5555).unwrap();
            assert_eq!(greeting, [5, 1, 0]);
            let said = b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34\xff\x00";
            let (sent, left) = run(&mut client, said, torn).unwrap();
            assert_eq!(sent, [b"\x05\x01\x00\x03\x09a.example\x15\xb3"]);
            assert_eq!((left, client.wanted()), (2, 0));
        }
    }

    #[test]
    fn it_says_user_and_password_when_asked() {
        let target = Target::Address("::1".parse().unwrap());
        let (mut client, greeting) = Client::start(&proxy(Some(("me", "secret"))), &target, 1).unwrap();
        assert_eq!(greeting, [5, 2, 0, 2]);
        let said = b"\x05\x02\x01\x00\x05\x00\x00\x03\x02ab\x00\x50";
        let (sent, left) = run(&mut client, said, true).unwrap();
        assert_eq!(sent[0], b"\x01\x02me\x06secret");
        assert_eq!(sent[1], b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x01");
        assert_eq!(left, 0);
        // It need not ask.
        let v4 = Target::Address("1.2.3.4".parse().unwrap());
        let (mut client, _) = Client::start(&proxy(Some(("me", "secret"))), &v4, 1).unwrap();
        let said = [b"\x05\x00\x05\x00\x00\x04".as_slice(), &[0; 18]].concat();
        assert_eq!(
            run(&mut client, &said, false).unwrap(),
            (vec![b"\x05\x01\x00\x01\x01\x02\x03\x04\0\x01".to_vec()], 0)
        );
    }

    #[test]
    fn each_refusal_and_each_wrong_octet_is_told() {
        let refused = |login, said: &[u8]| {
            let (mut client, _) = Client::start(&proxy(login), &name(), 5555).unwrap();
            run(&mut client, said, false).unwrap_err().to_string()
        };
        let login = Some(("me", "secret"));
        insta::assert_snapshot!(
            [
                refused(None, b"\x04\x00"),
                refused(None, b"\x05\xff"),
                refused(None, b"\x05\x02"),
                refused(login, b"\x05\x01"),
                refused(login, b"\x05\x02\x05\x00"),
                refused(login, b"\x05\x02\x01\x07"),
                refused(None, b"\x05\x00\x05\x05\x00\x01\x00"),
                refused(None, b"\x05\x00\x05\x63\x00\x01\x00"),
                refused(None, b"\x05\x00\x04\x00\x00\x01\x00"),
                refused(None, b"\x05\x00\x05\x00\x01\x01\x00"),
                refused(None, b"\x05\x00\x05\x00\x00\x02\x00"),
            ]
            .join("\n"),
            @r"
        expected version 5 of the proxy, came 0x04
        the proxy accepts neither a client without a name nor our user and password
        expected a method that was offered of the proxy, came 0x02
        expected a method that was offered of the proxy, came 0x01
        expected version 1 of user and password of the proxy, came 0x05
        the proxy refuses user and password with status 7
        the proxy does not connect: the connection was refused
        the proxy does not connect: for a reason that it does not name
        expected version 5 of the proxy, came 0x04
        expected a reserved octet of zero of the proxy, came 0x01
        expected an address of the proxy, came 0x02
        "
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_before_anything_is_sent() {
        let long = "x".repeat(256);
        let length = |login, target: &str| {
            Client::start(&proxy(login), &Target::Name(target.to_owned()), 1).unwrap_err().to_string()
        };
        assert_eq!(length(None, ""), "expected a name of 1 to 255 octets, came 0");
        assert_eq!(length(None, &long), "expected a name of 1 to 255 octets, came 256");
        assert_eq!(length(Some(("", "p")), "t"), "expected a user of 1 to 255 octets, came 0");
        assert_eq!(length(Some(("u", &long)), "t"), "expected a password of 1 to 255 octets, came 256");
    }
}
