//! Addresses and blocks of addresses.
//!
//! Source: apimachinery's `util/validation/ip.go`.

use std::net::IpAddr;

use serde_json::Value;

use super::field::{At, Problems};

pub(super) const BAD_IP: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const BAD_BLOCK: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

pub(super) fn is_ip(text: &str) -> bool {
    sloppy(text).is_some()
}

/// An address as the server's older fields take it: with zeros before the numbers.
pub(super) fn sloppy(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| {
        let parts: Vec<&str> = text.split('.').collect();
        let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let without: Vec<&str> = parts.iter().map(|part| part.trim_start_matches('0')).collect();
        let plain: Vec<&str> = without.into_iter().map(|part| if part.is_empty() { "0" } else { part }).collect();
        (parts.len() == 4 && parts.iter().all(digits)).then(|| plain.join(".").parse().ok()).flatten()
    })
}

/// An address; one that was there before may stay as it is.
pub(super) fn ip(at: &At, text: &str, old: &[Value], problems: &mut Problems) -> bool {
    if old.iter().any(|old| old.as_str() == Some(text)) {
        return true;
    }
    match (sloppy(text), text.parse::<IpAddr>()) {
        (None, _) => problems.invalid(at, text, BAD_IP),
        (Some(_), Err(_)) => problems.invalid(at, text, "must not have leading 0s"),
        (Some(_), Ok(IpAddr::V6(address))) if address.to_ipv4_mapped().is_some() => {
            problems.invalid(at, text, "must not be an IPv4-mapped IPv6 address");
        }
        _ => return true,
    }
    false
}

/// Address and length of a block.
pub(super) fn parse_block(text: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = text.split_once('/')?;
    let address = sloppy(address)?;
    let length: u32 =
        if length.bytes().all(|byte| byte.is_ascii_digit()) { length.parse().ok()? } else { return None };
    (length <= bits(address)).then_some((address, length))
}

fn bits(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

/// The number of a block's first address.
fn masked(address: IpAddr, length: u32) -> u128 {
    let rest = bits(address) - length;
    if rest >= 128 { 0 } else { number(address) >> rest << rest }
}

pub(super) fn block(at: &At, text: &str, old: &[Value], problems: &mut Problems) {
    if old.iter().any(|old| old.as_str() == Some(text)) {
        return;
    }
    let Some((address, length)) = parse_block(text) else { return problems.invalid(at, text, BAD_BLOCK) };
    let (plain, digits) = text.split_once('/').unwrap_or_default();
    let zeros = plain.parse::<IpAddr>().is_err() || digits.len() > 1 && digits.starts_with('0');
    if zeros {
        problems.invalid(at, text, "must not have leading 0s in IP or prefix length");
    } else if matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some()) {
        problems.invalid(at, text, "must not have an IPv4-mapped IPv6 address");
    } else if masked(address, length) != number(address) {
        problems.invalid(at, text, "must not have bits set beyond the prefix length");
    }
}

/// Whether the first block lies within the second and is smaller.
pub(super) fn is_strictly_within(inner: (IpAddr, u32), outer: (IpAddr, u32)) -> bool {
    inner.0.is_ipv4() == outer.0.is_ipv4()
        && inner.1 > outer.1
        && masked(masked_address(inner), outer.1) == masked(outer.0, outer.1)
}

fn masked_address(block: (IpAddr, u32)) -> IpAddr {
    let first = masked(block.0, block.1);
    match block.0 {
        IpAddr::V4(_) => IpAddr::V4(u32::try_from(first).unwrap_or(0).into()),
        IpAddr::V6(_) => IpAddr::V6(first.into()),
    }
}

/// An address that something outside of the host can reach.
pub(super) fn endpoint(at: &At, text: &str, problems: &mut Problems) {
    let Some(address) = sloppy(text) else { return problems.invalid(at, text, "must be a valid IP address") };
    if address.is_unspecified() {
        problems.invalid(at, text, format!("may not be unspecified ({text})"));
    }
    if address.is_loopback() {
        problems.invalid(at, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
    let first = number(address);
    let (local, multicast) = match address {
        IpAddr::V4(_) => (first >> 16 == 0xa9fe, first >> 8 == 0x00e0_0000),
        IpAddr::V6(_) => (first >> 118 == 0x3fa, first >> 112 & 0xff0f == 0xff02),
    };
    if local {
        problems.invalid(at, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    }
    if multicast {
        problems.invalid(at, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        let within =
            |inner: &str, outer: &str| is_strictly_within(parse_block(inner).unwrap(), parse_block(outer).unwrap());
        assert!(within("10.1.0.0/16", "10.0.0.0/8") && within("fd00:1::/32", "fd00::/8"));
        assert!(!within("10.0.0.0/8", "10.0.0.0/8") && !within("11.0.0.0/16", "10.0.0.0/8"));
        assert!(!within("fd00::/32", "10.0.0.0/8") && within("0.0.0.1/32", "0.0.0.0/0"));
        assert!(parse_block("10.0.0.0/33").is_none() && parse_block("10.0.0.0").is_none());
    }

    #[test]
    fn zeros_are_read_and_refused() {
        assert_eq!(sloppy("010.000.1.1"), sloppy("10.0.1.1"));
        let mut problems = Problems::default();
        assert!(!ip(&At::new("a"), "010.0.0.1", &[], &mut problems));
        block(&At::new("a"), "10.0.0.1/8", &[], &mut problems);
        let texts: Vec<&str> = problems.causes.iter().map(|cause| cause.message.as_str()).collect();
        assert!(texts[0].ends_with("must not have leading 0s") && texts[1].contains("beyond the prefix"), "{texts:?}");
    }
}
