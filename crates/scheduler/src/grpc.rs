//! The gRPC service.

use std::sync::Arc;

use ig_core::clock::Clock;
use ig_core::error_kind::ErrorKind;
use ig_core::ports::StoreError;
use ig_core::scheduled::{CancelDelivery, PreviewSchedule, RescheduleDelivery};
use ig_proto::v1::scheduler_service_server::SchedulerService;
use ig_proto::{InvalidMessage, status, v1};
use ig_store::{ChangeOutcome, ScheduledDeliveries};
use tonic::{Request, Response, Status};

use crate::wake_signal::WakeSignal;

/// Implements `SchedulerService`.
pub(crate) struct SchedulerGrpc {
    store: ScheduledDeliveries,
    wake: WakeSignal,
    clock: Arc<dyn Clock>,
}

impl SchedulerGrpc {
    /// A service that changes rows and wakes the poller.
    pub(crate) fn new(store: ScheduledDeliveries, wake: WakeSignal, clock: Arc<dyn Clock>) -> Self {
        Self { store, wake, clock }
    }
}

fn parse<W, T: TryFrom<W, Error = InvalidMessage>>(request: Request<W>) -> Result<T, Status> {
    Ok(request.into_inner().try_into()?)
}

#[tonic::async_trait]
impl SchedulerService for SchedulerGrpc {
    async fn cancel(&self, request: Request<v1::CancelRequest>) -> Result<Response<v1::CancelResponse>, Status> {
        let CancelDelivery { org_id, id, reason } = parse(request)?;
        let changed = self.store.cancel(org_id, id, &reason, self.clock.now()).await;
        into_status(changed)?;
        Ok(Response::new(v1::CancelResponse {}))
    }

    async fn reschedule(&self, request: Request<v1::RescheduleRequest>) -> Result<Response<v1::RescheduleResponse>, Status> {
        let RescheduleDelivery { org_id, id, at } = parse(request)?;
        let now = self.clock.now();
        // A past time from a person means now, not long overdue.
        let at = at.max(now);
        let changed = self.store.reschedule(org_id, id, at, now).await;
        into_status(changed)?;
        self.wake.signal_at(at);
        Ok(Response::new(v1::RescheduleResponse {}))
    }

    async fn preview(&self, request: Request<v1::PreviewRequest>) -> Result<Response<v1::PreviewResponse>, Status> {
        let preview: PreviewSchedule = parse(request)?;
        let times = preview.times(self.clock.now());
        let times = times.map_err(|reason| status(ErrorKind::Invalid, reason))?;
        Ok(Response::new(times.into()))
    }

    async fn nudge(&self, request: Request<v1::SchedulerNudgeRequest>) -> Result<Response<v1::SchedulerNudgeResponse>, Status> {
        let earliest = request.into_inner().earliest()?;
        self.wake.signal_at(earliest.unwrap_or_else(|| self.clock.now()));
        Ok(Response::new(v1::SchedulerNudgeResponse {}))
    }
}

fn into_status(changed: Result<ChangeOutcome, StoreError>) -> Result<(), Status> {
    match changed {
        Ok(ChangeOutcome::Done) => Ok(()),
        Ok(ChangeOutcome::NotFound) => Err(status(ErrorKind::NotFound, "the organisation has no such scheduled delivery")),
        Ok(ChangeOutcome::Ended(how)) => Err(status(
            ErrorKind::Stale,
            format!("It is pending no more: it is {}", how.as_str()),
        )),
        Ok(ChangeOutcome::UnderWay) => Err(status(ErrorKind::Stale, "It is being delivered just now")),
        Err(error) => Err(store_status(&error)),
    }
}

fn store_status(error: &StoreError) -> Status {
    tracing::warn!(%error, "a scheduled delivery could not be changed");
    match error {
        StoreError::Unavailable(_) => status(ErrorKind::Unavailable, "the database is unavailable"),
        StoreError::Refused(_) => status(ErrorKind::Internal, "the database refused"),
    }
}
