//! What is written down of a delivery: one log with every attempt, and a trace of its steps.

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

            /// As logs and the API write it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value of this name.
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
    /// Where a delivery stands.
    DeliveryStatus {
        /// The target took it.
        Success = "SUCCESS",
        /// The target or the gateway refused it, and trying again would not help.
        Failed = "FAILED",
        /// Its dead letter is due again.
        Retrying = "RETRYING",
        /// Its dead letter was given up.
        Abandoned = "ABANDONED",
        /// Nothing was to be sent: the script returned null, or the condition was false.
        Skipped = "SKIPPED",
    }
}

named! {
    /// Which way a delivery goes.
    Direction {
        /// From the hospital's events to an outside address.
        Outbound = "OUTBOUND",
        /// From a client through the gateway to an outside API.
        Inbound = "INBOUND",
    }
}

named! {
    /// What caused a delivery.
    TriggerType {
        /// An event.
        Event = "EVENT",
        /// A person.
        Manual = "MANUAL",
        /// The clock.
        Scheduled = "SCHEDULED",
    }
}

/// Which event a delivery is about.
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

/// Which integration, and which of its actions, a delivery is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntegrationRef {
    /// The integration.
    pub id: IntegrationId,
    /// Its name at the time.
    pub name: String,
    /// The action's name, where the integration has named actions.
    pub action_name: Option<String>,
    /// The action's place in the sequence, from 0.
    pub action_index: u16,
}

/// Where a request went and by which method.
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

/// A body as kept: text up to a cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptBody {
    /// The bytes that were kept.
    pub bytes: Bytes,
    /// Whether there was more.
    pub truncated: bool,
}

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// The answered status, if there was an answer.
    pub response_status: Option<u16>,
    /// The answered headers, secrets masked.
    pub response_headers: HeaderLines,
    /// The answered body.
    pub response_body: Option<KeptBody>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

/// A delivery with every attempt at it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryLog {
    /// Its identifier.
    pub id: LogId,
    /// The message's identifier.
    pub message_id: MessageId,
    /// The tenant.
    pub org_id: OrgId,
    /// What it is for.
    pub integration: IntegrationRef,
    /// What it is about.
    pub event: EventRef,
    /// Which way it goes.
    pub direction: Direction,
    /// What caused it.
    pub trigger: TriggerType,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Where it went.
    pub target: Destination,
    /// Every request and its answer, in order; none when nothing was sent.
    pub attempts: Vec<Attempt>,
    /// Why it failed in the end, if it did.
    pub error: Option<(ErrorCategory, String)>,
    /// The event's payload, where payloads are kept.
    pub original_payload: Option<Bytes>,
    /// What was sent, where payloads are kept and it differs from the event's payload.
    pub request_payload: Option<Bytes>,
    /// The request's headers, secrets masked.
    pub request_headers: HeaderLines,
    /// The `webhook-signature` of the last attempt.
    pub signature: Option<String>,
    /// What ties it to other systems' logs.
    pub correlation_id: String,
    /// The trace it belongs to.
    pub trace_id: String,
    /// When the gateway took it up.
    pub created_at: Timestamp,
    /// When the target took it.
    pub delivered_at: Option<Timestamp>,
    /// When it may be forgotten.
    pub expires_at: Timestamp,
}

/// One step of a delivery's trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was done, such as `transform` or `attempt`.
    pub name: &'static str,
    /// How long after the start of the delivery.
    pub offset: Duration,
    /// How long it took.
    pub duration: Duration,
    /// What came of it, in a few words.
    pub detail: Option<String>,
}

/// The steps of a delivery; its payloads are in the delivery log that it names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecutionTrace {
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// What scripts wrote to their console.
    pub console: Vec<String>,
}
