//! What actors do.

use super::build::{Build, about};
use crate::draw::Draws;
use crate::plan::{At, Recv, Request, Retry, Send, Serve, SocketIndex, SocketType, Step, Topic};
use crate::time::Span;

/// What the actor of a socket does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Sends,
    Receives,
    /// Both, in turn.
    Talks,
    Asks,
    Answers,
    /// Sends to addresses, and answers.
    Addresses,
    /// Talks, if it is let in, which it cannot count on.
    Knocks,
}

impl Role {
    /// Of both sides.
    pub(super) fn of(asks: SocketType, answers: SocketType) -> (Self, Self) {
        use SocketType::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Stream, Sub, XPub, XSub};
        match asks {
            Push | Pub | XPub => (Self::Sends, Self::Receives),
            Pair => (Self::Talks, Self::Talks),
            Router => (Self::Addresses, Self::Receives),
            Dealer if answers == Dealer => (Self::Talks, Self::Talks),
            Req | Dealer | Rep | Sub | XSub | Pull | Stream => (Self::Asks, Self::Answers),
        }
    }
}

/// Which of the things that actors can do exist in a plan.
#[derive(Debug)]
pub(super) struct Programs {
    multipart: bool,
    large: bool,
    late: bool,
    slow: bool,
    cancels: bool,
    timeouts: bool,
    reopens: bool,
    moves: bool,
    paced: bool,
}

const TOPICS: [&str; 6] = ["", "a", "ab", "b", "news.", "z"];

impl Programs {
    pub(super) fn draw(build: &Build) -> Self {
        let mut draws = build.draws("programs");
        Self {
            multipart: draws.percent(40),
            large: draws.percent(25),
            late: draws.percent(35),
            slow: draws.percent(30),
            cancels: draws.percent(25),
            timeouts: draws.percent(30),
            reopens: draws.percent(20),
            moves: draws.percent(25),
            paced: draws.percent(60),
        }
    }

