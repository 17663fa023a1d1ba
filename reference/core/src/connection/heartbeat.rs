//! Heartbeats: PING when it is time, and what silence means (37/ZMTP, connection heartbeating).

use std::time::Duration;

use super::misbehaviour::PeerMisbehaved;
use crate::options::Heartbeat;
use crate::time::Instant;

/// Octets of a context at most.
const CONTEXT_OCTETS: usize = 16;
/// Octets of the time to live in a PING.
const TTL_OCTETS: usize = 2;
/// What one step of it stands for.
const TTL_STEP: Duration = Duration::from_millis(100);

/// The clocks of one connection.
#[derive(Debug, Default)]
pub(super) struct Heartbeats {
    options: Heartbeat,
    next_ping: Option<Instant>,
    /// Since a PING of ours, nothing has come.
    answer_due: Option<(Instant, Duration)>,
    /// What the peer told us to bear of its silence.
    peer_ttl: Option<Duration>,
    peer_silent_at: Option<Instant>,
}

/// What is to be done because of the time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Nothing,
    Ping,
}

impl Heartbeats {
    /// Begins with the traffic, if the options want it and the peer knows PING.
    pub(super) fn start(options: Heartbeat, now: Instant) -> Self {
        Self { options, next_ping: options.interval.map(|interval| now + interval), ..Self::default() }
    }

    /// Something has come.
    // spec: ZMTP31-PING-11
    pub(super) fn heard(&mut self, now: Instant) {
        self.answer_due = None;
        self.peer_silent_at = self.peer_ttl.map(|ttl| now + ttl);
    }

    /// A PING has come; its data, taken apart.
    // spec: ZMTP31-PING-03, ZMTP31-PING-14
    pub(super) fn on_ping<'a>(&mut self, data: &'a [u8], now: Instant) -> Result<&'a [u8], PeerMisbehaved> {
        mark!("ZMTP31-PING-03", "ZMTP31-PING-05");
        let malformed = PeerMisbehaved::Heartbeat { name: "PING", octets: data.len(), expected: "2 to 18" };
        let Some(([high, low], context)) = data.split_first_chunk::<TTL_OCTETS>() else { return Err(malformed) };
        if context.len() > CONTEXT_OCTETS {
            return Err(malformed);
        }
        let ttl = TTL_STEP * u32::from(u16::from_be_bytes([*high, *low]));
        self.peer_ttl = (!ttl.is_zero()).then_some(ttl);
        self.peer_silent_at = self.peer_ttl.map(|ttl| now + ttl);
        Ok(context)
    }

    /// A PONG has come.
    pub(super) fn on_pong(data: &[u8]) -> Result<(), PeerMisbehaved> {
        mark!("ZMTP31-PING-07");
        if data.len() <= CONTEXT_OCTETS {
            Ok(())
        } else {
            Err(PeerMisbehaved::Heartbeat { name: "PONG", octets: data.len(), expected: "0 to 16" })
        }
    }

    /// The data of our PING.
    // spec: ZMTP31-PING-02, ZMTP31-PING-04
    pub(super) fn ping(&self) -> [u8; TTL_OCTETS] {
        mark!("ZMTP31-PING-02", "ZMTP31-PING-04");
        let steps = self.options.ttl.as_millis() / TTL_STEP.as_millis();
        u16::try_from(steps).unwrap_or(u16::MAX).to_be_bytes()
    }

    /// When [`Self::on_time`] is to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.next_ping, self.answer_due.map(|(at, _)| at), self.peer_silent_at].into_iter().flatten().min()
    }

    /// The time is `now`.
    // spec: ZMTP31-PING-12, ZMTP31-PING-13, ZMTP31-PING-14
    pub(super) fn on_time(&mut self, now: Instant) -> Result<Beat, PeerMisbehaved> {
        if let Some((at, timeout)) = self.answer_due
            && at <= now
        {
            mark!("ZMTP31-PING-13", "ZMTP31-PING-09");
            return Err(PeerMisbehaved::Silent(timeout));
        }
        if let (Some(at), Some(ttl)) = (self.peer_silent_at, self.peer_ttl)
            && at <= now
        {
            mark!("ZMTP31-PING-14");
            return Err(PeerMisbehaved::Silent(ttl));
        }
        let (Some(at), Some(interval)) = (self.next_ping, self.options.interval) else { return Ok(Beat::Nothing) };
        if now < at {
            return Ok(Beat::Nothing);
        }
        self.next_ping = Some(now + interval);
        mark!("ZMTP31-PING-01", "ZMTP31-PING-10");
        if self.answer_due.is_none() {
            let timeout = self.options.timeout.unwrap_or(interval);
            self.answer_due = Some((now + timeout, timeout));
        }
        Ok(Beat::Ping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: Heartbeat = Heartbeat {
        interval: Some(Duration::from_millis(100)),
        timeout: Some(Duration::from_millis(250)),
        ttl: Duration::from_millis(1234),
    };

    fn at(millis: u64) -> Instant {
        Instant::START + Duration::from_millis(millis)
    }

    #[test]
    fn silence_after_a_ping_ends_the_connection_and_any_traffic_saves_it() {
        let mut beats = Heartbeats::start(OPTIONS, at(0));
        assert_eq!(beats.deadline(), Some(at(100)));
        assert_eq!(beats.on_time(at(99)), Ok(Beat::Nothing));
        assert_eq!(beats.on_time(at(100)), Ok(Beat::Ping));
        beats.heard(at(150));
        assert_eq!(beats.on_time(at(200)), Ok(Beat::Ping));
        assert_eq!(beats.on_time(at(300)), Ok(Beat::Ping));
        assert_eq!(beats.on_time(at(449)), Ok(Beat::Ping));
        assert_eq!(beats.on_time(at(450)), Err(PeerMisbehaved::Silent(Duration::from_millis(250))));
    }

    #[test]
    fn a_peer_that_said_how_long_it_may_be_silent_is_taken_at_its_word() {
        let mut beats = Heartbeats::start(Heartbeat::default(), at(0));
        assert_eq!(beats.deadline(), None);
        assert_eq!(beats.on_ping(&[0, 3, b'c'], at(0)), Ok(&b"c"[..]));
        beats.heard(at(200));
        assert_eq!(beats.deadline(), Some(at(500)));
        assert_eq!(beats.on_time(at(499)), Ok(Beat::Nothing));
        assert_eq!(beats.on_time(at(500)), Err(PeerMisbehaved::Silent(Duration::from_millis(300))));
    }

    #[test]
    fn the_time_to_live_is_sent_in_tenths_of_a_second() {
        assert_eq!(Heartbeats::start(OPTIONS, at(0)).ping(), [0, 12]);
        let longest = Heartbeat { ttl: Duration::from_secs(1 << 30), ..OPTIONS };
        assert_eq!(Heartbeats::start(longest, at(0)).ping(), [0xff, 0xff]);
    }

    #[test]
    fn what_is_no_heartbeat_is_refused() {
        let mut beats = Heartbeats::default();
        for (octets, ok) in [(0, false), (1, false), (2, true), (18, true), (19, false)] {
            assert_eq!(beats.on_ping(&[0; 19][..octets], at(0)).is_ok(), ok, "{octets}");
        }
        assert!(Heartbeats::on_pong(&[0; 16]).is_ok() && Heartbeats::on_pong(&[0; 17]).is_err());
    }
}
