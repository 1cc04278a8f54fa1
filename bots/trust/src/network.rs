//! Networks in the notation of RFC 4632 and RFC 4291 §2.3 (`203.0.113.0/24`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network; an address without a length is a network of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// The text names no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no network; write an address with the length of its prefix, for instance 203.0.113.0/24"
)]
pub struct NetworkError(String);

impl std::str::FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(longest);
        if bits > longest {
            return Err(wrong());
        }
        Ok(Self { address, bits })
    }
}

impl Network {
    /// Is the address inside?
    pub fn holds(&self, ip: &IpAddr) -> bool {
        let ip = match ip {
            IpAddr::V6(six) => six.to_ipv4_mapped().map_or(*ip, IpAddr::V4),
            IpAddr::V4(_) => *ip,
        };
        match (self.address, ip) {
            (IpAddr::V4(own), IpAddr::V4(ip)) => same_v4(own, ip, self.bits),
            (IpAddr::V6(own), IpAddr::V6(ip)) => same_v6(own, ip, self.bits),
            _ => false,
        }
    }
}

/// Do the first `bits` agree?
pub(crate) fn same_v4(a: Ipv4Addr, b: Ipv4Addr, bits: u8) -> bool {
    let mask = u32::MAX
        .checked_shl(32 - u32::from(bits.min(32)))
        .unwrap_or(0);
    u32::from(a) & mask == u32::from(b) & mask
}

/// Do the first `bits` agree?
pub(crate) fn same_v6(a: Ipv6Addr, b: Ipv6Addr, bits: u8) -> bool {
    let mask = u128::MAX
        .checked_shl(128 - u32::from(bits.min(128)))
        .unwrap_or(0);
    u128::from(a) & mask == u128::from(b) & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses() {
        for (network, inside, outside) in [
            ("203.0.113.0/24", "203.0.113.255", "203.0.114.0"),
            ("203.0.113.7", "203.0.113.7", "203.0.113.8"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("203.0.113.0/24", "::ffff:203.0.113.1", "2001:db8::1"),
            ("::/0", "2001:db8::1", "203.0.113.1"),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert!(parsed.holds(&inside.parse().unwrap()), "{network}");
            assert!(!parsed.holds(&outside.parse().unwrap()), "{network}");
        }
        for wrong in [
            "",
            "203.0.113.0/33",
            "203.0.113.0/",
            "::/129",
            "mx.example.jp",
            "/8",
        ] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
