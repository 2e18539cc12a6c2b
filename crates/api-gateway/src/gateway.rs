//! What every handler works with.

use std::sync::Arc;

use ig_core::configuration::Change;
use ig_delivery::EgressGuard;
use ig_service::Context;
use ig_store::{CommitError, Expected, Store};
use ig_transform::{PayloadSchemas, Transformer};

use crate::access::Keys;
use crate::config::HttpConfig;
use crate::configuring::lookups::importing::ImportRoom;
use crate::error::{ApiError, ErrorCode};
use crate::feed::ConfigFeed;
use crate::nudge::Nudge;
use crate::retrier::Retrier;
use crate::schedulers::Schedulers;
use crate::workers::Workers;

/// The gateway's parts; clones are the same gateway.
#[derive(Debug, Clone)]
pub(crate) struct Gateway(Arc<Parts>);

#[derive(Debug)]
pub(crate) struct Parts {
    pub store: Store,
    pub feed: Arc<ConfigFeed>,
    pub keys: Keys,
    pub egress: EgressGuard,
    pub nudge: Nudge,
    pub transformer: Transformer,
    pub workers: Workers,
    pub retrier: Retrier,
    pub schedulers: Schedulers,
    pub http: HttpConfig,
    pub context: Context,
    pub schemas: PayloadSchemas,
    pub import_room: ImportRoom,
}

impl Gateway {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn feed(&self) -> &ConfigFeed {
        &self.0.feed
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    pub(crate) fn egress(&self) -> &EgressGuard {
        &self.0.egress
    }

    pub(crate) fn nudge(&self) -> &Nudge {
        &self.0.nudge
    }

    pub(crate) fn transformer(&self) -> &Transformer {
        &self.0.transformer
    }

    pub(crate) fn workers(&self) -> &Workers {
        &self.0.workers
    }

    pub(crate) fn retrier(&self) -> &Retrier {
        &self.0.retrier
    }

    pub(crate) fn schedulers(&self) -> &Schedulers {
        &self.0.schedulers
    }

    pub(crate) fn http(&self) -> &HttpConfig {
        &self.0.http
    }

    /// Where what outlives a request is run.
    pub(crate) fn context(&self) -> &Context {
        &self.0.context
    }

    pub(crate) fn schemas(&self) -> &PayloadSchemas {
        &self.0.schemas
    }

    pub(crate) fn import_room(&self) -> &ImportRoom {
        &self.0.import_room
    }

    /// Makes a change durable and sees that it comes into force; answers its revision.
    pub(crate) async fn commit(&self, change: Change, expected: Expected) -> Result<u64, ApiError> {
        let revision = self.store().configuration().commit(change, expected).await?;
        self.feed().look_now();
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
            CommitError::Store(error) => error.into(),
        }
    }
}
