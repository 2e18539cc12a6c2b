//! Raises alerts for abandoned dead letters. The owed alert is stored with the dead letter, so an outage of the alerter only delays it.

use std::collections::BTreeMap;
use std::time::Duration;

use ig_core::alert::{Alert, Severity};
use ig_core::id::{IntegrationId, OrgId};
use ig_core::ports::StoreError;
use ig_proto::v1::RaiseRequest;
use ig_proto::v1::alert_service_client::AlertServiceClient;
use ig_service::grpc::Client;
use ig_store::{DeadLetters, GivenUp};
use tokio_util::sync::CancellationToken;
use tonic::Request;

use crate::nudge::Nudge;

/// The kind of the alerts.
const KIND: &str = "dead-letters-abandoned";
/// Owed alerts per read.
const BATCH: i64 = 500;
const RAISE_TIMEOUT: Duration = Duration::from_secs(10);
/// The poll interval without a nudge.
const POLL_INTERVAL: Duration = Duration::from_secs(30);
/// Delay after the alerter or the database was unavailable.
const ERROR_DELAY: Duration = Duration::from_secs(5);

/// Raises owed alerts.
pub(crate) struct AlertLoop {
    letters: DeadLetters,
    alerter: AlertServiceClient<Client>,
    nudge: Nudge,
}

impl AlertLoop {
    /// A loop that raises alerts over the channel `alerter`.
    pub(crate) fn new(letters: DeadLetters, alerter: Client, nudge: Nudge) -> Self {
        Self {
            letters,
            alerter: AlertServiceClient::new(alerter),
            nudge,
        }
    }

    /// Raises owed alerts until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let pause = match self.raise_owed().await {
                Ok(RaiseProgress::More) => continue,
                Ok(RaiseProgress::Done) => POLL_INTERVAL,
                Ok(RaiseProgress::AlerterUnavailable) => ERROR_DELAY,
                Err(error) => {
                    tracing::warn!(%error, "what was given up cannot be looked at; trying again");
                    ERROR_DELAY
                }
            };
            self.nudge.wait_up_to(pause, &stop).await;
        }
    }

    async fn raise_owed(&self) -> Result<RaiseProgress, StoreError> {
        let owed = self.letters.pending_alerts(BATCH).await?;
        let more = i64::try_from(owed.len()).is_ok_and(|count| count == BATCH);
        for given_up in group_by_integration(owed).into_values() {
            if !self.raise(&alert_for(&given_up)).await {
                return Ok(RaiseProgress::AlerterUnavailable);
            }
            let ids: Vec<_> = given_up.iter().map(|given_up| given_up.id).collect();
            self.letters.mark_alerted(&ids).await?;
        }
        Ok(if more { RaiseProgress::More } else { RaiseProgress::Done })
    }

    async fn raise(&self, alert: &Alert) -> bool {
        let mut request = Request::new(RaiseRequest::from(alert));
        request.set_timeout(RAISE_TIMEOUT);
        let raised = self.alerter.clone().raise(request).await;
        if let Err(status) = &raised {
            tracing::warn!(%status, "no alerter took the alert; trying again");
        }
        raised.is_ok()
    }
}

/// How far the owed alerts were raised.
enum RaiseProgress {
    /// All of them.
    Done,
    /// One batch; there may be more.
    More,
    /// Not all: the alerter is unavailable.
    AlerterUnavailable,
}

fn group_by_integration(owed: Vec<GivenUp>) -> BTreeMap<(OrgId, IntegrationId), Vec<GivenUp>> {
    let mut by_integration: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for given_up in owed {
        let key = (given_up.org_id, given_up.integration_id);
        by_integration.entry(key).or_default().push(given_up);
    }
    by_integration
}

/// One alert for an integration's dead letters, of which there is at least one.
fn alert_for(given_up: &[GivenUp]) -> Alert {
    let last = given_up.iter().max_by_key(|given_up| given_up.at).unwrap_or(&given_up[0]);
    let deliveries = match given_up.len() {
        1 => "A delivery".to_owned(),
        many => format!("{many} deliveries"),
    };
    Alert {
        org_id: Some(last.org_id),
        kind: KIND.to_owned(),
        key: last.integration_id.to_string(),
        severity: Severity::Critical,
        message: format!("{deliveries} of \"{}\" given up. {}", last.integration_name, last.reason),
        at: last.at,
    }
}
