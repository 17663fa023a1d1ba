//! Socket addresses as octets: what a program gives, and what it is given.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::sys::{AF_INET, AF_INET6, AF_UNIX};

/// # Safety
///
/// `len` octets at `address`, or null.
pub(crate) unsafe fn read(address: *const u8, len: u32) -> Vec<u8> {
    if address.is_null() {
        return Vec::new();
    }
    let len = usize::try_from(len).unwrap_or(0).min(128);
    // SAFETY: as the caller vouches for.
    unsafe { core::slice::from_raw_parts(address, len) }.to_vec()
}

/// Gives an address as the kernel does: cut to the room there is, with its whole length.
///
/// # Safety
///
/// A place for `*len` octets, or null for either.
pub(crate) unsafe fn write(octets: &[u8], address: *mut u8, len: *mut u32) {
    if address.is_null() || len.is_null() {
        return;
    }
    // SAFETY: as the caller vouches for.
    unsafe {
        let room = usize::try_from(*len).unwrap_or(0).min(octets.len());
        core::ptr::copy_nonoverlapping(octets.as_ptr(), address, room);
        *len = u32::try_from(octets.len()).unwrap_or(0);
    }
}

pub(crate) fn family(octets: &[u8]) -> u16 {
    match octets {
        [low, high, ..] => u16::from_le_bytes([*low, *high]),
        _ => 0,
    }
}

/// An address and port of `AF_INET` or `AF_INET6`.
pub(crate) fn inet(octets: &[u8]) -> Option<SocketAddr> {
    let port = u16::from_be_bytes([*octets.get(2)?, *octets.get(3)?]);
    let ip = match family(octets) {
        AF_INET => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(octets.get(4..8)?).ok()?)),
        AF_INET6 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(octets.get(8..24)?).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

pub(crate) fn of_inet(address: SocketAddr) -> Vec<u8> {
    let port = address.port().to_be_bytes();
    match address.ip() {
        IpAddr::V4(ip) => {
            let mut octets = vec![0; 16];
            octets[..2].copy_from_slice(&AF_INET.to_le_bytes());
            octets[2..4].copy_from_slice(&port);
            octets[4..8].copy_from_slice(&ip.octets());
            octets
        }
        IpAddr::V6(ip) => {
            let mut octets = vec![0; 28];
            octets[..2].copy_from_slice(&AF_INET6.to_le_bytes());
            octets[2..4].copy_from_slice(&port);
            octets[8..24].copy_from_slice(&ip.octets());
            octets
        }
    }
}

/// An abstract name of the kernel's.
pub(crate) fn of_abstract(name: &str) -> Vec<u8> {
    let mut octets = AF_UNIX.to_le_bytes().to_vec();
    octets.push(0);
    octets.extend_from_slice(name.as_bytes());
    octets
}

/// Whether a unix address is a name rather than a path; a path's name ends at its zero octet.
pub(crate) fn unix_name(octets: &[u8]) -> Vec<u8> {
    let rest = octets.get(2..).unwrap_or_default();
    match rest.first() {
        Some(0) => rest.to_vec(),
        _ => rest.split(|octet| *octet == 0).next().unwrap_or_default().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_families_come_back() {
        for text in ["127.0.0.1:5555", "[::1]:65535"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(inet(&of_inet(address)), Some(address));
        }
    }

    #[test]
    fn a_path_ends_at_its_zero_octet_and_a_name_begins_with_one() {
        assert_eq!(unix_name(b"\x01\x00/tmp/a\0\0"), b"/tmp/a");
        assert_eq!(unix_name(&of_abstract("a")), b"\0a");
    }
}
