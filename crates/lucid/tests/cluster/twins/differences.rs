//! Differences that stay, each with its reason.

use super::canonical::Canonical;
use super::requests::Request;

/// One known difference: what it is called, and whether it is this one.
struct Known {
    name: &'static str,
    is: fn(&Request, &Canonical, &Canonical) -> bool,
}

const KNOWN: &[Known] = &[];

/// The name of the known difference that this is.
pub(crate) fn explained(request: &Request, real: &Canonical, simulated: &Canonical) -> Option<&'static str> {
    KNOWN.iter().find(|known| (known.is)(request, real, simulated)).map(|known| known.name)
}
