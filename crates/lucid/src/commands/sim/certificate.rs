//! The certificate of the simulated API server, made anew at each start.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::exit::Exit;
use crate::failure::{Failure, Result};

pub(super) struct Identity {
    /// The authority's certificate, as PEM text, for kubeconfigs.
    pub(super) authority: String,
    pub(super) tls: TlsAcceptor,
}

pub(super) fn make() -> Result<Identity> {
    let failed = |what: &str, error: &dyn std::fmt::Display| Failure::new(Exit::Failed, format!("{what}: {error}"));
    let (authority, key, chain) = signed().map_err(|error| failed("make a certificate", &error))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![chain], PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key)))
        .map_err(|error| failed("set up TLS", &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Identity { authority, tls: TlsAcceptor::from(Arc::new(config)) })
}

type Signed = (String, Vec<u8>, tokio_rustls::rustls::pki_types::CertificateDer<'static>);

fn signed() -> std::result::Result<Signed, rcgen::Error> {
    let mut root = CertificateParams::default();
    root.distinguished_name.push(DnType::CommonName, "lucid-sim");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let root_key = KeyPair::generate()?;
    let authority = root.self_signed(&root_key)?.pem();
    let names = ["localhost", "127.0.0.1", "::1", "kubernetes", "kubernetes.default.svc"];
    let mut leaf = CertificateParams::new(names.map(str::to_owned).to_vec())?;
    leaf.distinguished_name.push(DnType::CommonName, "kube-apiserver");
    leaf.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let leaf_key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&leaf_key, &Issuer::new(root, root_key))?;
    Ok((authority, leaf_key.serialize_der(), certificate.der().clone()))
}
