//! The configuration in force, with its integrations compiled.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ig_core::configuration::{Change, Configuration, RevisedChange};
use ig_core::dead_letter_retry::RetryPolicy;
use ig_core::delivery_log::Direction;
use ig_core::event_type::EventTypeDefinition;
use ig_core::id::{EventType, IntegrationId, OrgId, Rid};
use ig_core::inbound::InboundIntegration;
use ig_core::integration::Integration;
use ig_core::job::Job;
use ig_core::schedule::Zone;
use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;

use crate::compiled_integration::CompiledIntegration;

const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// The tenants' configuration as this worker has it.
#[derive(Debug, Default)]
pub(crate) struct LiveConfiguration {
    inner: RwLock<Inner>,
    is_in_force: AtomicBool,
}

#[derive(Debug, Default)]
struct Inner {
    configuration: Configuration,
    compiled: HashMap<IntegrationId, Arc<CompiledIntegration>>,
}

impl LiveConfiguration {
    /// The last revision in force.
    pub(crate) fn revision(&self) -> u64 {
        self.inner.read().configuration.revision()
    }

    /// Replaces the whole configuration by a snapshot.
    pub(crate) fn replace(&self, configuration: Configuration) {
        let compiled = configuration
            .integrations()
            .map(|integration| (integration.id, compile_integration(integration)))
            .collect();
        *self.inner.write() = Inner { configuration, compiled };
        self.is_in_force.store(true, Ordering::Release);
    }

    /// Applies changes.
    pub(crate) fn apply(&self, changes: Vec<RevisedChange>) {
        let mut inner = self.inner.write();
        for revised in changes {
            inner.apply(revised);
        }
    }

    /// Notes that the gateway has sent everything up to a revision: a change that could not be parsed has one too.
    pub(crate) fn reach(&self, revision: u64) {
        self.inner.write().configuration.advance_to(revision);
    }

    /// Whether a configuration is in force.
    pub(crate) fn is_in_force(&self) -> bool {
        self.is_in_force.load(Ordering::Acquire)
    }

    /// Waits until a configuration is in force or `stop` fires, and calls `alive` meanwhile.
    pub(crate) async fn wait_until_in_force(&self, stop: &CancellationToken, alive: impl Fn()) {
        while !self.is_in_force() && !stop.is_cancelled() {
            alive();
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(CHECK_INTERVAL) => {}
            }
        }
    }

    /// The organisation that an entity belongs to.
    pub(crate) fn org_of_entity(&self, entity: Rid) -> Option<OrgId> {
        self.inner.read().configuration.org_of_entity(entity)
    }

    /// Whether the organisation exists.
    pub(crate) fn has_org(&self, org: OrgId) -> bool {
        self.inner.read().configuration.org(org).is_some()
    }

    /// The organisation's retry policy for dead letters, if it has one.
    pub(crate) fn retry_policy(&self, org: OrgId) -> Option<RetryPolicy> {
        self.inner.read().configuration.org(org)?.organization()?.retry_policy
    }

    /// The organisation's log retention in days, if it has one.
    pub(crate) fn retention_days(&self, org: OrgId) -> Option<u32> {
        self.inner.read().configuration.org(org)?.organization()?.retention_days
    }

    /// The integrations that match an event, in the order of their ids.
    pub(crate) fn matching_integrations(&self, org: OrgId, event_type: &EventType, entity: Rid) -> Vec<Arc<CompiledIntegration>> {
        let inner = self.inner.read();
        let Some(org) = inner.configuration.org(org) else {
            return Vec::new();
        };
        let matched = org.matches(event_type, entity);
        matched
            .iter()
            .filter_map(|integration| inner.compiled.get(&integration.id).cloned())
            .collect()
    }

    /// The definition of an event type whose payloads have to satisfy a schema.
    pub(crate) fn enforced_type(&self, org: OrgId, event_type: &EventType) -> Option<Arc<EventTypeDefinition>> {
        let inner = self.inner.read();
        let definition = inner.configuration.org(org)?.event_type(event_type)?;
        definition.enforced_schema().is_some().then(|| Arc::clone(definition))
    }

    /// The integrations whose pending deliveries an event may cancel, in the order of their ids.
    pub(crate) fn cancellation_listeners(
        &self,
        org: OrgId,
        event_type: &EventType,
        entity: Rid,
    ) -> Vec<Arc<CompiledIntegration>> {
        let inner = self.inner.read();
        let listening = inner
            .configuration
            .org(org)
            .map(|org| org.cancel_listeners(event_type, entity));
        let compiled = |integration: Arc<Integration>| inner.compiled.get(&integration.id).cloned();
        listening.into_iter().flatten().filter_map(compiled).collect()
    }

    /// The time zone of an entity.
    pub(crate) fn zone(&self, org: OrgId, entity: Rid) -> Zone {
        let inner = self.inner.read();
        inner.configuration.org(org).map(|org| org.zone(entity)).unwrap_or_default()
    }

    /// An inbound integration as configured now.
    pub(crate) fn inbound_integration(&self, org: OrgId, id: IntegrationId) -> Option<Arc<InboundIntegration>> {
        self.inner.read().configuration.org(org)?.inbound_by_id(id).cloned()
    }

    /// A scheduled job as configured now.
    pub(crate) fn job(&self, org: OrgId, id: IntegrationId) -> Option<Arc<Job>> {
        self.inner.read().configuration.org(org)?.job(id).cloned()
    }

    /// An integration as configured now.
    pub(crate) fn integration(&self, id: IntegrationId) -> Option<Arc<CompiledIntegration>> {
        self.inner.read().compiled.get(&id).cloned()
    }
}

impl Inner {
    fn apply(&mut self, revised: RevisedChange) {
        if revised.revision <= self.configuration.revision() {
            return;
        }
        let touched = match &revised.change {
            Change::PutIntegration(integration) => Some((integration.org_id, integration.id)),
            Change::DeleteIntegration(org, id) => Some((*org, *id)),
            Change::PutOrganization(_)
            | Change::DeleteOrganization(_)
            | Change::PutUnit(_)
            | Change::DeleteUnit(..)
            | Change::PutInbound(_)
            | Change::DeleteInbound(..)
            | Change::PutJob(_)
            | Change::DeleteJob(..)
            | Change::PutTemplate(_)
            | Change::DeleteTemplate(..)
            | Change::PutEventType(_)
            | Change::DeleteEventType(..)
            | Change::LookupsChanged(..) => None,
        };
        let deletes_org = matches!(revised.change, Change::DeleteOrganization(_));
        self.configuration.apply(revised);
        match touched {
            Some((org, id)) => self.refresh(org, id),
            None if deletes_org => self.remove_deleted(),
            None => {}
        }
    }

    fn refresh(&mut self, org: OrgId, id: IntegrationId) {
        let current = self.configuration.org(org).and_then(|org| org.integration(id));
        match current {
            Some(integration) => self.compiled.insert(id, compile_integration(integration)),
            None => self.compiled.remove(&id),
        };
    }

    fn remove_deleted(&mut self) {
        let configuration = &self.configuration;
        self.compiled.retain(|id, compiled| {
            let org = configuration.org(compiled.integration.org_id);
            org.is_some_and(|org| org.integration(*id).is_some())
        });
    }
}

fn compile_integration(integration: &Arc<Integration>) -> Arc<CompiledIntegration> {
    Arc::new(CompiledIntegration::new(Arc::clone(integration), Direction::Outbound))
}
