//! Alerts, as clients read them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ig_core::alert::Alert;
use ig_core::clock::Timestamp;
use ig_store::StoredAlert;
use serde::Serialize;
use utoipa::ToSchema;

use super::listing::listing;

/// A problem that the platform notified people about.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Alert)]
pub(crate) struct AlertEntry {
    /// The alert's identifier.
    id: String,
    /// The organisation.
    org_id: Option<i64>,
    /// The kind of problem, such as `circuit-open`.
    kind: String,
    /// The key that reports of the same problem share, such as an integration's identifier.
    key: String,
    /// INFO, WARNING or CRITICAL.
    severity: &'static str,
    /// What happened.
    message: String,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// How often the problem was reported. The first report sends a notification; later ones are only counted.
    count: u64,
    /// When the problem was first reported and people were notified.
    #[schema(value_type = String, format = DateTime)]
    first_at: Timestamp,
    /// When the problem was last reported.
    #[schema(value_type = String, format = DateTime)]
    last_at: Timestamp,
    /// The end of the quiet period: reports up to then count towards this alert, and a later report raises a new alert.
    #[schema(value_type = String, format = DateTime)]
    quiet_until: Timestamp,
}

listing! {
    /// A page of alerts, the latest first.
    AlertList { alerts: AlertEntry }
}

/// The alert's identifier as it appears in paths, encoded because its key may hold any character.
fn encode_id(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

/// The identifier that a path segment encodes; `None` where it encodes none.
pub(crate) fn decode_alert_id(encoded: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    String::from_utf8(bytes).ok()
}

impl From<StoredAlert> for AlertEntry {
    fn from(stored: StoredAlert) -> Self {
        let StoredAlert {
            id,
            alert,
            count,
            first_at,
            last_at,
            quiet_until,
        } = stored;
        let Alert {
            org_id,
            kind,
            key,
            severity,
            message,
            at,
        } = alert;
        Self {
            id: encode_id(&id),
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
    fn alert_id_survives_its_encoding_in_a_path() {
        let id = r#"[10,"circuit-open","a/b ?"]@17"#;
        assert_eq!(decode_alert_id(&encode_id(id)).as_deref(), Some(id));
        assert_eq!(decode_alert_id("%"), None);
    }
}
