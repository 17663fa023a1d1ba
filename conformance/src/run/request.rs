//! Requests of a REQ subject: one at a time, each answered by the raw peer that got it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::peer_steps::{Came, PROBE};
use super::play::Player;
use super::stage::part;
use super::subject_steps::{MOST_PROBES, More, refused_as, rotates, shown};
use super::trouble::{Trouble, Unmet};
use crate::wire::annotate::describe;

/// How long one look at a raw peer lasts while several are watched.
const LOOK: Duration = Duration::from_millis(5);

impl Player<'_> {
    /// First asks until every peer has been reached, then sends numbered requests that have to go round.
    pub(super) fn request_in_rotation(&mut self, count: usize, peers: &[String]) -> Result<(), Trouble> {
        let mut reached = BTreeSet::new();
        for _ in 0..MOST_PROBES {
            if reached.len() == peers.len() {
                break;
            }
            self.probes += 1;
            let probe = [PROBE, self.probes.to_string().as_bytes()].concat();
            reached.insert(self.exchange(&probe, peers)?);
        }
        if reached.len() < peers.len() {
            let came = format!("{} of {} peers got one of {MOST_PROBES}", reached.len(), peers.len());
            return Err(Unmet::new("every peer gets a request", came, "unreached-peer").into());
        }
        let owners = (1..=count)
            .map(|number| self.exchange(number.to_string().as_bytes(), peers))
            .collect::<Result<Vec<usize>, Trouble>>()?;
        rotates(&owners, peers, format!("{count} requests in rotation to {}", peers.join(" ")))
    }

    /// One request, its answer, and which of the peers got it.
    fn exchange(&mut self, body: &[u8], peers: &[String]) -> Result<usize, Trouble> {
        let wanted = "a request goes to one of the peers";
        if let Some(refusal) = self.subject_sends(&[body.to_vec()], More::No)? {
            return Err(Unmet::new(wanted, format!("it was refused: {refusal}"), refused_as(refusal.class)).into());
        }
        let owner = self.find_request(body, peers, wanted)?;
        let answer = [b"re-", body].concat();
        self.send_message(&peers[owner], &[Vec::new(), answer.clone()])?;
        let parts = self.received("the answer to a request")?;
        if parts == [part(&answer)] {
            return Ok(owner);
        }
        let came = format!("message {}", parts.iter().map(shown).collect::<Vec<_>>().join(" "));
        Err(Unmet::new("the answer to a request", came, "other-message").into())
    }

    fn find_request(&mut self, body: &[u8], peers: &[String], wanted: &str) -> Result<usize, Trouble> {
        let until = self.stage.deadline();
        while Instant::now() < until {
            for (owner, peer) in peers.iter().enumerate() {
                // A request that has begun to come is waited for: its frames must not be torn apart.
                match self.next_begun(peer, until)? {
                    None => {}
                    Some(Came::Message(parts)) if parts.last().is_some_and(|last| last == body) => return Ok(owner),
                    Some(Came::Message(parts)) => {
                        let came = format!("{peer} received a message of {} frames that is none", parts.len());
                        return Err(Unmet::new(wanted, came, "other-message").into());
                    }
                    Some(Came::Command(frame)) => return Err(Unmet::new(wanted, describe(&frame), "command").into()),
                    Some(Came::Stop(stop)) => return Err(self.stopped(&stop, wanted)),
                }
            }
        }
        let came = format!("none of {} received it within {} ms", peers.join(" "), self.stage.patience.as_millis());
        Err(Unmet::new(wanted, came, "silent").into())
    }

    /// The next message or command of a peer on whose connection something has come; `None` if nothing has.
    fn next_begun(&mut self, who: &str, until: Instant) -> Result<Option<Came>, Trouble> {
        let look = until.min(Instant::now() + LOOK);
        match self.stage.frame(who, look)? {
            Ok(frame) => {
                self.stage.peer(who).put_back(frame);
                self.next(who, until).map(Some)
            }
            Err(super::stage::Stop::Deadline) => Ok(None),
            Err(stop) => Ok(Some(Came::Stop(stop))),
        }
    }
}
