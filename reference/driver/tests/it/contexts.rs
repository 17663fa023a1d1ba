//! Contexts: their options, their limits, and their end.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use zmq_reference::blocking::Context;
use zmq_reference::{
    ContextOptions, Linger, Message, Options, RecvError, SendError, SocketError, SocketType, ThreadOptions,
};

use crate::alone::eventually;
use crate::good::socket;

const EMTHREAD: i32 = 156_384_766;
const ETERM: i32 = 156_384_765;

#[test]
fn without_io_threads_there_is_inproc() {
    let context = Context::with_options(ContextOptions { io_threads: 0, ..ContextOptions::default() }).unwrap();
    let (pull, push) = (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
    for endpoint in ["tcp://127.0.0.1:*", "ipc://*"] {
        assert_eq!(pull.bind(endpoint).unwrap_err().errno(), EMTHREAD);
    }
    assert_eq!(push.connect("tcp://127.0.0.1:5").unwrap_err().errno(), EMTHREAD);
    pull.bind("inproc://here").unwrap();
    push.connect("inproc://here").unwrap();
    push.send("all the same").unwrap();
    assert_eq!(pull.recv().unwrap(), Message::from("all the same"));
    pull.set_recv_timeout(Some(Duration::from_millis(5)));
    assert_eq!(pull.recv(), Err(RecvError::TimedOut));
    context.term();
}

#[test]
fn a_socket_uses_only_the_io_threads_of_its_affinity() {
    let context = Context::with_io_threads(2).unwrap();
    let with = |affinity| socket(&context, SocketType::Pull, Options { affinity, ..Options::default() });
    assert_eq!(with(4).bind("tcp://127.0.0.1:*").unwrap_err().errno(), EMTHREAD);
    assert_eq!(with(4).connect("tcp://127.0.0.1:5").unwrap_err().errno(), EMTHREAD);
    for affinity in [0, 1, 2, 3, u64::MAX] {
        let pull = with(affinity);
        let push = socket(&context, SocketType::Push, Options { affinity, ..Options::default() });
        push.connect(&pull.bind("tcp://127.0.0.1:*").unwrap().to_string()).unwrap();
        push.send("there").unwrap();
        pull.recv().unwrap();
    }
}

#[test]
fn only_so_many_sockets_are_open_at_once() {
    let context = Context::with_options(ContextOptions { max_sockets: 2, ..ContextOptions::default() }).unwrap();
    let first = context.socket(SocketType::Pair).unwrap();
    let second = context.socket(SocketType::Pair).unwrap();
    let refused = context.socket(SocketType::Pair).err().unwrap();
    assert_eq!((refused, refused.errno()), (SocketError::TooMany { limit: 2 }, 24));
    // A closed one does not count, although there is still a handle of it.
    second.close(None);
    let third = context.socket(SocketType::Pair).unwrap();
    assert!(context.socket(SocketType::Pair).is_err());
    drop((first, third));
    for _ in 0..50 {
        drop((context.socket(SocketType::Pair).unwrap(), context.socket(SocketType::Pair).unwrap()));
    }
    context.term();
    assert_eq!(context.socket(SocketType::Pair).err().unwrap().errno(), ETERM);
}

#[test]
fn a_context_says_what_its_sockets_begin_with() {
    let defaults = |options: ContextOptions| {
        let context = Context::with_options(options).unwrap();
        let options = context.socket(SocketType::Push).unwrap().as_async().options();
        (options.linger, options.ipv6)
    };
    assert_eq!(defaults(ContextOptions::default()), (Linger::Forever, false));
    let other = ContextOptions { blocky: false, ipv6: true, ..ContextOptions::default() };
    assert_eq!(defaults(other), (Linger::Discard, true));
}

#[cfg(target_os = "linux")]
#[test]
fn io_threads_have_their_names_and_cpus() {
    let threads = ThreadOptions { name_prefix: "named".into(), cpus: vec![0] };
    let made = Context::with_options(ContextOptions { io_threads: 2, threads, ..ContextOptions::default() }).unwrap();
    let seen = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
        let named = tasks.filter(|task| read(task.path().join("comm")).starts_with("named/zmq-io-"));
        named.filter(|task| read(task.path().join("status")).contains("Cpus_allowed_list:\t0\n")).count()
    };
    assert!(eventually(|| seen() == 2), "{}", seen());
    drop(made);
    let threads = ThreadOptions { cpus: vec![1 << 20], ..ThreadOptions::default() };
    assert!(Context::with_options(ContextOptions { threads, ..ContextOptions::default() }).is_err());
}

