//! The command line, read once.

use std::path::PathBuf;
use std::time::Duration;

use crate::interop::Part;
use crate::keys::Client;
use crate::library::Trouble;

/// Which end of the connection this peer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It listens.
    Bind,
    /// It connects.
    Connect,
}

/// Where the library's work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All of it on the one thread that runs the application, in a current-thread runtime.
    Local,
    /// The application awaits on a current-thread runtime; the library's own threads do the input and output.
    Threads,
    /// The application blocks; the library's own threads do the input and output.
    Blocking,
}

/// What a measured sender hands to the library for each message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadKind {
    /// A borrowed buffer of which the library, or the peer for it, makes a copy.
    Copied,
    /// One more handle on octets that are shared by all messages: nothing is copied above the inline size.
    Shared,
}

/// What a library may want to know before it makes a context.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `--mode`; the library's first if it is absent.
    pub mode: Option<Mode>,
    /// `--library`: which shared library to load.
    pub library: Option<PathBuf>,
    /// `--preload`: what the shared library needs loaded first.
    pub preload: Vec<PathBuf>,
    /// `--queues`: the high-water marks of every socket.
    pub queues: Queues,
    /// `--security`: the mechanism of every socket.
    pub security: Security,
    /// `--zap`: who judges clients.
    pub zap: Zap,
    /// `--client`: whose keys and password this one has where it is a client.
    pub client: Client,
}

impl Settings {
    /// For a library whose sockets are not tuned by its peer.
    ///
    /// # Errors
    ///
    /// [`Trouble::Unsupported`] if anything but the default is asked for.
    pub fn expect_default_sockets(&self) -> Result<(), Trouble> {
        if self.queues != Queues::Default {
            return Err(Trouble::unsupported("its queues have the size that they have"));
        }
        self.expect_null()
    }

    /// For a library that is measured and met without a mechanism only.
    ///
    /// # Errors
    ///
    /// [`Trouble::Unsupported`] if one is asked for.
    fn expect_null(&self) -> Result<(), Trouble> {
        match self.security {
            Security::Null => Ok(()),
            Security::Plain | Security::Curve => Err(Trouble::unsupported("it is met without a mechanism only")),
        }
    }
}

/// How many messages a socket holds for or of each peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Queues {
    /// What the library does by itself.
    #[default]
    Default,
    /// As many as memory has room for, so that a publisher drops nothing.
    Unlimited,
}

/// What keeps others from listening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Security {
    /// Nothing.
    #[default]
    Null,
    /// PLAIN with [`crate::keys`]: who binds is the server.
    Plain,
    /// CURVE with [`crate::keys`]: who binds is the server.
    Curve,
}

/// Who judges the clients of the end that binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zap {
    /// Nobody.
    #[default]
    None,
    /// The library's own, which asks [`crate::zap::admits`].
    Handler,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Push,
    Pull,
    Req,
    Rep,
    /// PUSH to PULL inside one process.
    Throughput,
    /// REQ to REP inside one process.
    Latency,
    /// XPUB: publishes to as many connections as there are, on as many topics.
    Publish,
    /// SUB, several of them in one process.
    Subscribe,
    /// PULL: takes connections, and says what they cost.
    Accept,
    /// PUSH, a socket for each connection.
    Dial,
    Interop(Part),
}

pub(crate) struct Command {
    pub(crate) role: Role,
    pub(crate) endpoint: String,
    pub(crate) side: Side,
    /// Octets of each message that is measured.
    pub(crate) size: usize,
    /// Messages or round trips that are measured; rounds of the set of messages in the roles of interoperation.
    pub(crate) count: usize,
    pub(crate) payload: PayloadKind,
    pub(crate) cpus: Vec<usize>,
    /// Subscribers, each a socket.
    pub(crate) fans: usize,
    /// Topics that each subscriber subscribes to and the publisher draws from; 1 is the empty topic.
    pub(crate) topics: usize,
    pub(crate) within: Duration,
    pub(crate) settings: Settings,
}

