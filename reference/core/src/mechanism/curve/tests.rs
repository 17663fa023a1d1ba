//! The machines against each other, against octets that another implementation calculated, and against peers that lie.

use proptest::prelude::*;

use super::boxes::{BoxKey, Nonce};
use super::cipher::flag;
use super::*;
use crate::connection::{Peer, PeerMisbehaved};
use crate::mechanism::{Commands, Next, Us};
use crate::options::{Options, ZapEnforcement};
use crate::pattern::table::SocketType;
use crate::time::Instant;
use crate::wire::greeting::Version;
use crate::wire::metadata::{self, MetadataError};

mod known_answers;
mod messages;

const NOW: Instant = Instant::START;
const METADATA: &[u8] = b"\x0bSocket-Type\0\0\0\x06DEALER";
const SERVER_METADATA: &[u8] = b"\x0bSocket-Type\0\0\0\x06ROUTER";

type Outcome<T> = Result<T, Violation>;

/// What both ends are given.
#[derive(Clone)]
struct Cast {
    client: KeyPair,
    server: KeyPair,
    client_random: [u8; ExpectWelcome::RANDOM],
    server_random: [u8; ExpectHello::RANDOM],
}

/// What went over the wire in one handshake.
struct Wire {
    hello: Vec<u8>,
    welcome: Vec<u8>,
    initiate: Vec<u8>,
    ready: Vec<u8>,
}

impl Cast {
    fn new() -> Self {
        let pair = |octet| KeyPair::of(SecretKey::from_octets([octet; 32]));
        let (client_random, server_random) = ([3; ExpectWelcome::RANDOM], [4; ExpectHello::RANDOM]);
        Self { client: pair(1), server: pair(2), client_random, server_random }
    }

    fn hello(&self) -> (ExpectWelcome, Vec<u8>) {
        let mut hello = Vec::new();
        let keys = self.client.clone();
        let next = ExpectWelcome::begin(keys, *self.server.public(), &self.client_random, &mut hello).unwrap();
        (next, hello)
    }

    fn on_hello(&self, hello: &[u8]) -> Outcome<(ExpectInitiate, Vec<u8>)> {
        let mut welcome = Vec::new();
        let next = ExpectHello::begin(self.server.clone(), &self.server_random).on_hello(hello, NOW, &mut welcome)?;
        Ok((next, welcome))
    }

    /// Up to WELCOME, which the client has not seen yet.
    fn welcome(&self) -> (ExpectWelcome, ExpectInitiate, Vec<u8>) {
        let (client, hello) = self.hello();
        let (server, welcome) = self.on_hello(&hello).unwrap();
        (client, server, welcome)
    }

    fn on_welcome(&self, welcome: &[u8]) -> Outcome<(ExpectReady, Vec<u8>)> {
        let mut initiate = Vec::new();
        let next = self.hello().0.on_welcome(welcome, METADATA, &mut initiate)?;
        Ok((next, initiate))
    }

    fn on_initiate(&self, initiate: &[u8]) -> Outcome<Initiated> {
        self.welcome().1.on_initiate(initiate, NOW)
    }

    fn on_ready(&self, welcome: &[u8], ready: &[u8]) -> Outcome<(Vec<u8>, Cipher)> {
        self.on_welcome(welcome).unwrap().0.on_ready(ready)
    }

    fn handshake(&self) -> (Cipher, Cipher, Wire) {
        let (client, hello) = self.hello();
        let (server, welcome) = self.on_hello(&hello).unwrap();
        let (mut initiate, mut ready) = (Vec::new(), Vec::new());
        let client = client.on_welcome(&welcome, METADATA, &mut initiate).unwrap();
        let initiated = server.on_initiate(&initiate, NOW).unwrap();
        assert_eq!((initiated.client(), initiated.metadata()), (self.client.public(), METADATA));
        let server = initiated.ready(SERVER_METADATA, &mut ready);
        let (metadata, client) = client.on_ready(&ready).unwrap();
        assert_eq!(metadata, SERVER_METADATA);
        (client, server, Wire { hello, welcome, initiate, ready })
    }

