//! A manual retry of several dead letters.

use std::collections::HashSet;

use ig_core::dead_letter_retry::{ManualRetry, ManualRetryResult};
use ig_core::fault::Faults;
use ig_core::id::{LogId, NotAnObjectId, OrgId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::validated;
use ig_documents::text::collect_faults;

/// Dead letters to retry now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BulkRetry {
    /// The identifiers of the dead letters.
    #[schema(min_items = 1, max_items = 100)]
    ids: Vec<String>,
}
validated!(BulkRetry);

/// The result of a bulk retry.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BulkRetried {
    /// The dead letters that are now due.
    accepted: Vec<String>,
    /// The dead letters that cannot be retried: unknown, delivered, in flight, or queued by a redrive.
    refused: Vec<String>,
}

impl BulkRetry {
    /// The retry for an organisation, or what is wrong with the identifiers.
    pub(crate) fn manual_retry(self, org: OrgId) -> Result<ManualRetry, Faults> {
        let mut faults = Faults::default();
        let numbered = self.ids.iter().enumerate();
        let ids: Vec<Option<LogId>> = numbered
            .map(|(at, id)| collect_faults(&mut faults, &format!("/ids/{at}"), parse_log_id(id)))
            .collect();
        faults.into_result(ManualRetry {
            org_id: org,
            ids: deduplicate(ids.into_iter().flatten()),
        })
    }
}

fn deduplicate(ids: impl Iterator<Item = LogId>) -> Vec<LogId> {
    let mut seen = HashSet::new();
    ids.filter(|id| seen.insert(*id)).collect()
}

fn parse_log_id(text: &str) -> Result<LogId, Faults> {
    text.parse()
        .map_err(|error: NotAnObjectId| Faults::single("", error.to_string()))
}

impl From<ManualRetryResult> for BulkRetried {
    fn from(result: ManualRetryResult) -> Self {
        let ManualRetryResult { accepted, refused } = result;
        let texts = |ids: Vec<LogId>| ids.iter().map(LogId::to_string).collect();
        Self {
            accepted: texts(accepted),
            refused: texts(refused),
        }
    }
}
