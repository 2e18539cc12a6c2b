//! Delivery orders and their outcomes.

use std::time::Duration;

use ig_core::delivery_command::{CommandOutcome, CommandReport, DeliveryCommand};
use ig_core::delivery_log::TriggerType;
use ig_core::id::{EventId, EventType, OrgId, Rid, SourceId};
use ig_core::outcome::ErrorCategory;

use crate::invalid::{InvalidMessage, Within as _};
use crate::time::{duration_from_wire, duration_to_wire, timestamp_from_wire, timestamp_to_wire};
use crate::v1;

impl From<&DeliveryCommand> for v1::DeliverRequest {
    fn from(command: &DeliveryCommand) -> Self {
        let DeliveryCommand {
            org_id,
            integration,
            action_index,
            message_id,
            source,
            event_id,
            event_type,
            entity_rid,
            event_created_at,
            payload,
            trigger,
            claim_id,
        } = command;
        Self {
            org_id: org_id.0,
            integration_id: integration.to_string(),
            action_index: u32::from(*action_index),
            message_id: message_id.to_string(),
            source: source.to_string(),
            event_id: event_id.to_string(),
            event_type: event_type.to_string(),
            entity_rid: entity_rid.0,
            event_created_at: event_created_at.as_ref().map(timestamp_to_wire),
            payload: payload.clone(),
            trigger: trigger_to_wire(*trigger).into(),
            claim_id: claim_id.clone(),
        }
    }
}

impl TryFrom<v1::DeliverRequest> for DeliveryCommand {
    type Error = InvalidMessage;

    fn try_from(message: v1::DeliverRequest) -> Result<Self, InvalidMessage> {
        let v1::DeliverRequest {
            org_id,
            integration_id,
            action_index,
            message_id,
            source,
            event_id,
            event_type,
            entity_rid,
            event_created_at,
            payload,
            trigger,
            claim_id,
        } = message;
        Ok(Self {
            org_id: OrgId(org_id),
            integration: integration_id.parse().within("integration_id")?,
            action_index: u16::try_from(action_index)
                .map_err(|_| InvalidMessage::value("must be at most 65,535"))
                .within("action_index")?,
            message_id: message_id.parse().within("message_id")?,
            source: SourceId::new(source),
            event_id: EventId::new(event_id),
            event_type: EventType::new(event_type),
            entity_rid: Rid(entity_rid),
            event_created_at: event_created_at
                .map(|at| timestamp_from_wire(Some(at), "event_created_at"))
                .transpose()?,
            payload,
            trigger: trigger_from_wire(trigger).within("trigger")?,
            claim_id,
        })
    }
}

impl From<&CommandReport> for v1::DeliverResponse {
    fn from(report: &CommandReport) -> Self {
        let CommandReport {
            outcome,
            error,
            response_status,
            retry_after,
            log_id,
        } = report;
        let (category, message) = error.clone().unzip();
        Self {
            outcome: outcome_to_wire(*outcome).into(),
            error_category: category.map(ErrorCategory::as_str).unwrap_or_default().to_owned(),
            error_message: message.unwrap_or_default(),
            response_status: response_status.map(u32::from),
            retry_after: retry_after.map(duration_to_wire),
            delivery_log_id: log_id.to_string(),
            // The report lacks it; a process with the configuration adds it.
            next_action_after: None,
        }
    }
}

impl TryFrom<v1::DeliverResponse> for CommandReport {
    type Error = InvalidMessage;

    fn try_from(message: v1::DeliverResponse) -> Result<Self, InvalidMessage> {
        let v1::DeliverResponse {
            outcome,
            error_category,
            error_message,
            response_status,
            retry_after,
            delivery_log_id,
            next_action_after: _,
        } = message;
        Ok(Self {
            outcome: outcome_from_wire(outcome).within("outcome")?,
            error: category_from_wire(&error_category)
                .within("error_category")?
                .map(|category| (category, error_message)),
            response_status: response_status
                .map(u16::try_from)
                .transpose()
                .map_err(|_| InvalidMessage::value("must be a status of HTTP"))
                .within("response_status")?,
            retry_after: retry_after
                .map(|span| duration_from_wire(Some(span), "retry_after"))
                .transpose()?,
            log_id: delivery_log_id.parse().within("delivery_log_id")?,
        })
    }
}

impl v1::DeliverResponse {
    /// The same response with the pause before the integration's next action, if it has one.
    #[must_use]
    pub fn before_next_action(self, pause: Option<Duration>) -> Self {
        Self {
            next_action_after: pause.map(duration_to_wire),
            ..self
        }
    }

    /// The pause before the integration's next action, if it has one.
    pub fn next_action(&self) -> Result<Option<Duration>, InvalidMessage> {
        let pause = self.next_action_after;
        pause
            .map(|pause| duration_from_wire(Some(pause), "next_action_after"))
            .transpose()
    }
}

fn trigger_to_wire(trigger: TriggerType) -> v1::Trigger {
    match trigger {
        TriggerType::Event => v1::Trigger::Event,
        TriggerType::Manual => v1::Trigger::Manual,
        TriggerType::Scheduled => v1::Trigger::Scheduled,
    }
}

fn trigger_from_wire(trigger: i32) -> Result<TriggerType, InvalidMessage> {
    match v1::Trigger::try_from(trigger) {
        Ok(v1::Trigger::Event) => Ok(TriggerType::Event),
        Ok(v1::Trigger::Manual) => Ok(TriggerType::Manual),
        Ok(v1::Trigger::Scheduled) => Ok(TriggerType::Scheduled),
        Ok(v1::Trigger::Unspecified) | Err(_) => Err(InvalidMessage::value("must be EVENT, MANUAL or SCHEDULED")),
    }
}

fn outcome_to_wire(outcome: CommandOutcome) -> v1::Outcome {
    match outcome {
        CommandOutcome::Delivered => v1::Outcome::Delivered,
        CommandOutcome::Skipped => v1::Outcome::Skipped,
        CommandOutcome::Retryable => v1::Outcome::Retryable,
        CommandOutcome::Refused => v1::Outcome::Refused,
        CommandOutcome::Held => v1::Outcome::Held,
    }
}

fn outcome_from_wire(outcome: i32) -> Result<CommandOutcome, InvalidMessage> {
    match v1::Outcome::try_from(outcome) {
        Ok(v1::Outcome::Delivered) => Ok(CommandOutcome::Delivered),
        Ok(v1::Outcome::Skipped) => Ok(CommandOutcome::Skipped),
        Ok(v1::Outcome::Retryable) => Ok(CommandOutcome::Retryable),
        Ok(v1::Outcome::Refused) => Ok(CommandOutcome::Refused),
        Ok(v1::Outcome::Held) => Ok(CommandOutcome::Held),
        Ok(v1::Outcome::Unspecified) | Err(_) => Err(InvalidMessage::value("must be an outcome")),
    }
}

/// An empty text means success.
fn category_from_wire(text: &str) -> Result<Option<ErrorCategory>, InvalidMessage> {
    if text.is_empty() {
        return Ok(None);
    }
    let category = ErrorCategory::parse(text);
    category
        .map(Some)
        .ok_or_else(|| InvalidMessage::value("must be a category of error"))
}
