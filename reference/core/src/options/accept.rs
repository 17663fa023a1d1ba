//! Whose connections a listener takes.

use std::net::IpAddr;
use std::str::FromStr;

/// Whose connections are taken: an empty list takes everybody's. Who is not let in is disconnected without a word.
///
/// What identifies a peer by its process, user or address is no substitute for a mechanism.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AcceptFilter {
    /// tcp: of these networks.
    pub networks: Vec<Network>,
    /// ipc: of these processes, or of a user or group listed below.
    pub processes: Vec<i32>,
    /// ipc: of these users, by their effective number, or as above and below.
    pub users: Vec<u32>,
    /// ipc: of these groups, by the effective number, or as above.
    pub groups: Vec<u32>,
}

impl AcceptFilter {
    /// Whether a tcp peer of this address is let in.
    #[must_use]
    pub fn takes_address(&self, address: IpAddr) -> bool {
        self.networks.is_empty() || self.networks.iter().any(|network| network.contains(address))
    }

    /// Whether an ipc peer is let in of which the system tells process, user and group. One of which it does not tell is
    /// not, where anything is listed.
    #[must_use]
    pub fn takes_process(&self, peer: Option<(Option<i32>, u32, u32)>) -> bool {
        if self.processes.is_empty() && self.users.is_empty() && self.groups.is_empty() {
            return true;
        }
        peer.is_some_and(|(process, user, group)| {
            process.is_some_and(|process| self.processes.contains(&process))
                || self.users.contains(&user)
                || self.groups.contains(&group)
        })
    }
}

/// An address and how many of its leading bits count: `10.0.0.0/8`, `::1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// What is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an IP address and the number of its leading bits, such as 10.0.0.0/8, came \"{0}\"")]
pub struct NetworkError(String);

impl Network {
    /// Whether an address lies in it. One of IPv4 that is written as one of IPv6 counts as what it is.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let skipped = 32_u32.saturating_sub(self.bits.into());
                (ours.to_bits() ^ theirs.to_bits()).checked_shr(skipped).unwrap_or(0) == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let skipped = 128_u32.saturating_sub(self.bits.into());
                (ours.to_bits() ^ theirs.to_bits()).checked_shr(skipped).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) if !bits.is_empty() && bits.bytes().all(|octet| octet.is_ascii_digit()) => {
                (address, Some(bits.parse::<u8>().map_err(|_| wrong())?))
            }
            Some(_) => return Err(wrong()),
            None => (text, None),
        };
        let bare = address.strip_prefix('[').and_then(|address| address.strip_suffix(']')).unwrap_or(address);
        let address: IpAddr = bare.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        if bits > most { Err(wrong()) } else { Ok(Self { address, bits }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_an_address_and_its_leading_bits() {
        let within =
            |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(within("10.0.0.0/8", "10.255.1.2") && !within("10.0.0.0/8", "11.0.0.0"));
        assert!(within("127.0.0.1", "127.0.0.1") && !within("127.0.0.1", "127.0.0.2"));
        assert!(within("127.0.0.1", "::ffff:127.0.0.1"));
        assert!(within("0.0.0.0/0", "255.255.255.255") && !within("0.0.0.0/0", "::1"));
        assert!(within("[fe80::]/10", "fe80::1") && !within("fe80::/10", "ff80::1"));
        assert!(within("::/0", "2001:db8::1"));
        for wrong in ["", "x", "1.2.3.4/", "1.2.3.4/33", "::/129", "1.2.3.4/+8", "1.2.3/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_empty_filter_takes_everybody_and_a_list_only_those_on_it() {
        let mut filter = AcceptFilter::default();
        assert!(filter.takes_process(None) && filter.takes_address("1.2.3.4".parse().unwrap()));
        filter.users.push(7);
        filter.processes.push(100);
        let listed = |process, user| filter.takes_process(Some((process, user, 7)));
        assert!(listed(Some(1), 7) && listed(Some(100), 1));
        assert!(!listed(Some(1), 1) && !listed(None, 1) && !filter.takes_process(None));
    }
}
