//! From a source's row to what is to be done about it.

use std::sync::Arc;

use chrono::TimeDelta;
use ig_core::audit::SkipReason;
use ig_core::clock::Timestamp;
use ig_core::event::{Event, Payload, RowPayload, SourceRow};
use ig_core::event_type::EventTypeDefinition;
use ig_core::id::{EventId, EventType, OrgId, Rid, SourceId};
use ig_core::ports::{EventSource, SourceError};
use ig_core::stream::Stream;
use ig_transform::Verdict;

use crate::admitted_event::Judged;
use crate::compiled::LiveConfiguration;
use crate::config::WorkerConfig;
use crate::decision_lookup::Earlier;
use crate::metrics;

/// A row whose tenant was looked up; nothing else about it has been checked.
#[derive(Debug)]
pub(crate) struct Addressed {
    /// The row.
    pub row: SourceRow,
    /// Its tenant, if one is known.
    pub org_id: Option<OrgId>,
    /// The stream that it belongs to.
    pub stream: Stream,
    /// What an earlier holder of its partition decided about it.
    pub earlier: Option<Earlier>,
}

impl Addressed {
    /// The event's identifier within its source.
    pub(crate) fn event_id(&self) -> EventId {
        self.row
            .event_id
            .clone()
            .unwrap_or_else(|| EventId::new(self.row.position.to_string()))
    }

    /// The event's type, where it has one.
    pub(crate) fn event_type(&self) -> Option<EventType> {
        let text = self.row.event_type.as_deref().map(str::trim)?;
        (!text.is_empty()).then(|| EventType::new(text))
    }
}

/// Why a row is no event to be delivered, with more about it.
pub(crate) type Skip = (SkipReason, Option<String>);

/// Reads rows the way the configuration says.
#[derive(Debug)]
pub(crate) struct Intake {
    configuration: Arc<LiveConfiguration>,
    max_age: Option<TimeDelta>,
    allowed: Vec<OrgId>,
}

impl Intake {
    /// An intake with the worker's filters.
    pub(crate) fn new(configuration: Arc<LiveConfiguration>, config: &WorkerConfig) -> Self {
        Self {
            configuration,
            max_age: (config.max_event_age_days > 0).then(|| TimeDelta::days(i64::from(config.max_event_age_days))),
            allowed: config.allowed_parent_rids.iter().copied().map(OrgId).collect(),
        }
    }

    /// Finds a row's tenant: the parent it names, else its entity's organisation, else what the source knows.
    pub(crate) async fn address(&self, source: &dyn EventSource, row: SourceRow) -> Result<Addressed, SourceError> {
        let org_id = self.org_of(source, &row).await?;
        // What a row names is its stream's organisation even when it is not known, so that all workers agree on whose business it is
        // whatever configuration each of them has.
        let named = row.parent_rid.map(OrgId).or(org_id);
        Ok(Addressed {
            stream: Stream::new(named, row.event_type.as_deref().unwrap_or_default()),
            org_id,
            row,
            earlier: None,
        })
    }

    async fn org_of(&self, source: &dyn EventSource, row: &SourceRow) -> Result<Option<OrgId>, SourceError> {
        if let Some(parent) = row.parent_rid {
            return Ok(Some(OrgId(parent)).filter(|org| self.configuration.knows(*org)));
        }
        let Some(entity) = row.entity_rid.map(Rid) else {
            return Ok(None);
        };
        if let Some(org) = self.configuration.org_of_entity(entity) {
            return Ok(Some(org));
        }
        let parent = source.parent_of(entity).await?;
        Ok(parent.filter(|org| self.configuration.knows(*org)))
    }

