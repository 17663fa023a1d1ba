//! Frames of Ethernet with IP and tcp or udp in them, with their checksums.

use std::net::{IpAddr, SocketAddr};

/// What a segment of tcp asks for beside its octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flags(u8);

impl Flags {
    pub(super) const NONE: Self = Self(0);
    pub(super) const FIN: Self = Self(1);
    pub(super) const SYN: Self = Self(2);
    pub(super) const RESET: Self = Self(4);
    pub(super) const PUSH: Self = Self(8);
}

const ACK: u8 = 16;

/// A segment of tcp.
pub(super) struct Segment<'a> {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    /// Numbers of the hosts, for the addresses of Ethernet.
    pub(super) hosts: [u16; 2],
    pub(super) sequence: u32,
    /// None: nothing of the peer's has come.
    pub(super) acknowledged: Option<u32>,
    pub(super) flags: Flags,
    pub(super) payload: &'a [u8],
}

impl Segment<'_> {
    /// The frame that it is in.
    pub(super) fn frame(&self) -> Vec<u8> {
        let flags = self.flags.0 | if self.acknowledged.is_some() { ACK } else { 0 };
        // Behind the fixed header, SYN says the longest segment.
        let options: &[u8] = if self.flags == Flags::SYN { &[2, 4, 0x05, 0xb4] } else { &[] };
        let words = u8::try_from((20 + options.len()) / 4).expect("5 or 6");
        let mut segment = [self.source.port().to_be_bytes(), self.destination.port().to_be_bytes()].concat();
        segment.extend(self.sequence.to_be_bytes());
        segment.extend(self.acknowledged.unwrap_or(0).to_be_bytes());
        segment.extend([words << 4, flags]);
        segment.extend(WINDOW.to_be_bytes());
        segment.extend([0; 4]);
        segment.extend(options);
        segment.extend(self.payload);
        let sum = checksum(&[&pseudo(self.source, self.destination, TCP, segment.len()), &segment]);
        segment[16..18].copy_from_slice(&sum.to_be_bytes());
        frame(self.source.ip(), self.destination.ip(), self.hosts, TCP, &segment)
    }
}

/// A datagram in its frame.
pub(super) fn udp(source: SocketAddr, destination: SocketAddr, hosts: [u16; 2], payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len() + 8).expect("payloads are cut to what fits");
    let mut datagram = [source.port().to_be_bytes(), destination.port().to_be_bytes()].concat();
    datagram.extend(len.to_be_bytes());
    datagram.extend([0; 2]);
    datagram.extend(payload);
    let sum = checksum(&[&pseudo(source, destination, UDP, datagram.len()), &datagram]);
    // Zero would say that there is none.
    let sum = if sum == 0 { 0xffff } else { sum };
    datagram[6..8].copy_from_slice(&sum.to_be_bytes());
    frame(source.ip(), destination.ip(), hosts, UDP, &datagram)
}

const TCP: u8 = 6;
const UDP: u8 = 17;
const WINDOW: u16 = 0xffff;

/// Addresses of Ethernet that are managed locally; those of groups follow from the group.
fn frame(source: IpAddr, destination: IpAddr, [from, to]: [u16; 2], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let unicast = |host: u16| {
        let [high, low] = (host + 1).to_be_bytes();
        [2, 0, 0, 0, high, low]
    };
    let target = match destination {
        IpAddr::V4(group) if group.is_multicast() => {
            let [_, b, c, d] = group.octets();
            [1, 0, 0x5e, b & 0x7f, c, d]
        }
        IpAddr::V6(group) if group.is_multicast() => {
            let [.., a, b, c, d] = group.octets();
            [0x33, 0x33, a, b, c, d]
        }
        IpAddr::V4(_) | IpAddr::V6(_) => unicast(to),
    };
    let mut frame = [target, unicast(from)].concat();
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let len = u16::try_from(payload.len() + 20).expect("payloads are cut to what fits").to_be_bytes();
            // Version and header length, then "do not fragment".
            let mut header = [&[0x45, 0][..], &len, &[0, 0, 0x40, 0, TTL, protocol, 0, 0]].concat();
            header.extend(source.octets());
            header.extend(destination.octets());
            let sum = checksum(&[&header]);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            frame.extend([0x08, 0x00]);
            frame.extend(header);
        }
        (source, destination) => {
            let len = u16::try_from(payload.len()).expect("payloads are cut to what fits").to_be_bytes();
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend(len);
            frame.extend([protocol, TTL]);
            frame.extend([as_v6(source), as_v6(destination)].concat());
        }
    }
    frame.extend(payload);
    frame
}

const TTL: u8 = 64;

fn as_v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// What the checksums of tcp and udp cover beside their octets.
fn pseudo(source: SocketAddr, destination: SocketAddr, protocol: u8, len: usize) -> Vec<u8> {
    let len = u32::try_from(len).expect("payloads are cut to what fits").to_be_bytes();
    match (source.ip(), destination.ip()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            [&source.octets()[..], &destination.octets(), &[0, protocol], &len[2..]].concat()
        }
        (source, destination) => [&as_v6(source)[..], &as_v6(destination), &len, &[0, 0, 0, protocol]].concat(),
    }
}

/// The checksum of the Internet (RFC 1071). Each slice but the last has an even length.
fn checksum(slices: &[&[u8]]) -> u16 {
    let mut sum: u64 = 0;
    for slice in slices {
        for two in slice.chunks(2) {
            sum += u64::from(u16::from_be_bytes([two[0], two.get(1).copied().unwrap_or(0)]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("folded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_example_in_rfc_1071() {
        assert_eq!(checksum(&[&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]]), !0xddf2);
        assert_eq!(checksum(&[&[0x00, 0x01], &[0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]]), !0xddf2);
    }
}
