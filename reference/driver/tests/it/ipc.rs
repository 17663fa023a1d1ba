//! ipc: paths, abstract names, files that come and go, and who is let in.

use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use zmq_reference::blocking::{Context, Socket};
use zmq_reference::{AcceptFilter, Endpoint, EndpointFailed, IpcName, Message, Options, SocketType};

use crate::alone::eventually;
use crate::good::socket;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("zmq-it-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn plain(context: &Context, socket_type: SocketType) -> Socket {
    socket(context, socket_type, Options::default())
}

fn ipc(path: &Path) -> String {
    format!("ipc://{}", path.display())
}

fn is_socket(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

/// Errno of a refused bind.
fn refused(outcome: Result<Endpoint, EndpointFailed>) -> i32 {
    outcome.unwrap_err().errno()
}

#[test]
fn messages_go_over_paths_abstract_names_and_files_of_our_choice() {
    let folder = Folder::new("go");
    let abstract_name = format!("ipc://@zmq-it-{}", std::process::id());
    for (asked, linux_only) in [(ipc(&folder.file("p")), false), (abstract_name, true), ("ipc://*".into(), false)] {
        if linux_only && !cfg!(target_os = "linux") {
            continue;
        }
        let context = Context::new().unwrap();
        let (router, dealer) = (plain(&context, SocketType::Router), plain(&context, SocketType::Dealer));
        let at = router.bind(&asked).unwrap().to_string();
        assert!(at == asked || asked == "ipc://*", "{at}");
        assert_eq!(router.as_async().last_endpoint().unwrap().to_string(), at);
        dealer.connect(&at).unwrap();
        let large = vec![b'l'; 3 << 20];
        for body in [b"small".as_slice(), &large] {
            dealer.send([body, b"end"]).unwrap();
            let request = router.recv().unwrap();
            assert_eq!((request.parts(), request.iter().nth(1).unwrap().len()), (3, body.len()));
            router.send(request).unwrap();
            assert_eq!(dealer.recv().unwrap().first(), body);
        }
        context.term();
    }
}

#[test]
fn who_connects_first_is_met_when_somebody_binds() {
    let folder = Folder::new("first");
    let at = ipc(&folder.file("s"));
    let context = Context::new().unwrap();
    let push = plain(&context, SocketType::Push);
    let monitor = push.monitor();
    push.connect(&at).unwrap();
    push.send("early").unwrap();
    let pull = plain(&context, SocketType::Pull);
    pull.bind(&at).unwrap();
    assert_eq!(pull.recv().unwrap(), Message::from("early"));
    // And again, when the listener was away.
    pull.unbind(&at).unwrap();
    drop(pull);
    assert!(eventually(|| monitor.try_recv().is_some_and(|event| event.kind.name() == "disconnected")));
    let pull = plain(&context, SocketType::Pull);
    pull.bind(&at).unwrap();
    push.send("late").unwrap();
    assert_eq!(pull.recv().unwrap(), Message::from("late"));
}

#[test]
fn the_file_goes_with_unbind_close_and_the_context() {
    let folder = Folder::new("goes");
    let file = folder.file("s");
    let context = Context::new().unwrap();
    let pull = plain(&context, SocketType::Pull);
    pull.bind(&ipc(&file)).unwrap();
    assert!(is_socket(&file));
    pull.unbind(&ipc(&file)).unwrap();
    assert!(!file.exists(), "unbind");
    pull.bind(&ipc(&file)).unwrap();
    drop(pull);
    assert!(!file.exists(), "close");
    let pull = plain(&context, SocketType::Pull);
    let Endpoint::Ipc(IpcName::Path(temporary)) = pull.bind("ipc://*").unwrap() else { panic!("expected a path") };
    let folder = Path::new(&temporary).parent().unwrap().to_path_buf();
    assert!(is_socket(Path::new(&temporary)));
    context.term();
    assert!(!folder.exists(), "term leaves {temporary}");
}

#[test]
fn a_file_that_took_the_place_of_ours_stays() {
    let folder = Folder::new("stays");
    let file = folder.file("s");
    let context = Context::new().unwrap();
    let pull = plain(&context, SocketType::Pull);
    pull.bind(&ipc(&file)).unwrap();
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "somebody's").unwrap();
    pull.unbind(&ipc(&file)).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), b"somebody's");
}

