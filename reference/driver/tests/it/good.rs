//! A good client beside the bad ones: it is served, about as fast as without them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use zmq_reference::blocking::{Context, Socket};
use zmq_reference::{Endpoint, Message, Options, SocketType};

use crate::alone::figure;

/// A context, so that all of its peers share one I/O thread, and a ROUTER in it that sends everything back.
pub(crate) struct Good {
    pub(crate) context: Context,
    /// Where the ROUTER is.
    pub(crate) endpoint: Endpoint,
    /// Messages that no good client sent.
    pub(crate) foreign: Arc<AtomicUsize>,
    client: Socket,
    unloaded: Figures,
    _client_context: Context,
}

#[derive(Debug, Clone, Copy)]
struct Figures {
    median: Duration,
    p99: Duration,
}

/// Round trips of one look.
const TRIPS: usize = 200;
/// Looks, of which the best counts: what the attack costs is in every one, what the machine costs is not.
const LOOKS: usize = 4;
/// Slower than this is slow, on a machine with other work.
const FLOOR: Duration = Duration::from_millis(5);
/// As much for the slowest of a hundred: some turns of the scheduler.
const FLOOR_P99: Duration = Duration::from_millis(25);

pub(crate) fn socket(context: &Context, socket_type: SocketType, options: Options) -> Socket {
    let socket = context.socket_with(socket_type, options).unwrap();
    socket.set_recv_timeout(Some(Duration::from_secs(10)));
    socket.set_send_timeout(Some(Duration::from_secs(10)));
    socket
}

impl Good {
    pub(crate) fn start(options: Options) -> Self {
        let context = Context::new().unwrap();
        let router = context.socket_with(SocketType::Router, options).unwrap();
        let endpoint = router.bind("tcp://127.0.0.1:*").unwrap();
        let foreign = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&foreign);
        thread::spawn(move || {
            while let Ok(message) = router.recv() {
                if message.iter().nth(1).is_some_and(|body| body.starts_with(b"good")) {
                    let _ = router.send(message);
                } else {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let client_context = Context::new().unwrap();
        let client = socket(&client_context, SocketType::Dealer, Options::default());
        client.connect(&endpoint.to_string()).unwrap();
        let mut good = Self {
            context,
            endpoint,
            foreign,
            client,
            unloaded: Figures { median: FLOOR, p99: FLOOR_P99 },
            _client_context: client_context,
        };
        good.look();
        good.unloaded = good.look();
        good
    }

    /// One round trip.
    pub(crate) fn trip(&self) {
        self.client.send("good").unwrap();
        assert_eq!(self.client.recv().unwrap(), Message::from("good"));
    }

    fn look(&self) -> Figures {
        let mut times: Vec<_> = (0..TRIPS)
            .map(|_| {
                let start = Instant::now();
                self.trip();
                start.elapsed()
            })
            .collect();
        times.sort();
        Figures { median: times[TRIPS / 2], p99: times[TRIPS * 99 / 100] }
    }

    /// The good client is served as fast as before, or at most half as fast.
    pub(crate) fn is_served(&self) {
        let looks: Vec<_> = (0..LOOKS).map(|_| self.look()).collect();
        let best = Figures {
            median: looks.iter().map(|look| look.median).min().unwrap(),
            p99: looks.iter().map(|look| look.p99).min().unwrap(),
        };
        figure(format!(
            "the good client's round trip: median {:?}, p99 {:?}; unloaded {:?}, {:?}",
            best.median, best.p99, self.unloaded.median, self.unloaded.p99
        ));
        assert!(best.median <= FLOOR.max(2 * self.unloaded.median), "{looks:?}, unloaded {:?}", self.unloaded);
        assert!(best.p99 <= FLOOR_P99.max(2 * self.unloaded.p99), "{looks:?}, unloaded {:?}", self.unloaded);
    }

    /// The good client is served while `attack` goes on, which is called again and again until it was.
    pub(crate) fn is_served_during(&self, mut attack: impl FnMut() + Send) {
        let over = AtomicBool::new(false);
        let begun = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                attack();
                begun.wait();
                while !over.load(Ordering::Relaxed) {
                    attack();
                }
            });
            begun.wait();
            // Also if it is not served: the attack ends.
            let served = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.is_served()));
            over.store(true, Ordering::Relaxed);
            served.unwrap_or_else(|why| std::panic::resume_unwind(why));
        });
    }

    /// Ends the context, which has to end whatever its peers do.
    pub(crate) fn end(self) {
        ends_within(Duration::from_secs(20), &self.context);
    }
}

/// Ends a context; fails if that takes longer.
pub(crate) fn ends_within(time: Duration, context: &Context) {
    let (ended, end) = mpsc::channel();
    let context = context.clone();
    thread::spawn(move || {
        context.term();
        let _ = ended.send(());
    });
    end.recv_timeout(time).expect("term ends");
}