    pub(super) fn say(&self, build: &mut Build) {
        let all = [
            ("messages of several parts", self.multipart),
            ("large messages", self.large),
            ("late joiners", self.late),
            ("slow consumers", self.slow),
            ("calls cancelled", self.cancels),
            ("sends with a time-out", self.timeouts),
            ("sockets closed and made again", self.reopens),
            ("endpoints given up and got again", self.moves),
            ("a pace", self.paced),
        ];
        let on: Vec<&str> = all.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| name).collect();
        build.say("workload", if on.is_empty() { "plain".to_owned() } else { on.join(", ") });
    }

    /// The program of the actor of a socket, which has the socket's name.
    pub(super) fn write(&self, build: &mut Build, name: &str, role: Role) {
        let mut draws = build.draws(&format!("program.{name}"));
        let socket = build.plan.socket(name).expect("it was made");
        if matches!(build.plan[socket].socket_type, SocketType::Sub | SocketType::XSub) {
            let mut topics = TOPICS.to_vec();
            draws.shuffle(&mut topics);
            topics.truncate(usize::try_from(draws.between(1, 3)).unwrap_or(1));
            build.plan.sockets[usize::from(socket.0)].subscribe =
                topics.iter().map(|&topic| topic.to_owned()).collect();
        }
        let mut steps = Vec::new();
        // Over inproc nobody is joined again to a name that was given up: who binds there stays.
        let stays = build.plan[socket].bind.iter().any(|at| at.starts_with("inproc://"));
        if self.late && draws.percent(50) && !stays {
            steps.extend(away(&mut draws));
        } else if draws.percent(30) {
            steps.push(Step::Wait(about(&mut draws, 1, 2000)));
        }
        rarely_out_of_turn(build, socket, &mut steps);
        rarely_looks_away(build, socket, role, &mut steps);
        self.part(build, socket, role, &mut steps, &mut draws);
        rarely_wants_otherwise(build, socket, &mut steps);
        if self.reopens && draws.percent(50) && !stays {
            steps.extend(away(&mut draws));
            self.part(build, socket, role, &mut steps, &mut draws);
        }
        if self.moves && draws.percent(60) && !stays {
            steps.extend(moved(build, socket, &mut draws));
            self.part(build, socket, role, &mut steps, &mut draws);
        }
        let settles_by_serving = matches!(build.plan[socket].socket_type, SocketType::Rep | SocketType::Router);
        steps.push(if settles_by_serving || role == Role::Answers {
            Step::Serve(Serve { work: draws.percent(30).then(|| about(&mut draws, 1, 20)), ..Serve::default() })
        } else {
            Step::Settle { socket: None }
        });
        build.actor(name, &[name], steps);
    }

    fn part(&self, build: &Build, socket: SocketIndex, role: Role, steps: &mut Vec<Step>, draws: &mut Draws) {
        match role {
            Role::Sends => steps.push(self.send(build, socket, draws)),
            Role::Receives => steps.push(self.recv(draws)),
            Role::Talks | Role::Knocks => {
                for _ in 0..draws.between(1, 3) {
                    steps.push(self.send(build, socket, draws));
                    steps.push(self.recv(draws));
                }
            }
            Role::Asks => steps.push(request(draws)),
            // Who serves for good serves behind it; a number of requests may never come.
            Role::Answers => steps.push(Step::Wait(about(draws, 1, 3000))),
            Role::Addresses => {
                if let Step::Send(mut send) = self.send(build, socket, draws) {
                    send.to = ids(build);
                    steps.push(Step::Send(send));
                }
            }
        }
        if role == Role::Knocks {
            never_waits(steps);
        }
    }

    fn send(&self, build: &Build, socket: SocketIndex, draws: &mut Draws) -> Step {
        let size: u64 = if self.large && draws.percent(40) {
            *draws.one(&[8192, 20_000, 70_000])
        } else {
            *draws.one(&[0, 0, 64, 254, 255, 256, 1000])
        };
        let parts: u64 = if self.multipart { *draws.one(&[1, 2, 3, 7]) } else { 1 };
        // As many as a slow link can carry in good time.
        let most = (OCTETS / (size.max(50) * parts)).clamp(1, 200);
        let count = draws.between_logarithmic(1, most);
        let every = (self.paced && draws.percent(70)).then(|| about(draws, 1, 50));
        let timeout = (self.timeouts && draws.percent(50))
            .then(|| if draws.percent(30) { Span::default() } else { about(draws, 1, 500) });
        let cancel_after = (self.cancels && draws.percent(50)).then(|| u32::try_from(draws.between(1, 4)).unwrap_or(1));
        let publishes = matches!(build.plan[socket].socket_type, SocketType::Pub | SocketType::XPub);
        let topics = if publishes {
            let mut topics = TOPICS.to_vec();
            draws.shuffle(&mut topics);
            topics.truncate(usize::try_from(draws.between(1, 4)).unwrap_or(1));
            topics.iter().map(|&topic| topic.to_owned()).collect()
        } else {
            Vec::new()
        };
        Step::Send(Send {
            count: u32::try_from(count).unwrap_or(1),
            size: u32::try_from(size).unwrap_or(0),
            parts: u8::try_from(parts).unwrap_or(1),
            every,
            topics,
            timeout,
            cancel_after,
            ..Send::default()
        })
    }

    /// For a while, since what is lost never comes.
    fn recv(&self, draws: &mut Draws) -> Step {
        Step::Recv(Recv {
            r#for: Some(about(draws, 100, 10_000)),
            every: (self.slow && draws.percent(60)).then(|| about(draws, 5, 200)),
            cancel_after: (self.cancels && draws.percent(50)).then(|| u32::try_from(draws.between(1, 4)).unwrap_or(1)),
            ..Recv::default()
        })
    }
}

/// The socket is closed for a while.
fn away(draws: &mut Draws) -> Vec<Step> {
    let wait = Step::Wait(about(draws, 1, 3000));
    vec![Step::Close { socket: None, linger: None }, wait, Step::Open { socket: None }]
}

fn request(draws: &mut Draws) -> Step {
    let retry = *draws.one(&[Retry::Next, Retry::Reopen, Retry::Again]);
    // Who asks the same again until there is an answer has to leave time enough for one.
    let timeout = match retry {
        Retry::Next => about(draws, 100, 5000),
        Retry::Reopen | Retry::Again => about(draws, 5000, 10_000),
    };
    Step::Request(Request {
        count: u32::try_from(draws.between_logarithmic(1, 50)).unwrap_or(1),
        size: *draws.one(&[0, 0, 255, 256, 2000]),
        timeout: Some(timeout),
        retry,
        every: draws.percent(50).then(|| about(draws, 1, 100)),
        ..Request::default()
    })
}

/// Whether a REQ that closes its socket for want of a reply may be one to whose name nobody is joined again.
fn uses_inproc(build: &Build) -> bool {
    build.plan.sockets.iter().flat_map(|socket| &socket.bind).any(|at| at.starts_with("inproc://"))
}