    fn vouch_nonce(&self, initiate: &[u8]) -> Vec<u8> {
        let key = between(&self.transient_client(), &self.transient_server());
        let plain = key.open(&Nonce::short(b"CurveZMQINITIATE", 2), &initiate[113..]).unwrap();
        plain[32..48].to_vec()
    }

    fn transient_client(&self) -> KeyPair {
        KeyPair::generate(*self.client_random.first_chunk().unwrap())
    }

    fn transient_server(&self) -> KeyPair {
        KeyPair::generate(*self.server_random.first_chunk().unwrap())
    }
}

fn between(secret: &KeyPair, public: &KeyPair) -> BoxKey {
    BoxKey::between(secret.secret(), public.public()).unwrap()
}

/// A HELLO of whatever parts.
struct Hello {
    version: [u8; 2],
    padding: [u8; 72],
    client: PublicKey,
    number: u64,
    signed: [u8; 64],
}

impl Hello {
    fn honest(cast: &Cast) -> Self {
        let client = *cast.transient_client().public();
        Self { version: [1, 0], padding: [0; 72], client, number: 1, signed: [0; 64] }
    }

    fn sealed(&self, key: &BoxKey) -> Vec<u8> {
        let mut body = b"\x05HELLO".to_vec();
        body.extend_from_slice(&self.version);
        body.extend_from_slice(&self.padding);
        body.extend_from_slice(self.client.octets());
        body.extend_from_slice(&self.number.to_be_bytes());
        key.seal(&Nonce::short(b"CurveZMQHELLO---", self.number), &self.signed, &mut body);
        body
    }
}

/// The parts of an INITIATE that a client may lie about.
struct Claim {
    number: u64,
    /// In the box.
    client: PublicKey,
    /// The key that vouches; `None` for the right one.
    voucher: Option<BoxKey>,
    /// In the vouch.
    transient: PublicKey,
    /// In the vouch.
    server: PublicKey,
    metadata: Vec<u8>,
}

impl Claim {
    fn honest(cast: &Cast) -> Self {
        Self {
            number: 2,
            client: *cast.client.public(),
            voucher: None,
            transient: *cast.transient_client().public(),
            server: *cast.server.public(),
            metadata: METADATA.to_vec(),
        }
    }

    fn initiate(&self, cast: &Cast, welcome: &[u8]) -> Vec<u8> {
        let nonce = Nonce::long(b"WELCOME-", welcome[8..24].try_into().unwrap());
        let inner = between(&cast.transient_client(), &cast.server).open(&nonce, &welcome[24..]).unwrap();
        let mut plain = self.client.octets().to_vec();
        plain.extend_from_slice(&[9; LONG_OCTETS]);
        let vouched = [*self.transient.octets(), *self.server.octets()].concat();
        let right = between(&cast.client, &cast.transient_server());
        let key = self.voucher.as_ref().unwrap_or(&right);
        key.seal(&Nonce::long(b"VOUCH---", &[9; 16]), &vouched, &mut plain);
        plain.extend_from_slice(&self.metadata);
        let mut body = b"\x08INITIATE".to_vec();
        body.extend_from_slice(&inner[KEY_OCTETS..]);
        body.extend_from_slice(&self.number.to_be_bytes());
        let key = between(&cast.transient_client(), &cast.transient_server());
        key.seal(&Nonce::short(b"CurveZMQINITIATE", self.number), &plain, &mut body);
        body
    }
}

/// Every command with one bit of it changed, and which.
fn damaged(command: &[u8]) -> impl Iterator<Item = (usize, u8, Vec<u8>)> {
    (0..command.len()).flat_map(move |at| {
        (0..8).map(move |bit| {
            let mut changed = command.to_vec();
            changed[at] ^= 1 << bit;
            (at, 1 << bit, changed)
        })
    })
}

// spec: CURVE-FLOW-01, CURVE-HELLO-02, CURVE-WELCOME-02, CURVE-READY-01, CURVE-GRAM-01, CURVE-GRAM-02, CURVE-GRAM-04
#[test]
fn both_ends_come_to_traffic_by_commands_of_the_right_sizes() {
    let (mut client, mut server, wire) = Cast::new().handshake();
    assert_eq!((wire.hello.len(), wire.welcome.len()), (200, 168));
    assert_eq!(wire.initiate.len(), 257 + METADATA.len());
    assert_eq!(wire.ready.len(), 30 + SERVER_METADATA.len());
    let frame = messages::seal(&mut client, flag::MORE, b"question");
    assert_eq!(messages::open(&mut server, messages::body_of(&frame)).unwrap(), b"\x01question");
    let frame = messages::seal(&mut server, 0, b"answer");
    assert_eq!(messages::open(&mut client, messages::body_of(&frame)).unwrap(), b"\0answer");
}

