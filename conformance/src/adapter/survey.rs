//! What a libzmq can do, found out by asking it: the contents of `hello`.

use std::collections::BTreeMap;

use zmq_libzmq::names::{self, Probe, SOCKET_OPTIONS, SOCKET_TYPES, SocketOption};
use zmq_libzmq::{Context, Error, Library, Socket};

use super::options::declared_type;
use super::probe;
use super::protocol::{Hello, PROTOCOL};

/// Features that `zmq_has` may know, as this adapter reports them.
const FEATURES: &[&str] = &["curve", "draft", "gssapi", "ipc", "norm", "pgm", "tipc", "vmci", "ws", "wss"];

/// Asks the library for everything that `hello` declares.
///
/// # Errors
///
/// libzmq's, where not even a context and a socket can be made.
pub(super) fn hello(library: &Library) -> Result<Hello, Error> {
    let features: Vec<String> = FEATURES.iter().filter(|name| has(library, name)).map(|&name| name.into()).collect();
    let have = |feature: &str| features.iter().any(|known| known == feature);
    let mut transports = vec!["tcp".to_owned(), "inproc".to_owned()];
    let optional = ["ipc", "tipc", "ws", "wss", "pgm", "norm", "vmci"];
    transports.extend(optional.iter().filter(|name| have(name)).map(|&name| name.to_owned()));
    let mut mechanisms = vec!["NULL".to_owned(), "PLAIN".to_owned()];
    mechanisms.extend(["curve", "gssapi"].iter().filter(|name| have(name)).map(|name| name.to_uppercase()));
    let (sockets, options) = probe_sockets(library)?;
    Ok(Hello {
        protocol: PROTOCOL,
        name: "libzmq".into(),
        version: library.version().to_string(),
        commit: String::new(),
        path: Some(library.path().display().to_string()),
        sockets,
        roles: vec!["bind".into(), "connect".into()],
        transports,
        mechanisms,
        zmtp: probe::zmtp_versions(library)?,
        options,
        features,
    })
}

/// libzmq spells some features in upper case.
fn has(library: &Library, feature: &str) -> bool {
    library.has(feature) || library.has(&feature.to_uppercase())
}

type Declared = (Vec<String>, BTreeMap<String, String>);

fn probe_sockets(library: &Library) -> Result<Declared, Error> {
    let context = Context::new(library)?;
    let mut sockets = BTreeMap::new();
    let mut types = Vec::new();
    for (name, kind) in SOCKET_TYPES {
        if let Ok(socket) = context.socket(*kind) {
            types.push((*name).to_owned());
            sockets.insert(*kind, socket);
        }
    }
    let known = SOCKET_OPTIONS.iter().filter(|option| is_known(option, &sockets));
    let options = known.map(|option| (option.name.to_owned(), declared_type(option.kind).to_owned())).collect();
    Ok((types, options))
}

/// Whether the library knows the option. The sockets are thrown away afterwards.
fn is_known(option: &SocketOption, sockets: &BTreeMap<i32, Socket>) -> bool {
    let on = |kind: i32| sockets.get(&kind);
    let read = |socket: &Socket| {
        // Keys and numbers are read only into room of their exact size.
        [4, 8, 32, 255].iter().any(|capacity| socket.get_bytes(option.number, *capacity).is_ok())
    };
    match option.probe {
        Probe::Get => on(names::DEALER).is_some_and(read),
        Probe::GetFrom(kind) => on(kind).is_some_and(read),
        Probe::SetInt(kind, value) => on(kind).is_some_and(|socket| socket.set_int(option.number, value).is_ok()),
        Probe::SetOctets(kind, value) => on(kind).is_some_and(|socket| socket.set_bytes(option.number, value).is_ok()),
    }
}
