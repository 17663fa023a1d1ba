//! Faults that wait for an event.

use std::collections::BTreeMap;

use crate::history::{Call, Entry, History, What};
use crate::plan::{FaultIndex, HostIndex, Plan, SocketEvent, SocketIndex, Trigger};

/// What faults wait for.
#[derive(Debug)]
pub(super) struct Triggers {
    /// How often it has still to happen, and who waits.
    sockets: BTreeMap<(SocketIndex, SocketEvent), Vec<(u32, FaultIndex)>>,
    octets: Vec<FaultIndex>,
    /// Entries of the history that were looked at.
    seen: usize,
    /// Faults whose event has happened.
    due: Vec<FaultIndex>,
}

impl Triggers {
    pub(super) fn of(plan: &Plan) -> Self {
        let mut triggers = Self { sockets: BTreeMap::new(), octets: Vec::new(), seen: 0, due: Vec::new() };
        for fault in FaultIndex::all(plan) {
            match &plan[fault].after {
                Some(Trigger::Socket { name, event, nth }) => {
                    if let Some(socket) = plan.socket(name) {
                        triggers.sockets.entry((socket, *event)).or_default().push(((*nth).max(1), fault));
                    }
                }
                Some(Trigger::Octets { .. }) => triggers.octets.push(fault),
                None => {}
            }
        }
        triggers
    }

    /// No fault waits for anything that the history tells.
    pub(super) fn is_idle(&self) -> bool {
        self.sockets.is_empty()
    }

    /// Nothing is waited for any more.
    pub(super) fn rest(&mut self) {
        self.sockets.clear();
        self.due.clear();
    }

    /// Who waits for octets: its number, from where, to where, how many.
    pub(super) fn octets(&self, plan: &Plan) -> Vec<(usize, HostIndex, HostIndex, u64)> {
        let of = |(index, fault): (usize, &FaultIndex)| match &plan[*fault].after {
            Some(Trigger::Octets { from, to, count }) => Some((index, plan.host(from)?, plan.host(to)?, *count)),
            Some(Trigger::Socket { .. }) | None => None,
        };
        self.octets.iter().enumerate().filter_map(of).collect()
    }

    pub(super) fn of_octets(&self, index: usize) -> FaultIndex {
        self.octets[index]
    }

    /// A fault whose event has happened.
    pub(super) fn next(&mut self, plan: &Plan, history: &History) -> Option<FaultIndex> {
        while self.due.is_empty() {
            let entry = history.entries.get(self.seen)?;
            self.seen += 1;
            let Some(event) = event_of(plan, entry) else { continue };
            let Some(waiting) = self.sockets.get_mut(&event) else { continue };
            for (left, fault) in waiting.iter_mut() {
                *left -= 1;
                if *left == 0 {
                    self.due.push(*fault);
                }
            }
            waiting.retain(|(left, _)| *left > 0);
            if waiting.is_empty() {
                self.sockets.remove(&event);
            }
        }
        Some(self.due.remove(0))
    }
}

/// What an entry of the history says of a socket.
fn event_of(plan: &Plan, entry: &Entry) -> Option<(SocketIndex, SocketEvent)> {
    match &entry.what {
        What::Call { socket: Some(socket), call, .. } => match call {
            Call::Sent(_) | Call::PassedOn(_) => Some((*socket, SocketEvent::Sent)),
            Call::Received(_) => Some((*socket, SocketEvent::Received)),
            Call::Close(_) => Some((*socket, SocketEvent::Closed)),
            Call::Open
            | Call::Terminate
            | Call::Bind(_)
            | Call::Connect(_)
            | Call::Unbind(_)
            | Call::Disconnect(_)
            | Call::Subscribe(_)
            | Call::Unsubscribe(_)
            | Call::SendTimedOut(_)
            | Call::SendCancelled(_)
            | Call::RecvTimedOut
            | Call::RecvCancelled
            | Call::Failed { .. } => None,
        },
        What::Monitor { socket, event, .. } => {
            debug_assert!(usize::from(socket.0) < plan.sockets.len(), "engines name sockets of the plan");
            let is_made = matches!(event.as_str(), "connected" | "accepted");
            is_made.then_some((*socket, SocketEvent::Connected))
        }
        What::Call { socket: None, .. }
        | What::Finished(_)
        | What::Fault(_)
        | What::Healed(_)
        | What::AllHealed
        | What::Down(_)
        | What::Up(..) => None,
    }
}
