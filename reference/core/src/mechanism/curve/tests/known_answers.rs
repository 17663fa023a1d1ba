//! A whole connection as another implementation calculates it, octet for octet: libsodium by way of PyNaCl, with the keys
//! and nonces below, for both ends.

use super::messages::{body_of, open, seal};
use super::*;

/// Octets that count up from `first`.
fn counted<const N: usize>(first: u8) -> [u8; N] {
    std::array::from_fn(|i| first.wrapping_add(u8::try_from(i).unwrap()))
}

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

// spec: CURVE-FLOW-01, CURVE-FLOW-08, CURVE-GRAM-01, CURVE-GRAM-02, CURVE-GRAM-03, CURVE-GRAM-04, CURVE-GRAM-05
// spec: CURVE-HELLO-08, CURVE-HELLO-09, CURVE-WELCOME-03, CURVE-WELCOME-04, CURVE-COOKIE-01, CURVE-COOKIE-02
// spec: CURVE-INIT-03, CURVE-INIT-04, CURVE-INIT-05, CURVE-VOUCH-01, CURVE-VOUCH-03, CURVE-READY-02, CURVE-READY-03
// spec: CURVE-NONCE-01, CURVE-NONCE-05, CURVE-MSG-03, CURVE-MSG-04, CURVE-MSG-06
#[test]
fn every_octet_is_what_another_implementation_says() {
    let pair = |first| KeyPair::generate(counted(first));
    let (keys, server_keys) = (pair(0x10), pair(0x40));
    let random: Vec<u8> = [counted::<32>(0x70).as_slice(), &counted::<16>(0xa0)].concat();
    let server_random: Vec<u8> =
        [counted::<32>(0x90).as_slice(), &counted::<32>(0xc0), &counted::<16>(0xe0), &counted::<16>(0xf0)].concat();
    let (random, server_random) = (random.try_into().unwrap(), server_random.try_into().unwrap());

    let (mut hello, mut welcome, mut initiate, mut ready) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let client = ExpectWelcome::begin(keys, *server_keys.public(), &random, &mut hello).unwrap();
    assert_eq!(hello, octets(HELLO));
    let server = ExpectHello::begin(server_keys, &server_random).on_hello(&hello, NOW, &mut welcome).unwrap();
    assert_eq!(welcome, octets(WELCOME));
    let metadata = b"\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\0";
    let client = client.on_welcome(&welcome, metadata, &mut initiate).unwrap();
    assert_eq!(initiate, octets(INITIATE));
    let initiated = server.on_initiate(&initiate, NOW).unwrap();
    assert_eq!(initiated.metadata(), metadata);
    let mut server = initiated.ready(SERVER_METADATA, &mut ready);
    assert_eq!(ready, octets(READY));
    let (_, mut client) = client.on_ready(&ready).unwrap();

    let every_octet: Vec<u8> = (0..=255).collect();
    assert_eq!(seal(&mut client, flag::MORE, b"Hello"), octets(FIRST_OF_CLIENT));
    assert_eq!(seal(&mut client, 0, &every_octet), octets(SECOND_OF_CLIENT));
    assert_eq!(seal(&mut server, 0, b""), octets(FIRST_OF_SERVER));
    assert_eq!(seal(&mut server, flag::COMMAND, b"\x04PING\0\0"), octets(SECOND_OF_SERVER));
    assert_eq!(open(&mut server, body_of(&octets(FIRST_OF_CLIENT))).unwrap(), b"\x01Hello");
    assert_eq!(open(&mut client, body_of(&octets(SECOND_OF_SERVER))).unwrap(), b"\x02\x04PING\0\0");
}

const HELLO: &str = "\
    0548454c4c4f0100000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    00000000000000000000000000000000000000000000000000000000000023b7bb8c91ae008711fb12846780bcdf1e065f82\
    1bdfec49f57e7c7dcd4c48230000000000000001ddf602229fe1be460dc34c49f21c110d713c8c4139567e3ccadd31c11f10\
    268fd6fe0e8fa5df2517ee666e3bb586c54fee2b6d2218785f03196e83b40c5a4805d3cac936ec553bc1960c7095729704fe";
const WELCOME: &str = "\
    0757454c434f4d45f0f1f2f3f4f5f6f7f8f9fafbfcfdfeffd3df088391a041ce46847b5710787802d886507e569e47680a05\
    21f34617cd88562921500a2596d148326dc20948bae309f6553763e330d002343bffe289eb6643e3a78883cf7c3673cfbd0b\
    3ed9867918abb0599b47011238214e9f86c04fdbc0ce4b48a4d357935481a02addc166d4d8e6d2201495df8d63ed4482d6b7\
    25a2e89a991a78e7968b540f6b8c24f427d6";
const INITIATE: &str = "\
    08494e495449415445e0e1e2e3e4e5e6e7e8e9eaebecedeeef4cf1c475c7a8478bfe7d45f629e15c6041ee6dfaa4a29858fe\
    9359b103183f8779d2cd78869854cc86f63c531cc3e7cc4eb9591acb38ebccb2ae22ef7d118749a2c6fd37023c30b693ff1b\
    c49f188c000000000000000002cf902143b9cd957fd71f065b4c525d1ce191c5cf917a25c1a111d566d451ad9e574c7cb9a5\
    9b76d3776c02cad4d050127f36aeacfc4808cd0c51d68631fce00aae1b90f0d2bd12f288ac45a12bbf649282507905a95b20\
    04f08ae46b4fd010608d5b18ea6af69d8969dcad1a7a96d96d4dc2580ec9542dae5afc9d52656ed87db2dd113c858a3b924a\
    909bd7f512d0d65a971e20cc819c7a77446153e13f4382a5ed0fa97f85a9709e44e2a200359e0586290c";
const READY: &str = "\
    0552454144590000000000000001509c68c806bc9ce211d550faadad4905f476ac075147264696bb66c843d74dafd901c258\
    4d60";
const FIRST_OF_CLIENT: &str = "\
    0026074d4553534147450000000000000003f805f7f80f94d1327267b04013fc63c9df61fcf2aee0";
const SECOND_OF_CLIENT: &str = "\
    020000000000000121074d4553534147450000000000000004e7674f357ad11c245a34a2783a57b8456831eecbdf0033f1f5\
    df3f0ca0737f3448c5d2867a1ea5f5ad2631277deecf3fa4df0a8b5e4c39d68200643f7d8ec6bfbb243f544e86665aa18061\
    0f8c3938ecefd9b7d18b9ea8a6d9d7fbc227ab83cd07ebf581d021c2e9d7290094bbd3c2d90c505e0ddcfe9a42b6bf608879\
    a2c07dd1301e9f38c2ec3f7b8a9928add187b87f5b58b6f38d9bb4218ea22213ffae4b9c9c73801acc0ddb9171888630addb\
    e15b1dfc54b3c6c662b91faba10fffb01b17aa4cfc534ec77fb4aaa31eca11d4cf898a0ab559e33538d0e1145644076e7861\
    a0dbee4844587fc28bf4654db1541f1036025c11c54ea45ba9b3f8d78afb010dbb0617afe452830811c307cd27a13c32";
const FIRST_OF_SERVER: &str = "\
    0021074d455353414745000000000000000279c9dcd42725b53b4a2f9a193052c3c56f";
const SECOND_OF_SERVER: &str = "\
    0028074d4553534147450000000000000003cfecf8c60be26c35463e78f346e86f178aad8b24edfd5689";
