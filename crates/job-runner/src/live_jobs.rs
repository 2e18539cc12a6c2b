//! The jobs as configured now, with the organisations and units that they run for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ig_core::configuration::{Change, Configuration, OrgConfiguration, RevisedChange};
use ig_core::id::{IntegrationId, OrgId, Rid};
use ig_core::job::Job;
use ig_core::schedule::Zone;
use ig_peers::FollowedConfiguration;
use parking_lot::RwLock;
use tokio::sync::Notify;

/// The part of the configuration that job-runner uses. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct LiveJobs {
    configuration: Arc<RwLock<Configuration>>,
    is_in_force: Arc<AtomicBool>,
    changed: Arc<Notify>,
}

impl LiveJobs {
    /// Whether a configuration is in force.
    pub(crate) fn is_in_force(&self) -> bool {
        self.is_in_force.load(Ordering::Acquire)
    }

    /// Waits for the next change.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// One job of an organisation.
    pub(crate) fn job(&self, org: OrgId, id: IntegrationId) -> Option<Arc<Job>> {
        self.configuration.read().org(org)?.job(id).cloned()
    }

    /// Every job, in no order.
    pub(crate) fn all(&self) -> Vec<Arc<Job>> {
        let configuration = self.configuration.read();
        let orgs = configuration.orgs().filter_map(|org| configuration.org(org));
        orgs.flat_map(|org| org.jobs().cloned()).collect()
    }

    /// The timezone of an entity.
    pub(crate) fn zone(&self, org: OrgId, entity: Rid) -> Zone {
        let configuration = self.configuration.read();
        configuration.org(org).map(|org| org.zone(entity)).unwrap_or_default()
    }

    /// The numbers by which rows belong to an entity: an organisation's and all of its units', or one unit's.
    pub(crate) fn tenant_numbers(&self, org: OrgId, entity: Rid) -> Vec<i64> {
        if entity != org.as_entity() {
            return vec![entity.0];
        }
        let configuration = self.configuration.read();
        let units = configuration.org(org).into_iter().flat_map(OrgConfiguration::units);
        std::iter::once(org.0).chain(units.map(|unit| unit.0)).collect()
    }

    /// How many days an organisation keeps its logs, if it says so.
    pub(crate) fn retention_days(&self, org: OrgId) -> Option<u32> {
        self.configuration.read().org(org)?.organization()?.retention_days
    }

    /// The revision of what decides on an entity's zone.
    pub(crate) fn zone_revision(&self, org: OrgId, entity: Rid) -> u64 {
        let configuration = self.configuration.read();
        configuration
            .org(org)
            .map(|org| org.zone_revision(entity))
            .unwrap_or_default()
    }
}

impl FollowedConfiguration for LiveJobs {
    fn revision(&self) -> u64 {
        self.configuration.read().revision()
    }

    fn uses(&self, change: &Change) -> bool {
        match change {
            Change::PutOrganization(_)
            | Change::DeleteOrganization(_)
            | Change::PutUnit(_)
            | Change::DeleteUnit(..)
            | Change::PutJob(_)
            | Change::DeleteJob(..) => true,
            Change::PutIntegration(_)
            | Change::DeleteIntegration(..)
            | Change::PutInbound(_)
            | Change::DeleteInbound(..)
            | Change::PutTemplate(_)
            | Change::DeleteTemplate(..)
            | Change::PutEventType(_)
            | Change::DeleteEventType(..)
            | Change::LookupsChanged(..) => false,
        }
    }

    fn replace(&self, configuration: Configuration) {
        *self.configuration.write() = configuration;
        self.is_in_force.store(true, Ordering::Release);
        self.changed.notify_one();
    }

    fn apply(&self, changes: Vec<RevisedChange>) {
        let mut configuration = self.configuration.write();
        for revised in changes {
            configuration.apply(revised);
        }
        drop(configuration);
        self.changed.notify_one();
    }

    fn reach(&self, revision: u64) {
        self.configuration.write().advance_to(revision);
    }
}
