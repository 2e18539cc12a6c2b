//! Whom TLS trusts.

use std::path::Path;
use std::sync::Arc;

use ig_core::fault::Faults;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// TLS that trusts the platform's authorities and those of a file; ALPN is left to the connector.
pub(super) fn client_config(private_ca: Option<&Path>) -> Result<ClientConfig, Faults> {
    let mut roots = platform();
    if let Some(file) = private_ca {
        add_private(file, &mut roots).map_err(|message| Faults::one("/private_ca_file", message))?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| Faults::one("", "TLS is not available"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// The platform's authorities; a platform without any reaches `http` and the private authority's targets alone.
fn platform() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::warn!(errors = ?found.errors, "the platform trusts no certificate authority");
    }
    roots
}

fn add_private(file: &Path, roots: &mut RootCertStore) -> Result<(), String> {
    let refuse = |reason: &str| format!("{}: {reason}", file.display());
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| refuse(&error.to_string()))?;
    let mut added = 0;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| refuse(&error.to_string()))?;
        roots.add(certificate).map_err(|error| refuse(&error.to_string()))?;
        added += 1;
    }
    if added == 0 {
        return Err(refuse("holds no certificate"));
    }
    Ok(())
}
