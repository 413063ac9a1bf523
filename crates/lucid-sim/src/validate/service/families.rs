//! A Service's own addresses and their families.

use serde_json::Value;

use super::super::address;
use super::super::field::{At, Problems};
use super::headless;
use crate::json::Json;

fn external(service: &Value) -> bool {
    service.str("spec/type") == "ExternalName"
}

fn is_six(address: &Value) -> bool {
    address.as_str().is_some_and(|text| text.contains(':'))
}

pub(crate) fn check(service: &Value, old: Option<&Value>, problems: &mut Problems) {
    if external(service) {
        return;
    }
    let at = At::new("spec");
    let (addresses, addresses_at) = (service.list("spec/clusterIPs"), at.child("clusterIPs"));
    let shown = || Value::from(addresses.to_vec());
    match (service.str("spec/clusterIP"), addresses.first()) {
        ("", Some(_)) => {
            problems.invalid(&addresses_at, shown(), "must be empty when `clusterIP` is not specified");
        }
        ("", None) => {}
        (_, None) => problems.required(&addresses_at, ""),
        (single, Some(first)) if first != single => {
            problems.invalid(&addresses_at, shown(), "first value must match `clusterIP`");
        }
        _ => {}
    }
    let families = service.list("spec/ipFamilies");
    for (index, family) in families.iter().enumerate() {
        let at = at.child("ipFamilies").index(index);
        problems.one_of(&at, family, &["IPv4", "IPv6"]);
        if families[..index].contains(family) {
            problems.duplicate(&at, family.clone());
        }
    }
    let policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
    problems.one_of(&at.child("ipFamilyPolicy"), service.at("spec/ipFamilyPolicy"), &policies);
    if !sound(addresses, old, &addresses_at, problems) {
        return;
    }
    if addresses.len() > 1 && !(addresses.len() == 2 && is_six(&addresses[0]) != is_six(&addresses[1])) {
        problems.invalid(&addresses_at, shown(), "may specify no more than one IP for each IP family");
    }
    if !headless(service) {
        for (index, (address, family)) in addresses.iter().zip(families).enumerate() {
            let wrong = if is_six(address) { family == "IPv4" } else { family == "IPv6" };
            if wrong {
                let expected = family.as_str().unwrap_or("");
                let detail = format!("expected an {expected} value as indicated by `ipFamilies[{index}]`");
                problems.invalid(&addresses_at.index(index), address.clone(), detail);
            }
        }
    }
}

/// Whether each address is one.
fn sound(addresses: &[Value], old: Option<&Value>, at: &At, problems: &mut Problems) -> bool {
    let before = old.map_or(&[][..], |old| old.list("spec/clusterIPs"));
    let mut sound = true;
    for (index, address) in addresses.iter().enumerate() {
        if index == 0 && address == "None" {
            if addresses.len() > 1 {
                sound = false;
                problems.invalid(at, addresses.to_vec(), "'None' must be the first and only value");
            }
            continue;
        }
        sound &= address::ip(&at.index(index), address.as_str().unwrap_or(""), before, problems);
    }
    if addresses.len() > 2 {
        problems.invalid(at, addresses.to_vec(), "may only hold up to 2 values");
    }
    sound
}

/// What of them can change.
pub(super) fn change(old: &Value, new: &Value, problems: &mut Problems) {
    if external(old) || external(new) {
        return;
    }
    let bare = (headless(old), headless(new));
    if bare != (true, true) {
        list(old, new, "clusterIPs", "primary clusterIP can not be unset", "clusterIP", problems);
    }
    if bare == (false, false) {
        list(old, new, "ipFamilies", "primary ipFamily can not be unset", "ipFamily", problems);
    }
}

fn list(old: &Value, new: &Value, field: &str, unset: &str, what: &str, problems: &mut Problems) {
    let path = format!("spec/{field}");
    let (before, after, at) = (old.list(&path), new.list(&path), At::new("spec").child(field));
    let once = "may not change once set";
    let shown = || Value::from(after.to_vec());
    if before.len() == after.len() {
        for (index, _) in before.iter().enumerate().filter(|(index, held)| **held != after[*index]) {
            let index = if field == "clusterIPs" { index } else { 0 };
            problems.invalid(&at.index(index), shown(), once);
        }
        return;
    }
    if before.len() > after.len() {
        if new.list("spec/clusterIPs").is_empty() {
            problems.invalid(&at.index(0), shown(), unset);
        }
        let policy = new.str("spec/ipFamilyPolicy");
        if after.len() == 1 && policy != "SingleStack" {
            let detail = format!("must be set to 'SingleStack' when releasing the secondary {what}");
            problems.invalid(&At::new("spec.ipFamilyPolicy"), policy, detail);
        }
    }
    if let (Some(first), Some(now)) = (before.first(), after.first())
        && first != now
    {
        problems.invalid(&at.index(0), shown(), once);
    }
}
