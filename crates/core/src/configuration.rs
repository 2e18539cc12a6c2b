//! The configuration of all tenants, as one value that changes by revisions.

use std::collections::HashMap;
use std::sync::Arc;

use crate::event_type::EventTypeDefinition;
use crate::id::{EventType, IntegrationId, LookupType, OrgId, Rid, TemplateId};
use crate::inbound::{InboundIntegration, RouteName};
use crate::integration::Integration;
use crate::job::Job;
use crate::matching::MatchIndex;
use crate::organization::{OrgUnit, Organization};
use crate::schedule::Zone;
use crate::template::Template;

/// The maximum size of one configured item as stored, in bytes.
pub const MAX_ITEM_BYTES: usize = 1024 * 1024;
/// The maximum size of all configured items of one organisation together, in bytes; lookup rows are counted separately.
pub const MAX_ORGANIZATION_BYTES: usize = 32 * 1024 * 1024;

/// One change of configuration. Items that may be large are shared, so that keeping a change does not copy its item.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// An organisation was created or changed.
    PutOrganization(Organization),
    /// An organisation was deleted, with everything that it had.
    DeleteOrganization(OrgId),
    /// A unit was created or changed.
    PutUnit(OrgUnit),
    /// A unit was deleted.
    DeleteUnit(OrgId, Rid),
    /// An integration was created or changed.
    PutIntegration(Arc<Integration>),
    /// An integration was deleted.
    DeleteIntegration(OrgId, IntegrationId),
    /// An inbound integration was created or changed.
    PutInbound(Arc<InboundIntegration>),
    /// An inbound integration was deleted.
    DeleteInbound(OrgId, IntegrationId),
    /// A scheduled job was created or changed.
    PutJob(Arc<Job>),
    /// A scheduled job was deleted.
    DeleteJob(OrgId, IntegrationId),
    /// A template was created or changed. No follower acts on templates, so none is held here.
    PutTemplate(Arc<Template>),
    /// A template was deleted.
    DeleteTemplate(OrgId, TemplateId),
    /// An event type was created or changed.
    PutEventType(Arc<EventTypeDefinition>),
    /// An event type was deleted.
    DeleteEventType(OrgId, EventType),
    /// Lookup rows of a type changed: caches of that type are invalid. The rows themselves are in the database.
    LookupsChanged(OrgId, LookupType),
}

/// A change with the revision that it leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct RevisedChange {
    /// The revision in force once the change is applied.
    pub revision: u64,
    /// What changed.
    pub change: Change,
}

/// One tenant's configuration.
#[derive(Debug, Default, Clone)]
pub struct OrgConfiguration {
    organization: Option<Organization>,
    units: HashMap<Rid, OrgUnit>,
    integrations: HashMap<IntegrationId, Arc<Integration>>,
    inbound: HashMap<RouteName, Arc<InboundIntegration>>,
    jobs: HashMap<IntegrationId, Arc<Job>>,
    event_types: HashMap<EventType, Arc<EventTypeDefinition>>,
    index: MatchIndex,
}

impl OrgConfiguration {
    /// The organisation itself.
    pub fn organization(&self) -> Option<&Organization> {
        self.organization.as_ref()
    }

    /// The integrations that match an event, in the order of their ids.
    pub fn matches(&self, event_type: &EventType, entity: Rid) -> Vec<Arc<Integration>> {
        self.index.matches(event_type, entity)
    }

    /// The integrations whose pending deliveries an event may cancel, in the order of their ids.
    pub fn cancel_listeners(&self, event_type: &EventType, entity: Rid) -> Vec<Arc<Integration>> {
        self.index.cancel_listeners(event_type, entity)
    }

    /// The timezone of an entity: the unit's own, else the organisation's, else UTC.
    pub fn zone(&self, entity: Rid) -> Zone {
        let unit = self.units.get(&entity).map(|unit| &unit.profile);
        let organization = self.organization.as_ref().map(|organization| &organization.profile);
        let mut zones = unit
            .into_iter()
            .chain(organization)
            .filter_map(|profile| profile.timezone.as_deref());
        zones.find_map(|name| name.parse().ok()).unwrap_or_default()
    }

    /// The revision of what decides on an entity's zone: the organisation's or the unit's, whichever is later.
    pub fn zone_revision(&self, entity: Rid) -> u64 {
        let unit = self.units.get(&entity).map_or(0, |unit| unit.revision);
        let organization = self.organization.as_ref().map_or(0, |organization| organization.revision);
        unit.max(organization)
    }

    /// One integration.
    pub fn integration(&self, id: IntegrationId) -> Option<&Arc<Integration>> {
        self.integrations.get(&id)
    }

    /// The inbound integration of this name.
    pub fn inbound(&self, route: &RouteName) -> Option<&Arc<InboundIntegration>> {
        self.inbound.get(route)
    }

    /// One inbound integration.
    pub fn inbound_by_id(&self, id: IntegrationId) -> Option<&Arc<InboundIntegration>> {
        self.inbound.values().find(|inbound| inbound.id == id)
    }

    /// One scheduled job.
    pub fn job(&self, id: IntegrationId) -> Option<&Arc<Job>> {
        self.jobs.get(&id)
    }

    /// All scheduled jobs.
    pub fn jobs(&self) -> impl Iterator<Item = &Arc<Job>> {
        self.jobs.values()
    }

    /// All integrations, in no order.
    pub fn integrations(&self) -> impl Iterator<Item = &Arc<Integration>> {
        self.integrations.values()
    }

    /// One event type.
    pub fn event_type(&self, event_type: &EventType) -> Option<&Arc<EventTypeDefinition>> {
        self.event_types.get(event_type)
    }

