//! Survival after a hostile case: the process lives, a bystander's connection still works, and a second well-behaved
//! peer of the same socket is served.

use super::peer_steps::{PROBE, SUBSCRIBE};
use super::play::Player;
use super::stage::{BYSTANDER, SUBJECT, part};
use super::subject_steps::millis;
use super::trouble::{Trouble, Unmet};
use crate::adapter::process::CallError;
use crate::adapter::protocol::{Part, RequestBody};
use crate::case::step::Handshake;
use crate::verdict::Survival;
use crate::wire::dialect::Dialect;
use crate::wire::early;
use crate::wire::frame::command;
use crate::wire::greeting::{Greeting, Version};
use crate::wire::hex;
use crate::wire::metadata::{self, Property};

/// Raw peer that comes after the case.
const SECOND: &str = "1-second";
/// Most messages of the case that may still be queued before the one that is looked for.
const LEFTOVERS: usize = 2000;

/// What a survival check can find.
pub(super) enum Lost {
    Survival(Survival, String),
    Trouble(Trouble),
}

impl From<Trouble> for Lost {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// A PULL socket of the same process with one well-behaved peer, if the subject can have it.
pub(super) fn place_bystander(player: &mut Player<'_>) -> Result<(), Trouble> {
    if !has_bystander(player) {
        return Ok(());
    }
    let open = RequestBody::Open {
        s: BYSTANDER.to_owned(),
        ctx: None,
        kind: "PULL".to_owned(),
        options: std::collections::BTreeMap::new(),
    };
    player.stage.ask(open, player.stage.patience)?;
    let endpoint = player.stage.bind(BYSTANDER)?;
    player.stage.link_to(BYSTANDER, &endpoint)?;
    let dialect = player.dialect(BYSTANDER);
    if dialect != Dialect::V3 {
        let push = early::type_octet("PUSH").expect("PUSH is a socket type of ZMTP 2.0");
        player.say(BYSTANDER, &early::encode(dialect, push, b""))?;
        return match player.stage.early_greeting(BYSTANDER)? {
            Ok(_) => Ok(()),
            Err(stop) => Err(player.stopped(&stop, "a bystander's handshake")),
        };
    }
    player.say(BYSTANDER, &Greeting::null(player.version).encode())?;
    player.stage.peer(BYSTANDER).greeted = Some(player.version);
    let ready = metadata::encode(&[Property { name: b"Socket-Type".to_vec(), value: b"PUSH".to_vec() }]);
    player.say(BYSTANDER, &command(b"READY", &ready))?;
    let until = player.stage.deadline();
    match player.stage.frame(BYSTANDER, until)? {
        Ok(_) => Ok(()),
        Err(stop) => Err(player.stopped(&stop, "a bystander's handshake")),
    }
}

fn has_bystander(player: &Player<'_>) -> bool {
    let hello = player.stage.hello;
    hello.sockets.iter().any(|kind| kind == "PULL") && hello.roles.iter().any(|role| role == "bind")
}

/// Checks everything, in the order of severity.
pub(super) fn check(player: &mut Player<'_>) -> Result<(), Lost> {
    player.stage.settle(SUBJECT)?;
    if has_bystander(player) {
        bystander(player)?;
    }
    second_peer(player)
}

fn bystander(player: &mut Player<'_>) -> Result<(), Lost> {
    const WORD: &[u8] = b"still here";
    let harmed = |how: String| Lost::Survival(Survival::Harmed, format!("the connection of a bystander {how}"));
    player.send_message(BYSTANDER, &[WORD.to_vec()])?;
    let recv = RequestBody::Recv { s: BYSTANDER.to_owned(), timeout_ms: millis(player.stage.patience) };
    match player.stage.ask(recv, player.stage.patience) {
        Ok(reply) if reply.parts == Some(vec![part(WORD)]) => Ok(()),
        Ok(reply) => Err(harmed(format!("delivered {:?} for {:?}", reply.parts, "still here"))),
        Err(CallError::Refused(refusal)) => Err(harmed(format!("delivers no more: {refusal}"))),
        Err(error) => Err(Lost::Trouble(Trouble::Adapter(error))),
    }
}

fn second_peer(player: &mut Player<'_>) -> Result<(), Lost> {
    // PAIR has room for one peer only (31/EXPAIR); who else comes may be turned away.
    if player.case.subject == "PAIR" {
        return Ok(());
    }
    let served = player.handshake(SECOND, &Handshake::default()).and_then(|()| serve(player));
    match served {
        Ok(()) => Ok(()),
        Err(Trouble::Unmet(unmet) | Trouble::Unreached(unmet)) => {
            let words = format!(
                "a second, well-behaved peer is not served: expected {}, came {}",
                unmet.accepted.join(" or "),
                unmet.came
            );
            Err(Lost::Survival(Survival::Wedged, words))
        }
        Err(trouble) => Err(Lost::Trouble(trouble)),
    }
}

/// One exchange with the second peer, as its socket type allows.
fn serve(player: &mut Player<'_>) -> Result<(), Trouble> {
    const WORD: &[u8] = b"second peer";
    match player.case.subject.as_str() {
        "PULL" | "DEALER" | "ROUTER" => {
            player.send_message(SECOND, &[WORD.to_vec()])?;
            receive_last_part(player, WORD)
        }
        "REP" => {
            player.send_message(SECOND, &[Vec::new(), WORD.to_vec()])?;
            receive_last_part(player, WORD)
        }
        "XPUB" => {
            player.announce(SECOND, WORD, &SUBSCRIBE)?;
            receive_last_part(player, &[&[1], WORD].concat())
        }
        "PUB" => player.subscribe_and_see(SECOND, WORD),
        "SUB" => {
            let subscribe = RequestBody::Set {
                s: SUBJECT.to_owned(),
                option: "subscribe".to_owned(),
                value: crate::adapter::protocol::Value::Text(hex(WORD)),
            };
            player.stage.ask(subscribe, player.stage.patience)?;
            player.send_message(SECOND, &[WORD.to_vec()])?;
            receive_last_part(player, WORD)
        }
        "PUSH" => reach(player),
        // What REQ and XSUB may do now depends on what the case left them in: that the handshake is done, and the
        // connection alive, has to do.
        _ => {
            if player.negotiated(SECOND) >= Version::V3_1 {
                player.fence(SECOND)
            } else {
                Ok(())
            }
        }
    }
}

fn receive_last_part(player: &mut Player<'_>, word: &[u8]) -> Result<(), Trouble> {
    let wanted = Part::Hex(hex(word));
    for _ in 0..LEFTOVERS {
        let parts = player.received("a message of the second peer")?;
        if parts.last() == Some(&wanted) {
            return Ok(());
        }
    }
    Err(Unmet::new("a message of the second peer", format!("{LEFTOVERS} other messages"), "flood").into())
}

/// Sends until one message has come to the second peer; the others go to whoever else is connected.
fn reach(player: &mut Player<'_>) -> Result<(), Trouble> {
    let until = player.stage.deadline();
    for _ in 0..LEFTOVERS {
        player.publish(PROBE)?;
        let look = until.min(std::time::Instant::now() + std::time::Duration::from_millis(5));
        if player.stage.frame(SECOND, look)?.is_ok() {
            return Ok(());
        }
        if std::time::Instant::now() >= until {
            break;
        }
    }
    Err(Unmet::new("a message for the second peer", "none", "silent").into())
}