// spec: CURVE-HELLO-05, CURVE-HELLO-11, CURVE-COOKIE-04, CURVE-WELCOME-05, CURVE-VOUCH-02
#[test]
fn other_random_octets_make_other_keys_nonces_and_cookies() {
    let mut cast = Cast::new();
    let (_, _, first) = cast.handshake();
    let first_vouch = cast.vouch_nonce(&first.initiate);
    (cast.client_random, cast.server_random) = ([5; ExpectWelcome::RANDOM], [6; ExpectHello::RANDOM]);
    let (_, _, second) = cast.handshake();
    assert_ne!(first.hello[80..112], second.hello[80..112], "C'");
    assert_ne!(first.welcome[8..24], second.welcome[8..24], "the nonce of WELCOME");
    assert_ne!(first.initiate[9..105], second.initiate[9..105], "the cookie");
    assert_ne!(first_vouch, cast.vouch_nonce(&second.initiate), "the nonce of the vouch");
}

// spec: CURVE-HELLO-10, CURVE-WELCOME-07, CURVE-INIT-03, CURVE-INIT-06, CURVE-READY-04
#[test]
fn no_command_with_a_changed_bit_is_taken() {
    /// The highest bit of a public key means nothing to X25519, so that HELLO's box opens all the same.
    const UNUSED: (usize, u8) = (111, 0x80);
    let cast = Cast::new();
    let (_, _, wire) = cast.handshake();
    for (at, bit, changed) in damaged(&wire.hello).filter(|(at, bit, _)| (*at, *bit) != UNUSED) {
        assert!(cast.on_hello(&changed).is_err(), "HELLO, octet {at}, bit {bit}");
    }
    for (at, bit, changed) in damaged(&wire.welcome) {
        assert!(cast.on_welcome(&changed).is_err(), "WELCOME, octet {at}, bit {bit}");
    }
    for (at, bit, changed) in damaged(&wire.initiate) {
        assert!(cast.on_initiate(&changed).is_err(), "INITIATE, octet {at}, bit {bit}");
    }
    for (at, bit, changed) in damaged(&wire.ready) {
        assert!(cast.on_ready(&wire.welcome, &changed).is_err(), "READY, octet {at}, bit {bit}");
    }
}

/// Somebody between the two who changes the one bit of HELLO that its box does not protect gains nothing.
// spec: CURVE-VOUCH-04
#[test]
fn the_bit_of_a_key_that_means_nothing_is_missed_in_the_vouch() {
    let cast = Cast::new();
    let (client, mut hello) = cast.hello();
    hello[111] ^= 0x80;
    let (server, welcome) = cast.on_hello(&hello).unwrap();
    let mut initiate = Vec::new();
    client.on_welcome(&welcome, METADATA, &mut initiate).unwrap();
    assert_eq!(server.on_initiate(&initiate, NOW).err(), Some(forged(INITIATE)));
}

// spec: CURVE-HELLO-02, CURVE-HELLO-10, CURVE-WELCOME-02, CURVE-WELCOME-07, CURVE-INIT-02, CURVE-READY-01, CURVE-GRAM-07
#[test]
fn no_command_of_another_size_is_taken() {
    let cast = Cast::new();
    let (_, _, wire) = cast.handshake();
    let longer = |command: &[u8]| [command, b"x"].concat();
    // The names come whole: what comes without is another command.
    for n in 6..wire.hello.len() {
        assert_eq!(cast.on_hello(&wire.hello[..n]).err(), Some(cut_short(HELLO)), "{n}");
    }
    assert_eq!(cast.on_hello(&longer(&wire.hello)).err(), Some(too_long(HELLO)));
    for n in 8..wire.welcome.len() {
        assert_eq!(cast.on_welcome(&wire.welcome[..n]).err(), Some(cut_short(WELCOME)), "{n}");
    }
    assert_eq!(cast.on_welcome(&longer(&wire.welcome)).err(), Some(too_long(WELCOME)));
    for n in 9..wire.initiate.len() {
        let expected = if n < 257 { cut_short(INITIATE) } else { forged(INITIATE) };
        assert_eq!(cast.on_initiate(&wire.initiate[..n]).err(), Some(expected), "{n}");
    }
    assert_eq!(cast.on_initiate(&longer(&wire.initiate)).err(), Some(forged(INITIATE)));
    for n in 6..wire.ready.len() {
        let expected = if n < 30 { cut_short(READY) } else { forged(READY) };
        assert_eq!(cast.on_ready(&wire.welcome, &wire.ready[..n]).err(), Some(expected), "{n}");
    }
    assert_eq!(cast.on_ready(&wire.welcome, &longer(&wire.ready)).err(), Some(forged(READY)));
}

