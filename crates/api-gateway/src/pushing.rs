//! Pushing events: stored durably, then acknowledged, then read at once.

use std::collections::BTreeSet;

use chrono::{SubsecRound as _, Utc};
use ig_core::fault::Faults;
use ig_core::id::{EventId, OrgId, Rid};
use ig_core::ports::StoreError;
use ig_service::TraceContext;
use ig_store::{PushOutcome, PushedEvent};

use crate::document::{CheckedEvent, PushAnswer, PushStatus};
use crate::error::ApiError;
use crate::gateway::Gateway;

mod schemas;

/// Stores events and returns one answer per event, in order. `pointer` gives an event's JSON pointer in the body.
pub(crate) async fn accept(
    gateway: &Gateway,
    org: OrgId,
    events: Vec<CheckedEvent>,
    pointer: impl Fn(usize) -> String,
) -> Result<Vec<PushAnswer>, ApiError> {
    check_entities(gateway, org, &events, &pointer).await?;
    let warnings = schemas::validate(gateway, org, &events, &pointer).await?;
    let events: Vec<_> = events.into_iter().map(|event| stored_event(org, event)).collect();
    let ids: Vec<_> = events.iter().map(|event| event.event_id.to_string()).collect();
    let accepted = gateway.store().pushed_events().accept(events).await?;
    if accepted.contains(&PushOutcome::New) {
        gateway.nudge().request();
    }
    let answers = ids.into_iter().zip(accepted).zip(warnings);
    Ok(answers
        .map(|((id, accepted), warnings)| PushAnswer {
            id,
            status: accepted.into(),
            warnings,
        })
        .collect())
}

fn stored_event(org: OrgId, event: CheckedEvent) -> PushedEvent {
    let CheckedEvent {
        id,
        event_type,
        entity_rid,
        payload,
    } = event;
    let payload: Box<str> = payload.into();
    PushedEvent {
        org_id: org,
        event_id: id.unwrap_or_else(|| EventId::new(format!("evt_{:032x}", rand::random::<u128>()))),
        event_type,
        entity_rid: entity_rid.unwrap_or(org.as_entity()),
        payload: String::from(payload).into(),
        trace_parent: TraceContext::current().map(|context| context.traceparent()),
        received_at: Utc::now().trunc_subsecs(3),
    }
}

/// Refuses events about entities of other organisations.
async fn check_entities(
    gateway: &Gateway,
    org: OrgId,
    events: &[CheckedEvent],
    pointer: &impl Fn(usize) -> String,
) -> Result<(), ApiError> {
    let named: BTreeSet<Rid> = events.iter().filter_map(|event| event.entity_rid).collect();
    let mut unknown = BTreeSet::new();
    for rid in named {
        if !belongs_to_org(gateway, org, rid).await? {
            unknown.insert(rid);
        }
    }
    let mut faults = Faults::default();
    for (at, event) in events.iter().enumerate() {
        if event.entity_rid.is_some_and(|rid| unknown.contains(&rid)) {
            faults.add(
                format!("{}/entityRid", pointer(at)),
                "must be the organisation, or the rid of one of its units",
            );
        }
    }
    Ok(faults.into_result(())?)
}

async fn belongs_to_org(gateway: &Gateway, org: OrgId, rid: Rid) -> Result<bool, StoreError> {
    Ok(rid == org.as_entity() || gateway.is_unit(org, rid).await?)
}

impl From<PushOutcome> for PushStatus {
    fn from(accepted: PushOutcome) -> Self {
        match accepted {
            PushOutcome::New => Self::Accepted,
            PushOutcome::Repeated => Self::Duplicate,
            PushOutcome::Conflict => Self::Conflict,
        }
    }
}
