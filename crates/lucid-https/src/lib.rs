//! The https client for what is no API server: registries, and receivers of messages. Who may be asked in plain text, how
//! often, and what an answer means is for whoever asks.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};

pub type Client = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// How lucid calls itself.
pub const AGENT: HeaderValue = HeaderValue::from_static(concat!("lucid/", env!("CARGO_PKG_VERSION")));

/// Believes the system's certificate authorities and those of `authorities` (PEM); keeps at most `idle` connections to a
/// host open. It takes plain http too.
pub fn client(authorities: &[u8], idle: usize) -> Client {
    let mut roots = RootCertStore::empty();
    let own = CertificateDer::pem_slice_iter(authorities).filter_map(Result::ok);
    // A certificate of the system that cannot be read is not believed, which is all that can be done about it.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs.into_iter().chain(own));
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().build();
    legacy::Client::builder(TokioExecutor::new()).pool_max_idle_per_host(idle).build(connector)
}

/// Only there plain text is as good as TLS.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What is wrong with the other side's certificate, if that is why a request failed.
pub fn certificate_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CertificateError> {
    match root(error).downcast_ref() {
        Some(rustls::Error::InvalidCertificate(why)) => Some(why),
        _ => None,
    }
}

/// The first cause. An I/O error leaves out the one that it was made from when it is asked for its source.
pub fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    match inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source()) {
        Some(cause) => root(cause),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cause_is_found_through_wrapped_errors() {
        let refused = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let wrapped = std::io::Error::other(std::io::Error::new(std::io::ErrorKind::InvalidData, refused));
        assert!(root(&wrapped).is::<rustls::Error>(), "{wrapped:?}");
    }

    #[test]
    fn only_loopback_is_loopback() {
        for (host, is) in [("localhost", true), ("127.3.2.1", true), ("[::1]", true), ("127.0.0.1.example", false)] {
            assert_eq!(is_loopback(host), is, "{host}");
        }
    }
}
