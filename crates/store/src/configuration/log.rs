//! The change log: the document that each revision changed. Its current content is read from the document itself.

use ig_core::configuration::Change;
use ig_core::history::{Item, ItemKind};
use ig_core::id::{EventType, IntegrationId, LookupType, OrgId, Rid, TemplateId};
use ig_core::ports::StoreError;
use mongodb::bson::{Bson, oid::ObjectId};
use serde::{Deserialize, Serialize};

use crate::error::unreadable;
use crate::field::{long, object_id, unsigned};
use crate::names::{EVENT_TYPES, INTEGRATIONS, LOOKUPS, ORG_UNITS, ORGANIZATIONS, TEMPLATES};
use crate::{event_types, inbound_integrations, integrations, jobs};

/// The item that a change concerns.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    Organization(OrgId),
    Unit(OrgId, Rid),
    Integration(OrgId, IntegrationId),
    Inbound(OrgId, IntegrationId),
    Job(OrgId, IntegrationId),
    Template(OrgId, TemplateId),
    EventType(OrgId, EventType),
    /// All rows of a type together: there are many, and followers hold none of them.
    Lookups(OrgId, LookupType),
}

impl Subject {
    pub(super) fn of(change: &Change) -> Self {
        match change {
            Change::PutOrganization(organization) => Self::Organization(organization.org_id),
            Change::DeleteOrganization(org) => Self::Organization(*org),
            Change::PutUnit(unit) => Self::Unit(unit.org_id, unit.rid),
            Change::DeleteUnit(org, rid) => Self::Unit(*org, *rid),
            Change::PutIntegration(integration) => Self::Integration(integration.org_id, integration.id),
            Change::DeleteIntegration(org, id) => Self::Integration(*org, *id),
            Change::PutInbound(inbound) => Self::Inbound(inbound.org_id, inbound.id),
            Change::DeleteInbound(org, id) => Self::Inbound(*org, *id),
            Change::PutJob(job) => Self::Job(job.org_id, job.id),
            Change::DeleteJob(org, id) => Self::Job(*org, *id),
            Change::PutTemplate(template) => Self::Template(template.org_id, template.id),
            Change::DeleteTemplate(org, id) => Self::Template(*org, *id),
            Change::PutEventType(definition) => Self::EventType(definition.org_id, definition.event_type.clone()),
            Change::DeleteEventType(org, event_type) => Self::EventType(*org, event_type.clone()),
            Change::LookupsChanged(org, lookup_type) => Self::Lookups(*org, lookup_type.clone()),
        }
    }

    pub(super) fn org(&self) -> OrgId {
        match self {
            Self::Organization(org)
            | Self::Unit(org, _)
            | Self::Integration(org, _)
            | Self::Inbound(org, _)
            | Self::Job(org, _)
            | Self::Template(org, _)
            | Self::EventType(org, _)
            | Self::Lookups(org, _) => *org,
        }
    }

    pub(super) fn collection(&self) -> &'static str {
        match self {
            Self::Organization(_) => ORGANIZATIONS,
            Self::Unit(..) => ORG_UNITS,
            Self::Integration(..) | Self::Inbound(..) | Self::Job(..) => INTEGRATIONS,
            Self::Template(..) => TEMPLATES,
            Self::EventType(..) => EVENT_TYPES,
            Self::Lookups(..) => LOOKUPS,
        }
    }

    /// The document's `_id`.
    pub(super) fn key(&self) -> Bson {
        match self {
            Self::Organization(org) => org.0.into(),
            Self::Unit(_, rid) => rid.0.into(),
            Self::Integration(_, id) | Self::Inbound(_, id) | Self::Job(_, id) => object_id(id.0).into(),
            Self::Template(_, id) => object_id(id.0).into(),
            Self::EventType(org, event_type) => event_types::key(*org, event_type).into(),
            Self::Lookups(..) => Bson::Null,
        }
    }

    /// The document's `direction`, where several kinds share a collection.
    pub(super) fn direction(&self) -> Option<&'static str> {
        match self {
            Self::Integration(..) => Some(integrations::DIRECTION),
            Self::Inbound(..) => Some(inbound_integrations::DIRECTION),
            Self::Job(..) => Some(jobs::DIRECTION),
            Self::Organization(_) | Self::Unit(..) | Self::Template(..) | Self::EventType(..) | Self::Lookups(..) => None,
        }
    }

    /// Its name in history and audit log.
    pub(super) fn item(&self) -> Item {
        let (kind, id) = match self {
            Self::Organization(org) => (ItemKind::Organization, org.to_string()),
            Self::Unit(_, rid) => (ItemKind::Unit, rid.to_string()),
            Self::Integration(_, id) => (ItemKind::OutboundIntegration, id.to_string()),
            Self::Inbound(_, id) => (ItemKind::InboundIntegration, id.to_string()),
            Self::Job(_, id) => (ItemKind::ScheduledJob, id.to_string()),
            Self::Template(_, id) => (ItemKind::Template, id.to_string()),
            Self::EventType(_, event_type) => (ItemKind::EventType, event_type.to_string()),
            Self::Lookups(_, lookup_type) => (ItemKind::Lookups, lookup_type.to_string()),
        };
        let org = Some(self.org());
        Item { org, kind, id }
    }

    /// The field that must be unique, by its name in the API.
    pub(super) fn unique_field(&self) -> &'static str {
        match self {
            Self::Organization(_) => "orgId",
            Self::Unit(..) => "rid",
            Self::Integration(..) | Self::Inbound(..) | Self::Job(..) | Self::Template(..) => "id",
            Self::EventType(..) => "eventType",
            Self::Lookups(..) => "source/id",
        }
    }

    /// The change to return when the document is gone, or when the subject is not one document.
    pub(super) fn deletion(self) -> Change {
        match self {
            Self::Organization(org) => Change::DeleteOrganization(org),
            Self::Unit(org, rid) => Change::DeleteUnit(org, rid),
            Self::Integration(org, id) => Change::DeleteIntegration(org, id),
            Self::Inbound(org, id) => Change::DeleteInbound(org, id),
            Self::Job(org, id) => Change::DeleteJob(org, id),
            Self::Template(org, id) => Change::DeleteTemplate(org, id),
            Self::EventType(org, event_type) => Change::DeleteEventType(org, event_type),
            Self::Lookups(org, lookup_type) => Change::LookupsChanged(org, lookup_type),
        }
    }
}

