//! The certificate that a server shows for a name. It is looked at and not trusted: nothing secret is sent over the line,
//! and whether names and dates are right is judged afterwards.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lucid_status::health::Tls;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use crate::certificate;
use crate::talk::Line;

/// Greets for this name, and returns the line with what the server has shown.
pub(crate) async fn greet<L: Line>(line: L, host: &str) -> Result<(TlsStream<L>, Tls), String> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| format!("{host} is no host name"))?;
    let greeted = TlsConnector::from(Arc::new(config()?)).connect(name, line).await;
    let stream = greeted.map_err(|error| format!("TLS: {error}"))?;
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let tls = shown.map_or_else(|| Tls::Unreadable("the server shows none".into()), |der| certificate::of_der(der));
    Ok((stream, tls))
}

/// What stands behind this address for the name.
///
/// # Errors
/// Says why it cannot be seen from here.
pub async fn served_at(address: &str, port: u16, host: &str, patience: Duration) -> Result<Tls, String> {
    let greeted = async {
        let line = connect(address, port).await?;
        greet(line, host).await.map(|(_, tls)| tls)
    };
    let late = || format!("no answer within {:.1} s", patience.as_secs_f64());
    tokio::time::timeout(patience, greeted).await.unwrap_or_else(|_| Err(late()))
}

pub(crate) async fn connect(address: &str, port: u16) -> Result<TcpStream, String> {
    let told = |error: std::io::Error| error.to_string();
    match address.parse() {
        Ok(ip) => TcpStream::connect(SocketAddr::new(ip, port)).await.map_err(told),
        Err(_) => TcpStream::connect((address, port)).await.map_err(told),
    }
}

fn config() -> Result<ClientConfig, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| format!("TLS: {error}"))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(Onlooker(provider))).with_no_client_auth())
}

/// Takes any certificate whose key the server really has.
#[derive(Debug)]
struct Onlooker(Arc<CryptoProvider>);

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;

    use super::*;

    /// The server's side of TLS, with a certificate of its own for this name.
    pub(crate) fn acceptor(name: &str) -> TlsAcceptor {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    #[tokio::test]
    async fn the_certificate_is_seen_whatever_it_is() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let acceptor = acceptor("shop.example");
            while let Ok((line, _)) = listener.accept().await {
                if let Ok(mut line) = acceptor.accept(line).await {
                    let _ = line.read(&mut [0; 1]).await;
                }
            }
        });
        let seen = served_at("127.0.0.1", port, "other.example", Duration::from_secs(5)).await.unwrap();
        let Tls::Certificate(certificate) = seen else { panic!("{seen:?}") };
        assert_eq!((certificate.names, certificate.key_fits), (vec!["shop.example".to_owned()], None));
        let error = served_at("127.0.0.1", port, "no host", Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(error, "no host is no host name");
    }

    #[tokio::test]
    async fn who_does_not_speak_tls_or_not_at_all_is_said() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let patience = Duration::from_millis(200);
        // Nobody accepts, but the system does.
        let error = served_at("127.0.0.1", port, "a.example", patience).await.unwrap_err();
        assert_eq!(error, "no answer within 0.2 s");
        drop(listener);
        let error = served_at("127.0.0.1", port, "a.example", patience).await.unwrap_err();
        assert!(error.contains("refused"), "{error}");
    }
}
