//! Which events a violation is about, where there is no room for all: the lives of its messages, the faults that were on
//! meanwhile, what became of the connections and sockets that it names; then those that were just before it.

use std::collections::BTreeSet;

use super::Picture;
use super::line::{HostState, Line, Phase, What};
use crate::violation::Violation;

/// Calls that concern messages, not the life of a socket.
const MESSAGES: &[&str] =
    &["sent", "send-timed-out", "send-cancelled", "received", "passed-on", "recv-timed-out", "recv-cancelled"];

/// What a violation is about.
pub(super) struct Focus {
    messages: BTreeSet<String>,
    sockets: BTreeSet<String>,
    hosts: BTreeSet<String>,
    /// When the first of its messages begins to live; without messages, the beginning.
    since: u64,
    /// Faults of its hosts that were on at some time since.
    faults: BTreeSet<u16>,
}

/// How near an event is to a violation, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Nearness {
    /// Of the life of one of its messages.
    Message,
    /// A fault, or the end of one; a process that ends or begins.
    Fault,
    /// A connection or a socket comes or goes.
    Connection,
    /// Anything else.
    Other,
}

impl Focus {
    pub(super) fn of(picture: &Picture<'_>, violation: &Violation) -> Self {
        let plan = picture.plan;
        let messages: BTreeSet<String> = violation.messages.iter().map(|id| id.name(plan)).collect();
        let words: BTreeSet<&str> =
            violation.text.split(|letter: char| !letter.is_alphanumeric() && !"-_".contains(letter)).collect();
        let named = plan.sockets.iter().filter(|socket| words.contains(socket.name.as_str()));
        let mut sockets: BTreeSet<String> = named.map(|socket| socket.name.clone()).collect();
        let mut since = None;
        for line in picture.lines.iter().filter(|line| is_of(line, &messages)) {
            since.get_or_insert(line.at);
            if let What::Call { socket: Some(socket), .. } = &line.what {
                sockets.insert(socket.clone());
            }
        }
        let of_sockets = plan.sockets.iter().filter(|socket| sockets.contains(&socket.name));
        let hosts = of_sockets.map(|socket| socket.host.clone()).collect();
        let mut focus = Self { messages, sockets, hosts, since: since.unwrap_or(0), faults: BTreeSet::new() };
        focus.faults = focus.faults_of(&picture.lines);
        focus
    }

    /// Faults that are on at some time since, as far as they concern its hosts.
    fn faults_of(&self, lines: &[Line]) -> BTreeSet<u16> {
        let mut faults = BTreeSet::new();
        for line in lines {
            let What::Fault { fault, phase, hosts } = &line.what else { continue };
            let is_here = hosts.is_empty() || hosts.iter().any(|host| self.hosts.contains(host));
            match phase {
                Phase::Begins if is_here => {
                    faults.insert(*fault);
                }
                Phase::Ends if line.at < self.since => {
                    faults.remove(fault);
                }
                Phase::Begins | Phase::Ends => {}
            }
        }
        faults
    }

    pub(super) fn nearness(&self, line: &Line) -> Nearness {
        if is_of(line, &self.messages) {
            return Nearness::Message;
        }
        let here = |host: &String| self.hosts.contains(host);
        let is_near = |near: bool, nearness| if near { nearness } else { Nearness::Other };
        match &line.what {
            What::Fault { fault, .. } => is_near(self.faults.contains(fault), Nearness::Fault),
            What::Healed => Nearness::Fault,
            What::Host { host, state: HostState::Down | HostState::Up } => {
                is_near(here(host) && line.at >= self.since, Nearness::Fault)
            }
            What::Call { socket: Some(socket), call, .. } => {
                let is_of_life = !MESSAGES.contains(call) && self.sockets.contains(socket);
                is_near(is_of_life, Nearness::Connection)
            }
            What::Monitor { socket, .. } => is_near(self.sockets.contains(socket), Nearness::Connection),
            What::Connection { host: Some(host), state, .. } => {
                is_near(here(host) && matches!(*state, "broken" | "closed"), Nearness::Connection)
            }
            What::Call { socket: None, .. }
            | What::Connection { host: None, .. }
            | What::Packet { .. }
            | What::Datagram { .. }
            | What::Lost { .. }
            | What::Link { .. }
            | What::Host { state: HostState::Note, .. } => Nearness::Other,
        }
    }
}

fn is_of(line: &Line, messages: &BTreeSet<String>) -> bool {
    line.messages.iter().any(|name| messages.contains(name))
}

/// Which of many events are told, by their nearness: so many at most, in their order. Of a kind that has more than its share
/// the last ones are told, of a message's life the first ones as well; the rest are those just before the end.
pub(super) fn choose(near: &[Nearness], most: usize) -> BTreeSet<usize> {
    let of = |wanted: Nearness| near.iter().enumerate().filter(move |(_, of)| **of == wanted).map(|(place, _)| place);
    let mut chosen = BTreeSet::new();
    let lives: Vec<usize> = of(Nearness::Message).collect();
    let (share, first) = (most / 2, most / 6);
    if lives.len() <= share {
        chosen.extend(lives);
    } else {
        chosen.extend(&lives[..first]);
        chosen.extend(&lives[lives.len() - (share - first)..]);
    }
    for kind in [Nearness::Fault, Nearness::Connection] {
        let all: Vec<usize> = of(kind).collect();
        chosen.extend(&all[all.len().saturating_sub(most / 4)..]);
    }
    for place in (0..near.len()).rev() {
        if chosen.len() >= most {
            break;
        }
        chosen.insert(place);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_told_and_then_what_came_last() {
        use Nearness::{Connection, Fault, Message, Other};
        let mut near = vec![Other; 100];
        near[3] = Message;
        near[10] = Fault;
        near[20] = Connection;
        let chosen: Vec<usize> = choose(&near, 8).into_iter().collect();
        assert_eq!(chosen, [3, 10, 20, 95, 96, 97, 98, 99]);
        near[..60].fill(Message);
        near[60..80].fill(Fault);
        let chosen: Vec<usize> = choose(&near, 12).into_iter().collect();
        assert_eq!(chosen, [0, 1, 56, 57, 58, 59, 77, 78, 79, 97, 98, 99]);
        assert_eq!(choose(&near, 200).len(), 100);
    }
}