// spec: CURVE-FLOW-01, CURVE-MSG-01, CURVE-READY-06, ZCURVE-FLOW-02
#[test]
fn no_command_is_taken_out_of_turn() {
    let cast = Cast::new();
    let (mut client, _, wire) = cast.handshake();
    let message = messages::seal(&mut client, 0, b"early");
    let commands = [
        (HELLO, &wire.hello[..]),
        (WELCOME, &wire.welcome),
        (INITIATE, &wire.initiate),
        (READY, &wire.ready),
        (MESSAGE, messages::body_of(&message)),
        ("PING", b"\x04PING\0\0"),
        ("nothing", b""),
        ("a message in the clear", b"some octets"),
    ];
    for (name, command) in commands {
        let outcomes = [
            (HELLO, cast.on_hello(command).err()),
            (WELCOME, cast.on_welcome(command).err()),
            (INITIATE, cast.on_initiate(command).err()),
            (READY, cast.on_ready(&wire.welcome, command).err()),
            (MESSAGE, messages::open(&mut cast.handshake().1, command).err()),
        ];
        for (expected, why) in outcomes {
            if expected == name {
                assert_eq!(why, None, "{name}");
            } else {
                assert!(matches!(why, Some(Violation::Unexpected { .. })), "{name} for {expected}: {why:?}");
            }
        }
    }
}

// spec: CURVE-HELLO-03, CURVE-HELLO-04, CURVE-HELLO-08, CURVE-HELLO-09, CURVE-HELLO-10
#[test]
fn each_field_of_hello_is_looked_at() {
    let cast = Cast::new();
    let key = between(&cast.transient_client(), &cast.server);
    let honest = || Hello::honest(&cast);
    let why = |hello: Hello| cast.on_hello(&hello.sealed(&key)).err();
    assert_eq!(honest().sealed(&key), cast.hello().1);
    assert_eq!(why(honest()), None);
    for version in [[0, 0], [1, 1], [2, 0]] {
        let expected = Violation::Malformed { command: HELLO, what: "its version is not 1.0" };
        assert_eq!(why(Hello { version, ..honest() }), Some(expected));
    }
    for at in 0..72 {
        let padding = std::array::from_fn(|i| u8::from(i == at));
        let expected = Violation::Malformed { command: HELLO, what: "its padding is not zero" };
        assert_eq!(why(Hello { padding, ..honest() }), Some(expected));
    }
    for at in 0..64 {
        let signed = std::array::from_fn(|i| u8::from(i == at));
        assert_eq!(why(Hello { signed, ..honest() }), Some(forged(HELLO)));
    }
    assert_eq!(why(Hello { client: PublicKey::from_octets([0; 32]), ..honest() }), Some(forged(HELLO)));
    let to_another = between(&cast.transient_client(), &cast.client);
    assert_eq!(cast.on_hello(&honest().sealed(&to_another)).err(), Some(forged(HELLO)));
    // A client may begin with any number.
    for number in [0, 1, u64::MAX] {
        assert_eq!(why(Hello { number, ..honest() }), None);
    }
}

