//! Real sockets on 127.0.0.1.

use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use zmq_core::options::TcpOptions;

use super::handoff::{Enter, Handoff, Kick};
use super::*;
use crate::runtime::Close;

const LOCALHOST: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn run<T: Send>(runtime: &TokioRuntime, future: impl Future<Output = T> + Send) -> T {
    let mut result = None;
    runtime.block_on(0, pin!(async { result = Some(future.await) }));
    result.expect("block_on returns when its future is ready")
}

fn listen(runtime: &TokioRuntime, at: impl Into<Address>) -> io::Result<Box<dyn Listener>> {
    runtime.listen(0, &at.into(), Listening { backlog: 16, tcp: &TcpOptions::default(), given: None })
}

fn dial(runtime: &TokioRuntime, to: impl Into<Address>) -> io::Result<Box<dyn Link>> {
    run(runtime, runtime.dial(0, &to.into(), Dialling { source: None, tcp: &TcpOptions::default() }))
}

/// A link of ours and the other end as a blocking stream.
fn pair(runtime: &TokioRuntime) -> (Box<dyn Link>, TcpStream) {
    let listener = TcpListener::bind(LOCALHOST).unwrap();
    let link = dial(runtime, listener.local_addr().unwrap()).unwrap();
    (link, listener.accept().unwrap().0)
}

fn read_some(runtime: &TokioRuntime, link: &dyn Link, capacity: usize) -> io::Result<Vec<u8>> {
    let mut buf = vec![0; capacity];
    let n = run(runtime, poll_fn(|cx| link.poll_read(cx, &mut buf)))?;
    buf.truncate(n);
    Ok(buf)
}

