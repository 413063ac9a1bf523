//! Reads certificates: the first of the chain in a TLS Secret, and whether the key beside it is its own; and the one that
//! a server shows.

use jiff::Timestamp;
use lucid_status::health::{Certificate, Tls};
use rcgen::PublicKeyData as _;
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// From `tls.crt` and `tls.key`, both PEM.
pub fn read(chain: &[u8], key: Option<&str>) -> Tls {
    let pem = match Pem::iter_from_buffer(chain).next() {
        Some(Ok(pem)) => pem,
        Some(Err(error)) => return Tls::Unreadable(format!("tls.crt is no PEM: {error}")),
        None => return Tls::Unreadable("tls.crt holds no certificate".into()),
    };
    match pem.parse_x509() {
        Ok(certificate) => facts(&certificate, &pem.contents, key),
        Err(error) => Tls::Unreadable(format!("tls.crt is no certificate: {error}")),
    }
}

/// From what a server shows.
pub(crate) fn of_der(der: &[u8]) -> Tls {
    match X509Certificate::from_der(der) {
        Ok((_, certificate)) => facts(&certificate, der, None),
        Err(error) => Tls::Unreadable(format!("what the server shows is no certificate: {error}")),
    }
}

fn facts(certificate: &X509Certificate<'_>, der: &[u8], key: Option<&str>) -> Tls {
    let validity = certificate.validity();
    let moment = |seconds: i64| Timestamp::from_second(seconds).ok();
    let (Some(not_before), Some(not_after)) =
        (moment(validity.not_before.timestamp()), moment(validity.not_after.timestamp()))
    else {
        return Tls::Unreadable("its dates make no sense".into());
    };
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.into_iter().flat_map(|names| &names.value.general_names).filter_map(named).collect();
    let own = certificate.public_key().raw;
    // A kind of key that cannot be read here is not judged.
    let key_fits =
        key.and_then(|key| rcgen::KeyPair::from_pem(key).ok()).map(|pair| pair.subject_public_key_info() == own);
    let fingerprint = Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect();
    Tls::Certificate(Certificate { not_before, not_after, names, fingerprint, key_fits })
}

fn named(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress([a, b, c, d]) => Some(format!("{a}.{b}.{c}.{d}")),
        GeneralName::IPAddress(bytes) => {
            let bytes: [u8; 16] = (*bytes).try_into().ok()?;
            Some(std::net::Ipv6Addr::from(bytes).to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(names: &[&str]) -> (String, String) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn names_dates_and_the_key() {
        let (chain, key) = made(&["shop.example", "10.0.0.1"]);
        let Tls::Certificate(read) = read(chain.as_bytes(), Some(&key)) else { panic!("it is a certificate") };
        assert_eq!(read.names, ["shop.example", "10.0.0.1"]);
        assert_eq!(read.key_fits, Some(true));
        assert!(read.not_before < read.not_after);
    }

    #[test]
    fn the_same_certificate_is_known_again() {
        let (chain, _) = made(&["a"]);
        let (Tls::Certificate(a), Tls::Certificate(b)) = (
            read(chain.as_bytes(), None),
            of_der(&Pem::iter_from_buffer(chain.as_bytes()).next().unwrap().unwrap().contents),
        ) else {
            panic!("both are certificates")
        };
        assert_eq!(a, b);
        assert_eq!(a.fingerprint.len(), 64);
        let Tls::Certificate(other) = read(made(&["a"]).0.as_bytes(), None) else { panic!("it is a certificate") };
        assert_ne!(a.fingerprint, other.fingerprint);
        assert!(matches!(of_der(b"no"), Tls::Unreadable(_)));
    }

    #[test]
    fn the_key_of_another() {
        let ((chain, _), (_, other)) = (made(&["a"]), made(&["a"]));
        let said = |key: Option<&str>| match read(chain.as_bytes(), key) {
            Tls::Certificate(read) => read.key_fits,
            _ => panic!("it is a certificate"),
        };
        assert_eq!((said(Some(&other)), said(Some("nonsense")), said(None)), (Some(false), None, None));
    }

    #[test]
    fn what_is_no_certificate_is_said() {
        for text in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(matches!(read(text.as_bytes(), None), Tls::Unreadable(_)), "{text:?}");
        }
    }
}