    /// The numbers of all units.
    pub fn units(&self) -> impl Iterator<Item = Rid> + '_ {
        self.units.keys().copied()
    }

    fn items(&self) -> impl Iterator<Item = Change> + '_ {
        let organization = self.organization.iter().cloned().map(Change::PutOrganization);
        let units = self.units.values().cloned().map(Change::PutUnit);
        let integrations = self.integrations.values().cloned().map(Change::PutIntegration);
        let event_types = self.event_types.values().cloned().map(Change::PutEventType);
        let inbound = self.inbound.values().cloned().map(Change::PutInbound);
        let jobs = self.jobs.values().cloned().map(Change::PutJob);
        let acted_on = integrations.chain(inbound).chain(jobs);
        organization.chain(units).chain(acted_on).chain(event_types)
    }

    /// The integration may have had another name.
    fn delete_inbound(&mut self, id: IntegrationId) {
        self.inbound.retain(|_, inbound| inbound.id != id);
    }

    fn put_inbound(&mut self, inbound: Arc<InboundIntegration>) {
        self.delete_inbound(inbound.id);
        self.inbound.insert(inbound.route.clone(), inbound);
    }

    fn put_integration(&mut self, integration: Arc<Integration>) {
        if let Some(old) = self.integrations.insert(integration.id, Arc::clone(&integration)) {
            self.index.remove(&old);
        }
        self.index.insert(integration);
    }

    fn delete_integration(&mut self, id: IntegrationId) {
        if let Some(old) = self.integrations.remove(&id) {
            self.index.remove(&old);
        }
    }
}

/// The configuration of all tenants.
#[derive(Debug, Default, Clone)]
pub struct Configuration {
    revision: u64,
    orgs: HashMap<OrgId, OrgConfiguration>,
    org_of_unit: HashMap<Rid, OrgId>,
}

impl Configuration {
    /// An empty configuration as of a revision; a snapshot is applied onto it.
    pub fn at(revision: u64) -> Self {
        Self {
            revision,
            ..Self::default()
        }
    }

    /// The revision of the last applied change.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The configuration of one tenant, if the organisation exists.
    pub fn org(&self, org: OrgId) -> Option<&OrgConfiguration> {
        self.orgs.get(&org).filter(|config| config.organization.is_some())
    }

    /// Every organisation, in no order.
    pub fn orgs(&self) -> impl Iterator<Item = OrgId> + '_ {
        self.orgs.keys().copied().filter(|org| self.org(*org).is_some())
    }

    /// The organisation of an entity: a unit's organisation, or the entity itself where it is one.
    pub fn org_of_entity(&self, entity: Rid) -> Option<OrgId> {
        if let Some(org) = self.org_of_unit.get(&entity) {
            return Some(*org);
        }
        let org = OrgId(entity.0);
        self.org(org).map(|_| org)
    }

    /// Every integration of every tenant.
    pub fn integrations(&self) -> impl Iterator<Item = &Arc<Integration>> {
        self.orgs.values().flat_map(|org| org.integrations.values())
    }

    /// Every configured item, as the change that puts it.
    pub fn items(&self) -> impl Iterator<Item = Change> + '_ {
        self.orgs.values().flat_map(OrgConfiguration::items)
    }

    /// Applies a change newer than the current revision; an older one has no effect.
    pub fn apply(&mut self, revised: RevisedChange) {
        if revised.revision <= self.revision {
            return;
        }
        self.revision = revised.revision;
        self.put(revised.change);
    }

    /// Marks every change up to a revision as applied, as far as it could be understood.
    pub fn advance_to(&mut self, revision: u64) {
        self.revision = self.revision.max(revision);
    }

    /// Applies one item of a snapshot, whatever its revision.
    pub fn put(&mut self, change: Change) {
        match change {
            Change::PutOrganization(org) => {
                let id = org.org_id;
                self.entry(id).organization = Some(org);
            }
            Change::DeleteOrganization(org) => self.delete_organization(org),
            Change::PutUnit(unit) => self.put_unit(unit),
            Change::DeleteUnit(org, rid) => self.delete_unit(org, rid),
            Change::PutIntegration(integration) => self.entry(integration.org_id).put_integration(integration),
            Change::DeleteIntegration(org, id) => self.entry(org).delete_integration(id),
            Change::PutEventType(definition) => {
                self.entry(definition.org_id)
                    .event_types
                    .insert(definition.event_type.clone(), definition);
            }
            Change::DeleteEventType(org, event_type) => {
                self.entry(org).event_types.remove(&event_type);
            }
            Change::PutInbound(inbound) => self.entry(inbound.org_id).put_inbound(inbound),
            Change::DeleteInbound(org, id) => self.entry(org).delete_inbound(id),
            Change::PutJob(job) => {
                self.entry(job.org_id).jobs.insert(job.id, job);
            }
            Change::DeleteJob(org, id) => {
                self.entry(org).jobs.remove(&id);
            }
            // Templates and lookup rows are not held here.
            Change::PutTemplate(_) | Change::DeleteTemplate(..) | Change::LookupsChanged(..) => {}
        }
    }

    fn entry(&mut self, org: OrgId) -> &mut OrgConfiguration {
        self.orgs.entry(org).or_default()
    }

    fn delete_organization(&mut self, org: OrgId) {
        self.orgs.remove(&org);
        self.org_of_unit.retain(|_, owner| *owner != org);
    }

    fn put_unit(&mut self, unit: OrgUnit) {
        self.org_of_unit.insert(unit.rid, unit.org_id);
        self.entry(unit.org_id).units.insert(unit.rid, unit);
    }

    fn delete_unit(&mut self, org: OrgId, rid: Rid) {
        self.entry(org).units.remove(&rid);
        self.org_of_unit.remove(&rid);
    }
}
