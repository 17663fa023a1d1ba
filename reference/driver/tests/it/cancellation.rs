//! Calls that are taken back, and several at a time on one socket.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Polling, Poll, Wake, Waker};
use std::thread;

use zmq_reference::blocking::{Context, Socket};
use zmq_reference::{Hwm, Message, Options, RecvError, SendError, SocketType};

use crate::alone::eventually;
use crate::good::socket;

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A future that is polled by hand.
struct ByHand<F> {
    future: Pin<Box<F>>,
    wakes: Arc<Wakes>,
}

impl<F: Future> ByHand<F> {
    fn new(future: F) -> Self {
        Self { future: Box::pin(future), wakes: Arc::default() }
    }

    fn poll(&mut self) -> Option<F::Output> {
        let waker = Waker::from(Arc::clone(&self.wakes));
        match self.future.as_mut().poll(&mut Polling::from_waker(&waker)) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }
}

fn pair(transport: &str, hwm: u32) -> (Context, Socket, Socket) {
    let context = Context::new().unwrap();
    let options = Options { send_hwm: Hwm::messages(hwm), recv_hwm: Hwm::messages(hwm), ..Options::default() };
    let pull = socket(&context, SocketType::Pull, options.clone());
    let push = socket(&context, SocketType::Push, options);
    let endpoint = pull.bind(transport).unwrap();
    push.connect(&endpoint.to_string()).unwrap();
    // Peers that come wake those that wait: from here on only messages do.
    push.send("connected").unwrap();
    assert_eq!(pull.recv().unwrap(), Message::from("connected"));
    (context, push, pull)
}

const TRANSPORTS: [&str; 2] = ["tcp://127.0.0.1:*", "inproc://cancelled"];

/// Whenever a `recv` is dropped, what it has not given out is received by the next one.
#[test]
fn a_recv_that_is_dropped_loses_no_message() {
    for transport in TRANSPORTS {
        let (_context, push, pull) = pair(transport, 1000);
        let mut expected = 0_u32;
        for n in 0..300_u32 {
            // Polled so often before the message is sent, and so often after it, then dropped.
            let (before, after) = (n % 3, n / 3 % 3);
            let mut recv = ByHand::new(pull.as_async().recv());
            for _ in 0..before {
                assert!(recv.poll().is_none());
            }
            push.send(&n.to_be_bytes()).unwrap();
            if n % 2 == 0 {
                pull.as_async_readable();
            }
            let done = (0..after).find_map(|_| recv.poll());
            drop(recv);
            if let Some(received) = done {
                assert_eq!(received.unwrap(), Message::from(&expected.to_be_bytes()));
                expected += 1;
            }
            while expected <= n {
                assert_eq!(pull.recv().unwrap(), Message::from(&expected.to_be_bytes()));
                expected += 1;
            }
        }
        assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock));
    }
}

trait Readable {
    fn as_async_readable(&self);
}

impl Readable for Socket {
    /// Waits until there is a message.
    fn as_async_readable(&self) {
        assert!(eventually(|| self.as_async().can_recv()));
    }
}

/// Whenever a `send` is dropped before it is done, nothing of its message is sent.
#[test]
fn a_send_that_is_dropped_sends_nothing() {
    for transport in TRANSPORTS {
        let (_context, push, pull) = pair(transport, 2);
        let mut sent = Vec::new();
        for n in 0..300_u32 {
            // Filled up first, so that it has to wait.
            while push.try_send(["filler", "part"]).is_ok() {
                sent.push(Message::from(["filler", "part"]));
            }
            let message = Message::from([&n.to_be_bytes()[..], b"end"]);
            let mut send = ByHand::new(push.as_async().send(message.clone()));
            let mut done = (0..n % 4).find_map(|_| send.poll());
            if n % 3 != 0 {
                // Makes room, and perhaps wakes it.
                assert_eq!(pull.recv().unwrap(), sent.remove(0));
            }
            done = done.or_else(|| (0..n / 4 % 3).find_map(|_| send.poll()));
            drop(send);
            if let Some(done) = done {
                done.unwrap();
                sent.push(message);
            }
        }
        for message in sent {
            assert_eq!(pull.recv().unwrap(), message);
        }
        assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock));
    }
}

/// A wake that a dropped call did not use is the next one's.
#[test]
fn a_wake_is_passed_on_by_a_call_that_is_dropped() {
    let (_context, push, pull) = pair("tcp://127.0.0.1:*", 1000);
    let mut first = ByHand::new(pull.as_async().recv());
    let mut second = ByHand::new(pull.as_async().recv());
    assert!(first.poll().is_none() && second.poll().is_none());
    push.send("one").unwrap();
    assert!(eventually(|| first.wakes.count() > 0));
    assert_eq!(second.wakes.count(), 0, "one message, one wake");
    drop(first);
    assert!(eventually(|| second.wakes.count() > 0));
    assert_eq!(second.poll().unwrap().unwrap(), Message::from("one"));
}

#[test]
fn who_waits_longest_receives_first() {
    let (_context, push, pull) = pair("tcp://127.0.0.1:*", 1000);
    let mut waiting: Vec<_> = (0..10).map(|_| ByHand::new(pull.as_async().recv())).collect();
    assert!(waiting.iter_mut().all(|recv| recv.poll().is_none()));
    for (n, recv) in waiting.iter_mut().enumerate() {
        push.send(n.to_string()).unwrap();
        let mut received = None;
        let polled = eventually(|| {
            received = if recv.wakes.count() > 0 { recv.poll() } else { None };
            received.is_some()
        });
        assert!(polled, "{n} is not woken");
        assert_eq!(received.unwrap().unwrap(), Message::from(n.to_string()));
    }
}

