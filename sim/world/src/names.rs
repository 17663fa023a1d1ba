//! Names and their addresses: one table for all hosts, with a server that may be slow or fail.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::errno::Errno;
use crate::event::Event;
use crate::id::{HostId, LookupId, Wake};
use crate::world::World;

/// How long an answer takes, unless something else is said.
const DELAY: Duration = Duration::from_millis(1);

#[derive(Debug, Default)]
pub(crate) struct Names {
    /// What was set; hosts have their own names besides.
    entries: BTreeMap<String, Entry>,
    lookups: BTreeMap<LookupId, Lookup>,
    last_lookup: u32,
}

#[derive(Debug, Default)]
struct Entry {
    addresses: Option<Vec<IpAddr>>,
    delay: Option<Duration>,
    failure: Option<Errno>,
}

#[derive(Debug)]
struct Lookup {
    host: HostId,
    name: String,
    answer: Option<Result<Vec<IpAddr>, Errno>>,
}

impl Names {
    pub(crate) fn is_live(&self, lookup: LookupId) -> bool {
        self.lookups.contains_key(&lookup)
    }
}

impl World {
    /// Asks for the addresses of a name. [`Wake::Resolved`] tells when [`Self::resolved`] has the answer: what the name
    /// stands for at that time. Addresses that are written out, and `localhost`, take no time.
    pub fn resolve(&mut self, host: HostId, name: &str) -> LookupId {
        self.names.last_lookup += 1;
        let id = LookupId(self.names.last_lookup);
        let literal = literal(name);
        let delay = match literal {
            Some(_) => Duration::ZERO,
            None => self.names.entries.get(name).and_then(|entry| entry.delay).unwrap_or(DELAY),
        };
        let answer = literal.map(Ok);
        self.names.lookups.insert(id, Lookup { host, name: name.to_owned(), answer });
        self.hosts[host.index()].used.lookups += 1;
        self.queue.push(self.now + delay, Event::Lookup(id));
        id
    }

    /// The answer, once: at least one address, in the order in which they were set, or [`Errno::NotFound`] for a name that
    /// there is not, or what [`Self::fail_name`] said. `None` while there is none. Afterwards the lookup is gone.
    pub fn resolved(&mut self, lookup: LookupId) -> Option<Result<Vec<IpAddr>, Errno>> {
        let answer = self.names.lookups.get_mut(&lookup)?.answer.take()?;
        self.cancel_lookup(lookup);
        Some(answer)
    }

    /// Gives a lookup up.
    pub fn cancel_lookup(&mut self, lookup: LookupId) {
        if let Some(lookup) = self.names.lookups.remove(&lookup) {
            self.hosts[lookup.host.index()].used.lookups -= 1;
        }
    }

    /// What a name stands for from here on. It may be a host's name, which then does not stand for its addresses any more.
    pub fn set_name(&mut self, name: &str, addresses: &[IpAddr]) {
        self.names.entries.entry(name.to_owned()).or_default().addresses = Some(addresses.to_vec());
    }

    /// There is no such name any more.
    pub fn remove_name(&mut self, name: &str) {
        self.set_name(name, &[]);
    }

    /// How long answers for that name take, for questions that are asked from here on.
    pub fn delay_name(&mut self, name: &str, delay: Duration) {
        self.names.entries.entry(name.to_owned()).or_default().delay = Some(delay);
    }

    /// Answers for that name are this error, or what they should be.
    pub fn fail_name(&mut self, name: &str, failure: Option<Errno>) {
        self.names.entries.entry(name.to_owned()).or_default().failure = failure;
    }

    /// Forgets all that was said of a name: a host's name leads to its addresses again, another nowhere.
    pub fn forget_name(&mut self, name: &str) {
        self.names.entries.remove(name);
    }

    pub(crate) fn on_lookup(&mut self, id: LookupId) {
        let Some(lookup) = self.names.lookups.get(&id) else { return };
        let host = lookup.host;
        if lookup.answer.is_none() {
            let answer = self.addresses_of(&lookup.name);
            self.names.lookups.get_mut(&id).expect("it was there").answer = Some(answer);
        }
        self.wake(host, Wake::Resolved(id));
    }

    pub(crate) fn cancel_lookups(&mut self, host: HostId) {
        self.names.lookups.retain(|_, lookup| lookup.host != host);
        self.hosts[host.index()].used.lookups = 0;
    }

    fn addresses_of(&self, name: &str) -> Result<Vec<IpAddr>, Errno> {
        let entry = self.names.entries.get(name);
        if let Some(failure) = entry.and_then(|entry| entry.failure) {
            return Err(failure);
        }
        let addresses = match entry.and_then(|entry| entry.addresses.clone()) {
            Some(addresses) => addresses,
            None => self.host_named(name).map(|host| self.addresses(host).to_vec()).unwrap_or_default(),
        };
        if addresses.is_empty() { Err(Errno::NotFound) } else { Ok(addresses) }
    }
}

fn literal(name: &str) -> Option<Vec<IpAddr>> {
    if name == "localhost" {
        return Some(vec![IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)]);
    }
    name.parse().ok().map(|address| vec![address])
}
