//! The way in from outside: the ingress controller's address, asked over TLS by host name, with a certificate of a CA of
//! the test's own.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::harness::{dir, get, kubectl, wait_for};
use crate::load;
use crate::table::INGRESS;

const PATIENCE: Duration = Duration::from_secs(5);

/// What signs the certificate that the release serves.
pub(crate) struct Authority(CertificateDer<'static>);

impl Authority {
    /// Puts a certificate for the public names into the Secret that the release refers to.
    pub(crate) fn with_secret() -> Self {
        let own = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&own).expect("a certificate");
        let key = KeyPair::generate().expect("a key");
        let names: Vec<String> = INGRESS.iter().map(|(_, _, host)| (*host).to_owned()).collect();
        let leaf = CertificateParams::new(names).expect("names");
        let leaf = leaf.signed_by(&key, &Issuer::from_params(&params, &own)).expect("a certificate");
        let [chain, secret] = ["tls.crt", "tls.key"].map(|file| dir().join(file));
        std::fs::write(&chain, leaf.pem()).expect("write");
        std::fs::write(&secret, key.serialize_pem()).expect("write");
        let flag = |name: &str, path: &std::path::Path| format!("--{name}={}", path.display());
        kubectl(&[
            "create",
            "secret",
            "tls",
            "-n",
            "lucid-system",
            "lucid-tls",
            &flag("cert", &chain),
            &flag("key", &secret),
        ]);
        Self(root.der().clone())
    }

    /// Status and body of one request, from a server whose certificate this authority has signed for the name.
    fn get(&self, address: &str, host: &str, path: &str) -> io::Result<(u16, String)> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.clone()).map_err(io::Error::other)?;
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let client = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        let stream =
            TcpStream::connect_timeout(&format!("{address}:443").parse().map_err(io::Error::other)?, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut line = StreamOwned::new(client, stream);
        line.write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())?;
        let mut text = String::new();
        line.take(64 * 1024).read_to_string(&mut text)?;
        load::parts(&text)
    }
}

/// The five public services answer by their names, plain HTTP is redirected, and nothing else is there.
pub(crate) fn are_open(authority: &Authority) {
    let address = wait_for("an address of the Ingress", Duration::from_secs(30), || {
        let ingress = get("lucid-system", &["ingress", "lucid-ingress"]);
        ingress["status"]["loadBalancer"]["ingress"][0]["ip"].as_str().map(str::to_owned)
    });
    for (name, _, host) in INGRESS {
        let answer = wait_for(host, Duration::from_secs(20), || {
            authority.get(&address, host, "/version").ok().filter(|(status, _)| *status == 200)
        });
        assert!(answer.1.contains(&format!("\"lucid-{name}\"")), "{host}: {answer:?}");
        let plain = load::get_for(&format!("{address}:80"), host, "/version").expect("an answer");
        assert_eq!(plain.0, 301, "{host} in plain HTTP: {plain:?}");
    }
    for unknown in ["payments.lucid.example", "lucid-payment-gateway.lucid-tron.svc"] {
        let answer = load::get_for(&format!("{address}:80"), unknown, "/health").expect("an answer");
        assert_eq!(answer.0, 404, "{unknown}: {answer:?}");
        assert!(authority.get(&address, unknown, "/health").is_err(), "{unknown} has no certificate");
    }
    // Known by its name to TLS, and asked for something else.
    let (status, _) = authority.get(&address, "api.lucid.example", "/payments").expect("an answer");
    assert_eq!(status, 401, "behind the gateway's token check");
}
