//! Turns a source's row into an event, or into the reason to skip it.

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

use crate::admitted_event::SchemaVerdict;
use crate::config::WorkerConfig;
use crate::decision_lookup::EarlierDecision;
use crate::live_configuration::LiveConfiguration;
use crate::metrics;

/// A row whose tenant was looked up; nothing else has been checked.
#[derive(Debug)]
pub(crate) struct ResolvedRow {
    /// The row.
    pub row: SourceRow,
    /// Its tenant, if known.
    pub org_id: Option<OrgId>,
    /// The stream it belongs to.
    pub stream: Stream,
    /// The decision of an earlier holder of its partition.
    pub earlier: Option<EarlierDecision>,
}

impl ResolvedRow {
    /// The event's id within its source.
    pub(crate) fn event_id(&self) -> EventId {
        self.row
            .event_id
            .clone()
            .unwrap_or_else(|| EventId::new(self.row.position.to_string()))
    }

    /// The event's type, if it has one.
    pub(crate) fn event_type(&self) -> Option<EventType> {
        let text = self.row.event_type.as_deref().map(str::trim)?;
        (!text.is_empty()).then(|| EventType::new(text))
    }
}

/// Why a row is skipped, with details.
pub(crate) type Skip = (SkipReason, Option<String>);

/// Resolves and parses rows by the configuration.
#[derive(Debug)]
pub(crate) struct Intake {
    configuration: Arc<LiveConfiguration>,
    max_age: Option<TimeDelta>,
    allowed_orgs: Vec<OrgId>,
}

impl Intake {
    /// An intake with the worker's filters.
    pub(crate) fn new(configuration: Arc<LiveConfiguration>, config: &WorkerConfig) -> Self {
        Self {
            configuration,
            max_age: (config.max_event_age_days > 0).then(|| TimeDelta::days(i64::from(config.max_event_age_days))),
            allowed_orgs: config.allowed_parent_rids.iter().copied().map(OrgId).collect(),
        }
    }

    /// Finds a row's tenant: the parent it names, else its entity's organisation, else what the source knows.
    pub(crate) async fn resolve(&self, source: &dyn EventSource, row: SourceRow) -> Result<ResolvedRow, SourceError> {
        let org_id = self.org_of(source, &row).await?;
        // The organisation that a row names makes its stream, even if it is unknown: all workers have to agree on the partition, whatever
        // configuration each of them has.
        let named = row.parent_rid.map(OrgId).or(org_id);
        Ok(ResolvedRow {
            stream: Stream::new(named, row.event_type.as_deref().unwrap_or_default()),
            org_id,
            row,
            earlier: None,
        })
    }

    async fn org_of(&self, source: &dyn EventSource, row: &SourceRow) -> Result<Option<OrgId>, SourceError> {
        if let Some(parent) = row.parent_rid {
            return Ok(Some(OrgId(parent)).filter(|org| self.configuration.has_org(*org)));
        }
        let Some(entity) = row.entity_rid.map(Rid) else {
            return Ok(None);
        };
        if let Some(org) = self.configuration.org_of_entity(entity) {
            return Ok(Some(org));
        }
        let parent = source.parent_of(entity).await?;
        Ok(parent.filter(|org| self.configuration.has_org(*org)))
    }

    /// The definition whose schema the row's payload has to satisfy, unless the row is skipped anyway.
    pub(crate) fn schema_for(
        &self,
        source: &SourceId,
        resolved: &ResolvedRow,
        now: Timestamp,
    ) -> Option<Arc<EventTypeDefinition>> {
        // The push API checks payloads when it accepts them; an accepted event is not refused afterwards.
        if source.as_str() == ig_sources::push::NAME || !matches!(resolved.row.payload, RowPayload::Present(_)) {
            return None;
        }
        let definition = self.configuration.enforced_type(resolved.org_id?, &resolved.event_type()?)?;
        self.check_filters(definition.org_id, resolved.row.created_at, now).ok()?;
        Some(definition)
    }

    /// Turns a row into an event, or says why it is skipped.
    pub(crate) fn to_event(
        &self,
        source: &SourceId,
        resolved: &ResolvedRow,
        verdict: SchemaVerdict,
        now: Timestamp,
    ) -> Result<Event, Skip> {
        let org_id = resolved.org_id.ok_or_else(|| unknown_org(&resolved.row))?;
        let event_type = resolved.event_type().ok_or((SkipReason::NoEventType, None))?;
        self.check_filters(org_id, resolved.row.created_at, now)?;
        let payload = match &verdict {
            SchemaVerdict::RowDeleted => return Err(row_deleted()),
            SchemaVerdict::Checked(_) => parse_payload(&resolved.row.payload)?,
        };
        check_verdict(org_id, &event_type, verdict)?;
        Ok(Event {
            source: source.clone(),
            position: resolved.row.position,
            id: resolved.event_id(),
            event_type,
            org_id,
            entity_rid: resolved.row.entity_rid.map_or(org_id.as_entity(), Rid),
            payload: Arc::new(payload),
            created_at: resolved.row.created_at,
            trace_parent: resolved.row.trace_parent.clone(),
        })
    }

    fn check_filters(&self, org: OrgId, created_at: Option<Timestamp>, now: Timestamp) -> Result<(), Skip> {
        if !self.allowed_orgs.is_empty() && !self.allowed_orgs.contains(&org) {
            return Err((SkipReason::ParentNotAllowed, None));
        }
        let age = created_at.map(|at| now - at);
        match (self.max_age, age) {
            (Some(max), Some(age)) if age > max => Err((SkipReason::TooOld, Some(format!("{} days old", age.num_days())))),
            _ => Ok(()),
        }
    }
}

fn check_verdict(org: OrgId, event_type: &EventType, verdict: SchemaVerdict) -> Result<(), Skip> {
    match verdict {
        SchemaVerdict::RowDeleted => Err(row_deleted()),
        SchemaVerdict::Checked(Verdict::Fine) => Ok(()),
        SchemaVerdict::Checked(Verdict::Warn(faults)) => {
            metrics::count_schema_violation("warn");
            tracing::warn!(%org, %event_type, %faults, "a payload does not keep to its schema");
            Ok(())
        }
        SchemaVerdict::Checked(Verdict::Reject(faults)) => {
            metrics::count_schema_violation("reject");
            Err((SkipReason::SchemaViolated, Some(faults.to_string())))
        }
    }
}

fn row_deleted() -> Skip {
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

fn parse_payload(payload: &RowPayload) -> Result<Payload, Skip> {
    match payload {
        RowPayload::Present(raw) => {
            Payload::parse(raw.clone()).map_err(|error| (SkipReason::InvalidPayload, Some(format!("not JSON: {error}"))))
        }
        RowPayload::Missing => Err((SkipReason::InvalidPayload, Some("there is no payload".to_owned()))),
        RowPayload::TooLarge { bytes } => Err((SkipReason::PayloadTooLarge, Some(format!("{bytes} bytes")))),
    }
}