#[test]
fn what_is_left_behind_is_replaced_and_what_lives_is_not() {
    let folder = Folder::new("left");
    let file = folder.file("s");
    // A program that ended without a word leaves its socket.
    drop(UnixListener::bind(&file).unwrap());
    assert!(is_socket(&file));
    let context = Context::new().unwrap();
    let pull = plain(&context, SocketType::Pull);
    pull.bind(&ipc(&file)).unwrap();
    let push = plain(&context, SocketType::Push);
    push.connect(&ipc(&file)).unwrap();
    push.send("through the new one").unwrap();
    assert_eq!(pull.recv().unwrap(), Message::from("through the new one"));
    // Ours lives: nobody else gets its place.
    let other = plain(&context, SocketType::Pull);
    assert_eq!(refused(other.bind(&ipc(&file))), 98);
    // A file that is no socket is nobody's to remove.
    let precious = folder.file("precious");
    std::fs::write(&precious, "data").unwrap();
    assert_eq!(refused(other.bind(&ipc(&precious))), 98);
    assert_eq!(std::fs::read(&precious).unwrap(), b"data");
}

#[test]
fn what_cannot_be_bound_says_why() {
    let context = Context::new().unwrap();
    let pull = plain(&context, SocketType::Pull);
    let too_long = format!("ipc:///tmp/{}", "x".repeat(120));
    assert_eq!(refused(pull.bind(&too_long)), 36);
    assert_eq!(refused(pull.connect(&too_long)), 36);
    assert_eq!(refused(pull.bind("ipc:///nobody/has/this/folder")), 2);
    assert_eq!(refused(pull.bind("ipc://")), 22);
    assert_eq!(refused(pull.connect("ipc://*")), 22);
    assert_eq!(pull.unbind("ipc:///tmp/not-bound").unwrap_err().errno(), 2);
}

#[test]
fn only_listed_processes_users_and_groups_are_let_in() {
    let folder = Folder::new("listed");
    let context = Context::new().unwrap();
    let ours = i32::try_from(std::process::id()).unwrap();
    let mut shut_out = AcceptFilter::default();
    shut_out.processes.push(ours + 1);
    let mut let_in = shut_out.clone();
    let_in.processes.push(ours);
    for (name, accept, works) in [("out", shut_out, false), ("in", let_in, true)] {
        let pull = socket(&context, SocketType::Pull, Options { accept, ..Options::default() });
        let monitor = pull.monitor();
        let at = ipc(&folder.file(name));
        pull.bind(&at).unwrap();
        let push = plain(&context, SocketType::Push);
        push.connect(&at).unwrap();
        let expected = if works { "handshake_succeeded" } else { "accept_failed" };
        assert!(eventually(|| monitor.try_recv().is_some_and(|event| event.kind.name() == expected)), "no {expected}");
        push.close(Some(zmq_reference::Linger::Discard));
    }
}

#[test]
fn a_listener_that_was_made_elsewhere_is_used_and_its_file_stays() {
    let folder = Folder::new("given");
    let file = folder.file("s");
    let listener = UnixListener::bind(&file).unwrap();
    let context = Context::new().unwrap();
    let pull = plain(&context, SocketType::Pull);
    pull.as_async().listen_with(Some(listener.into()));
    assert_eq!(pull.bind("ipc://@ignored").unwrap().to_string(), ipc(&file));
    let push = plain(&context, SocketType::Push);
    push.connect(&ipc(&file)).unwrap();
    push.send("over it").unwrap();
    assert_eq!(pull.recv().unwrap(), Message::from("over it"));
    drop(pull);
    assert!(file.exists());
    // One that does not listen is refused.
    let (one, _other) = UnixStream::pair().unwrap();
    let pull = plain(&context, SocketType::Pull);
    pull.as_async().listen_with(Some(one.into()));
    assert_eq!(refused(pull.bind("ipc://@ignored")), 22);
}