/// Calls out of turn, which a REQ and a REP have to refuse.
fn rarely_out_of_turn(build: &Build, socket: SocketIndex, steps: &mut Vec<Step>) {
    let of = &build.plan[socket];
    let mut draws = build.draws(&format!("turn.{}", of.name));
    if !draws.percent(25) || uses_inproc(build) {
        return;
    }
    let timeout = Some(about(&mut draws, 100, 2000));
    match of.socket_type {
        SocketType::Req => {
            steps.push(Step::Send(Send { count: 3, timeout, ..Send::default() }));
            steps.push(Step::Recv(Recv { count: Some(2), r#for: timeout, ..Recv::default() }));
            // Replies to what was given up come in meanwhile.
            steps.push(Step::Wait(about(&mut draws, 500, 3000)));
        }
        SocketType::Rep => steps.push(Step::Send(Send { count: 1, timeout, ..Send::default() })),
        SocketType::Dealer
        | SocketType::Router
        | SocketType::Pub
        | SocketType::Sub
        | SocketType::XPub
        | SocketType::XSub
        | SocketType::Push
        | SocketType::Pull
        | SocketType::Pair
        | SocketType::Stream => {}
    }
}

/// One who receives does nothing for longer than its peers are patient: its connections have to bear that.
fn rarely_looks_away(build: &Build, socket: SocketIndex, role: Role, steps: &mut Vec<Step>) {
    let mut draws = build.draws(&format!("away.{}", build.plan[socket].name));
    if draws.percent(20) && matches!(role, Role::Receives | Role::Answers) && !uses_inproc(build) {
        steps.push(Step::Wait(about(&mut draws, 5000, 20_000)));
    }
}

/// Subscriptions that come at once, one that is made twice and taken back once, one that is taken back for good.
fn rarely_wants_otherwise(build: &Build, socket: SocketIndex, steps: &mut Vec<Step>) {
    let of = &build.plan[socket];
    if !matches!(of.socket_type, SocketType::Sub | SocketType::XSub) {
        return;
    }
    let mut draws = build.draws(&format!("wants.{}", of.name));
    let held = |place: usize| Topic { socket: None, topic: of.subscribe[place].clone() };
    match draws.below(10) {
        0 => {
            steps.extend([
                Step::Subscribe(held(0)),
                Step::Wait(about(&mut draws, 1, 1000)),
                Step::Unsubscribe(held(0)),
            ]);
        }
        1 if of.subscribe.len() > 1 => steps.push(Step::Unsubscribe(held(1))),
        2 | 3 => {
            let topics = |word: &str| (0..6).map(|number| format!("{word}{number}")).collect::<Vec<_>>();
            let named = |topic: String| Topic { socket: None, topic };
            steps.extend(topics("many").into_iter().map(|topic| Step::Subscribe(named(topic))));
            steps.extend(topics("many").into_iter().take(3).map(|topic| Step::Unsubscribe(named(topic))));
        }
        _nothing => {}
    }
}

/// None of these waits for good: for room, or for a reply.
pub(super) fn never_waits(steps: &mut [Step]) {
    for step in steps {
        match step {
            Step::Send(send) => {
                send.timeout = Some(send.timeout.map_or(BRIEFLY, |timeout| timeout.min(BRIEFLY)));
                // What is cancelled is sent again, until it is taken.
                send.cancel_after = None;
            }
            Step::Request(request) => {
                request.retry = Retry::Next;
                request.timeout = request.timeout.map(|timeout| timeout.min(Span::millis(1000)));
            }
            Step::Recv(_)
            | Step::Serve(_)
            | Step::Forward { .. }
            | Step::Poll { .. }
            | Step::Wait(_)
            | Step::Bind(_)
            | Step::Connect(_)
            | Step::Unbind(_)
            | Step::Disconnect(_)
            | Step::Subscribe(_)
            | Step::Unsubscribe(_)
            | Step::Close { .. }
            | Step::Open { .. }
            | Step::Settle { .. } => {}
        }
    }
}

/// An endpoint, or a subscription, is given up and got again.
fn moved(build: &Build, socket: SocketIndex, draws: &mut Draws) -> Vec<Step> {
    let of = &build.plan[socket];
    let wait = Step::Wait(about(draws, 1, 1000));
    if !of.subscribe.is_empty() && draws.percent(50) {
        let topic = || Topic { socket: None, topic: of.subscribe[0].clone() };
        return vec![Step::Unsubscribe(topic()), wait, Step::Subscribe(topic())];
    }
    let at = |endpoint: &String| At { socket: None, endpoint: endpoint.clone() };
    match (of.bind.first(), of.connect.is_empty()) {
        (Some(bound), _) => vec![Step::Unbind(at(bound)), wait, Step::Bind(at(bound))],
        (None, false) => {
            let to = draws.one(&of.connect);
            vec![Step::Disconnect(at(to)), wait, Step::Connect(at(to))]
        }
        (None, true) => Vec::new(),
    }
}

fn ids(build: &Build) -> Vec<String> {
    build.plan.sockets.iter().filter_map(|socket| socket.options.routing_id.clone()).collect()
}

/// How long one who may have no peer waits for room.
const BRIEFLY: Span = Span::millis(20);

/// What one step sends at most.
const OCTETS: u64 = 200_000;
