//! Links: one for each direction between two hosts.

use std::time::Duration;

use crate::draw::{Draw, Purpose};
use crate::event::{Conn, Packet};
use crate::id::{HostId, Side};
use crate::time::{Time, nanos};

/// How long a packet is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Latency {
    /// Always the same.
    Fixed(Duration),
    /// Anything from the first to the second, which is left out; the first alone if they are not in that order.
    Uniform(Duration, Duration),
    /// Around `mean`, rarely further away than `spread` and never further than twice that: the sum of four draws, as a
    /// bell without its tails. Not below zero.
    Bell {
        /// The middle.
        mean: Duration,
        /// About two standard deviations.
        spread: Duration,
    },
    /// Mostly close to `least`, and now and then far more: `scale` is doubled with a probability of a half, again and
    /// again, but never goes beyond `most`.
    LongTail {
        /// The shortest.
        least: Duration,
        /// What is added half of the time, or less.
        scale: Duration,
        /// The longest.
        most: Duration,
    },
}

impl Latency {
    #[inline]
    pub(crate) fn draw(&self, draws: &mut Draw) -> u64 {
        match *self {
            Self::Fixed(always) => nanos(always),
            Self::Uniform(from, to) => nanos(from) + draws.below(nanos(to).saturating_sub(nanos(from))),
            Self::Bell { mean, spread } => {
                let sum: u64 = (0..4).map(|_| draws.below(nanos(spread))).fold(0, u64::saturating_add);
                nanos(mean).saturating_add(sum).saturating_sub(nanos(spread).saturating_mul(2))
            }
            Self::LongTail { least, scale, most } => {
                let doubled = draws.bits().trailing_zeros().min(30);
                let above = draws.below(nanos(scale).saturating_mul(1 << doubled));
                nanos(least).saturating_add(above).min(nanos(most).max(nanos(least)))
            }
        }
    }
}

/// What a link does with packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Flow {
    /// They go through.
    #[default]
    Pass,
    /// They are lost. Streams send theirs again, in longer and longer intervals; datagrams are gone.
    Drop,
    /// They wait at the entrance, in their order, until the link passes again.
    Hold,
}

/// How fast octets enter a link, as a token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bandwidth {
    /// Octets a second, headers included; at least 1.
    pub octets_per_second: u64,
    /// Octets that go at once after a pause.
    pub burst: u64,
}

/// The properties of one direction between two hosts. May be changed at any time; packets under way keep their fate.
///
/// Rates are millionths of the packets. Loss is for streams too, which send again; the rest is for datagrams only,
/// because TCP repairs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// How long packets are under way.
    pub latency: Latency,
    /// `None`: as many as come.
    pub bandwidth: Option<Bandwidth>,
    /// The longest packet, headers included: 40 octets for streams, 28 for datagrams. Streams are cut into such
    /// segments; datagrams that are longer are fragmented, which means that they are lost if any fragment is.
    pub mtu: u32,
    /// How many octets may wait for [`Self::bandwidth`]. Datagrams beyond are lost; streams wait.
    pub queue_octets: u64,
    /// How many packets are lost.
    pub loss: u32,
    /// How many datagrams come twice.
    pub duplicate: u32,
    /// How many datagrams are held up for up to three times their latency, so that later ones overtake them.
    pub reorder: u32,
    /// How many datagrams come with one bit turned over. (UDP's checksum would drop them: these are those which it
    /// does not notice.)
    pub corrupt: u32,
}

impl Link {
    /// Between two hosts, unless something else is said: 0.2 to 1 ms, Ethernet's MTU, without loss.
    #[must_use]
    pub const fn between_hosts() -> Self {
        let latency = Latency::Uniform(Duration::from_micros(200), Duration::from_millis(1));
        Self { latency, mtu: 1500, ..Self::loopback() }
    }

