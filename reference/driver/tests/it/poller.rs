//! Waiting for sockets and descriptors at once, and the descriptor for foreign event loops.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zmq_reference::blocking::{Context, Socket};
use zmq_reference::{Interest, Linger, Message, Options, PollError, Ready, SocketType};

use crate::good::socket;

const LONG: Option<Duration> = Some(Duration::from_secs(10));
const NOW: Option<Duration> = Some(Duration::ZERO);

fn pipeline(context: &Context) -> (Socket, Socket) {
    let pull = socket(context, SocketType::Pull, Options::default());
    let push = socket(context, SocketType::Push, Options::default());
    push.connect(&pull.bind("tcp://127.0.0.1:*").unwrap().to_string()).unwrap();
    (pull, push)
}

#[test]
fn what_is_ready_is_told_until_it_is_used() {
    let context = Context::new().unwrap();
    let (pull, push) = pipeline(&context);
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut poller = context.poller();
    let messages = poller.add(&pull, Interest::READABLE).unwrap();
    let octets = poller.add_fd(&theirs, Interest::READABLE).unwrap();
    assert_eq!(poller.wait(NOW).unwrap(), []);
    let start = Instant::now();
    assert_eq!(poller.wait(Some(Duration::from_millis(30))).unwrap(), []);
    assert!(start.elapsed() >= Duration::from_millis(30));

    push.send("a").unwrap();
    let message = Ready { token: messages, events: Interest::READABLE };
    for _ in 0..3 {
        assert_eq!(poller.wait(LONG).unwrap(), [message], "level-triggered");
    }
    ours.write_all(b"x").unwrap();
    let octet = Ready { token: octets, events: Interest::READABLE };
    for _ in 0..3 {
        assert_eq!(poller.wait(LONG).unwrap(), [message, octet]);
    }
    pull.recv().unwrap();
    assert_eq!(poller.wait(LONG).unwrap(), [octet]);
    (&theirs).read_exact(&mut [0]).unwrap();
    assert_eq!(poller.wait(NOW).unwrap(), []);
    // Who waits is woken by either.
    for round in 0..50 {
        let woken = thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(round % 3));
                if round % 2 == 0 { push.send("b").unwrap() } else { (&ours).write_all(b"y").unwrap() }
            });
            poller.wait(LONG).unwrap()
        });
        if round % 2 == 0 {
            assert_eq!(woken, [message]);
            assert_eq!(pull.recv().unwrap(), Message::from("b"));
        } else {
            assert_eq!(woken, [octet]);
            (&theirs).read_exact(&mut [0]).unwrap();
        }
    }
    drop(ours);
    assert_eq!(poller.wait(LONG).unwrap(), [octet], "the other end's close can be read");
    poller.modify(octets, Interest::ERROR | Interest::WRITABLE).unwrap();
    assert!(poller.wait(LONG).unwrap()[0].events.intersects(Interest::ERROR));
    poller.remove(octets).unwrap();
    assert_eq!(poller.wait(NOW).unwrap(), []);
}

#[test]
fn items_are_there_once_and_can_be_changed() {
    let context = Context::new().unwrap();
    let (pull, push) = pipeline(&context);
    let mut poller = context.poller();
    assert!(matches!(poller.wait(None), Err(PollError::Endless)));
    let token = poller.add(&push, Interest::READABLE).unwrap();
    assert!(matches!(poller.add(&push.clone(), Interest::WRITABLE), Err(PollError::Twice)));
    assert_eq!(poller.wait(NOW).unwrap(), [], "a PUSH never receives");
    poller.modify(token, Interest::WRITABLE).unwrap();
    assert_eq!(poller.wait(LONG).unwrap().len(), 1);
    poller.modify(token, Interest::NONE).unwrap();
    assert!(matches!(poller.wait(None), Err(PollError::Endless)));
    assert_eq!(poller.token_of(pull.as_async()), None);
    poller.remove(token).unwrap();
    assert!(matches!(poller.remove(token), Err(PollError::Unknown)));
    assert!(matches!(poller.modify(token, Interest::NONE), Err(PollError::Unknown)));
    assert_eq!((poller.len(), PollError::Unknown.errno(), PollError::Endless.errno()), (0, 22, 14));
    // A file is always ready.
    let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
    poller.add_fd(&file, Interest::READABLE).unwrap();
    assert_eq!(poller.wait(LONG).unwrap().len(), 1);
}

