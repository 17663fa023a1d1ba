//! Programs of the user's on simulated hosts.
//!
//! A plan says which hosts there are, what lies between them and what goes wrong; each program is an `async fn` that is
//! given the context of its host's process, and the [`Host`] itself. It begins anew in each life of its host.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::time::Duration;

use zmq_core::time::Instant;
use zmq_reference::Context;
use zmq_reference::runtime::{BoxFuture, Timer};
use zmq_sim::plan::{HostIndex, Plan};

use crate::process::Process;
use crate::timer::WorldTimer;

/// A host, as a program that runs on it sees it.
#[derive(Debug, Clone)]
pub struct Host {
    process: Arc<Process>,
    name: String,
    life: u16,
}

impl Host {
    pub(crate) fn new(process: &Arc<Process>, name: &str, life: u16) -> Self {
        Self { process: Arc::clone(process), name: name.to_owned(), life }
    }

    /// Its name in the plan.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How often it was started before.
    #[must_use]
    pub const fn life(&self) -> u16 {
        self.life
    }

    /// What its monotonic clock says, which may be ahead of others and may jump ahead.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_nanos(self.process.net().lock().world.host_now(self.process.host()))
    }

    /// Does nothing for a while by its clock.
    pub async fn sleep(&self, span: Duration) {
        let at = self.now().saturating_add(span);
        let mut timer = WorldTimer::new(&self.process);
        poll_fn(|cx| timer.poll_until(cx, at)).await;
    }

    /// A number that follows from the seed of the run.
    #[must_use]
    pub fn random(&self) -> u64 {
        let mut octets = [0; 8];
        self.process.net().lock().world.random(self.process.host(), &mut octets);
        u64::from_le_bytes(octets)
    }

    /// Runs a task beside the others of this process until it ends, or the process does.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.process.spawn(Box::pin(task));
    }
}

type App = Arc<dyn Fn(Context, Host) -> BoxFuture<'static, ()> + Send + Sync>;

/// Programs, by the names of their hosts.
#[derive(Clone, Default)]
pub struct Apps {
    all: BTreeMap<String, Vec<App>>,
}

impl Apps {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// And this one, on that host.
    #[must_use]
    pub fn on<F, A>(mut self, host: &str, app: A) -> Self
    where
        A: Fn(Context, Host) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let app: App = Arc::new(move |context, host| Box::pin(app(context, host)));
        self.all.entry(host.to_owned()).or_default().push(app);
        self
    }

    pub(crate) fn of(&self, plan: &Plan, host: HostIndex) -> &[App] {
        self.all.get(&plan[host].name).map_or(&[], Vec::as_slice)
    }
}

impl fmt::Debug for Apps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.keys()).finish()
    }
}
