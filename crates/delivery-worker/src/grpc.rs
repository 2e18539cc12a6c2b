//! The worker's gRPC service.

use std::sync::Arc;
use std::time::Duration;

use ig_core::delivery_command::DeliveryCommand;
use ig_core::error_kind::ErrorKind;
use ig_core::id::IntegrationId;
use ig_core::ports::StoreError;
use ig_proto::v1::delivery_service_server::DeliveryService;
use ig_proto::v1::{DeliverRequest, DeliverResponse, NudgeRequest, NudgeResponse};
use ig_proto::{InvalidMessage, status};
use tonic::{Request, Response, Status};

use crate::delivery_commands::{CommandError, CommandTasks};
use crate::live_configuration::LiveConfiguration;
use crate::reader::SourceState;

/// Implements `DeliveryService`.
pub(crate) struct DeliveryGrpc {
    commands: Arc<CommandTasks>,
    sources: Vec<Arc<SourceState>>,
    configuration: Arc<LiveConfiguration>,
}

impl DeliveryGrpc {
    /// Executes commands, and wakes these sources on a nudge.
    pub(crate) fn new(
        commands: Arc<CommandTasks>,
        sources: Vec<Arc<SourceState>>,
        configuration: Arc<LiveConfiguration>,
    ) -> Self {
        Self {
            commands,
            sources,
            configuration,
        }
    }

    /// The pause before the integration's next action, if there is one.
    fn pause_before_next_action(&self, integration: IntegrationId, action_index: u16) -> Option<Duration> {
        let compiled = self.configuration.integration(integration)?;
        let has_next = usize::from(action_index) + 1 < compiled.actions.len();
        has_next.then_some(compiled.integration.multi_action_delay)
    }
}

#[tonic::async_trait]
impl DeliveryService for DeliveryGrpc {
    async fn deliver(&self, request: Request<DeliverRequest>) -> Result<Response<DeliverResponse>, Status> {
        let order: DeliveryCommand = request
            .into_inner()
            .try_into()
            .map_err(|error: InvalidMessage| Status::from(error))?;
        let (integration, action_index) = (order.integration, order.action_index);
        let result = self.commands.execute(order).await;
        let report = result.as_ref().as_ref().map_err(to_status)?;
        let pause = self.pause_before_next_action(integration, action_index);
        Ok(Response::new(DeliverResponse::from(report).before_next_action(pause)))
    }

    async fn nudge(&self, request: Request<NudgeRequest>) -> Result<Response<NudgeResponse>, Status> {
        let source = request.into_inner().source;
        for state in self.sources.iter().filter(|state| state.source.id().as_str() == source) {
            state.nudge.notify_one();
        }
        Ok(Response::new(NudgeResponse {}))
    }
}

fn to_status(error: &CommandError) -> Status {
    let kind = match error {
        CommandError::NoSuchIntegration | CommandError::NoSuchAction(_) => ErrorKind::NotFound,
        CommandError::InvalidPayload(_) => ErrorKind::Invalid,
        CommandError::Unavailable | CommandError::Store(StoreError::Unavailable(_)) => ErrorKind::Unavailable,
        CommandError::Store(StoreError::Refused(_)) => ErrorKind::Internal,
    };
    status(kind, error.to_string())
}