/// No task starves, no message is received twice or lost.
#[test]
fn several_tasks_receive_on_one_socket() {
    for transport in TRANSPORTS {
        let (_context, push, pull) = pair(transport, 100);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let sender = thread::spawn(move || {
            (0..20_000_u32).for_each(|n| push.send(&n.to_be_bytes()).unwrap());
            push
        });
        let shares: Vec<Vec<u32>> = runtime.block_on(async {
            let tasks: Vec<_> = (0..4)
                .map(|_| {
                    let pull = pull.as_async().clone();
                    tokio::spawn(async move {
                        let mut mine = Vec::new();
                        for _ in 0..5_000 {
                            let message = pull.recv().await.unwrap();
                            mine.push(u32::from_be_bytes(message.first()[..].try_into().unwrap()));
                            tokio::task::yield_now().await;
                        }
                        mine
                    })
                })
                .collect();
            let mut shares = Vec::new();
            for task in tasks {
                shares.push(task.await.unwrap());
            }
            shares
        });
        drop(sender.join().unwrap());
        for share in &shares {
            assert!(share.is_sorted(), "each task receives in order");
        }
        let all: BTreeSet<_> = shares.iter().flatten().copied().collect();
        assert_eq!(all.len(), 20_000);
    }
}

#[test]
fn several_threads_receive_and_send_on_one_socket() {
    for transport in TRANSPORTS {
        let (_context, push, pull) = pair(transport, 10);
        let senders: Vec<_> = (0..4_u32)
            .map(|sender| {
                let push = push.clone();
                thread::spawn(move || {
                    for n in 0..2_500_u32 {
                        push.send([&sender.to_be_bytes()[..], &n.to_be_bytes()]).unwrap();
                    }
                })
            })
            .collect();
        let receivers: Vec<_> = (0..3)
            .map(|_| {
                let pull = pull.clone();
                thread::spawn(move || {
                    let mut mine = Vec::new();
                    loop {
                        let message = pull.recv().unwrap();
                        if message.parts() == 1 {
                            return mine;
                        }
                        let numbers = message.iter().map(|part| u32::from_be_bytes(part[..].try_into().unwrap()));
                        mine.push(numbers.collect::<Vec<_>>());
                    }
                })
            })
            .collect();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        (0..receivers.len()).for_each(|_| push.send("end").unwrap());
        let shares: Vec<_> = receivers.into_iter().map(|receiver| receiver.join().unwrap()).collect();
        for share in &shares {
            for sender in 0..4 {
                let of_one: Vec<_> = share.iter().filter(|numbers| numbers[0] == sender).map(|n| n[1]).collect();
                assert!(of_one.is_sorted(), "what one thread sent stays in order");
            }
        }
        let all: BTreeSet<_> = shares.into_iter().flatten().collect();
        assert_eq!(all.len(), 10_000, "parts of different messages are not mixed, and none is lost");
    }
}

#[test]
fn a_call_that_waits_for_room_goes_on_when_there_is_some() {
    for transport in TRANSPORTS {
        let (_context, push, pull) = pair(transport, 1);
        while push.try_send(vec![0; 1 << 20]).is_ok() || !stays_full(&push) {}
        let mut sends: Vec<_> = (0..5).map(|n| ByHand::new(push.as_async().send(format!("{n}")))).collect();
        assert!(sends.iter_mut().all(|send| send.poll().is_none()));
        let receiver = thread::spawn(move || {
            let mut rest = Vec::new();
            while rest.len() < 5 {
                let message = pull.recv().unwrap();
                if message.first().len() == 1 {
                    rest.push(message);
                }
            }
            rest
        });
        for send in &mut sends {
            assert!(
                eventually(|| send.wakes.count() > 0 && send.poll().is_some_and(|done| done.is_ok())),
                "{transport}"
            );
        }
        assert_eq!(receiver.join().unwrap(), (0..5).map(|n| Message::from(n.to_string())).collect::<Vec<_>>());
    }
}

/// Whether nothing moves any more towards a peer that does not receive.
fn stays_full(push: &Socket) -> bool {
    thread::sleep(std::time::Duration::from_millis(50));
    match push.try_send(vec![0; 1 << 20]) {
        Ok(()) => false,
        Err(unsent) => {
            assert_eq!(unsent.why, SendError::WouldBlock);
            true
        }
    }
}

/// A wait for readiness takes nothing.
#[test]
fn readiness_may_be_asked_for_by_several() {
    let (_context, push, pull) = pair("tcp://127.0.0.1:*", 1000);
    let mut first = ByHand::new(pull.as_async().readable());
    let mut second = ByHand::new(pull.as_async().readable());
    assert!(first.poll().is_none() && second.poll().is_none());
    push.send("one").unwrap();
    assert!(eventually(|| first.poll().is_some()));
    drop(first);
    assert!(eventually(|| second.wakes.count() > 0 && second.poll().is_some()));
    let mut recv = pin!(pull.as_async().recv());
    let waker = Waker::noop();
    assert!(recv.as_mut().poll(&mut Polling::from_waker(waker)).is_ready());
}
