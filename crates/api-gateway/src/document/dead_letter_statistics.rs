//! Statistics of dead letters, as clients read them.

use std::collections::BTreeMap;

use ig_core::clock::Timestamp;
use ig_core::dead_letter::{DeadLetterReason, DeadLetterStatus};
use ig_store::{DeadLetterStatistics, IntegrationDeadLetters};
use serde::Serialize;
use utoipa::ToSchema;

/// Statistics of an organisation's dead letters.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DlqStatistics {
    /// All dead letters, including the resolved ones.
    total: u64,
    /// The number by status; every status is present.
    by_status: BTreeMap<&'static str, u64>,
    /// Unresolved dead letters by the category of their last error.
    by_category: BTreeMap<&'static str, u64>,
    /// Unresolved dead letters by the reason why they are here; every reason is present.
    by_reason: BTreeMap<&'static str, u64>,
    /// Unresolved dead letters by integration, the highest number first.
    by_integration: Vec<IntegrationEntries>,
    /// When the oldest unresolved dead letter was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    oldest: Option<Timestamp>,
}

/// One integration's unresolved dead letters.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct IntegrationEntries {
    /// The integration.
    integration_config_id: String,
    /// Its name.
    integration_name: String,
    /// How many there are.
    count: u64,
}

impl From<DeadLetterStatistics> for DlqStatistics {
    fn from(statistics: DeadLetterStatistics) -> Self {
        let DeadLetterStatistics {
            total,
            mut by_status,
            by_category,
            mut by_reason,
            by_integration,
            oldest,
        } = statistics;
        for status in DeadLetterStatus::ALL {
            by_status.entry(status.as_str()).or_default();
        }
        for reason in DeadLetterReason::ALL {
            by_reason.entry(reason.as_str()).or_default();
        }
        let entries = by_integration
            .into_iter()
            .map(|(id, IntegrationDeadLetters { name, count })| IntegrationEntries {
                integration_config_id: id.to_string(),
                integration_name: name,
                count,
            });
        let mut by_integration: Vec<_> = entries.collect();
        by_integration.sort_by_key(|entries| std::cmp::Reverse(entries.count));
        Self {
            total,
            by_status,
            by_category,
            by_reason,
            by_integration,
            oldest,
        }
    }
}
