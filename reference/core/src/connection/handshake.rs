//! The handshake of a connection: greetings, then the steps of the mechanism, some of which wait for their turn.

use super::{
    Answer, Commands, Connection, ControlFlow, Costly, Framing, GREETING_OCTETS, HANDSHAKE_LEAST_OCTETS,
    HANDSHAKE_OCTETS, Heartbeats, Incoming, Next, Opened, Peer, PeerMisbehaved, Progress, Sealed, State, Us, Version,
    begin, flag,
};

impl Connection {
    /// Has costly steps of the handshake wait for [`Self::grant_turn`].
    pub fn in_turn(&mut self) {
        self.costly = Costly::InTurn;
    }

    /// Whether a costly step has to wait for its turn: keys are agreed on, for whoever asks. Nothing comes until then.
    #[must_use]
    pub fn waits_for_turn(&self) -> bool {
        self.costly == Costly::Waits
    }

    /// One costly step may be done.
    pub fn grant_turn(&mut self) {
        self.costly = Costly::Granted;
    }

    #[cold]
    pub(super) fn next_in_handshake(&mut self) -> Result<Option<Incoming>, PeerMisbehaved> {
        loop {
            match std::mem::replace(&mut self.state, State::Closing) {
                State::Opening(expected) => match expected.on_octets(self.input.unread(), &mut self.output) {
                    Opened::Goes(next) => self.state = State::Version(next),
                    Opened::Older(version) => self.state = State::Old(self.go_back_to(version)?),
                    Opened::Waits(expected) => {
                        self.state = State::Opening(expected);
                        return Ok(None);
                    }
                },
                State::Version(expected) => {
                    match expected.on_octets(self.input.unread(), &self.options, &mut self.output) {
                        Opened::Goes(next) => self.state = State::Greeting(next),
                        Opened::Older(version) => self.state = State::Old(self.go_back_to(version)?),
                        Opened::Waits(expected) => {
                            self.state = State::Version(expected);
                            return Ok(None);
                        }
                    }
                }
                State::Old(expected) => match expected.on_octets(self.socket_type, &mut self.input)? {
                    Progress::Waits(expected) => {
                        self.state = State::Old(expected);
                        return Ok(None);
                    }
                    Progress::Done(version, peer) => return Ok(Some(self.begin_traffic(version, peer))),
                },
                State::RawStart => return Ok(Some(self.begin_raw())),
                State::Greeting(expected) => match expected.on_octets(self.input.unread(), &self.options)? {
                    ControlFlow::Continue((version, seed)) => {
                        self.input.consume(GREETING_OCTETS);
                        if let Some(incoming) = self.mechanism(version, |us, commands| begin(us, &seed, commands))? {
                            return Ok(Some(incoming));
                        }
                    }
                    ControlFlow::Break(expected) => {
                        self.state = State::Greeting(expected);
                        return Ok(None);
                    }
                },
                State::Mechanism(version, expected) => {
                    let Some((header, body)) =
                        self.whole_frame(self.frame_limit().clamp(HANDSHAKE_LEAST_OCTETS, HANDSHAKE_OCTETS))?
                    else {
                        self.state = State::Mechanism(version, expected);
                        return Ok(None);
                    };
                    if header.flags & flag::COMMAND == 0 {
                        return Err(PeerMisbehaved::Handshake { came: "a frame of a message".into() });
                    }
                    if expected.is_costly() && !self.has_turn() {
                        self.state = State::Mechanism(version, expected);
                        return Ok(None);
                    }
                    let command = self.input.take_frame(header.octets, body);
                    let next = self.mechanism(version, |us, out| expected.on_command(&command, us, out))?;
                    if next.is_some() {
                        return Ok(next);
                    }
                }
                other @ (State::Asking(..) | State::Traffic(_) | State::Sealed(_) | State::Raw | State::Closing) => {
                    self.state = other;
                    return Ok(None);
                }
            }
        }
    }

    /// Whether a costly step may be done now; if not, it waits.
    fn has_turn(&mut self) -> bool {
        let (next, may) = match self.costly {
            Costly::Free => (Costly::Free, true),
            Costly::Granted => (Costly::InTurn, true),
            Costly::InTurn | Costly::Waits => (Costly::Waits, false),
        };
        self.costly = next;
        may
    }

    /// A step of the mechanism: sends what it says, and takes the state that it waits in.
    #[cold]
    fn mechanism(
        &mut self,
        version: Version,
        step: impl FnOnce(Us<'_>, &mut Commands) -> Result<Next, PeerMisbehaved>,
    ) -> Result<Option<Incoming>, PeerMisbehaved> {
        let mut commands = Commands::new();
        let us = Us { socket_type: self.socket_type, options: &self.options, version, now: self.now };
        let next = step(us, &mut commands)?;
        for body in commands {
            self.output.push_command_body(&body);
        }
        match next {
            Next::Expect(expected) => {
                self.state = State::Mechanism(version, expected);
                Ok(None)
            }
            Next::Ask(request, asking) => {
                self.state = State::Asking(version, asking);
                Ok(Some(Incoming::Ask(request)))
            }
            Next::Done(peer, None) => Ok(Some(self.begin_traffic(version, peer))),
            Next::Done(peer, Some(cipher)) => {
                let ready = self.begin_traffic(version, peer);
                self.framing = Framing::Sealed;
                self.state = State::Sealed(Box::new(Sealed::new(version, *cipher)));
                Ok(Some(ready))
            }
        }
    }

    pub(super) fn begin_traffic(&mut self, version: Version, peer: Box<Peer>) -> Incoming {
        self.state = State::Traffic(version);
        self.input.expect_traffic();
        self.output.expect_traffic();
        self.handshake_deadline = None;
        if version == Version::V3_1 {
            self.heartbeats = Heartbeats::start(self.options.heartbeat, self.now);
        }
        Incoming::Ready(peer)
    }

    /// The handler of ZAP has answered what [`Incoming::Ask`] asked, or there is none.
    ///
    /// # Errors
    ///
    /// As [`Self::next`]: the peer may not come in.
    pub fn answer(&mut self, answer: Answer) -> Result<Option<Incoming>, PeerMisbehaved> {
        match std::mem::replace(&mut self.state, State::Closing) {
            State::Asking(version, asking) => self
                .mechanism(version, |us, commands| asking.on_answer(answer, us, commands))
                .inspect_err(|why| self.on_misbehaviour(why)),
            other @ (State::Opening(_)
            | State::Version(_)
            | State::Greeting(_)
            | State::Mechanism(..)
            | State::Old(_)
            | State::Traffic(_)
            | State::Sealed(_)
            | State::RawStart
            | State::Raw
            | State::Closing) => {
                self.state = other;
                Ok(None)
            }
        }
    }

    /// Whether the handler of ZAP is asked: what the peer sends meanwhile is not looked at.
    #[must_use]
    pub fn is_asking(&self) -> bool {
        matches!(self.state, State::Asking(..))
    }
}
