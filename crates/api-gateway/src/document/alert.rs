//! Alerts, as clients read them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ig_core::alert::Alert;
use ig_core::clock::Timestamp;
use ig_store::KeptAlert;
use serde::Serialize;
use utoipa::ToSchema;

use super::listing::listing;

/// Trouble that people were told of.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Alert)]
pub(crate) struct AlertEntry {
    /// Its identifier.
    id: String,
    /// The organisation.
    org_id: Option<i64>,
    /// What kind of trouble, such as `circuit-open`.
    kind: String,
    /// What reports of the same trouble share, such as an integration's identifier.
    key: String,
    /// INFO, WARNING or CRITICAL.
    severity: &'static str,
    /// What happened.
    message: String,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// How often it was reported; people were told the first time, the others were counted.
    count: u64,
    /// When it was first reported, and people were told.
    #[schema(value_type = String, format = DateTime)]
    first_at: Timestamp,
    /// When it was last reported.
    #[schema(value_type = String, format = DateTime)]
    last_at: Timestamp,
    /// Until when reports are counted here; a later one is an alert of its own.
    #[schema(value_type = String, format = DateTime)]
    quiet_until: Timestamp,
}

listing! {
    /// A page of alerts, the latest first.
    AlertList { alerts: AlertEntry }
}

/// An alert's identifier as paths have it: what it is about may hold any character.
fn shown(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

/// The identifier that was shown so, where it was one.
pub(crate) fn alert_id(shown: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(shown).ok()?;
    String::from_utf8(bytes).ok()
}

impl From<KeptAlert> for AlertEntry {
    fn from(kept: KeptAlert) -> Self {
        let KeptAlert {
            id,
            alert,
            count,
            first_at,
            last_at,
            quiet_until,
        } = kept;
        let Alert {
            org_id,
            kind,
            key,
            severity,
            message,
            at,
        } = alert;
        Self {
            id: shown(&id),
            org_id: org_id.map(|org| org.0),
            kind,
            key,
            severity: severity.as_str(),
            message,
            at,
            count,
            first_at,
            last_at,
            quiet_until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_read_from_what_was_shown() {
        let id = r#"[10,"circuit-open","a/b ?"]@17"#;
        assert_eq!(alert_id(&shown(id)).as_deref(), Some(id));
        assert_eq!(alert_id("%"), None);
    }
}
