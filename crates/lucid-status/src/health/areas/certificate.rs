//! Certificates, in a TLS Secret and as they are served: valid now, for how long, for which names, with their own key, and
//! the same in both places.

use jiff::{SignedDuration, Timestamp};
use lucid_object::{Finding, ObjectRef};
use serde_json::Value;

use crate::diagnosis::{Class, Diagnosis};
use crate::health::facts::{Certificate, Served, Tls};
use crate::health::view::{View, home};
use crate::read::{items, name, reference, text};

const CODE: u16 = 5208;
/// Renewal has failed if a certificate gets this old: cert-manager renews at a third of the life, ACME's is 90 days.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

pub(super) fn about(ingress: &Value, tls: &Value, view: &View<'_>) -> Vec<Diagnosis> {
    let secret = text(tls, "/secretName");
    let key = ObjectRef::new("", "Secret", Some(home(ingress)), secret);
    let hosts: Vec<&str> = items(tls, "/hosts").filter_map(Value::as_str).collect();
    let words = |words: &str| format!("the certificate in Secret {secret} of Ingress {} {words}", name(ingress));
    let new = |text: &str| Diagnosis::new(CODE, reference(ingress), words(text));
    let mut found = Vec::new();
    let kept = match view.facts.certificates.get(&key) {
        Some(Tls::Certificate(certificate)) => {
            found.extend(troubles(certificate, &hosts, view.facts.now, &new));
            Some(certificate)
        }
        Some(Tls::Unreadable(why)) => {
            found.push(new("cannot be read").seen(why));
            None
        }
        Some(Tls::Unseen(_)) | None => None,
    };
    let is_ours = |served: &&Served| hosts.contains(&served.host.as_str());
    found.extend(view.served().filter(is_ours).filter_map(|served| compared(ingress, secret, kept?, served)));
    // What an endpoint showed is said of that endpoint.
    let of_addresses = view.facts.served.iter().filter(is_ours);
    found.extend(of_addresses.flat_map(|served| of_served(served, &reference(ingress), view.facts.now)));
    found
}

/// What a server shows for one of the names, beside what the Secret holds.
fn compared(ingress: &Value, secret: &str, kept: &Certificate, served: &Served) -> Option<Diagnosis> {
    let shown = served.certificate().filter(|shown| shown.fingerprint != kept.fingerprint)?;
    let words = format!("for {} another certificate is served than Secret {secret} holds", served.host);
    let said = |whose: &str, certificate: &Certificate| {
        format!("{whose}: for {}, valid until {}", certificate.names.join(", "), certificate.not_after)
    };
    let new = Diagnosis::new(CODE, reference(ingress), words).class(Class::Advice);
    let help = "look at the log of the Ingress controller: it has not taken up the Secret, or serves its default";
    Some(new.seen(said(&served.by, shown)).seen(said("the Secret", kept)).help(help))
}

/// Whether what a server shows is valid now, and for the name that was asked for.
pub(in crate::health) fn of_served(served: &Served, subject: &ObjectRef, now: Timestamp) -> Vec<Diagnosis> {
    let new = |text: &str| {
        let words = format!("the certificate that is served for {} {text}", served.host);
        Diagnosis::new(CODE, subject.clone(), words).seen(format!("shown by {}", served.by))
    };
    match &served.tls {
        Tls::Certificate(certificate) => troubles(certificate, &[&served.host], now, &new),
        Tls::Unreadable(why) => vec![new("cannot be read").seen(why)],
        Tls::Unseen(_) => Vec::new(),
    }
}

/// What is wrong with a certificate by itself, as findings that begin with these words.
pub fn troubles_of(
    certificate: &Certificate,
    hosts: &[&str],
    now: Timestamp,
    subject: &ObjectRef,
    words: &str,
) -> Vec<Finding> {
    let new = |text: &str| Diagnosis::new(CODE, subject.clone(), format!("{words} {text}"));
    troubles(certificate, hosts, now, &new).into_iter().map(|diagnosis| diagnosis.finding).collect()
}

fn troubles(
    certificate: &Certificate,
    hosts: &[&str],
    now: Timestamp,
    new: &dyn Fn(&str) -> Diagnosis,
) -> Vec<Diagnosis> {
    let other_key = (certificate.key_fits == Some(false)).then(|| new("does not belong to the key beside it"));
    validity(certificate, now, new).into_iter().chain(wrong_hosts(certificate, hosts, new)).chain(other_key).collect()
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

fn wrong_hosts(certificate: &Certificate, hosts: &[&str], new: &dyn Fn(&str) -> Diagnosis) -> Option<Diagnosis> {
    let is_missing = |host: &&&str| !certificate.names.iter().any(|name| covers(name, host));
    let missing: Vec<&str> = hosts.iter().filter(is_missing).copied().collect();
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
                fingerprint: String::new(),
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