impl Command {
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut words = words;
        let mut next = |what: &str| words.next().ok_or_else(|| format!("expected {what}; {USAGE}"));
        let role = role(&next("a role")?)?;
        let endpoint = next("an endpoint")?;
        let side = match next("BIND or CONNECT")?.as_str() {
            "BIND" => Side::Bind,
            "CONNECT" => Side::Connect,
            other => return Err(format!("expected BIND or CONNECT, not {other:?}")),
        };
        let size = number(&next("a size")?)?;
        let count = number(&next("a count")?)?;
        let mut command = Self {
            role,
            endpoint,
            side,
            size,
            count,
            payload: PayloadKind::Copied,
            cpus: Vec::new(),
            fans: 1,
            topics: 1,
            within: Duration::from_secs(30),
            settings: Settings {
                mode: None,
                library: None,
                preload: Vec::new(),
                queues: Queues::Default,
                security: Security::Null,
                zap: Zap::None,
                client: Client::Known,
            },
        };
        while let Some(option) = words.next() {
            let value = words.next().ok_or_else(|| format!("{option} needs a value; {USAGE}"))?;
            command.option(&option, &value)?;
        }
        Ok(command)
    }

    fn option(&mut self, option: &str, value: &str) -> Result<(), String> {
        match option {
            "--mode" => {
                self.settings.mode = Some(match value {
                    "local" => Mode::Local,
                    "threads" => Mode::Threads,
                    "blocking" => Mode::Blocking,
                    _ => return Err(format!("expected local, threads or blocking, not {value:?}")),
                });
            }
            "--payload" => {
                self.payload = match value {
                    "copied" => PayloadKind::Copied,
                    "shared" => PayloadKind::Shared,
                    _ => return Err(format!("expected copied or shared, not {value:?}")),
                };
            }
            "--queues" => {
                self.settings.queues = match value {
                    "default" => Queues::Default,
                    "unlimited" => Queues::Unlimited,
                    _ => return Err(format!("expected default or unlimited, not {value:?}")),
                }
            }
            "--security" => {
                self.settings.security = match value {
                    "null" => Security::Null,
                    "plain" => Security::Plain,
                    "curve" => Security::Curve,
                    _ => return Err(format!("expected null, plain or curve, not {value:?}")),
                }
            }
            "--zap" => {
                self.settings.zap = match value {
                    "none" => Zap::None,
                    "handler" => Zap::Handler,
                    _ => return Err(format!("expected none or handler, not {value:?}")),
                }
            }
            "--client" => {
                self.settings.client = match value {
                    "known" => Client::Known,
                    "stranger" => Client::Stranger,
                    _ => return Err(format!("expected known or stranger, not {value:?}")),
                }
            }
            "--fans" => self.fans = number(value)?.max(1),
            "--topics" => self.topics = number(value)?.max(1),
            "--cpus" => self.cpus = value.split(',').map(number).collect::<Result<_, _>>()?,
            "--within" => self.within = Duration::from_secs(u64::try_from(number(value)?).map_err(|e| e.to_string())?),
            "--library" => self.settings.library = Some(value.into()),
            "--preload" => self.settings.preload.push(value.into()),
            _ => return Err(format!("unknown option {option}; {USAGE}")),
        }
        Ok(())
    }
}

const USAGE: &str = "usage: peer ROLE ENDPOINT BIND|CONNECT SIZE COUNT [--mode local|threads|blocking] \
    [--payload copied|shared] [--queues default|unlimited] [--security null|plain|curve] [--zap none|handler] \
    [--client known|stranger] [--fans N] [--topics N] [--cpus LIST] [--within SECONDS] [--library PATH] [--preload PATH]";

fn role(word: &str) -> Result<Role, String> {
    match word {
        "bench-push" => Ok(Role::Push),
        "bench-pull" => Ok(Role::Pull),
        "bench-req" => Ok(Role::Req),
        "bench-rep" => Ok(Role::Rep),
        "bench-inproc-throughput" => Ok(Role::Throughput),
        "bench-inproc-latency" => Ok(Role::Latency),
        "bench-publish" => Ok(Role::Publish),
        "bench-subscribe" => Ok(Role::Subscribe),
        "bench-accept" => Ok(Role::Accept),
        "bench-dial" => Ok(Role::Dial),
        _ => match word.strip_prefix("interop-").and_then(Part::of) {
            Some(part) => Ok(Role::Interop(part)),
            None => Err(format!("unknown role {word:?}; {USAGE}")),
        },
    }
}

fn number(word: &str) -> Result<usize, String> {
    word.parse().map_err(|_| format!("expected a number, not {word:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_line_with_options_is_read() {
        let command = parse("bench-push tcp://h:1 CONNECT 16 100 --cpus 0,1 --mode blocking --within 7").unwrap();
        assert_eq!((command.role, command.side, command.size, command.count), (Role::Push, Side::Connect, 16, 100));
        assert_eq!(command.cpus, [0, 1]);
        assert_eq!(command.settings.mode, Some(Mode::Blocking));
        assert_eq!(command.within, Duration::from_secs(7));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (line, named) in [
            ("bench-sell tcp://h:1 BIND 1 1", "bench-sell"),
            ("bench-rep tcp://h:1 bind 1 1", "\"bind\""),
            ("bench-rep tcp://h:1 BIND one 1", "\"one\""),
            ("bench-rep tcp://h:1 BIND 1", "expected a count"),
            ("bench-rep tcp://h:1 BIND 1 1 --cpus", "--cpus needs a value"),
            ("bench-rep tcp://h:1 BIND 1 1 --colour red", "unknown option --colour"),
        ] {
            let why = parse(line).err().unwrap();
            assert!(why.contains(named), "{line}: {why}");
        }
    }
}
