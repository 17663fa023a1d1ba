//! A plan: who is there, what they do, what goes wrong, and what is promised. Data, as a scenario file has it when every
//! range is drawn.
//!
//! ```toml
//! title = "PUSH goes on after a partition"
//! seed = 7
//!
//! [[host]]
//! name = "works"
//! [[host]]
//! name = "office"
//!
//! [[socket]]
//! name = "source"
//! host = "office"
//! type = "PUSH"
//! connect = ["tcp://works:5555"]
//! [[socket]]
//! name = "sink"
//! host = "works"
//! type = "PULL"
//! bind = ["tcp://*:5555"]
//!
//! [[actor]]
//! name = "source"
//! sockets = ["source"]
//! do = [{ send = { count = 100, every = "10ms" } }]
//! [[actor]]
//! name = "sink"
//! sockets = ["sink"]
//! do = [{ recv = { count = 100 } }]
//!
//! [[fault]]
//! at = "200ms"
//! for = "5s"
//! what = { partition = { between = ["office", "works"] } }
//! ```

mod check;
mod expect;
mod fault;
mod network;
mod socket;
mod step;

pub use check::Senseless;
pub(crate) use check::nearest;
pub use expect::{Amount, Expect};
pub use fault::{Direction, Fault, FaultKind, Flow, HostEvent, NameChange, SocketEvent, Trigger};
pub use network::{Host, Latency, Link, LinkRule, NameRule};
pub use socket::{Linger, Mechanism, Security, Socket, SocketOptions, SocketType};
pub use step::{At, Recv, Request, Retry, Send, Serve, Step, Topic};

use serde::{Deserialize, Serialize};

use crate::time::Span;

/// A scenario in which nothing is left to be drawn but what happens on the way: latencies, schedules, entropy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Plan {
    /// What the scenario shows, as a sentence.
    pub title: String,
    /// The seed of all that is drawn while the plan is carried out.
    #[serde(default)]
    pub seed: u64,
    /// Whether the implementation runs into trouble of its own at some of its points, where the engine has such: short reads,
    /// wakes that come late, dials that fail. Which and how often follows from the seed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub trouble: bool,
    /// How long the whole may take, of true time. What is not over by then is a violation of liveness.
    #[serde(default = "a_minute_and_a_half")]
    pub limit: Span,
    /// When everything that is still wrong is healed. Faults that start later are refused.
    #[serde(default = "half_a_minute")]
    pub heal: Span,
    /// Links between hosts that no rule names.
    #[serde(default)]
    pub network: Link,
    /// Links that differ, the last that fits counts.
    #[serde(default, rename = "link", skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<LinkRule>,
    /// Names that are looked up, beside those of hosts.
    #[serde(default, rename = "name", skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<NameRule>,
    /// Machines, with one process each.
    #[serde(default, rename = "host")]
    pub hosts: Vec<Host>,
    /// Sockets.
    #[serde(default, rename = "socket")]
    pub sockets: Vec<Socket>,
    /// What applications do.
    #[serde(default, rename = "actor")]
    pub actors: Vec<Actor>,
    /// What goes wrong.
    #[serde(default, rename = "fault", skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// What is promised beyond the models of the patterns.
    #[serde(default, rename = "expect", skip_serializing_if = "Vec::is_empty")]
    pub expects: Vec<Expect>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

const fn half_a_minute() -> Span {
    Span::millis(30_000)
}

const fn a_minute_and_a_half() -> Span {
    Span::millis(90_000)
}

/// One thread of an application: steps in order, each when the one before is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Actor {
    /// Its name; messages carry it.
    pub name: String,
    /// The sockets that it uses, all of one host. Steps that name none mean the first.
    pub sockets: Vec<String>,
    /// Its steps.
    #[serde(default)]
    pub r#do: Vec<Step>,
}

/// Where something of a plan is, by its place in its list.
macro_rules! index {
    ($($(#[$doc:meta])* $name:ident in $list:ident: $of:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u16);

        impl std::ops::Index<$name> for Plan {
            type Output = $of;

            fn index(&self, index: $name) -> &$of {
                &self.$list[usize::from(index.0)]
            }
        }

        impl $name {
            /// All of them, in order.
            pub fn all(plan: &Plan) -> impl DoubleEndedIterator<Item = Self> + use<> {
                (0..u16::try_from(plan.$list.len()).unwrap_or(u16::MAX)).map(Self)
            }
        }
    )*};
}

index! {
    /// A host of the plan.
    HostIndex in hosts: Host;
    /// A socket of the plan.
    SocketIndex in sockets: Socket;
    /// An actor of the plan.
    ActorIndex in actors: Actor;
    /// A fault of the plan.
    FaultIndex in faults: Fault;
}

impl Plan {
    /// The host of that name.
    #[must_use]
    pub fn host(&self, name: &str) -> Option<HostIndex> {
        HostIndex::all(self).find(|host| self[*host].name == name)
    }

    /// The socket of that name.
    #[must_use]
    pub fn socket(&self, name: &str) -> Option<SocketIndex> {
        SocketIndex::all(self).find(|socket| self[*socket].name == name)
    }

    /// The actor of that name.
    #[must_use]
    pub fn actor(&self, name: &str) -> Option<ActorIndex> {
        ActorIndex::all(self).find(|actor| self[*actor].name == name)
    }

    /// The host on which a socket is.
    #[must_use]
    pub fn host_of(&self, socket: SocketIndex) -> Option<HostIndex> {
        self.host(&self[socket].host)
    }

    /// The host on which an actor runs: that of its sockets.
    #[must_use]
    pub fn home_of(&self, actor: ActorIndex) -> Option<HostIndex> {
        let socket = self.socket(self[actor].sockets.first()?)?;
        self.host_of(socket)
    }

    /// The socket that a step means.
    #[must_use]
    pub fn meant(&self, actor: ActorIndex, named: Option<&str>) -> Option<SocketIndex> {
        self.socket(named.or(self[actor].sockets.first().map(String::as_str))?)
    }
}

#[cfg(test)]
mod tests;
