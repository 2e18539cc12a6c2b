//! Signing, as clients configure it.

use ig_core::fault::Faults;
use ig_core::integration::{Signing, SigningSecret};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::secrets::SecretPlace;

/// How deliveries are signed (Standard Webhooks).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SigningDocument {
    /// Whether deliveries are signed.
    pub enabled: bool,
    /// The active secrets (`whsec_…`), the primary first, at most five. The gateway generates one when signing is enabled without
    /// any.
    #[schema(max_items = 5)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Vec<String>>,
}

impl SigningDocument {
    /// The signing configuration with the given secrets, or with a generated one.
    pub fn into_domain(self) -> Result<Option<Signing>, Faults> {
        let Self { enabled, secrets } = self;
        let given = secrets.unwrap_or_default();
        match (enabled, given.is_empty()) {
            (false, true) => Ok(None),
            (false, false) => Err(Faults::single("/secrets", "are given, but signing is not enabled")),
            (true, true) => generated().map(Some),
            (true, false) => parsed(&given).map(Some),
        }
    }

    /// The document, secrets included.
    pub(crate) fn shown(signing: Option<&Signing>) -> Self {
        let secrets = signing.map(texts);
        Self {
            enabled: signing.is_some(),
            secrets,
        }
    }

    /// Visits every secret.
    pub(crate) fn visit_secrets(&mut self, visit: &mut dyn FnMut(SecretPlace<'_>, &mut String)) {
        for secret in self.secrets.iter_mut().flatten() {
            visit(SecretPlace::Signing, secret);
        }
    }
}

/// The secrets in clear.
pub(crate) fn texts(signing: &Signing) -> Vec<String> {
    let texts = signing.secrets().iter().map(|secret| secret.text().expose().to_owned());
    texts.collect()
}

fn generated() -> Result<Signing, Faults> {
    let bytes: [u8; 32] = rand::random();
    Signing::new(vec![SigningSecret::from_bytes(&bytes)?])
}

/// The secrets, or what is wrong with each of them.
pub(crate) fn parsed(given: &[String]) -> Result<Signing, Faults> {
    let mut faults = Faults::default();
    let mut secrets = Vec::with_capacity(given.len());
    for (at, text) in given.iter().enumerate() {
        match SigningSecret::parse(text) {
            Ok(secret) => secrets.push(secret),
            Err(found) => faults.add_below(&format!("/secrets/{at}"), found),
        }
    }
    faults.into_result(()).and_then(|()| Signing::new(secrets))
}
