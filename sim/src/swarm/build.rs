//! A plan while it is drawn.

use crate::draw::Draws;
use crate::plan::{Actor, Host, Plan, Socket, SocketOptions, SocketType, Step};
use crate::time::Span;

/// A plan, and the table of what was drawn.
#[derive(Debug)]
pub(super) struct Build {
    pub(super) plan: Plan,
    pub(super) table: Vec<(&'static str, String)>,
}

impl Build {
    pub(super) fn new(seed: u64) -> Self {
        let text = format!("title = \"swarm {}\"\nlimit = \"3m\"\nheal = \"30s\"", super::Seed(seed));
        let mut plan: Plan = toml::from_str(&text).expect("a plan needs a title only");
        plan.seed = seed;
        Self { plan, table: vec![("seed", super::Seed(seed).to_string())] }
    }

    /// The draws of one thing.
    pub(super) fn draws(&self, key: &str) -> Draws {
        Draws::new(self.plan.seed, &format!("g1.{key}"))
    }

    pub(super) fn say(&mut self, name: &'static str, what: impl Into<String>) {
        self.table.push((name, what.into()));
    }

    /// A host, if it is not there yet.
    pub(super) fn host(&mut self, name: &str) {
        if self.plan.host(name).is_none() {
            self.plan.hosts.push(Host { name: name.to_owned(), ..Host::default() });
        }
    }

    pub(super) fn socket(&mut self, name: &str, host: &str, socket_type: SocketType) -> &mut Socket {
        self.host(host);
        self.plan.sockets.push(Socket {
            name: name.to_owned(),
            host: host.to_owned(),
            socket_type,
            bind: Vec::new(),
            connect: Vec::new(),
            subscribe: Vec::new(),
            options: SocketOptions::default(),
        });
        self.plan.sockets.last_mut().expect("it was put there")
    }

    pub(super) fn actor(&mut self, name: &str, sockets: &[&str], steps: Vec<Step>) {
        let sockets = sockets.iter().map(|&name| name.to_owned()).collect();
        self.plan.actors.push(Actor { name: name.to_owned(), sockets, r#do: steps });
    }
}

/// A span of so many milliseconds or less, each order of magnitude as likely.
pub(super) fn about(draws: &mut Draws, low: u64, high: u64) -> Span {
    draws.span_logarithmic(Span::millis(low), Span::millis(high))
}