    /// The definition that a row's payload is to be held against, where there is one and nothing else speaks against the row.
    pub(crate) fn to_hold_against(
        &self,
        source: &SourceId,
        addressed: &Addressed,
        now: Timestamp,
    ) -> Option<Arc<EventTypeDefinition>> {
        // Whoever pushes is told at once; what was accepted then is not refused afterwards.
        if source.as_str() == ig_sources::push::NAME || !matches!(addressed.row.payload, RowPayload::Present(_)) {
            return None;
        }
        let definition = self
            .configuration
            .enforced_type(addressed.org_id?, &addressed.event_type()?)?;
        self.filter(definition.org_id, addressed.row.created_at, now).ok()?;
        Some(definition)
    }

    /// Understands a row, or says why it is no event to be delivered.
    pub(crate) fn understand(
        &self,
        source: &SourceId,
        addressed: &Addressed,
        judged: Judged,
        now: Timestamp,
    ) -> Result<Event, Skip> {
        let org_id = addressed.org_id.ok_or_else(|| unknown_org(&addressed.row))?;
        let event_type = addressed.event_type().ok_or((SkipReason::NoEventType, None))?;
        self.filter(org_id, addressed.row.created_at, now)?;
        let payload = match &judged {
            Judged::RowGone => return Err(deleted()),
            Judged::Verdict(_) => payload_of(&addressed.row.payload)?,
        };
        abide_by_schema(org_id, &event_type, judged)?;
        Ok(Event {
            source: source.clone(),
            position: addressed.row.position,
            id: addressed.event_id(),
            event_type,
            org_id,
            entity_rid: addressed.row.entity_rid.map_or(org_id.as_entity(), Rid),
            payload: Arc::new(payload),
            created_at: addressed.row.created_at,
            trace_parent: addressed.row.trace_parent.clone(),
        })
    }

    fn filter(&self, org: OrgId, created_at: Option<Timestamp>, now: Timestamp) -> Result<(), Skip> {
        if !self.allowed.is_empty() && !self.allowed.contains(&org) {
            return Err((SkipReason::ParentNotAllowed, None));
        }
        let age = created_at.map(|at| now - at);
        match (self.max_age, age) {
            (Some(max), Some(age)) if age > max => Err((SkipReason::TooOld, Some(format!("{} days old", age.num_days())))),
            _ => Ok(()),
        }
    }
}

fn abide_by_schema(org: OrgId, event_type: &EventType, judged: Judged) -> Result<(), Skip> {
    match judged {
        Judged::RowGone => Err(deleted()),
        Judged::Verdict(Verdict::Fine) => Ok(()),
        Judged::Verdict(Verdict::Warn(faults)) => {
            metrics::schema_violated("warn");
            tracing::warn!(%org, %event_type, %faults, "a payload does not keep to its schema");
            Ok(())
        }
        Judged::Verdict(Verdict::Reject(faults)) => {
            metrics::schema_violated("reject");
            Err((SkipReason::SchemaViolated, Some(faults.to_string())))
        }
    }
}

fn deleted() -> Skip {
    let detail = "the row was deleted before its payload was held against the schema of its event type";
    (SkipReason::InvalidPayload, Some(detail.to_owned()))
}

fn unknown_org(row: &SourceRow) -> Skip {
    let named = |rid: Option<i64>| rid.map_or("none".to_owned(), |rid| rid.to_string());
    let detail = format!(
        "entity {}, parent {}: no such organisation",
        named(row.entity_rid),
        named(row.parent_rid)
    );
    (SkipReason::NoEntityContext, Some(detail))
}

fn payload_of(payload: &RowPayload) -> Result<Payload, Skip> {
    match payload {
        RowPayload::Present(raw) => {
            Payload::parse(raw.clone()).map_err(|error| (SkipReason::InvalidPayload, Some(format!("not JSON: {error}"))))
        }
        RowPayload::Missing => Err((SkipReason::InvalidPayload, Some("there is no payload".to_owned()))),
        RowPayload::TooLarge { bytes } => Err((SkipReason::PayloadTooLarge, Some(format!("{bytes} bytes")))),
    }
}