// spec: CURVE-VOUCH-01, CURVE-VOUCH-03, CURVE-VOUCH-04, CURVE-INIT-05, CURVE-INIT-06, CURVE-GRAM-05
#[test]
fn both_halves_of_the_vouch_count_and_who_vouches() {
    let cast = Cast::new();
    let (_, _, welcome) = cast.welcome();
    let honest = || Claim::honest(&cast);
    let somebody = KeyPair::of(SecretKey::from_octets([7; 32]));
    let somebodys = between(&somebody, &cast.transient_server());
    let why = |claim: &Claim| cast.on_initiate(&claim.initiate(&cast, &welcome)).err();
    assert_eq!(why(&honest()), None);
    assert_eq!(why(&Claim { metadata: Vec::new(), ..honest() }), None);
    let lies = [
        ("C' of another connection", Claim { transient: *somebody.public(), ..honest() }),
        ("S of another server", Claim { server: *somebody.public(), ..honest() }),
        ("C of somebody else", Claim { client: *somebody.public(), ..honest() }),
        ("a vouch of somebody else", Claim { voucher: Some(somebodys), ..honest() }),
    ];
    for (name, claim) in lies {
        assert_eq!(why(&claim), Some(forged(INITIATE)), "{name}");
    }
}

/// With a key of low order everybody knows what its owner and the server would agree on, so that everybody could vouch.
// spec: CURVE-INIT-06
#[test]
fn nobody_vouches_by_a_key_of_low_order() {
    let cast = Cast::new();
    let (_, _, welcome) = cast.welcome();
    let low = PublicKey::from_octets([0; 32]);
    let known_to_all = *b"\x35\x1f\x86\xfa\xa3\xb9\x88\x46\x8a\x85\x01\x22\xb6\x5b\x0a\xce\
        \xce\x9c\x48\x26\x80\x6a\xee\xe6\x3d\xe9\xc0\xda\x2b\xd7\xf9\x1e";
    let voucher = Some(BoxKey::own(zeroize::Zeroizing::new(known_to_all)));
    let claim = Claim { client: low, voucher, ..Claim::honest(&cast) };
    assert_eq!(cast.on_initiate(&claim.initiate(&cast, &welcome)).err(), Some(forged(INITIATE)));
}

