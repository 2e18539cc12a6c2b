//! Tells people of what was given up. The debt is stored with the dead letter: an alerter that is away is told later.

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

/// The kind of these alerts.
const KIND: &str = "dead-letters-abandoned";
/// What one look takes in.
const AT_ONCE: i64 = 500;
const PATIENCE: Duration = Duration::from_secs(10);
/// How often to look when nobody says that something was given up.
const LOOK: Duration = Duration::from_secs(30);
/// How long to wait for an alerter or a database that is away.
const AFTER_ERROR: Duration = Duration::from_secs(5);

/// Tells people of what was given up.
pub(crate) struct Alerting {
    letters: DeadLetters,
    alerter: AlertServiceClient<Client>,
    nudge: Nudge,
}

impl Alerting {
    /// Tells the alerter behind a channel.
    pub(crate) fn new(letters: DeadLetters, alerter: Client, nudge: Nudge) -> Self {
        Self {
            letters,
            alerter: AlertServiceClient::new(alerter),
            nudge,
        }
    }

    /// Tells until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let pause = match self.tell().await {
                Ok(Told::More) => continue,
                Ok(Told::All) => LOOK,
                Ok(Told::NobodyListens) => AFTER_ERROR,
                Err(error) => {
                    tracing::warn!(%error, "what was given up cannot be looked at; trying again");
                    AFTER_ERROR
                }
            };
            self.nudge.or_after(pause, &stop).await;
        }
    }

    async fn tell(&self) -> Result<Told, StoreError> {
        let owed = self.letters.alerts_owed(AT_ONCE).await?;
        let more = i64::try_from(owed.len()).is_ok_and(|count| count == AT_ONCE);
        for given_up in by_integration(owed).into_values() {
            if !self.raise(&alert(&given_up)).await {
                return Ok(Told::NobodyListens);
            }
            let ids: Vec<_> = given_up.iter().map(|given_up| given_up.id).collect();
            self.letters.alerted(&ids).await?;
        }
        Ok(if more { Told::More } else { Told::All })
    }

    async fn raise(&self, alert: &Alert) -> bool {
        let mut request = Request::new(RaiseRequest::from(alert));
        request.set_timeout(PATIENCE);
        let raised = self.alerter.clone().raise(request).await;
        if let Err(status) = &raised {
            tracing::warn!(%status, "no alerter took the alert; trying again");
        }
        raised.is_ok()
    }
}

/// How far people were told.
enum Told {
    /// Of everything.
    All,
    /// Of as much as one look takes in.
    More,
    /// The alerter is away.
    NobodyListens,
}

fn by_integration(owed: Vec<GivenUp>) -> BTreeMap<(OrgId, IntegrationId), Vec<GivenUp>> {
    let mut by_integration: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for given_up in owed {
        let key = (given_up.org_id, given_up.integration_id);
        by_integration.entry(key).or_default().push(given_up);
    }
    by_integration
}

/// One alert for an integration's dead letters, which are never none.
fn alert(given_up: &[GivenUp]) -> Alert {
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