    /// From a host to itself, unless something else is said: 10 µs, the MTU of Linux, without loss.
    #[must_use]
    pub const fn loopback() -> Self {
        Self {
            latency: Latency::Fixed(Duration::from_micros(10)),
            bandwidth: None,
            mtu: 65_536,
            queue_octets: 1 << 20,
            loss: 0,
            duplicate: 0,
            reorder: 0,
            corrupt: 0,
        }
    }
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It arrives then.
    Arrives(Time),
    /// It is lost.
    Dropped(Why),
    /// It waits until the link passes packets again.
    Held,
}

/// Why a packet is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// The link drops everything.
    Partition,
    /// By [`Link::loss`].
    Loss,
    /// The link's queue is full.
    QueueFull,
    /// No host has the address.
    NoSuchHost,
    /// The host has no power.
    PowerOff,
    /// The listener's queue is full.
    BacklogFull,
    /// Nobody has the port, or a filter left it out: datagrams only, streams are reset.
    NoReceiver,
    /// The receiver's buffer is full: datagrams only.
    BufferFull,
}

/// A packet that waits at the entrance of a link.
#[derive(Debug)]
pub(crate) enum Parcel {
    Stream {
        conn: Conn,
        to: Side,
        packet: Packet,
    },
    /// For what `from` sent. What it says is seen when it is let go.
    Acknowledgement {
        conn: Conn,
        from: Side,
    },
    Datagram {
        parcel: u32,
    },
}

/// A link and what it is doing.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) link: Link,
    pub(crate) flow: Flow,
    pub(crate) from: HostId,
    pub(crate) to: HostId,
    pub(crate) held: Vec<Parcel>,
    /// When the bucket of tokens is full again.
    full_at: u64,
    latency: Draw,
    acknowledgement: Draw,
    loss: Draw,
    duplicate: Draw,
    reorder: Draw,
    corrupt: Draw,
    /// Connections that were dialled over it: part of the key of their draws.
    pub(crate) dialled: u64,
    /// Octets of streams that were put on it.
    pub(crate) carried: u64,
    /// Who wants to know how many: the count and the tag of the alarm, the first of them last.
    pub(crate) watches: Vec<(u64, u64)>,
    /// The first count of them.
    pub(crate) until: u64,
}

impl Line {
    /// `keys` are those of the two hosts, for its draws.
    pub(crate) fn new(seed: u64, from: HostId, to: HostId, keys: [u64; 2], link: Link) -> Self {
        let draw = |purpose| Draw::new(seed, purpose, keys[0], keys[1]);
        Self {
            link,
            flow: Flow::Pass,
            from,
            to,
            held: Vec::new(),
            full_at: 0,
            latency: draw(Purpose::Latency),
            acknowledgement: draw(Purpose::Acknowledgement),
            loss: draw(Purpose::Loss),
            duplicate: draw(Purpose::Duplicate),
            reorder: draw(Purpose::Reorder),
            corrupt: draw(Purpose::Corrupt),
            dialled: 0,
            carried: 0,
            watches: Vec::new(),
            until: u64::MAX,
        }
    }

    /// Octets of a stream in one packet.
    #[inline]
    pub(crate) fn segment(&self) -> u64 {
        u64::from(self.link.mtu.max(HEADERS + 1) - HEADERS)
    }

    /// What becomes of a packet with `octets` octets of payload that is sent now.
    #[inline]
    pub(crate) fn send(&mut self, now: Time, octets: u64) -> Fate {
        match self.flow {
            Flow::Pass => {}
            Flow::Drop => return Fate::Dropped(Why::Partition),
            Flow::Hold => return Fate::Held,
        }
        if self.link.loss > 0 && self.loss.happens(self.link.loss) {
            return Fate::Dropped(Why::Loss);
        }
        let waits = match self.link.bandwidth {
            None => 0,
            Some(bandwidth) => self.take_tokens(now, bandwidth, octets + u64::from(HEADERS)),
        };
        Fate::Arrives(now.plus(waits).plus(self.link.latency.draw(&mut self.latency)))
    }

