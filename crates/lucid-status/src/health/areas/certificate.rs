//! The certificate in a TLS Secret: whether it is valid now, for how long, for which names, and with its own key.

use jiff::{SignedDuration, Timestamp};
use lucid_object::ObjectRef;
use serde_json::Value;

use crate::diagnosis::{Class, Diagnosis};
use crate::health::facts::{Certificate, Tls};
use crate::health::view::{View, home};
use crate::read::{items, name, reference, text};

const CODE: u16 = 5208;
/// Renewal has failed if a certificate gets this old: cert-manager renews at a third of the life, ACME's is 90 days.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

pub(super) fn about(ingress: &Value, tls: &Value, view: &View<'_>) -> Vec<Diagnosis> {
    let secret = text(tls, "/secretName");
    let key = ObjectRef::new("", "Secret", Some(home(ingress)), secret);
    let words = |words: &str| format!("the certificate in Secret {secret} of Ingress {} {words}", name(ingress));
    let new = |text: &str| Diagnosis::new(CODE, reference(ingress), words(text));
    match view.facts.certificates.get(&key) {
        Some(Tls::Certificate(certificate)) => {
            let mut found = Vec::new();
            found.extend(validity(certificate, view.facts.now, &new));
            found.extend(wrong_hosts(certificate, tls, &new));
            if certificate.key_fits == Some(false) {
                found.push(new("does not belong to the key beside it"));
            }
            found
        }
        Some(Tls::Unreadable(why)) => vec![new("cannot be read").seen(why)],
        Some(Tls::Unseen(_)) | None => Vec::new(),
    }
}

fn validity(certificate: &Certificate, now: Timestamp, new: &dyn Fn(&str) -> Diagnosis) -> Option<Diagnosis> {
    let left = certificate.not_after.duration_since(now);
    let until = format!("valid from {} to {}", certificate.not_before, certificate.not_after);
    let days = left.as_hours() / 24;
    if left.is_negative() {
        Some(new(&format!("expired {} days ago", -days)).seen(until))
    } else if certificate.not_before > now {
        Some(new("is not valid yet").seen(until))
    } else if left < SOON {
        Some(new(&format!("expires in {days} days")).class(Class::Advice).seen(until))
    } else {
        None
    }
}

fn wrong_hosts(certificate: &Certificate, tls: &Value, new: &dyn Fn(&str) -> Diagnosis) -> Option<Diagnosis> {
    let hosts = items(tls, "/hosts").filter_map(Value::as_str);
    let missing: Vec<&str> = hosts.filter(|host| !certificate.names.iter().any(|name| covers(name, host))).collect();
    (!missing.is_empty()).then(|| {
        new(&format!("is not for {}", missing.join(", "))).seen(format!("its names: {}", certificate.names.join(", ")))
    })
}

/// A wildcard stands for one label. Source: RFC 6125 §6.4.3.
fn covers(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_lowercase(), host.to_lowercase());
    match pattern.strip_prefix("*.") {
        _ if pattern == host => true,
        Some(domain) => host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == domain),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        for (pattern, host, expect) in [
            ("a.example.com", "A.example.com", true),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "a.b.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.example.com", "*.example.com", true),
        ] {
            assert_eq!(covers(pattern, host), expect, "{pattern} {host}");
        }
    }

    #[test]
    fn time_left_decides() {
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let day = SignedDuration::from_hours(24);
        let said = |from: i32, to: i32| {
            let certificate = Certificate {
                not_before: now + day * from,
                not_after: now + day * to,
                names: Vec::new(),
                key_fits: None,
            };
            let new = |text: &str| Diagnosis::new(CODE, ObjectRef::new("", "Secret", None, "s"), text);
            validity(&certificate, now, &new).map(|found| (found.finding.message, found.class))
        };
        assert_eq!(said(-90, 30), None);
        assert_eq!(said(-80, 10), Some(("expires in 10 days".into(), Class::Advice)));
        assert_eq!(said(-95, -5), Some(("expired 5 days ago".into(), Class::FatalNow)));
        assert_eq!(said(1, 90), Some(("is not valid yet".into(), Class::FatalNow)));
    }
}
