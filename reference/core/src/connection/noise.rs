//! Seeded noise into every state of every mechanism, alone and in what an honest peer says: it is taken or refused, nothing
//! panics, and memory follows what has arrived.

use super::*;
use crate::mechanism::curve::KeyPair;
use crate::mechanism::zap::Reply;
use crate::message::Message;
use crate::options::{Login, Plain, Security, ZapDomain};
use crate::wire::greeting::MAJOR;

/// The same numbers each time: xorshift64.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).expect("below n")
    }

    fn octets(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

/// Both ends of a connection.
struct Pair {
    name: &'static str,
    ours: (SocketType, Options),
    theirs: (SocketType, Options),
}

fn pairs() -> Vec<Pair> {
    let with = |security| Options { security, ..Options::default() };
    let keys = |octet| KeyPair::generate([octet; 32]);
    let login = Login::new("admin", "secret").unwrap();
    let plain = (with(Security::Plain(Plain::Server)), with(Security::Plain(Plain::Client(login))));
    let curve = (with(Security::curve_server(keys(1))), with(Security::curve_client(keys(2), *keys(1).public())));
    let asked = Options { zap_domain: Some(ZapDomain::new("domain").unwrap()), ..Options::default() };
    let (router, dealer) = (SocketType::Router, SocketType::Dealer);
    let (xpub, sub) = (SocketType::XPub, SocketType::Sub);
    let pair = |name, ours, theirs| Pair { name, ours, theirs };
    vec![
        pair("NULL", (router, Options::default()), (dealer, Options::default())),
        pair("NULL, subscribed to", (xpub, Options::default()), (sub, Options::default())),
        pair("NULL with ZAP", (router, asked), (dealer, Options::default())),
        pair("PLAIN, server", (router, plain.0.clone()), (dealer, plain.1.clone())),
        pair("PLAIN, client", (dealer, plain.1), (router, plain.0)),
        pair("CURVE, server", (xpub, curve.0.clone()), (sub, curve.1.clone())),
        pair("CURVE, client", (dealer, curve.1), (router, curve.0)),
        pair("without ZMTP", (SocketType::Stream, Options::default()), (dealer, Options::default())),
    ]
}

fn connection((socket_type, options): &(SocketType, Options), random: &mut Seeded) -> Connection {
    let seed = Seed::draw(&options.security, |octets| octets.fill_with(|| random.next().to_le_bytes()[0]));
    Connection::new(*socket_type, options.clone(), seed, Instant::START)
}

/// Everything that `connection` wants to write.
fn written(connection: &mut Connection) -> Vec<u8> {
    let mut octets = Vec::new();
    while connection.has_output() {
        let mut slices = [IoSlice::new(&[]); Connection::SLICES];
        let filled = connection.slices(&mut slices);
        let before = octets.len();
        slices[..filled].iter().for_each(|slice| octets.extend_from_slice(slice));
        connection.sent(octets.len() - before);
    }
    octets
}

/// The handler of ZAP lets everybody in.
fn admitted() -> Answer {
    let reply = ["", "1.0", "1", "200", "", "joe", ""].map(Frame::from);
    Answer::Replied(Reply::read(&Message::from_frames(reply).unwrap(), b"1"))
}

/// Lets octets arrive, up to `cut` at a time; whether the connection goes on.
fn arrive(connection: &mut Connection, mut octets: &[u8], cut: usize, arrived: &mut usize) -> bool {
    while !octets.is_empty() {
        let spare = connection.spare();
        let n = spare.len().min(octets.len()).min(cut);
        spare[..n].copy_from_slice(&octets[..n]);
        connection.fill(n, Instant::START);
        *arrived += n;
        octets = &octets[n..];
        loop {
            match connection.next() {
                Ok(Some(Incoming::Ask(_))) if connection.answer(admitted()).is_err() => return false,
                Ok(Some(_)) => {}
                Ok(None) if connection.owes_answers() => drop(written(connection)),
                Ok(None) => break,
                Err(_) => return false,
            }
        }
        let held = connection.input.held() + connection.output.held();
        // One buffer for each direction, before much has arrived. One that was used before, by whichever thread, may be
        // twice as large as a new one.
        let allowed = (256 << 10) + 2 * *arrived;
        assert!(held <= allowed, "{held} octets held, of {arrived} that arrived");
    }
    true
}

/// What an honest peer says, with something wrong in it.
fn spoil(octets: &mut Vec<u8>, random: &mut Seeded) {
    if octets.is_empty() {
        return;
    }
    for _ in 0..1 + random.below(3) {
        let at = random.below(octets.len());
        match random.below(5) {
            0 => octets[at] ^= 1 << random.below(8),
            1 => octets[at] = [0, 1, MAJOR, 0x7f, 0x80, 0xff][random.below(6)],
            2 => octets.insert(at, random.octets(1)[0]),
            3 if octets.len() > 1 => drop(octets.remove(at)),
            _ => {
                let again = octets[at..].to_vec();
                octets.extend(again);
            }
        }
    }
}

/// What the rest of the world may do with a connection at any time.
fn disturb(connection: &mut Connection, random: &mut Seeded) {
    match random.below(4) {
        0 if connection.is_ready() => connection.push(Frame::copy_of(&random.octets(40))),
        1 if connection.is_ready() => connection.push_change(&Change::Subscribe("topic".into())),
        2 => connection.relax(),
        _ => drop(connection.next_without_room()),
    }
}

const ROUNDS: usize = 600;

#[test]
fn noise_in_every_state_of_every_mechanism_does_no_harm() {
    let mut random = Seeded(0x5eed);
    for pair in pairs() {
        let (mut refused, mut ready) = (0, 0);
        for round in 0..ROUNDS {
            let (mut ours, mut theirs) = (connection(&pair.ours, &mut random), connection(&pair.theirs, &mut random));
            let (mut arrived, mut at_theirs) = (0, 0);
            // From the first octet to traffic there are fewer than eight flights.
            let honest = round % 8;
            for flight in 0..=honest {
                let mut octets = written(&mut theirs);
                if flight == honest {
                    match random.below(3) {
                        0 => octets = random.octets(1 << (round % 15)),
                        1 => octets.extend(random.octets(300)),
                        _ => spoil(&mut octets, &mut random),
                    }
                }
                disturb(&mut ours, &mut random);
                let cut = 1 + random.below(400);
                if !arrive(&mut ours, &octets, cut, &mut arrived) {
                    refused += 1;
                    break;
                }
                let back = written(&mut ours);
                // What is spoilt is answered to nobody who minds.
                arrive(&mut theirs, &back, 1 << 16, &mut at_theirs);
            }
            ready += usize::from(ours.is_ready());
            let _ = ours.handle_timeout(Instant::FAR_FUTURE);
            disturb(&mut ours, &mut random);
        }
        assert!(ready > ROUNDS / 8, "{}: {ready} of {ROUNDS} came to traffic", pair.name);
        let zmtp = pair.ours.0.rules().protocol == Protocol::Zmtp;
        assert_eq!(refused > ROUNDS / 8, zmtp, "{}: {refused} of {ROUNDS} were refused", pair.name);
    }
}
