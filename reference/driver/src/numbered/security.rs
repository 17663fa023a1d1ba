//! Options of mechanisms and ZAP. The option that was set last decides on the mechanism, as in libzmq.

use zmq_core::mechanism::curve::{KeyPair, PublicKey, SecretKey};
use zmq_core::options::{Login, Plain, Security, ZapDomain, ZapEnforcement};

use super::Kind::{Int, Key, Text};
use super::given::Given;
use super::options::{change, int, is_on, truth};
use super::{Kept, NumberedError, NumberedOption, Value};
use crate::socket::Socket;

type Row = NumberedOption;
type Done = Result<(), NumberedError>;

#[rustfmt::skip]
pub(super) const TABLE: &[NumberedOption] = &[
    Row::gettable(43, "mechanism", Int, |s| int(number(&s.options().security))),
    Row::both(44, "plain_server", Int, set_plain_server,
        |s| truth(s.kept(|kept| kept.as_server) && matches!(s.options().security, Security::Plain(_)))),
    Row::both(45, "plain_username", Text, |s, v| set_plain(s, v, |kept| &mut kept.username),
        |s| Ok(Value::Text(s.kept(|kept| String::from_utf8_lossy(&kept.username).into_owned())))),
    Row::both(46, "plain_password", Text, |s, v| set_plain(s, v, |kept| &mut kept.password),
        |s| Ok(Value::Text(s.kept(|kept| String::from_utf8_lossy(&kept.password).into_owned())))),
    Row::both(47, "curve_server", Int, set_curve_server,
        |s| truth(s.kept(|kept| kept.as_server) && matches!(s.options().security, Security::Curve(_)))),
    Row::both(48, "curve_publickey", Key,
        |s, v| { let key = public(v)?; curve(s, |kept| kept.public_key = Some(key)) },
        |s| Ok(Value::Key(s.kept(|kept| kept.public_key.map_or([0; 32], |key| *key.octets()))))),
    Row::both(49, "curve_secretkey", Key, |s, v| {
        let key = SecretKey::parse(text(v)).map_err(|why| v.refused(why.to_string()))?;
        curve(s, |kept| kept.secret_key = Some(key))
    }, |s| Ok(Value::Key(s.kept(|kept| kept.secret_key.as_ref().map_or([0; 32], |key| *key.octets()))))),
    Row::both(50, "curve_serverkey", Key, |s, v| {
        let key = public(v)?;
        curve(s, |kept| { kept.server_key = Some(key); kept.as_server = false; })
    }, |s| Ok(Value::Key(s.kept(|kept| kept.server_key.map_or([0; 32], |key| *key.octets()))))),
    Row::both(55, "zap_domain", Text, set_domain,
        |s| Ok(Value::Text(s.options().zap_domain.map(|domain| domain.as_str().to_owned()).unwrap_or_default()))),
    Row::both(93, "zap_enforce_domain", Int, |s, v| {
        let enforcement = if is_on(v.truth()?) { ZapEnforcement::Enforced } else { ZapEnforcement::Lenient };
        change(s, |o| o.zap_enforcement = enforcement)
    }, |s| truth(s.options().zap_enforcement == ZapEnforcement::Enforced)),
];

/// libzmq's number of a mechanism.
const fn number(security: &Security) -> u32 {
    match security {
        Security::Null => 0,
        Security::Plain(_) => 1,
        Security::Curve(_) => 2,
    }
}

fn set_plain_server(socket: &Socket, given: &Given<'_>) -> Done {
    let server = is_on(given.switch()?);
    socket.kept(|kept| kept.as_server = server);
    let security = if server { Security::Plain(Plain::Server) } else { Security::Null };
    change(socket, |options| options.security = security)
}

/// A user name or a password makes the socket a client. Without a value it is none any more.
fn set_plain(socket: &Socket, given: &Given<'_>, which: fn(&mut Kept) -> &mut Vec<u8>) -> Done {
    if given.octets.is_empty() {
        return change(socket, |options| options.security = Security::Null);
    }
    if given.octets.len() > 255 {
        return Err(given.refused("at most 255 octets"));
    }
    let login = socket.kept(|kept| {
        *which(kept) = given.octets.to_vec();
        kept.as_server = false;
        Login::new(&kept.username, &kept.password)
    });
    let login = login.map_err(|why| given.refused(why.to_string()))?;
    change(socket, |options| options.security = Security::Plain(Plain::Client(login)))
}

fn set_domain(socket: &Socket, given: &Given<'_>) -> Done {
    let text = given.text(255)?;
    let domain =
        if text.is_empty() { None } else { Some(ZapDomain::new(text).map_err(|why| given.refused(why.to_string()))?) };
    change(socket, |options| options.zap_domain = domain)
}

fn public(given: &Given<'_>) -> Result<PublicKey, NumberedError> {
    PublicKey::parse(text(given)).map_err(|why| given.refused(why.to_string()))
}

/// A key in Z85 may have a zero octet behind it.
fn text<'v>(given: &Given<'v>) -> &'v [u8] {
    match given.octets {
        [text @ .., 0] if text.len() == 40 => text,
        octets => octets,
    }
}

fn set_curve_server(socket: &Socket, given: &Given<'_>) -> Done {
    let server = is_on(given.switch()?);
    if server {
        return curve(socket, |kept| kept.as_server = true);
    }
    socket.kept(|kept| kept.as_server = false);
    change(socket, |options| options.security = Security::Null)
}

/// Makes CURVE the mechanism, of the keys that are there. What is still missing is random until it comes: nobody is
/// talked to without it, and there is no way back to NULL by leaving something out.
fn curve(socket: &Socket, set: impl FnOnce(&mut Kept)) -> Done {
    let mut random = [0; 32];
    socket.inner().context.runtime.random(&mut random);
    let security = socket.kept(|kept| {
        set(kept);
        // The public key follows from the secret one, whichever was set beside it.
        let keys = kept.secret_key.as_ref().map_or_else(|| KeyPair::generate(random), |key| KeyPair::of(key.clone()));
        match kept.server_key {
            _ if kept.as_server => Security::curve_server(keys),
            Some(server) => Security::curve_client(keys, server),
            None => Security::curve_client(keys, *KeyPair::generate(random).public()),
        }
    });
    change(socket, |options| options.security = security)
}

/// A key as it is read: its octets, or Z85 with a zero octet behind it where there is room for that.
pub(super) fn shown(key: [u8; 32], capacity: usize) -> Vec<u8> {
    if capacity >= 41 {
        let text = zmq_core::z85::encode(&key).expect("32 octets are 8 groups of 4");
        return [text.as_bytes(), b"\0"].concat();
    }
    key.to_vec()
}
