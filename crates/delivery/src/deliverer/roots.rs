//! Which certificates TLS trusts.

use std::path::Path;
use std::sync::Arc;

use ig_core::fault::Faults;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::pinned::PinnedVerifier;

/// TLS that trusts the platform's authorities and those of a file; the connector sets ALPN.
pub(super) fn client_config(private_ca: Option<&Path>) -> Result<ClientConfig, Faults> {
    let mut roots = platform_roots();
    let pinned = match private_ca {
        Some(file) => add_private_roots(file, &mut roots).map_err(|message| Faults::single("/private_ca_file", message))?,
        None => Vec::new(),
    };
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| Faults::single("", "TLS is not available"))?;
    if pinned.is_empty() {
        return Ok(config.with_root_certificates(roots).with_no_client_auth());
    }
    let authorities = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let authorities = authorities.map_err(|error| Faults::single("/private_ca_file", error.to_string()))?;
    let verifier = Arc::new(PinnedVerifier::new(authorities, pinned));
    Ok(config
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// The platform's authorities. A platform without any reaches only `http` targets and those of the private authority.
fn platform_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::warn!(errors = ?found.errors, "the platform trusts no certificate authority");
    }
    roots
}

/// Adds the certificates of a file as authorities, and returns them.
fn add_private_roots(file: &Path, roots: &mut RootCertStore) -> Result<Vec<CertificateDer<'static>>, String> {
    let refuse = |reason: &str| format!("{}: {reason}", file.display());
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| refuse(&error.to_string()))?;
    let mut pinned = Vec::new();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| refuse(&error.to_string()))?;
        roots.add(certificate.clone()).map_err(|error| refuse(&error.to_string()))?;
        pinned.push(certificate);
    }
    if pinned.is_empty() {
        return Err(refuse("holds no certificate"));
    }
    Ok(pinned)
}
