//! Histories by hand.

use crate::actor::message::{MessageId, Part, Shape, frames};
use crate::engine::{Ending, Run};
use crate::history::{Call, History, Received, Sent, What, Who};
use crate::oracle::{Violation, judge};
use crate::plan::{ActorIndex, FaultIndex, HostIndex, Linger, Plan, SocketIndex};
use crate::time::Time;

/// A history that is being written. Everything happens at [`Script::at`], on hosts in their first life.
pub(super) struct Script {
    pub(super) plan: Plan,
    run: Run,
    now: Time,
    /// When calls that end now were made; none: now.
    since: Option<Time>,
}

const fn millis(millis: u64) -> Time {
    Time::from_nanos(millis * 1_000_000)
}

impl Script {
    /// Of a plan: its sockets, one host for each two letters `a`, `b`, `c`, and an actor for each socket, of its name.
    pub(super) fn new(sockets: &str) -> Self {
        Self::with(sockets, "")
    }

    /// The same, with more of the plan.
    pub(super) fn with(sockets: &str, more: &str) -> Self {
        let text = format!(
            "title = \"by hand\"\nhost = [{{ name = \"a\" }}, {{ name = \"b\" }}, {{ name = \"c\" }}]\n\
             socket = [{sockets}]\n{more}"
        );
        let mut plan: Plan = toml::from_str(&text).unwrap_or_else(|why| panic!("{why}\n{text}"));
        for socket in &plan.sockets {
            if plan.actors.iter().all(|actor| actor.name != socket.name) {
                let name = socket.name.clone();
                plan.actors.push(crate::plan::Actor { sockets: vec![name.clone()], name, r#do: Vec::new() });
            }
        }
        let run = Run {
            history: History::new(&plan),
            hash: 0,
            network: None,
            ending: Ending::Finished,
            left: Vec::new(),
            reached: Vec::new(),
        };
        let mut script = Self { plan, run, now: Time::START, since: None };
        for socket in SocketIndex::all(&script.plan) {
            let name = script.plan[socket].name.clone();
            script.call(&name, Call::Open);
            let of = script.plan[socket].clone();
            of.subscribe.into_iter().for_each(|topic| script.call(&name, Call::Subscribe(topic)));
            of.bind.into_iter().for_each(|at| script.call(&name, Call::Bind(at)));
            of.connect.into_iter().for_each(|to| script.call(&name, Call::Connect(to)));
        }
        script
    }

    pub(super) fn at(&mut self, now: u64) -> &mut Self {
        self.now = millis(now);
        self
    }

    /// The next call was made then.
    pub(super) fn since(&mut self, since: u64) -> &mut Self {
        self.since = Some(millis(since));
        self
    }

    fn socket(&self, name: &str) -> SocketIndex {
        self.plan.socket(name).unwrap()
    }

    fn who(&self, socket: SocketIndex) -> Who {
        let actor = self.plan.actor(&self.plan[socket].name);
        Who { actor, host: self.plan.host_of(socket).unwrap(), life: 0 }
    }

    pub(super) fn call(&mut self, socket: &str, call: Call) {
        let socket = self.socket(socket);
        let since = self.since.take().unwrap_or(self.now);
        let what = What::Call { who: self.who(socket), socket: Some(socket), since, call };
        self.note(what);
    }

    pub(super) fn note(&mut self, what: What) {
        self.run.history.note(self.now, what);
    }

    pub(super) fn id(&self, actor: &str, number: u32) -> MessageId {
        MessageId { actor: self.plan.actor(actor).unwrap(), life: 0, number }
    }

    pub(super) fn message(&self, socket: &str, number: u32) -> Sent {
        let id = self.id(socket, number);
        Sent { id, answers: None, topic: String::new(), to: None, parts: 1, probe: false }
    }

    pub(super) fn sent(&mut self, socket: &str, number: u32) -> &mut Self {
        let sent = self.message(socket, number);
        self.call(socket, Call::Sent(sent));
        self
    }

    /// Messages of these numbers, one after the other.
    pub(super) fn sent_all(&mut self, socket: &str, numbers: std::ops::Range<u32>) -> &mut Self {
        numbers.for_each(|number| {
            self.sent(socket, number);
        });
        self
    }

    pub(super) fn published(&mut self, socket: &str, number: u32, topic: &str) -> &mut Self {
        let sent = Sent { topic: topic.to_owned(), ..self.message(socket, number) };
        self.call(socket, Call::Sent(sent));
        self
    }

    pub(super) fn routed(&mut self, socket: &str, number: u32, to: &str) -> &mut Self {
        let sent = Sent { to: Some(to.as_bytes().to_vec()), ..self.message(socket, number) };
        self.call(socket, Call::Sent(sent));
        self
    }

    pub(super) fn answered(&mut self, socket: &str, number: u32, asked: MessageId) -> &mut Self {
        let sent = Sent { answers: Some(asked), ..self.message(socket, number) };
        self.call(socket, Call::Sent(sent));
        self
    }

    pub(super) fn probed(&mut self, socket: &str, number: u32) -> &mut Self {
        let sent = Sent { probe: true, ..self.message(socket, number) };
        self.call(socket, Call::Sent(sent));
        self
    }

    pub(super) fn refused(&mut self, socket: &str, number: u32) -> &mut Self {
        let id = self.id(socket, number);
        self.call(socket, Call::SendTimedOut(id));
        self
    }

    /// The frames of a message as its sender made it, if it is known.
    pub(super) fn frames(&self, from: &str, number: u32) -> Vec<Vec<u8>> {
        let id = self.id(from, number);
        let known = self.run.history.calls().find_map(|(_, _, _, call)| match call {
            Call::Sent(sent) if sent.id == id => Some(sent.clone()),
            _ => None,
        });
        let sent = known.unwrap_or_else(|| self.message(from, number));
        let shape = Shape { topic: &sent.topic, parts: sent.parts, size: 40, answers: sent.answers };
        frames(&self.plan, id, shape)
    }

    pub(super) fn received(&mut self, at: &str, from: &str, number: u32) -> &mut Self {
        let frames = self.frames(from, number);
        self.received_frames(at, &frames)
    }

    /// As a ROUTER does: behind an id.
    pub(super) fn received_under(&mut self, at: &str, id: &str, from: &str, number: u32) -> &mut Self {
        let mut all = vec![id.as_bytes().to_vec()];
        all.extend(self.frames(from, number));
        self.received_frames(at, &all)
    }

    pub(super) fn received_frames(&mut self, at: &str, frames: &[Vec<u8>]) -> &mut Self {
        let received = Received::read(&self.plan, frames);
        self.call(at, Call::Received(received));
        self
    }

    pub(super) fn event(&mut self, socket: &str, event: &str) -> &mut Self {
        let socket = self.socket(socket);
        let endpoint = self.plan[socket].connect.first().cloned().unwrap_or_default();
        self.note(What::Monitor { socket, life: 0, event: event.to_owned(), endpoint });
        self
    }

    pub(super) fn closed(&mut self, socket: &str, linger: Option<Linger>) -> &mut Self {
        self.call(socket, Call::Close(linger));
        self
    }

    pub(super) fn fault(&mut self, fault: u16) -> &mut Self {
        self.note(What::Fault(FaultIndex(fault)));
        self
    }

    pub(super) fn healed(&mut self, fault: u16) -> &mut Self {
        self.note(What::Healed(FaultIndex(fault)));
        self
    }

    pub(super) fn terminated(&mut self, host: &str, since: u64) -> &mut Self {
        let host: HostIndex = self.plan.host(host).unwrap();
        let who = Who { actor: None, host, life: 0 };
        self.note(What::Call { who, socket: None, since: millis(since), call: Call::Terminate });
        self
    }

    pub(super) fn finished(&mut self, actor: &str) -> &mut Self {
        let actor: ActorIndex = self.plan.actor(actor).unwrap();
        let host = self.plan.home_of(actor).unwrap();
        self.note(What::Finished(Who { actor: Some(actor), host, life: 0 }));
        self
    }

    pub(super) fn run(&mut self) -> &mut Run {
        &mut self.run
    }

    pub(super) fn judged(&self) -> Vec<Violation> {
        judge(&self.plan, &self.run)
    }

    /// Which oracles saw something, by which clause.
    pub(super) fn symptoms(&self) -> Vec<String> {
        let mut all: Vec<String> = self.judged().iter().map(|found| found.symptom().to_string()).collect();
        all.dedup();
        all
    }

    #[track_caller]
    pub(super) fn is_green(&self) {
        let found: Vec<String> = self.judged().iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    #[track_caller]
    pub(super) fn trips(&self, symptom: &str) {
        let found: Vec<String> = self.judged().iter().map(ToString::to_string).collect();
        assert_eq!(self.symptoms(), [symptom], "{}", found.join("\n"));
    }
}

/// Whether a part is one of an actor's.
pub(super) fn is_of_actor(plan: &Plan, frame: &[u8]) -> bool {
    matches!(Part::read(plan, frame), Part::Of { .. })
}
