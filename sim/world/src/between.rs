//! What lies between two hosts: their streams, and how much has gone.

use crate::connection::Kind;
use crate::event::Event;
use crate::id::{HostId, Side, StreamId};
use crate::link::Fate;
use crate::time::Time;
use crate::world::World;

impl World {
    /// The tcp connections between two hosts that are not over, each by the end that dialled, in the order of dialling.
    #[must_use]
    pub fn streams_between(&self, one: HostId, other: HostId) -> Vec<StreamId> {
        let between = |hosts: [HostId; 2]| hosts == [one, other] || hosts == [other, one];
        let known = self.connections.iter().enumerate().filter(|(_, known)| {
            let hosts = known.ends.each_ref().map(|end| end.host);
            let is_over = known.ends.iter().all(crate::connection::End::is_over);
            known.serial != 0 && known.kind == Kind::Tcp && between(hosts) && !is_over
        });
        let mut streams: Vec<StreamId> = known
            .map(|(slot, known)| StreamId {
                serial: known.serial,
                side: Side::Dialler,
                slot: u32::try_from(slot).expect("connections are fewer than 2^32"),
            })
            .collect();
        streams.sort();
        streams
    }

    /// How many octets of tcp streams have gone from one host to another. What is sent again counts again.
    #[must_use]
    pub fn octets_between(&self, from: HostId, to: HostId) -> u64 {
        self.line_of.get(&(from, to)).map_or(0, |line| self.lines[*line as usize].carried)
    }

    /// Tells [`crate::Wake::Alarm`] when the first `count` octets of [`Self::octets_between`] have arrived, at once if
    /// they have gone already. The packet with the last of them ends there, and its stream sends on when the alarm was
    /// told: so it can be cut at an octet.
    pub fn alarm_at_octets(&mut self, from: HostId, to: HostId, count: u64, tag: u64) {
        let index = self.line(from, to);
        let line = &mut self.lines[index as usize];
        if line.carried >= count {
            self.alarm(self.now(), tag);
            return;
        }
        let place = line.watches.partition_point(|(earlier, _)| *earlier > count);
        line.watches.insert(place, (count, tag));
        line.until = line.watches.last().map_or(u64::MAX, |(first, _)| *first);
    }

    /// Counts octets that were put on a line. `fate` is that of the packet with the last of them. If somebody wanted to
    /// know, nothing may follow before the time of the answer.
    #[inline]
    pub(crate) fn carry(&mut self, line: u32, octets: u64, fate: Fate) -> Option<Time> {
        let of = &mut self.lines[line as usize];
        of.carried += octets;
        if of.carried < of.until {
            return None;
        }
        let at = match fate {
            Fate::Arrives(at) => at,
            Fate::Held | Fate::Dropped(_) => self.now,
        };
        while let Some((_, tag)) = of.watches.pop_if(|(count, _)| *count <= of.carried) {
            self.queue.push(at, Event::Alarm(tag));
        }
        of.until = of.watches.last().map_or(u64::MAX, |(first, _)| *first);
        Some(at)
    }
}
