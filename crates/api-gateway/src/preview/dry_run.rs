//! Dry runs: what a delivery would send.

use std::time::Instant;

use bytes::Bytes;
use chrono::Utc;
use ig_core::condition::Condition;
use ig_core::event::Payload;
use ig_core::fault::Faults;
use ig_core::id::{EventId, EventType, OrgId, Rid, SourceId};
use ig_core::integration::{Integration, PlannedAction};
use ig_core::message::MessageId;
use ig_delivery::{Message, Template};
use ig_transform::script::Purpose;
use ig_transform::{CompiledCondition, CompiledShape, Refusal, Subject, TransformError, Transformer, Verdict, WithConsole};

use super::{MANUAL_SOURCE, check_action, event_type_of, load_payload, load_sample};
use crate::document::{Preview, PreviewError, PreviewRequest, PreviewStatus, PreviewStep, PreviewedRequest, milliseconds};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::resources::integrations;

const SIGNATURE: &str = "webhook-signature";
/// Replaces the signature.
const SIGNATURE_PLACEHOLDER: &str = "v1,(signed when it is sent)";

/// Does everything that a delivery does, except sending.
pub(crate) async fn run(gateway: &Gateway, org: OrgId, request: PreviewRequest) -> Result<Preview, ApiError> {
    let PreviewRequest {
        integration,
        integration_id,
        action_index,
        payload: given,
        event_id,
        event_type,
        entity_rid,
    } = request;
    let integration = integrations::load_draft(gateway, org, integration, integration_id.as_deref()).await?;
    let index = check_action(&integration, action_index.unwrap_or(0))?;
    let text = match load_payload(gateway, org, given, event_id).await? {
        Some(text) => text,
        None => load_sample(gateway, &integration).await?.ok_or_else(|| {
            ApiError::fault(
                "/payload",
                "is required, unless eventId or a sample of the event type is there",
            )
        })?,
    };
    let payload = Payload::parse(text).map_err(|error| ApiError::fault("/payload", error.to_string()))?;
    let event_type = event_type.map_or_else(|| event_type_of(&integration), EventType::new);
    let subject = Subject {
        org_id: org,
        entity_rid: entity_rid.map_or(integration.tenant_id, Rid),
        integration: integration.id,
        event_type: &event_type,
        now: Utc::now(),
    };
    let action = integration.planned_actions()[index];
    let mut dry_run = DryRun::new(gateway, &integration, &payload, subject);
    let body = match dry_run.check_schema().await {
        Ok(()) => dry_run.render_body(&action).await,
        Err(without) => Err(without),
    };
    dry_run.finish(&action, body)
}

/// A preview in the making.
struct DryRun<'a> {
    gateway: &'a Gateway,
    transformer: Transformer,
    integration: &'a Integration,
    payload: &'a Payload,
    subject: Subject<'a>,
    started: Instant,
    steps: Vec<PreviewStep>,
    console: Vec<String>,
}

/// Why there is no body.
enum Stop {
    Skipped,
    Rejected(Faults),
    Refused(Refusal),
    Failed(ApiError),
}

impl Stop {
    fn of(error: TransformError) -> Self {
        match error {
            TransformError::Refused(refusal) | TransformError::Disabled(refusal, _) => Self::Refused(refusal),
            TransformError::Unavailable(reason) => {
                tracing::warn!(reason, "a preview cannot be made");
                Self::Failed(ApiError::unavailable("It cannot be tried out now, please try again"))
            }
        }
    }
}

impl<'a> DryRun<'a> {
    fn new(gateway: &'a Gateway, integration: &'a Integration, payload: &'a Payload, subject: Subject<'a>) -> Self {
        Self {
            gateway,
            transformer: gateway.transformer().on_trial(),
            integration,
            payload,
            subject,
            started: Instant::now(),
            steps: Vec::new(),
            console: Vec::new(),
        }
    }

    /// Stops unless the event would be accepted under its schema.
    async fn check_schema(&mut self) -> Result<(), Stop> {
        let configuration = self.gateway.feed().configuration();
        let org = configuration.org(self.subject.org_id);
        let definition = org.and_then(|org| org.event_type(self.subject.event_type));
        let Some(definition) = definition.filter(|definition| definition.enforced_schema().is_some()) else {
            return Ok(());
        };
        let started = Instant::now();
        let validation = self.gateway.schemas().validate(definition, &self.payload.raw, Purpose::Trial);
        let verdict = validation.await.map_err(Stop::of)?;
        let (detail, result) = match verdict {
            Verdict::Fine => ("the payload keeps to it".to_owned(), Ok(())),
            Verdict::Warn(faults) => (format!("warning: {faults}"), Ok(())),
            Verdict::Reject(faults) => (format!("rejected: {faults}"), Err(Stop::Rejected(faults))),
        };
        self.steps.push(PreviewStep {
            name: "schema",
            detail,
            duration_ms: milliseconds(started.elapsed()),
        });
        result
    }

