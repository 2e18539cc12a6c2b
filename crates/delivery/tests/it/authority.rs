//! Certificate authorities for tests.

use std::io::Write as _;
use std::sync::Arc;

use ig_delivery::{Deliverer, SecurityConfig};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;

use crate::fixtures::config;

/// A certificate authority of one test.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: NamedTempFile,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(params.self_signed(&key).unwrap().pem().as_bytes()).unwrap();
        let issuer = Issuer::new(params, key);
        Self { issuer, file }
    }

    pub(crate) fn acceptor(&self, name: &str, protocols: &[&[u8]]) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().into();
        acceptor(certificate, &key, protocols)
    }

    /// A configuration that trusts this authority and allows this machine.
    pub(crate) fn config(&self) -> SecurityConfig {
        SecurityConfig {
            enforce_https: true,
            private_ca_file: Some(self.file.path().to_owned()),
            ..config(&["127.0.0.1"])
        }
    }

    pub(crate) fn deliverer(&self) -> Deliverer {
        Deliverer::new(&self.config()).unwrap()
    }

    /// A self-signed certificate as people make them by hand: the acceptor presents it, and it is the authority.
    pub(crate) fn self_made(name: &str) -> (Self, TlsAcceptor) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(certificate.pem().as_bytes()).unwrap();
        let acceptor = acceptor(certificate.into(), &key, &[]);
        let issuer = Issuer::new(params, key);
        (Self { issuer, file }, acceptor)
    }
}

fn acceptor(certificate: CertificateDer<'static>, key: &KeyPair, protocols: &[&[u8]]) -> TlsAcceptor {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    server.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    TlsAcceptor::from(Arc::new(server))
}
