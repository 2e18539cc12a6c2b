//! The places in a document that hold secrets.

use std::collections::BTreeMap;
use std::fmt;

use ig_core::mask::must_mask;

/// How a document renders its secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// Every credential in clear: to merge with what a client sends, never for a response.
    Kept,
    /// The signing secrets in clear, all else masked: for the response that follows their generation.
    SigningShown,
    /// Everything masked.
    Masked,
}

/// A place that holds a secret. Its text names the place to the cipher: a sealed secret opens at its own place alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretPlace<'a> {
    /// A credential for the target.
    Credential(&'static str),
    /// A header that is a credential for the target.
    CredentialHeader(&'a str),
    /// Any other header; it may hold a credential.
    Header(&'a str),
    /// A signing secret.
    Signing,
    /// A credential of clients.
    ClientCredential(&'static str),
    /// A secret that clients sign with.
    ClientSigning,
    /// The connection string of a job's data source.
    SourceConnection,
    /// A header of a job's data source; it may hold a credential.
    SourceHeader(&'a str),
}

impl SecretPlace<'_> {
    /// Whether a text at this place needs no sealing: a header that carries no credential.
    pub fn is_plain(self, text: &str) -> bool {
        match self {
            Self::Header(name) | Self::SourceHeader(name) => !must_mask(name, text),
            _ => false,
        }
    }

    /// Whether a place may hold a plain text as well as a secret.
    pub fn may_be_plain(self) -> bool {
        matches!(self, Self::Header(_) | Self::SourceHeader(_))
    }

    /// Whether the place belongs to a job's data source, which is sealed as a whole.
    pub fn is_in_source(self) -> bool {
        matches!(self, Self::SourceConnection | Self::SourceHeader(_))
    }

    /// Whether a text at this place is masked.
    pub(crate) fn is_masked(self, text: &str, secrets: Secrets) -> bool {
        match (secrets, self) {
            (Secrets::Kept, _) | (Secrets::SigningShown, Self::Signing) => false,
            (_, Self::Header(name) | Self::SourceHeader(name)) => must_mask(name, text),
            _ => true,
        }
    }
}

impl fmt::Display for SecretPlace<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(name) => out.write_str(name),
            Self::CredentialHeader(name) | Self::Header(name) => write!(out, "header {name}"),
            Self::Signing => out.write_str("signing"),
            Self::ClientCredential(name) => write!(out, "client {name}"),
            Self::ClientSigning => out.write_str("client signing"),
            Self::SourceConnection => out.write_str("source connectionString"),
            Self::SourceHeader(name) => write!(out, "source header {name}"),
        }
    }
}

/// Visits the values of headers.
pub(crate) fn visit_headers<'a>(
    headers: &'a mut Option<BTreeMap<String, String>>,
    place: fn(&'a str) -> SecretPlace<'a>,
    visit: &mut dyn FnMut(SecretPlace<'_>, &mut String),
) {
    for (name, value) in headers.iter_mut().flatten() {
        visit(place(name), value);
    }
}
