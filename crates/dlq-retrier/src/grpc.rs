//! The gRPC service.

use std::sync::Arc;

use ig_core::clock::Clock;
use ig_core::dead_letter_retry::ManualRetry;
use ig_core::error_kind::ErrorKind;
use ig_core::id::RedriveId;
use ig_core::ports::StoreError;
use ig_core::redrive::{Redrive, RedriveKey, RedriveOrder, RedriveProgress, RedriveState};
use ig_proto::v1::dlq_service_server::DlqService;
use ig_proto::{InvalidMessage, status, v1};
use ig_store::{DeadLetters, Redrives};
use tonic::{Request, Response, Status};

use crate::nudge::Nudge;

/// Implements `DlqService`: stores requests and wakes the loop that executes them.
pub(crate) struct DlqGrpc {
    /// The dead letters.
    pub(crate) letters: DeadLetters,
    /// The redrives.
    pub(crate) redrives: Redrives,
    /// Wakes the retry loop.
    pub(crate) retry_nudge: Nudge,
    /// Wakes the redrive loop.
    pub(crate) redrive_nudge: Nudge,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
}

#[tonic::async_trait]
impl DlqService for DlqGrpc {
    async fn retry(&self, request: Request<v1::RetryRequest>) -> Result<Response<v1::RetryResponse>, Status> {
        let retry: ManualRetry = parse(request)?;
        let granted = self.letters.retry_manually(&retry, self.clock.now()).await;
        let granted = granted.map_err(|error| store_status(&error))?;
        self.retry_nudge.wake();
        Ok(Response::new((&granted).into()))
    }

    async fn start_redrive(&self, request: Request<v1::StartRedriveRequest>) -> Result<Response<v1::Redrive>, Status> {
        let redrive = self.redrives.start(self.new_redrive(parse(request)?)).await;
        let redrive = redrive.map_err(|error| store_status(&error))?;
        self.redrive_nudge.wake();
        Ok(Response::new((&redrive).into()))
    }

    async fn get_redrive(&self, request: Request<v1::GetRedriveRequest>) -> Result<Response<v1::Redrive>, Status> {
        let key: RedriveKey = parse(request)?;
        redrive_response(self.redrives.get(key).await)
    }

    async fn cancel_redrive(&self, request: Request<v1::CancelRedriveRequest>) -> Result<Response<v1::Redrive>, Status> {
        let key: RedriveKey = parse(request)?;
        let cancelled = redrive_response(self.redrives.cancel(key, self.clock.now()).await)?;
        self.redrive_nudge.wake();
        Ok(cancelled)
    }

    async fn nudge(&self, _: Request<v1::DlqNudgeRequest>) -> Result<Response<v1::DlqNudgeResponse>, Status> {
        self.retry_nudge.wake();
        self.redrive_nudge.wake();
        Ok(Response::new(v1::DlqNudgeResponse {}))
    }
}

impl DlqGrpc {
    fn new_redrive(&self, order: RedriveOrder) -> Redrive {
        let RedriveOrder { org_id, filter } = order;
        Redrive {
            key: RedriveKey {
                org_id,
                id: RedriveId(rand::random()),
            },
            filter,
            state: RedriveState::Running,
            progress: RedriveProgress::default(),
            created_at: self.clock.now(),
            ended_at: None,
        }
    }
}

fn parse<W, T>(request: Request<W>) -> Result<T, Status>
where
    T: TryFrom<W, Error = InvalidMessage>,
{
    request.into_inner().try_into().map_err(Status::from)
}

fn redrive_response(redrive: Result<Option<Redrive>, StoreError>) -> Result<Response<v1::Redrive>, Status> {
    let redrive = redrive.map_err(|error| store_status(&error))?;
    redrive
        .map(|redrive| Response::new((&redrive).into()))
        .ok_or_else(|| status(ErrorKind::NotFound, "the organisation has no such redrive"))
}

fn store_status(error: &StoreError) -> Status {
    let kind = match error {
        StoreError::Unavailable(_) => ErrorKind::Unavailable,
        StoreError::Refused(_) => ErrorKind::Internal,
    };
    tracing::warn!(%error, "what was wanted of dead letters could not be written down");
    status(kind, "the dead letters cannot be reached now")
}