// spec: CURVE-META-01
#[test]
fn names_of_properties_in_boxes_have_1_to_255_characters_of_any_case() {
    let cast = Cast::new();
    // Nobody is asked, so that the metadata decides.
    let options = Options { zap_enforcement: ZapEnforcement::Enforced, ..Options::default() };
    let us = || Us { socket_type: SocketType::Router, options: &options, version: Version::V3_1, now: NOW };
    let peer = |outcome: Result<Next, PeerMisbehaved>| match outcome? {
        Next::Done(peer, Some(_)) => Ok(*peer),
        _ => panic!("both ends are done"),
    };
    let at_server = |metadata: &[u8]| -> Result<Peer, PeerMisbehaved> {
        let (_, expected, welcome) = cast.welcome();
        let initiate = Claim { metadata: metadata.to_vec(), ..Claim::honest(&cast) }.initiate(&cast, &welcome);
        peer(on_initiate(expected, &initiate, us(), &mut Commands::new()))
    };
    let at_client = |metadata: &[u8]| -> Result<Peer, PeerMisbehaved> {
        let (client, server, welcome) = cast.welcome();
        let (mut initiate, mut ready) = (Vec::new(), Vec::new());
        let expected = client.on_welcome(&welcome, METADATA, &mut initiate).unwrap();
        server.on_initiate(&initiate, NOW).unwrap().ready(metadata, &mut ready);
        peer(on_ready(expected, &ready, us()))
    };
    type End<'a> = &'a dyn Fn(&[u8]) -> Result<Peer, PeerMisbehaved>;
    let ends: [End<'_>; 2] = [&at_server, &at_client];
    for told in ends {
        for name in ["socket-type", "SOCKET-TYPE", "Socket-Type"] {
            let mut properties = Vec::new();
            metadata::write(name, b"DEALER", &mut properties);
            metadata::write(&"x".repeat(255), b"longest", &mut properties);
            metadata::write("y", b"shortest", &mut properties);
            let peer = told(&properties).unwrap();
            assert_eq!((peer.socket_type, peer.properties.len()), (Some(SocketType::Dealer), 3), "{name}");
        }
        let nameless = [METADATA, b"\0\0\0\0\x01v"].concat();
        assert_eq!(told(&nameless), Err(PeerMisbehaved::Metadata(MetadataError::NoName)));
    }
}

// spec: CURVE-NONCE-03, CURVE-NONCE-04
#[test]
fn the_number_of_initiate_is_above_that_of_hello() {
    let cast = Cast::new();
    let (_, _, welcome) = cast.welcome();
    for (number, taken) in [(0, false), (1, false), (2, true), (27, true), (u64::MAX, true)] {
        let why = cast.on_initiate(&Claim { number, ..Claim::honest(&cast) }.initiate(&cast, &welcome)).err();
        let expected = (!taken).then_some(Violation::Sequence { command: INITIATE, nonce: number, last: 1 });
        assert_eq!(why, expected, "{number}");
    }
}

// spec: CURVE-COOKIE-01, CURVE-COOKIE-02, CURVE-COOKIE-03
#[test]
fn a_cookie_is_good_for_its_own_connection_and_a_minute() {
    let cast = Cast::new();
    let (_, _, wire) = cast.handshake();
    let after = |seconds| NOW + std::time::Duration::from_secs(seconds);
    assert!(cast.welcome().1.on_initiate(&wire.initiate, after(59)).is_ok());
    let too_old = Violation::Malformed { command: INITIATE, what: "its cookie is too old" };
    assert_eq!(cast.welcome().1.on_initiate(&wire.initiate, after(60)).err(), Some(too_old));
    let another = Cast { server_random: [5; ExpectHello::RANDOM], ..cast.clone() };
    assert_eq!(another.on_initiate(&wire.initiate).err(), Some(forged(INITIATE)));

    let (nonce, sealed) = wire.initiate[9..105].split_first_chunk().unwrap();
    let key = BoxKey::own(zeroize::Zeroizing::new([4; 32]));
    let plain = key.open(&Nonce::long(b"COOKIE--", nonce), sealed).unwrap();
    assert_eq!(plain[..32], *cast.transient_client().public().octets());
    assert_eq!(plain[32..], *cast.transient_server().secret().octets());
}

// spec: CURVE-WELCOME-03, CURVE-WELCOME-04, CURVE-WELCOME-07
#[test]
fn a_server_without_its_secret_key_or_with_a_key_of_low_order_is_refused() {
    let cast = Cast::new();
    let welcome = |key: &BoxKey, transient: &[u8; 32]| {
        let mut body = b"\x07WELCOME".to_vec();
        body.extend_from_slice(&[8; LONG_OCTETS]);
        key.seal(&Nonce::long(b"WELCOME-", &[8; 16]), &[&transient[..], &[0; COOKIE_OCTETS]].concat(), &mut body);
        body
    };
    let honest = between(&cast.server, &cast.transient_client());
    let transient = *cast.transient_server().public().octets();
    assert!(cast.on_welcome(&welcome(&honest, &transient)).is_ok());
    assert_eq!(cast.on_welcome(&welcome(&honest, &[0; 32])).err(), Some(forged(WELCOME)));
    let impostor = between(&KeyPair::of(SecretKey::from_octets([7; 32])), &cast.transient_client());
    assert_eq!(cast.on_welcome(&welcome(&impostor, &transient)).err(), Some(forged(WELCOME)));

    let low = PublicKey::from_octets([0; 32]);
    let begun = ExpectWelcome::begin(cast.client.clone(), low, &cast.client_random, &mut Vec::new());
    assert_eq!(begun.err(), Some(forged(HELLO)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_octets_at_all_do_harm(
        name in prop::sample::select(vec!["\x05HELLO", "\x07WELCOME", "\x08INITIATE", "\x05READY", "\x07MESSAGE", ""]),
        octets in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let cast = Cast::new();
        let (mut client, mut server, wire) = cast.handshake();
        let body = [name.as_bytes(), &octets].concat();
        prop_assert!(cast.on_hello(&body).is_err());
        prop_assert!(cast.on_welcome(&body).is_err());
        prop_assert!(cast.on_initiate(&body).is_err());
        prop_assert!(cast.on_ready(&wire.welcome, &body).is_err());
        prop_assert!(messages::open(&mut client, &body).is_err());
        prop_assert!(messages::open(&mut server, &body).is_err());
    }
}
