//! Who comes in: a handler of ZAP that admits the client of [`keys`] and nobody else.
//!
//! It says `refused` for each stranger, so that who plays a scene knows that one was judged.

use std::sync::mpsc::channel;

use bytes::Bytes;

use crate::keys;
use crate::library::{Kind, Library, Socket, Trouble};
use crate::steer::say;

/// The domain of every server.
pub const DOMAIN: &str = "interop";

/// Binds a REP to the handler's address in this context, and answers from a thread of its own until the process ends.
///
/// # Errors
///
/// [`Trouble`] if it cannot be bound.
pub fn serve<L: Library>(context: &L::Context) -> Result<(), Trouble> {
    let context = context.clone();
    let (tell, bound) = channel();
    std::thread::spawn(move || {
        L::block_on(&context, async {
            let mut listening = |_: &str| {};
            match L::bind(&context, Kind::Rep, ADDRESS, &mut listening).await {
                Ok(mut socket) => {
                    let _ = tell.send(Ok(()));
                    if let Err(Trouble::Failed(why) | Trouble::Unsupported(why)) = answer_all(&mut socket).await {
                        say(&format!("failed the handler of ZAP: {why}"));
                    }
                }
                // It is told where the answer is awaited, or nobody waits any more.
                Err(trouble) => drop(tell.send(Err(trouble))),
            }
        });
    });
    bound.recv().unwrap_or_else(|_| Err(Trouble::Failed("the handler of ZAP panicked".into())))
}

/// Whether these credentials are the known client's. Anybody else is reported.
pub fn admits(mechanism: &[u8], credentials: &[&[u8]]) -> bool {
    let known = match (mechanism, credentials) {
        (b"PLAIN", [username, password]) => {
            *username == keys::USERNAME.as_bytes() && *password == keys::PASSWORD.as_bytes()
        }
        (b"CURVE", [key]) => *key == keys::CLIENT_PUBLIC_OCTETS,
        _ => false,
    };
    if !known {
        say("refused");
    }
    known
}

async fn answer_all(socket: &mut impl Socket) -> Result<(), Trouble> {
    loop {
        let request = socket.recv().await?;
        socket.send(&answer(&request)?).await?;
    }
}

/// The reply to a request: version, number, status, text, user, metadata.
fn answer(request: &[Bytes]) -> Result<[Bytes; 6], Trouble> {
    let [version, number, domain, _address, _routing_id, mechanism, credentials @ ..] = request else {
        return Err(Trouble::Failed(format!("a request of {} parts", request.len())));
    };
    if version != "1.0" || domain != DOMAIN {
        return Err(Trouble::Failed(format!("a request of version {version:?} for the domain {domain:?}")));
    }
    let credentials: Vec<&[u8]> = credentials.iter().map(|part| &part[..]).collect();
    let (status, text) =
        if admits(mechanism, &credentials) { ("200", "OK") } else { ("400", "nobody knows this client") };
    let fixed = |text: &'static str| Bytes::from_static(text.as_bytes());
    // Nobody gets a User-Id: a REQ of libzmq that binds ends every connection whose client has one. It is passed on as a
    // message, which the REQ takes for a reply without a delimiter.
    Ok([fixed("1.0"), number.clone(), fixed(status), fixed(text), Bytes::new(), Bytes::new()])
}

const ADDRESS: &str = "inproc://zeromq.zap.01";

#[cfg(test)]
mod tests {
    use super::*;

    fn status(mechanism: &'static str, credentials: &[&'static [u8]]) -> Bytes {
        let envelope = ["1.0", "7", DOMAIN, "127.0.0.1", "", mechanism].map(|part| Bytes::from_static(part.as_bytes()));
        let credentials: Vec<Bytes> = credentials.iter().map(|part| Bytes::from_static(part)).collect();
        let reply = answer(&[envelope.to_vec(), credentials].concat()).unwrap();
        assert_eq!(reply[1], "7");
        reply[2].clone()
    }

    #[test]
    fn the_known_client_alone_comes_in() {
        assert_eq!(status("PLAIN", &[b"admin", b"secret"]), "200");
        assert_eq!(status("CURVE", &[&keys::CLIENT_PUBLIC_OCTETS]), "200");
        assert_eq!(status("PLAIN", &[b"admin", b"guess"]), "400");
        assert_eq!(status("PLAIN", &[b"", b"secret"]), "400");
        assert_eq!(status("CURVE", &[&[7; 32]]), "400");
        assert_eq!(status("NULL", &[]), "400");
    }

    #[test]
    fn a_request_that_is_none_is_a_failure() {
        assert!(answer(&[Bytes::from_static(b"1.0")]).is_err());
        let parts = ["1.0", "7", "elsewhere", "127.0.0.1", "", "NULL"].map(|part| Bytes::from_static(part.as_bytes()));
        assert!(answer(&parts).is_err());
    }
}
