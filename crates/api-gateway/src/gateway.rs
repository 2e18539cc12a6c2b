//! The state that handlers work with.

use std::sync::Arc;

use ig_core::configuration::Change;
use ig_delivery::EgressGuard;
use ig_service::Context;
use ig_store::{CommitError, Expected, Store};
use ig_transform::{PayloadSchemas, Transformer};
use serde_json::Value;

use crate::access::{ApiKeys, Caller, Sessions};
use crate::config::HttpConfig;
use crate::error::{ApiError, ErrorCode};
use crate::feed::ConfigFeed;
use crate::job_client::JobClient;
use crate::limits::RateLimits;
use crate::nudge::Nudge;
use crate::peer_services::PeerServices;
use crate::proxying::Proxying;
use crate::resources::lookups::importing::ImportSlots;
use crate::resources::size;
use crate::retrier_client::RetrierClient;
use crate::scheduler_client::SchedulerClient;
use crate::worker_client::WorkerClient;

/// The router's state. Handlers get a [`Gateway`] only through the extractors of [`crate::access`], so a handler that decides nothing
/// about access has nothing to work with.
#[derive(Debug, Clone)]
pub(crate) struct AppState(Arc<AppParts>);

/// The gateway's parts, on behalf of one caller.
#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    parts: Arc<AppParts>,
    caller: Caller,
}

#[derive(Debug)]
pub(crate) struct AppParts {
    pub store: Store,
    pub feed: Arc<ConfigFeed>,
    pub keys: ApiKeys,
    pub sessions: Sessions,
    pub limits: RateLimits,
    pub system_configuration: Value,
    pub egress: EgressGuard,
    pub nudge: Nudge,
    pub transformer: Transformer,
    pub proxying: Arc<Proxying>,
    pub workers: WorkerClient,
    pub retrier: RetrierClient,
    pub schedulers: SchedulerClient,
    pub jobs: JobClient,
    pub peers: PeerServices,
    pub http: HttpConfig,
    pub context: Context,
    pub schemas: Arc<PayloadSchemas>,
    pub import_slots: ImportSlots,
}

impl AppState {
    pub(crate) fn new(parts: AppParts) -> Self {
        Self(Arc::new(parts))
    }

    /// The gateway on behalf of a caller.
    pub(crate) fn on_behalf_of(&self, caller: Caller) -> Gateway {
        Gateway {
            parts: Arc::clone(&self.0),
            caller,
        }
    }

    pub(crate) fn keys(&self) -> &ApiKeys {
        &self.0.keys
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    pub(crate) fn limits(&self) -> &RateLimits {
        &self.0.limits
    }

    pub(crate) fn http(&self) -> &HttpConfig {
        &self.0.http
    }
}

impl Gateway {
    /// The sessions of logged-in people.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.parts.sessions
    }

    /// The API keys of callers.
    pub(crate) fn keys(&self) -> &ApiKeys {
        &self.parts.keys
    }

    /// The request limits.
    pub(crate) fn limits(&self) -> &RateLimits {
        &self.parts.limits
    }

    /// The configuration that this process was started with, secrets masked.
    pub(crate) fn system_configuration(&self) -> &Value {
        &self.parts.system_configuration
    }

    /// The caller of the request.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(crate) fn store(&self) -> &Store {
        &self.parts.store
    }

    pub(crate) fn feed(&self) -> &ConfigFeed {
        &self.parts.feed
    }

    pub(crate) fn egress(&self) -> &EgressGuard {
        &self.parts.egress
    }

    pub(crate) fn nudge(&self) -> &Nudge {
        &self.parts.nudge
    }

    pub(crate) fn transformer(&self) -> &Transformer {
        &self.parts.transformer
    }

    /// The proxy of runtime calls.
    pub(crate) fn proxying(&self) -> &Arc<Proxying> {
        &self.parts.proxying
    }

    pub(crate) fn workers(&self) -> &WorkerClient {
        &self.parts.workers
    }

    pub(crate) fn retrier(&self) -> &RetrierClient {
        &self.parts.retrier
    }

    pub(crate) fn schedulers(&self) -> &SchedulerClient {
        &self.parts.schedulers
    }

    pub(crate) fn jobs(&self) -> &JobClient {
        &self.parts.jobs
    }

    pub(crate) fn peers(&self) -> &PeerServices {
        &self.parts.peers
    }

    pub(crate) fn http(&self) -> &HttpConfig {
        &self.parts.http
    }

    /// The context that runs tasks which outlive a request.
    pub(crate) fn context(&self) -> &Context {
        &self.parts.context
    }

    pub(crate) fn schemas(&self) -> &PayloadSchemas {
        &self.parts.schemas
    }

    pub(crate) fn import_slots(&self) -> &ImportSlots {
        &self.parts.import_slots
    }

    /// Commits a change and waits briefly until it is in force; returns its revision.
    pub(crate) async fn commit(&self, change: Change, expected: Expected) -> Result<u64, ApiError> {
        let configuration = self.store().configuration().on_behalf_of(self.caller.actor());
        let revision = match configuration.commit(change.clone(), expected).await {
            Err(CommitError::TooLarge { bytes }) => return Err(size::too_large(change, bytes)),
            Err(CommitError::Full) => return Err(size::quota_exceeded(change)),
            committed => committed?,
        };
        self.feed().wait_until_in_force(revision).await;
        Ok(revision)
    }
}

impl From<CommitError> for ApiError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::NotFound => Self::not_found("Resource"),
            CommitError::Stale { current } => Self::new(
                ErrorCode::PreconditionFailed,
                format!("It has changed since it was read: it is at revision {current}"),
            ),
            CommitError::Duplicate { what } => Self::new(ErrorCode::Conflict, format!("This {what} is already taken")),
            CommitError::NumberHeld { number } => Self::new(
                ErrorCode::Conflict,
                format!(
                    "The number {number} was an organisation's that is deleted, and what it had is still being removed: it is free when GET \
                     /api/v1/admin/orgs/{number}/deletion says DONE"
                ),
            ),
            CommitError::TooLarge { .. } | CommitError::Full => Self::new(ErrorCode::PayloadTooLarge, error.to_string()),
            CommitError::Store(error) => error.into(),
        }
    }
}