fn write_all(runtime: &TokioRuntime, link: &dyn Link, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match link.try_writev(&[IoSlice::new(bytes)]) {
            Ok(n) => bytes = &bytes[n..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                run(runtime, poll_fn(|cx| link.poll_writable(cx))).unwrap();
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// A task that notes on which thread it ran each time it is woken.
struct Probe {
    waker: Mutex<Option<Waker>>,
    ran_on: mpsc::Receiver<ThreadId>,
    ended: Arc<AtomicBool>,
}

impl Probe {
    fn start(reactor: &Reactor) -> Arc<Mutex<Self>> {
        let (ran, ran_on) = mpsc::channel();
        let ended = Arc::new(AtomicBool::new(false));
        let probe = Arc::new(Mutex::new(Self { waker: Mutex::new(None), ran_on, ended: Arc::clone(&ended) }));
        let (set, waker) = mpsc::channel();
        reactor.spawn(Box::pin(poll_fn(move |cx| {
            // Before anybody hears of this poll and asks for the end in the next one.
            let ends = ended.load(Ordering::SeqCst);
            set.send(cx.waker().clone()).unwrap();
            ran.send(thread::current().id()).unwrap();
            if ends { Poll::Ready(()) } else { Poll::Pending }
        })));
        {
            let probe = probe.lock().unwrap();
            *probe.waker.lock().unwrap() = Some(waker.recv_timeout(LONG).unwrap());
            probe.ran_on.recv_timeout(LONG).unwrap();
            // The sending half lives in the task: keep what it sends from failing.
            thread::spawn(move || waker.into_iter().for_each(drop));
        }
        probe
    }

    fn wake(&self) -> ThreadId {
        self.waker.lock().unwrap().clone().unwrap().wake();
        self.ran_on.recv_timeout(LONG).expect("a woken task runs")
    }
}

/// Far beyond any delay on a loaded machine; reached only when something hangs.
const LONG: Duration = Duration::from_secs(20);

#[test]
fn bytes_go_both_ways() {
    let runtime = TokioRuntime::owned(1, &ThreadOptions::default()).unwrap();
    let (link, mut peer) = pair(&runtime);
    assert_eq!(link.peer_addr().unwrap().tcp(), peer.local_addr().ok());
    assert_eq!(link.local_addr().unwrap().tcp(), peer.peer_addr().ok());

    peer.write_all(b"hello").unwrap();
    run(&runtime, poll_fn(|cx| link.poll_readable(cx))).unwrap();
    assert_eq!(read_some(&runtime, &*link, 64).unwrap(), b"hello");

    write_all(&runtime, &*link, b"world");
    let mut buf = [0; 5];
    peer.read_exact(&mut buf).unwrap();
    assert_eq!(&buf, b"world");
}

#[test]
fn a_short_read_drains_and_later_bytes_are_seen() {
    let runtime = TokioRuntime::owned(1, &ThreadOptions::default()).unwrap();
    let (link, mut peer) = pair(&runtime);
    for round in 0..200_u8 {
        peer.write_all(&[round; 3]).unwrap();
        let mut got = Vec::new();
        while got.len() < 3 {
            got.extend(read_some(&runtime, &*link, 64).unwrap());
        }
        assert_eq!(got, [round; 3]);
    }
    let mut cx = Context::from_waker(Waker::noop());
    assert!(link.poll_readable(&mut cx).is_pending(), "a short read left readiness behind");
}

#[test]
fn the_peers_end_comes_after_its_last_bytes() {
    let runtime = TokioRuntime::owned(1, &ThreadOptions::default()).unwrap();
    let (link, mut peer) = pair(&runtime);
    peer.write_all(b"bye").unwrap();
    drop(peer);
    assert_eq!(read_some(&runtime, &*link, 64).unwrap(), b"bye");
    assert_eq!(read_some(&runtime, &*link, 64).unwrap(), b"");
}

#[test]
fn a_full_link_becomes_writable_again() {
    let runtime = TokioRuntime::owned(1, &ThreadOptions::default()).unwrap();
    let (link, mut peer) = pair(&runtime);
    let bytes = vec![7; 16 << 20];
    let reader = thread::spawn(move || {
        let mut buf = vec![0; 16 << 20];
        peer.read_exact(&mut buf).unwrap();
        buf
    });
    write_all(&runtime, &*link, &bytes);
    assert!(reader.join().unwrap() == bytes);
}

#[test]
fn finish_ends_the_stream_and_reading_goes_on() {
    let runtime = TokioRuntime::owned(1, &ThreadOptions::default()).unwrap();
    let (link, mut peer) = pair(&runtime);
    write_all(&runtime, &*link, b"last");
    link.close(Close::Finish).unwrap();
    let mut got = Vec::new();
    peer.read_to_end(&mut got).unwrap();
    assert_eq!(got, b"last");
    peer.write_all(b"late").unwrap();
    assert_eq!(read_some(&runtime, &*link, 64).unwrap(), b"late");
}

#[test]
fn reset_is_seen_by_the_peer() {
    let runtime = TokioRuntime::owned(1, &ThreadOptions::default()).unwrap();
    let (link, mut peer) = pair(&runtime);
    link.close(Close::Reset).unwrap();
    drop(link);
    assert_eq!(peer.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn dial_reports_a_refusal() {
    let runtime = TokioRuntime::owned(1, &ThreadOptions::default()).unwrap();
    let closed = TcpListener::bind(LOCALHOST).unwrap().local_addr().unwrap();
    assert_eq!(dial(&runtime, closed).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn links_are_accepted_for_another_thread() {
    let runtime = TokioRuntime::owned(2, &ThreadOptions::default()).unwrap();
    let listener = listen(&runtime, LOCALHOST).unwrap();
    let at = listener.local_addr().unwrap().tcp().unwrap();
    for round in 0..4 {
        let mut peer = TcpStream::connect(at).unwrap();
        let link = run(&runtime, poll_fn(|cx| listener.poll_accept(cx, round))).unwrap();
        peer.write_all(b"x").unwrap();
        assert_eq!(read_some(&runtime, &*link, 8).unwrap(), b"x");
    }
}

#[test]
fn an_address_is_free_again_after_its_connections() {
    let runtime = TokioRuntime::owned(1, &ThreadOptions::default()).unwrap();
    let listener = listen(&runtime, LOCALHOST).unwrap();
    let at = listener.local_addr().unwrap().tcp().unwrap();
    assert_eq!(listen(&runtime, at).unwrap_err().kind(), ErrorKind::AddrInUse);
    let mut peer = TcpStream::connect(at).unwrap();
    let link = run(&runtime, poll_fn(|cx| listener.poll_accept(cx, 0))).unwrap();
    // This end closes first, so it is the one in TIME_WAIT.
    drop((link, listener));
    assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
    drop(peer);
    listen(&runtime, at).unwrap();
}

#[test]
fn a_timer_never_rings_early_and_can_be_moved() {
    let runtime = TokioRuntime::owned(1, &ThreadOptions::default()).unwrap();
    let mut timer = runtime.timer(0);
    let first = runtime.now() + Duration::from_millis(20);
    run(&runtime, poll_fn(|cx| timer.poll_until(cx, first)));
    assert!(runtime.now() >= first);

    let mut cx = Context::from_waker(Waker::noop());
    assert!(timer.poll_until(&mut cx, runtime.now() + Duration::from_secs(3600)).is_pending());
    assert!(timer.poll_until(&mut cx, Instant::FAR_FUTURE).is_pending());
    let second = runtime.now() + Duration::from_millis(5);
    run(&runtime, poll_fn(|cx| timer.poll_until(cx, second)));
    assert!(runtime.now() >= second);
    run(&runtime, poll_fn(|cx| timer.poll_until(cx, Instant::START)));
}

#[test]
fn names_are_resolved() {
    let runtime = TokioRuntime::owned(1, &ThreadOptions::default()).unwrap();
    assert_eq!(run(&runtime, runtime.resolve("127.0.0.1", 5)).unwrap(), ["127.0.0.1:5".parse().unwrap()]);
    assert_eq!(run(&runtime, runtime.resolve("::1", 5)).unwrap(), ["[::1]:5".parse().unwrap()]);
    assert!(run(&runtime, runtime.resolve("localhost", 5)).unwrap().iter().all(|at| at.ip().is_loopback()));
}

#[test]
fn random_bytes_differ() {
    let runtime = TokioRuntime::owned(1, &ThreadOptions::default()).unwrap();
    let (mut one, mut two) = ([0; 32], [0; 32]);
    runtime.random(&mut one);
    runtime.random(&mut two);
    assert_ne!(one, two);
}

#[test]
fn a_blocked_thread_runs_the_tasks_and_the_io_thread_takes_them_back() {
    let reactor = Reactor::start("io", Vec::new()).unwrap();
    let probe = Probe::start(&reactor);
    let io_thread = probe.lock().unwrap().wake();
    assert_ne!(io_thread, thread::current().id());

    // Blocked on a future that wakes the probe and waits until it ran: this thread is the one to run it, unless the I/O
    // thread is not yet idle.
    let own = (0..100).any(|_| {
        let mut woken = false;
        let mut ran_on = None;
        reactor.block_on(pin!(poll_fn(|cx| {
            let probe = probe.lock().unwrap();
            if !woken {
                woken = true;
                cx.waker().wake_by_ref();
                probe.waker.lock().unwrap().clone().unwrap().wake();
                return Poll::Pending;
            }
            ran_on = probe.ran_on.try_recv().ok();
            if ran_on.is_none() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(())
        })));
        ran_on == Some(thread::current().id())
    });
    assert!(own, "a blocked thread never got to drive");
    // Nobody drives now. Who wakes the task gets it run all the same.
    assert_eq!(probe.lock().unwrap().wake(), io_thread);
}

#[test]
fn an_io_thread_is_asked_once_and_not_while_it_works() {
    let handoff = Handoff::new();
    handoff.add_task();
    assert_eq!(handoff.add_work(), Kick::No);
    assert_eq!(handoff.enter(), Enter::Drive);
    handoff.finish_work();
    assert_eq!(handoff.enter(), Enter::DriveOnceReleased);
    assert_eq!(handoff.enter(), Enter::Drive);
    assert!(handoff.should_release());

    let reactor = Reactor::start("io", Vec::new()).unwrap();
    let ((polled, polling), (go_on, pause)) = (mpsc::channel(), mpsc::channel::<()>());
    reactor.spawn(Box::pin(async move {
        polled.send(()).unwrap();
        pause.recv().unwrap();
    }));
    polling.recv_timeout(LONG).unwrap();
    assert_eq!(reactor.visit(), Enter::Drive, "asked in the middle of a poll");
    go_on.send(()).unwrap();
}

#[test]
fn the_io_thread_takes_the_reactor_back_by_itself() {
    let runtime = TokioRuntime::owned(1, &ThreadOptions::default()).unwrap();
    let (link, mut peer) = pair(&runtime);
    let (got, first) = mpsc::channel();
    runtime.start_io(
        0,
        Box::pin(async move {
            let mut buf = [0; 8];
            while let Ok(1..) = poll_fn(|cx| link.poll_read(cx, &mut buf)).await {
                got.send(()).unwrap();
            }
        }),
    );
    let mut timer = runtime.timer(0);
    for round in 0..20 {
        // A guest came and went, and nothing wakes the task but the link itself. Every other one stays for so long that the
        // I/O thread sleeps without a tick.
        let until = runtime.now() + Duration::from_millis(5 * (round % 2));
        run(&runtime, poll_fn(|cx| timer.poll_until(cx, until)));
        peer.write_all(b"x").unwrap();
        first.recv_timeout(LONG).expect("bytes are read without a thread that blocks");
    }
}

#[test]
fn many_threads_block_on_one_reactor() {
    let runtime = Arc::new(TokioRuntime::owned(1, &ThreadOptions::default()).unwrap());
    let threads: Vec<_> = (0..6)
        .map(|_| {
            let runtime = Arc::clone(&runtime);
            thread::spawn(move || {
                let (link, mut peer) = pair(&runtime);
                let echo = thread::spawn(move || {
                    let mut buf = [0; 16];
                    while let Ok(n @ 1..) = peer.read(&mut buf) {
                        peer.write_all(&buf[..n]).unwrap();
                    }
                });
                for round in 0..300_u16 {
                    write_all(&runtime, &*link, &round.to_le_bytes());
                    let mut got = Vec::new();
                    while got.len() < 2 {
                        got.extend(read_some(&runtime, &*link, 16).unwrap());
                    }
                    assert_eq!(got, round.to_le_bytes());
                }
                drop(link);
                echo.join().unwrap();
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn wakes_from_everywhere_are_never_lost() {
    let reactor = Reactor::start("io", Vec::new()).unwrap();
    let guests: Vec<_> = (0..2)
        .map(|_| {
            let reactor = reactor.clone();
            thread::spawn(move || (0..20_000).for_each(|_| reactor.block_on(pin!(async {}))))
        })
        .collect();
    let probe = Probe::start(&reactor);
    for _ in 0..5_000 {
        probe.lock().unwrap().wake();
    }
    guests.into_iter().for_each(|guest| guest.join().unwrap());
}

#[test]
fn the_io_thread_ends_with_its_last_task() {
    let reactor = Reactor::start("io", Vec::new()).unwrap();
    let probe = Probe::start(&reactor);
    reactor.stop();
    probe.lock().unwrap().wake();
    assert!(!reactor.has_ended(), "ended before its task");
    probe.lock().unwrap().ended.store(true, Ordering::SeqCst);
    probe.lock().unwrap().wake();
    let until = Clock::now() + LONG;
    while !reactor.has_ended() {
        assert!(Clock::now() < until, "the I/O thread lives on");
        thread::yield_now();
    }
    reactor.block_on(pin!(async {}));
}

#[test]
fn a_panicking_task_ends_alone() {
    let reactor = Reactor::start("io", Vec::new()).unwrap();
    reactor.spawn(Box::pin(async { panic!("expected in this test") }));
    let probe = Probe::start(&reactor);
    probe.lock().unwrap().wake();
    probe.lock().unwrap().ended.store(true, Ordering::SeqCst);
    reactor.stop();
    probe.lock().unwrap().wake();
    let until = Clock::now() + LONG;
    while !reactor.has_ended() {
        assert!(Clock::now() < until, "the work of the task that panicked was never finished");
        thread::yield_now();
    }
}

#[test]
fn the_runtime_may_be_dropped_and_blocked_on_inside_another() {
    let other = tokio::runtime::Builder::new_current_thread().build().unwrap();
    other.block_on(async {
        let runtime = TokioRuntime::owned(1, &ThreadOptions::default()).unwrap();
        let (link, mut peer) = pair(&runtime);
        peer.write_all(b"x").unwrap();
        assert_eq!(read_some(&runtime, &*link, 8).unwrap(), b"x");
    });
}

#[test]
fn local_runs_on_the_callers_runtime() {
    assert!(TokioRuntime::local().is_err());
    let callers = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    callers.block_on(async {
        let runtime = TokioRuntime::local().unwrap();
        let listener = listen(&runtime, LOCALHOST).unwrap();
        let dialled = runtime
            .dial(0, &listener.local_addr().unwrap(), Dialling { source: None, tcp: &TcpOptions::default() })
            .await
            .unwrap();
        let accepted = poll_fn(|cx| listener.poll_accept(cx, 0)).await.unwrap();
        let received = Arc::new(AtomicUsize::new(0));
        let (count, caller) = (Arc::clone(&received), thread::current().id());
        runtime.start_io(
            0,
            Box::pin(async move {
                let mut buf = [0; 8];
                let n = poll_fn(|cx| accepted.poll_read(cx, &mut buf)).await.unwrap();
                assert_eq!(thread::current().id(), caller);
                count.store(n, Ordering::SeqCst);
            }),
        );
        poll_fn(|cx| dialled.poll_writable(cx)).await.unwrap();
        assert_eq!(dialled.try_writev(&[IoSlice::new(b"ab"), IoSlice::new(b"c")]).unwrap(), 3);
        while received.load(Ordering::SeqCst) == 0 {
            let deadline = runtime.now() + Duration::from_millis(1);
            let mut timer = runtime.timer(0);
            poll_fn(|cx| timer.poll_until(cx, deadline)).await;
        }
        assert_eq!(received.load(Ordering::SeqCst), 3);
    });
}