    /// What becomes of an acknowledgement. It rides on other packets, so it takes no bandwidth and has draws of its own.
    #[inline]
    pub(crate) fn acknowledge(&mut self, now: Time) -> Fate {
        match self.flow {
            Flow::Pass => Fate::Arrives(now.plus(self.link.latency.draw(&mut self.acknowledgement))),
            Flow::Drop => Fate::Dropped(Why::Partition),
            Flow::Hold => Fate::Held,
        }
    }

    /// What becomes of a packet within a system, where nothing is lost.
    #[inline]
    pub(crate) fn pass(&mut self, now: Time) -> Fate {
        Fate::Arrives(now.plus(self.link.latency.draw(&mut self.latency)))
    }

    /// What becomes of a datagram, and of a second one if it comes twice.
    pub(crate) fn send_datagram(&mut self, now: Time, octets: u64, headers: u32) -> (Fate, Option<Fate>) {
        if self.flow == Flow::Pass && self.until_room(now, octets + u64::from(headers)) > 0 {
            return (Fate::Dropped(Why::QueueFull), None);
        }
        let fragment = u64::from(self.link.mtu.max(headers + 1) - headers);
        let further = octets.div_ceil(fragment).max(1) - 1;
        let lost = (0..further).filter(|_| self.link.loss > 0 && self.loss.happens(self.link.loss)).count();
        let fate = match self.send(now, octets) {
            Fate::Arrives(_) if lost > 0 => Fate::Dropped(Why::Loss),
            fate @ (Fate::Arrives(_) | Fate::Dropped(_) | Fate::Held) => fate,
        };
        let Fate::Arrives(at) = fate else { return (fate, None) };
        let latency = at.as_nanos() - now.as_nanos();
        let is_late = self.link.reorder > 0 && self.reorder.happens(self.link.reorder);
        let late = if is_late { self.reorder.below(latency.saturating_mul(3)) } else { 0 };
        let is_twice = self.link.duplicate > 0 && self.duplicate.happens(self.link.duplicate);
        let again = is_twice.then(|| Fate::Arrives(at.plus(self.duplicate.below(latency.max(1)))));
        (Fate::Arrives(at.plus(late)), again)
    }

    /// Turns one bit over, where the link does that.
    pub(crate) fn corrupt(&mut self, bytes: &mut [u8]) {
        if self.link.corrupt > 0 && self.corrupt.happens(self.link.corrupt) && !bytes.is_empty() {
            let bit = self.corrupt.below(bytes.len() as u64 * 8);
            bytes[usize::try_from(bit / 8).expect("a place in the datagram")] ^= 1 << (bit % 8);
        }
    }

    /// Nanoseconds until the queue has room for a packet of this size; 0 if it has.
    #[inline]
    pub(crate) fn until_room(&self, now: Time, octets: u64) -> u64 {
        let Some(bandwidth) = self.link.bandwidth else { return 0 };
        let rate = bandwidth.octets_per_second.max(1);
        let waiting = self.full_at.saturating_sub(now.as_nanos());
        let allowed = time_of(bandwidth.burst.max(octets) + self.link.queue_octets, rate);
        (waiting + time_of(octets, rate)).saturating_sub(allowed)
    }

    /// Takes tokens for so many octets and gives how long the packet waits for them.
    fn take_tokens(&mut self, now: Time, bandwidth: Bandwidth, octets: u64) -> u64 {
        let rate = bandwidth.octets_per_second.max(1);
        let full_at = self.full_at.max(now.as_nanos()) + time_of(octets, rate);
        self.full_at = full_at;
        (full_at - now.as_nanos()).saturating_sub(time_of(bandwidth.burst.max(octets), rate))
    }
}

/// Nanoseconds that so many octets take.
fn time_of(octets: u64, rate: u64) -> u64 {
    let nanos = u128::from(octets) * 1_000_000_000 / u128::from(rate);
    u64::try_from(nanos).unwrap_or(u64::MAX / 4).min(u64::MAX / 4)
}

/// Octets of the headers of IP and TCP.
pub(crate) const HEADERS: u32 = 40;
