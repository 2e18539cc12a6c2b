//! Delivery logs: one log of a delivery with every attempt, and a trace of its steps.

use std::time::Duration;

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::header_lines::HeaderLines;
use crate::id::{EventId, EventType, IntegrationId, LogId, OrgId, SourceId};
use crate::inbound::ProxyMethod;
use crate::integration::{Target, TargetUrl};
use crate::message::MessageId;
use crate::outcome::{ErrorCategory, Failure};

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, for documents and tables.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in logs and the API.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value with this name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl $crate::named::Named for $name {
            fn all() -> &'static [Self] {
                Self::ALL
            }

            fn name(self) -> &'static str {
                self.as_str()
            }
        }
    };
}
pub(crate) use named;

named! {
    /// The status of a delivery.
    DeliveryStatus {
        /// The target accepted it.
        Success = "SUCCESS",
        /// The target or the gateway refused it, and a retry would not help; or a test delivery failed, which is not retried.
        Failed = "FAILED",
        /// Its dead letter is waiting for a retry.
        Retrying = "RETRYING",
        /// Its dead letter was given up.
        Abandoned = "ABANDONED",
        /// There was nothing to send: the script returned null, or the condition was false.
        Skipped = "SKIPPED",
    }
}

named! {
    /// The direction of a delivery.
    Direction {
        /// From the hospital's events to an outside address.
        Outbound = "OUTBOUND",
        /// From a client through the gateway to an outside API.
        Inbound = "INBOUND",
        /// From a scheduled job to an outside address.
        Scheduled = "SCHEDULED",
    }
}

named! {
    /// What triggered a delivery.
    TriggerType {
        /// An event.
        Event = "EVENT",
        /// A person.
        Manual = "MANUAL",
        /// A schedule.
        Scheduled = "SCHEDULED",
    }
}

/// The event of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRef {
    /// The source it came from.
    pub source: SourceId,
    /// Its identifier within the source.
    pub id: EventId,
    /// Its type.
    pub event_type: EventType,
    /// When its source created it.
    pub created_at: Option<Timestamp>,
}

/// The integration and action of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntegrationRef {
    /// The integration.
    pub id: IntegrationId,
    /// Its name at the time.
    pub name: String,
    /// The action's name, where the integration has named actions.
    pub action_name: Option<String>,
    /// The action's index in the sequence, from 0.
    pub action_index: u16,
}

/// The address and method of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The address.
    pub url: TargetUrl,
    /// The method.
    pub method: ProxyMethod,
}

impl From<Target> for Destination {
    fn from(target: Target) -> Self {
        let Target { url, method } = target;
        Self {
            url,
            method: method.into(),
        }
    }
}

/// A recorded body: text up to a cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyExcerpt {
    /// The recorded bytes.
    pub bytes: Bytes,
    /// Whether the body was longer.
    pub truncated: bool,
}

/// One request and its response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// The response status, if there was a response.
    pub response_status: Option<u16>,
    /// The response headers, secrets masked.
    pub response_headers: HeaderLines,
    /// The response body.
    pub response_body: Option<BodyExcerpt>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

/// A delivery with every attempt at it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryLog {
    /// Its identifier.
    pub id: LogId,
    /// The identifier of its message.
    pub message_id: MessageId,
    /// The tenant.
    pub org_id: OrgId,
    /// The integration and action.
    pub integration: IntegrationRef,
    /// The event.
    pub event: EventRef,
    /// The direction.
    pub direction: Direction,
    /// What triggered it.
    pub trigger: TriggerType,
    /// Its status.
    pub status: DeliveryStatus,
    /// Where it went.
    pub target: Destination,
    /// Every request and its response, in order; empty when nothing was sent.
    pub attempts: Vec<Attempt>,
    /// The final error, if it failed.
    pub error: Option<(ErrorCategory, String)>,
    /// The event's payload, where payloads are logged.
    pub original_payload: Option<Bytes>,
    /// The payload that was sent, where payloads are logged and it differs from the event's payload.
    pub request_payload: Option<Bytes>,
    /// The request's headers, secrets masked.
    pub request_headers: HeaderLines,
    /// The `webhook-signature` of the last attempt.
    pub signature: Option<String>,
    /// The identifier that correlates it with other systems' logs.
    pub correlation_id: String,
    /// The trace it belongs to.
    pub trace_id: String,
    /// When the gateway began it.
    pub created_at: Timestamp,
    /// When the target accepted it.
    pub delivered_at: Option<Timestamp>,
    /// When the log may be deleted.
    pub expires_at: Timestamp,
}

/// One step of a delivery's trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The name of the step, such as `transform` or `attempt`.
    pub name: &'static str,
    /// The time from the start of the delivery to the step.
    pub offset: Duration,
    /// How long it took.
    pub duration: Duration,
    /// Its result, in a few words.
    pub detail: Option<String>,
}

/// The steps of a delivery; its payloads are in the delivery log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecutionTrace {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// What scripts wrote to their console.
    pub console: Vec<String>,
}