    async fn render_body(&mut self, action: &PlannedAction<'_>) -> Result<Bytes, Stop> {
        let integration = self.integration;
        self.check_condition("filter", integration.filter.as_ref()).await?;
        self.check_condition("condition", action.condition).await?;
        let shape = CompiledShape::compile(action.transformation, &integration.lookups, integration.script_timeout)?;
        let started = Instant::now();
        let outcome = self.transformer.shape(&shape, self.payload, &self.subject).await;
        let shaped = self.record_step("transform", started, outcome, |body| match body {
            Some(body) => format!("{} bytes", body.len()),
            None => "nothing to send".to_owned(),
        })?;
        shaped.ok_or(Stop::Skipped)
    }

    async fn check_condition(&mut self, name: &'static str, condition: Option<&Condition>) -> Result<(), Stop> {
        let Some(condition) = condition else { return Ok(()) };
        let compiled = CompiledCondition::compile(condition, self.integration.script_timeout)?;
        let started = Instant::now();
        let outcome = self
            .transformer
            .evaluate_condition(&compiled, self.payload, &self.subject)
            .await;
        let holds = self.record_step(name, started, outcome, bool::to_string)?;
        if holds { Ok(()) } else { Err(Stop::Skipped) }
    }

    fn record_step<T>(
        &mut self,
        name: &'static str,
        started: Instant,
        outcome: WithConsole<T>,
        detail: impl Fn(&T) -> String,
    ) -> Result<T, Stop> {
        let WithConsole { result, console } = outcome;
        self.console.extend(console);
        self.steps.push(PreviewStep {
            name,
            detail: result.as_ref().map_or_else(ToString::to_string, detail),
            duration_ms: milliseconds(started.elapsed()),
        });
        result.map_err(Stop::of)
    }

    fn finish(self, action: &PlannedAction<'_>, body: Result<Bytes, Stop>) -> Result<Preview, ApiError> {
        let (status, body, error) = match body {
            Ok(body) => (PreviewStatus::Ok, Some(body), None),
            Err(Stop::Skipped) => (PreviewStatus::Skipped, None, None),
            Err(Stop::Rejected(faults)) => (PreviewStatus::Error, None, Some(PreviewError::of_schema(&faults))),
            Err(Stop::Refused(refusal)) => (PreviewStatus::Error, None, Some(PreviewError::from(refusal))),
            Err(Stop::Failed(error)) => return Err(error),
        };
        Ok(Preview {
            status,
            output: body.as_ref().and_then(|body| ig_core::json::parse(body).ok()),
            error,
            request: body.map(|body| self.request(action, body)).transpose()?,
            console: self.console,
            steps: self.steps,
            duration_ms: milliseconds(self.started.elapsed()),
        })
    }

    fn request(&self, action: &PlannedAction<'_>, body: Bytes) -> Result<PreviewedRequest, ApiError> {
        let shown = String::from_utf8_lossy(&body).into_owned();
        let prepared = Template::compile(self.integration, action)?.prepare(Message {
            id: MessageId::derive(
                &SourceId::new(MANUAL_SOURCE),
                &EventId::new("preview"),
                self.integration.id,
                action.index,
            ),
            correlation_id: "preview".to_owned(),
            trace_parent: None,
            body,
        });
        let headers = prepared.sign(self.subject.now).masked_headers();
        // A signature is proof: read access to an integration must not yield one for a chosen payload.
        let shown_as = |name: &str, value: &str| if name == SIGNATURE { SIGNATURE_PLACEHOLDER } else { value }.to_owned();
        Ok(PreviewedRequest {
            method: action.target.method.as_str(),
            url: action.target.url.to_string(),
            headers: headers
                .iter()
                .map(|(name, value)| (name.to_owned(), shown_as(name, value)))
                .collect(),
            body: shown,
        })
    }
}

impl From<Faults> for Stop {
    fn from(faults: Faults) -> Self {
        Self::Failed(faults.into())
    }
}