/// One log entry, decoded.
pub(super) struct LogEntry {
    pub(super) revision: u64,
    pub(super) subject: Subject,
    pub(super) deleted: bool,
}

/// One log entry as stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogDocument {
    #[serde(rename = "_id")]
    pub(super) revision: i64,
    org_id: i64,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rid: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    integration_id: Option<ObjectId>,
    /// The integration's direction; outbound if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template_id: Option<ObjectId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lookup_type: Option<String>,
    /// Marks a deletion. If the organisation was created again since, its current state alone would not show that
    /// everything it had was deleted with it.
    #[serde(default)]
    deleted: bool,
}

impl LogDocument {
    pub(super) fn new(revision: u64, subject: &Subject, deleted: bool) -> Self {
        let mut document = Self {
            revision: long(revision),
            org_id: subject.org().0,
            kind: subject.collection().to_owned(),
            rid: None,
            integration_id: None,
            direction: subject.direction().map(str::to_owned),
            template_id: None,
            event_type: None,
            lookup_type: None,
            deleted,
        };
        match subject {
            Subject::Organization(_) => {}
            Subject::Unit(_, rid) => document.rid = Some(rid.0),
            Subject::Integration(_, id) | Subject::Inbound(_, id) | Subject::Job(_, id) => {
                document.integration_id = Some(object_id(id.0));
            }
            Subject::Template(_, id) => document.template_id = Some(object_id(id.0)),
            Subject::EventType(_, event_type) => document.event_type = Some(event_type.to_string()),
            Subject::Lookups(_, lookup_type) => document.lookup_type = Some(lookup_type.to_string()),
        }
        document
    }

    pub(super) fn read(self) -> Result<LogEntry, StoreError> {
        let (revision, deleted) = (unsigned(self.revision), self.deleted);
        let subject = self.subject()?;
        Ok(LogEntry {
            revision,
            subject,
            deleted,
        })
    }

    fn subject(self) -> Result<Subject, StoreError> {
        let org = OrgId(self.org_id);
        if let (LOOKUPS, Some(lookup_type)) = (self.kind.as_str(), self.lookup_type) {
            return Ok(Subject::Lookups(org, LookupType::new(lookup_type)));
        }
        if let (TEMPLATES, Some(id)) = (self.kind.as_str(), self.template_id) {
            return Ok(Subject::Template(org, TemplateId(id.bytes())));
        }
        let subject = match (self.kind.as_str(), self.rid, self.integration_id, self.event_type) {
            (ORGANIZATIONS, ..) => Subject::Organization(org),
            (ORG_UNITS, Some(rid), ..) => Subject::Unit(org, Rid(rid)),
            (INTEGRATIONS, _, Some(id), _) => match self.direction.as_deref() {
                Some(inbound_integrations::DIRECTION) => Subject::Inbound(org, IntegrationId(id.bytes())),
                Some(jobs::DIRECTION) => Subject::Job(org, IntegrationId(id.bytes())),
                _ => Subject::Integration(org, IntegrationId(id.bytes())),
            },
            (EVENT_TYPES, _, _, Some(event_type)) => Subject::EventType(org, EventType::new(event_type)),
            _ => return Err(unreadable("kind")),
        };
        Ok(subject)
    }
}
