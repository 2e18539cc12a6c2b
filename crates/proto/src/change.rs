//! Changes of configuration.

use std::sync::Arc;

use ig_core::configuration::{Change, RevisedChange};
use ig_core::id::{EventType, IntegrationId, LookupType, OrgId, Rid, TemplateId};
use prost::Message as _;

use crate::invalid::{InvalidMessage, Within as _, required};
use crate::v1;
use crate::v1::change::Kind;

impl From<&RevisedChange> for v1::RevisedChange {
    fn from(revised: &RevisedChange) -> Self {
        let RevisedChange { revision, change } = revised;
        Self {
            revision: *revision,
            change: Some(change.into()),
        }
    }
}

impl TryFrom<v1::RevisedChange> for RevisedChange {
    type Error = InvalidMessage;

    fn try_from(message: v1::RevisedChange) -> Result<Self, InvalidMessage> {
        let v1::RevisedChange { revision, change } = message;
        Ok(Self {
            revision,
            change: required(change, "change")?,
        })
    }
}

impl v1::Change {
    /// The encoded size in bytes.
    pub fn encoded_bytes(&self) -> usize {
        self.encoded_len()
    }
}

impl From<&Change> for v1::Change {
    fn from(change: &Change) -> Self {
        let kind = match change {
            Change::PutOrganization(organization) => Kind::PutOrganization(organization.into()),
            Change::DeleteOrganization(org) => Kind::DeleteOrganization(org.0),
            Change::PutUnit(unit) => Kind::PutUnit(unit.into()),
            Change::DeleteUnit(org, rid) => Kind::DeleteUnit(unit_to_delete(*org, *rid)),
            Change::PutIntegration(integration) => Kind::PutIntegration(integration.as_ref().into()),
            Change::DeleteIntegration(org, id) => Kind::DeleteIntegration(integration_to_delete(*org, *id)),
            Change::PutInbound(inbound) => Kind::PutInbound(inbound.as_ref().into()),
            Change::DeleteInbound(org, id) => Kind::DeleteInbound(integration_to_delete(*org, *id)),
            Change::PutJob(job) => Kind::PutJob(job.as_ref().into()),
            Change::DeleteJob(org, id) => Kind::DeleteJob(integration_to_delete(*org, *id)),
            Change::PutTemplate(template) => Kind::PutTemplate(template.as_ref().into()),
            Change::DeleteTemplate(org, id) => Kind::DeleteTemplate(template_to_delete(*org, *id)),
            Change::PutEventType(definition) => Kind::PutEventType(definition.as_ref().into()),
            Change::DeleteEventType(org, event_type) => Kind::DeleteEventType(event_type_to_delete(*org, event_type)),
            Change::LookupsChanged(org, lookup_type) => Kind::LookupsChanged(changed_lookups(*org, lookup_type)),
        };
        Self { kind: Some(kind) }
    }
}

fn unit_to_delete(org: OrgId, rid: Rid) -> v1::DeleteUnit {
    v1::DeleteUnit {
        org_id: org.0,
        rid: rid.0,
    }
}

fn integration_to_delete(org: OrgId, id: IntegrationId) -> v1::DeleteIntegration {
    v1::DeleteIntegration {
        org_id: org.0,
        id: id.to_string(),
    }
}

fn template_to_delete(org: OrgId, id: TemplateId) -> v1::DeleteTemplate {
    v1::DeleteTemplate {
        org_id: org.0,
        id: id.to_string(),
    }
}

fn event_type_to_delete(org: OrgId, event_type: &EventType) -> v1::DeleteEventType {
    v1::DeleteEventType {
        org_id: org.0,
        event_type: event_type.to_string(),
    }
}

fn changed_lookups(org: OrgId, lookup_type: &LookupType) -> v1::LookupsChanged {
    v1::LookupsChanged {
        org_id: org.0,
        lookup_type: lookup_type.to_string(),
    }
}

impl TryFrom<v1::Change> for Change {
    type Error = InvalidMessage;

    fn try_from(message: v1::Change) -> Result<Self, InvalidMessage> {
        let v1::Change { kind } = message;
        let kind = kind.ok_or_else(|| InvalidMessage::value("must be given")).within("kind")?;
        Ok(match kind {
            Kind::PutOrganization(organization) => Self::PutOrganization(organization.try_into().within("put_organization")?),
            Kind::DeleteOrganization(org_id) => Self::DeleteOrganization(OrgId(org_id)),
            Kind::PutUnit(unit) => Self::PutUnit(unit.try_into().within("put_unit")?),
            Kind::DeleteUnit(v1::DeleteUnit { org_id, rid }) => Self::DeleteUnit(OrgId(org_id), Rid(rid)),
            Kind::PutIntegration(integration) => Self::PutIntegration(shared(integration).within("put_integration")?),
            Kind::DeleteIntegration(v1::DeleteIntegration { org_id, id }) => {
                Self::DeleteIntegration(OrgId(org_id), id.parse().within("delete_integration.id")?)
            }
            Kind::PutInbound(inbound) => Self::PutInbound(shared(inbound).within("put_inbound")?),
            Kind::DeleteInbound(v1::DeleteIntegration { org_id, id }) => {
                Self::DeleteInbound(OrgId(org_id), id.parse().within("delete_inbound.id")?)
            }
            Kind::PutJob(job) => Self::PutJob(shared(job).within("put_job")?),
            Kind::DeleteJob(v1::DeleteIntegration { org_id, id }) => {
                Self::DeleteJob(OrgId(org_id), id.parse().within("delete_job.id")?)
            }
            Kind::PutTemplate(template) => Self::PutTemplate(shared(template).within("put_template")?),
            Kind::DeleteTemplate(v1::DeleteTemplate { org_id, id }) => {
                Self::DeleteTemplate(OrgId(org_id), id.parse().within("delete_template.id")?)
            }
            Kind::PutEventType(definition) => Self::PutEventType(shared(definition).within("put_event_type")?),
            Kind::DeleteEventType(v1::DeleteEventType { org_id, event_type }) => {
                Self::DeleteEventType(OrgId(org_id), EventType::new(event_type))
            }
            Kind::LookupsChanged(v1::LookupsChanged { org_id, lookup_type }) => {
                Self::LookupsChanged(OrgId(org_id), LookupType::new(lookup_type))
            }
        })
    }
}

fn shared<W, T: TryFrom<W, Error = InvalidMessage>>(message: W) -> Result<Arc<T>, InvalidMessage> {
    message.try_into().map(Arc::new)
}
