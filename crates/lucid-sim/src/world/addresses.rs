//! Addresses and ports that the cluster hands out.

use std::collections::BTreeSet;

/// Allocators of Service addresses, node ports and pod addresses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Addresses {
    services: BTreeSet<u32>,
    ports: BTreeSet<u16>,
    pods: u32,
}

/// The Service range is 10.96.0.0/12; the first addresses are kept for fixed ones.
const SERVICE_BASE: u32 = 0x0a60_0000;
const SERVICE_BITS: u32 = 20;
const POD_BASE: u32 = 0x0af4_0000;
pub(crate) const NODE_PORTS: std::ops::RangeInclusive<u16> = 30_000..=32_767;

pub(crate) fn text(address: u32) -> String {
    let [a, b, c, d] = address.to_be_bytes();
    format!("{a}.{b}.{c}.{d}")
}

pub(crate) fn parse(text: &str) -> Option<u32> {
    text.parse::<std::net::Ipv4Addr>().ok().map(u32::from)
}

impl Addresses {
    /// A free Service address; `draw` chooses where to look first. A dry run does not keep it.
    pub(crate) fn service(&mut self, draw: u64, dry_run: bool) -> String {
        let span = (1_u32 << SERVICE_BITS) - 512;
        let start = u32::try_from(draw % u64::from(span)).expect("below a u32");
        let candidates = (0..span).map(|step| SERVICE_BASE + 256 + (start + step) % span);
        let free = candidates.into_iter().find(|address| !self.services.contains(address)).expect("a free address");
        if !dry_run {
            self.services.insert(free);
        }
        text(free)
    }

    pub(crate) fn in_service_range(address: u32) -> bool {
        address >> SERVICE_BITS == SERVICE_BASE >> SERVICE_BITS
    }

    pub(crate) fn has_service(&self, address: u32) -> bool {
        self.services.contains(&address)
    }

    pub(crate) fn claim_service(&mut self, address: u32) {
        self.services.insert(address);
    }

    pub(crate) fn release_service(&mut self, address: &str) {
        if let Some(address) = parse(address) {
            self.services.remove(&address);
        }
    }

    pub(crate) fn node_port(&mut self, draw: u64, dry_run: bool) -> u16 {
        let span = NODE_PORTS.end() - NODE_PORTS.start() + 1;
        let start = u16::try_from(draw % u64::from(span)).expect("below a u16");
        let mut candidates = (0..span).map(|step| NODE_PORTS.start() + (start + step) % span);
        let free = candidates.find(|port| !self.ports.contains(port)).expect("a free node port");
        if !dry_run {
            self.ports.insert(free);
        }
        free
    }

    pub(crate) fn has_port(&self, port: u16) -> bool {
        self.ports.contains(&port)
    }

    pub(crate) fn claim_port(&mut self, port: u16) {
        self.ports.insert(port);
    }

    pub(crate) fn release_port(&mut self, port: u16) {
        self.ports.remove(&port);
    }

    pub(crate) fn pod(&mut self) -> String {
        self.pods += 1;
        text(POD_BASE + 256 + self.pods)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_handed_out_once() {
        let mut addresses = Addresses::default();
        let (a, b) = (addresses.service(7, false), addresses.service(7, false));
        assert_ne!(a, b);
        assert!(Addresses::in_service_range(parse(&a).unwrap()));
        assert!(addresses.has_service(parse(&a).unwrap()));
        addresses.release_service(&a);
        assert!(!addresses.has_service(parse(&a).unwrap()));
        assert_eq!(addresses.service(7, true), addresses.service(7, true));
    }

    #[test]
    fn ports_stay_in_their_range() {
        let mut addresses = Addresses::default();
        let ports: BTreeSet<u16> = (0..100).map(|_| addresses.node_port(2_767, false)).collect();
        assert_eq!(ports.len(), 100);
        assert!(ports.iter().all(|port| NODE_PORTS.contains(port)));
    }

    #[test]
    fn outside_of_the_range() {
        assert!(!Addresses::in_service_range(parse("10.0.0.1").unwrap()));
        assert!(!Addresses::in_service_range(parse("172.16.0.1").unwrap()));
    }
}