#[test]
fn a_context_that_was_shut_down_gives_nothing_more_and_takes_nothing_more() {
    for transport in ["tcp://127.0.0.1:*", "inproc://shut"] {
        let context = Context::new().unwrap();
        let pull = socket(&context, SocketType::Pull, Options::default());
        let push = socket(&context, SocketType::Push, Options::default());
        push.connect(&pull.bind(transport).unwrap().to_string()).unwrap();
        push.send("received").unwrap();
        push.send("waits").unwrap();
        pull.recv().unwrap();
        assert!(eventually(|| pull.as_async().can_recv()));
        context.shutdown();
        assert_eq!(pull.try_recv(), Err(RecvError::Terminated));
        assert_eq!(pull.recv(), Err(RecvError::Terminated));
        assert_eq!(push.try_send("late").unwrap_err().why, SendError::Terminated);
        assert_eq!(pull.bind("inproc://late").unwrap_err().errno(), ETERM);
        assert_eq!(push.connect("inproc://late").unwrap_err().errno(), ETERM);
        context.term();
    }
}

#[test]
fn what_was_sent_before_a_shutdown_arrives_elsewhere() {
    let elsewhere = Context::new().unwrap();
    let pull = socket(&elsewhere, SocketType::Pull, Options::default());
    let context = Context::new().unwrap();
    let push = socket(&context, SocketType::Push, Options::default());
    push.connect(&pull.bind("tcp://127.0.0.1:*").unwrap().to_string()).unwrap();
    for n in 0..500_u32 {
        push.send(&n.to_be_bytes()).unwrap();
    }
    context.shutdown();
    for n in 0..500_u32 {
        assert_eq!(pull.recv().unwrap(), Message::from(&n.to_be_bytes()));
    }
    context.term();
}

/// The sockets of a runtime that has ended say so: no call panics, and none waits for what cannot come.
#[test]
fn the_end_of_the_callers_runtime_ends_the_sockets_on_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (context, pull) = runtime.block_on(async {
        let context = zmq_reference::Context::local().unwrap();
        let pull = context.socket(SocketType::Pull).unwrap();
        pull.bind("tcp://127.0.0.1:*").await.unwrap();
        (context, pull)
    });
    let (timed, waiting) = (pull.clone(), pull.clone());
    timed.set_recv_timeout(Some(Duration::from_secs(60)));
    let (ended, end) = mpsc::channel();
    let (begun, begin) = mpsc::channel();
    let thread = thread::spawn(move || {
        let other = tokio::runtime::Builder::new_current_thread().build().unwrap();
        begun.send(()).unwrap();
        ended.send(other.block_on(waiting.recv())).unwrap();
    });
    begin.recv().unwrap();
    thread::sleep(Duration::from_millis(50));
    drop(runtime);
    assert_eq!(end.recv_timeout(Duration::from_secs(10)).unwrap(), Err(RecvError::Terminated));
    thread.join().unwrap();
    let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(other.block_on(timed.recv()), Err(RecvError::Terminated));
    assert_eq!(other.block_on(pull.send("x")).unwrap_err().why, SendError::Terminated);
    assert!(other.block_on(pull.bind("tcp://127.0.0.1:*")).is_err());
    assert!(context.socket(SocketType::Pull).is_err());
    other.block_on(context.term());
}
