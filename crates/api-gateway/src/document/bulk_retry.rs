//! Many dead letters to be tried again, as clients ask for it.

use std::collections::HashSet;

use ig_core::fault::Faults;
use ig_core::id::{LogId, NotAnObjectId, OrgId};
use ig_core::redelivery::{Granted, Wish};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::text::noted;
use crate::body::shaped;

/// Dead letters to be tried again now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BulkRetry {
    /// Their identifiers.
    #[schema(min_items = 1, max_items = 100)]
    ids: Vec<String>,
}
shaped!(BulkRetry);

/// What was made due.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BulkRetried {
    /// Those that were.
    accepted: Vec<String>,
    /// Those that were not: unknown, delivered, being tried at this moment, or waiting for their turn in a redrive.
    refused: Vec<String>,
}

impl BulkRetry {
    /// What is wished for an organisation.
    pub(crate) fn wish(self, org: OrgId) -> Result<Wish, Faults> {
        let mut faults = Faults::default();
        let numbered = self.ids.iter().enumerate();
        let ids: Vec<Option<LogId>> = numbered
            .map(|(at, id)| noted(&mut faults, &format!("/ids/{at}"), log_id(id)))
            .collect();
        faults.into_result(Wish {
            org_id: org,
            ids: each_once(ids.into_iter().flatten()),
        })
    }
}

fn each_once(ids: impl Iterator<Item = LogId>) -> Vec<LogId> {
    let mut seen = HashSet::new();
    ids.filter(|id| seen.insert(*id)).collect()
}

fn log_id(text: &str) -> Result<LogId, Faults> {
    text.parse()
        .map_err(|error: NotAnObjectId| Faults::one("", error.to_string()))
}

impl From<Granted> for BulkRetried {
    fn from(granted: Granted) -> Self {
        let Granted { accepted, refused } = granted;
        let texts = |ids: Vec<LogId>| ids.iter().map(LogId::to_string).collect();
        Self {
            accepted: texts(accepted),
            refused: texts(refused),
        }
    }
}