#[test]
fn one_after_the_other_has_its_turn() {
    let context = Context::new().unwrap();
    let sockets: Vec<_> = (0..3).map(|_| pipeline(&context)).collect();
    let mut poller = context.poller();
    let tokens: Vec<_> = sockets.iter().map(|(pull, _)| poller.add(pull, Interest::READABLE).unwrap()).collect();
    for (pull, push) in &sockets {
        push.send("always there").unwrap();
        pull.readable();
    }
    for round in 0..9 {
        assert_eq!(poller.wait_one(LONG).unwrap().unwrap().token, tokens[round % 3]);
    }
}

#[test]
fn the_end_of_a_socket_ends_the_waiting() {
    let context = Context::new().unwrap();
    let (pull, push) = pipeline(&context);
    let mut poller = context.poller();
    poller.add(&pull, Interest::READABLE).unwrap();
    let waiting = thread::spawn(move || poller.wait(LONG));
    thread::sleep(Duration::from_millis(20));
    context.as_async().shutdown();
    let Err(why) = waiting.join().unwrap() else { panic!("there was nothing to receive") };
    assert_eq!(why.errno(), 156_384_765, "ETERM");
    push.close(Some(Linger::Discard));
}

fn is_readable(socket: &Socket, wait: Duration) -> bool {
    let fd = socket.event_fd().unwrap();
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec::try_from(wait).unwrap())).unwrap() > 0
}

#[test]
fn a_foreign_event_loop_is_told_of_changes() {
    let context = Context::new().unwrap();
    let (pull, push) = pipeline(&context);
    assert!(is_readable(&pull, Duration::ZERO), "what came before is not told any more");
    assert!(pull.events().is_none());
    for round in 0..100 {
        push.send("a").unwrap();
        // As a loop does that knows nothing of us: whenever it is readable, everything is received.
        let mut received = 0;
        while received == 0 {
            assert!(is_readable(&pull, Duration::from_secs(10)), "round {round}: nobody was told");
            while pull.events().intersects(Interest::READABLE) {
                pull.recv().unwrap();
                received += 1;
            }
        }
        assert_eq!(received, 1);
    }
    // Room that comes back is told as well.
    let small = Options { send_hwm: zmq_reference::Hwm::messages(1), ..Options::default() };
    let dealer = socket(&context, SocketType::Dealer, small);
    let peer = socket(
        &context,
        SocketType::Dealer,
        Options { recv_hwm: zmq_reference::Hwm::messages(1), ..Options::default() },
    );
    peer.bind("inproc://room").unwrap();
    dealer.connect("inproc://room").unwrap();
    while dealer.try_send("full").is_ok() {}
    assert!(dealer.event_fd().is_ok() && dealer.events().is_none());
    assert!(!is_readable(&dealer, Duration::ZERO));
    peer.recv().unwrap();
    peer.recv().unwrap();
    assert!(is_readable(&dealer, Duration::from_secs(10)));
    assert!(dealer.events().intersects(Interest::WRITABLE));
    // And the end.
    let _ = pull.events();
    context.as_async().shutdown();
    assert!(is_readable(&pull, Duration::from_secs(10)));
}

/// A waiting call gets its message although a foreign loop is told of it too.
#[test]
fn a_descriptor_takes_no_wake_from_a_call_that_waits() {
    let context = Context::new().unwrap();
    let (pull, push) = pipeline(&context);
    pull.event_fd().unwrap();
    for _ in 0..50 {
        let waiting = pull.clone();
        let receiver = thread::spawn(move || waiting.recv());
        push.send("for the call").unwrap();
        assert_eq!(receiver.join().unwrap().unwrap(), Message::from("for the call"));
    }
}

#[test]
fn a_poller_waits_on_the_callers_runtime_too() {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let context = zmq_reference::Context::local().unwrap();
        let pull = context.socket(SocketType::Pull).unwrap();
        let push = context.socket(SocketType::Push).unwrap();
        push.connect(&pull.bind("tcp://127.0.0.1:*").await.unwrap().to_string()).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut poller = context.poller();
        let messages = poller.add(&pull, Interest::READABLE).unwrap();
        let octets = poller.add_fd(&theirs, Interest::READABLE).unwrap();
        push.send("a").await.unwrap();
        assert_eq!(poller.wait(LONG).await.unwrap()[0].token, messages);
        pull.recv().await.unwrap();
        (&ours).write_all(b"x").unwrap();
        assert_eq!(poller.wait(LONG).await.unwrap()[0].token, octets);
        context.abandon();
    });
}
