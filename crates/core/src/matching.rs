//! Matches events to integrations.
//!
//! The index covers one organisation, so its cost does not grow with the configuration of other tenants.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::id::{EventType, IntegrationId, OrgId, Rid};
use crate::integration::{EventPattern, Integration, Scope};
use crate::schedule::CancelRule;

/// Whether an integration reaches an event about `entity` of its own organisation, whatever the event's type.
pub fn reaches(integration: &Integration, entity: Rid) -> bool {
    if integration.tenant_id == entity {
        return true;
    }
    integration.is_parent_level()
        && integration.scope == Scope::AllEntities
        && !integration.excluded_entity_rids.contains(&entity)
}

/// The integrations of one organisation that match events, by event type: active ones and those on hold.
#[derive(Debug, Default, Clone)]
pub struct MatchIndex {
    exact: HashMap<EventType, Vec<Arc<Integration>>>,
    any: Vec<Arc<Integration>>,
    cancel_listeners: HashMap<EventType, Vec<Arc<Integration>>>,
}

impl MatchIndex {
    /// Adds an integration; a draft is only indexed by the events that cancel its pending deliveries.
    pub fn insert(&mut self, integration: Arc<Integration>) {
        for event_type in cancelling_event_types(&integration) {
            let list = self.cancel_listeners.entry(event_type.clone()).or_default();
            let at = list.partition_point(|other| other.id < integration.id);
            list.insert(at, Arc::clone(&integration));
        }
        if !integration.is_matched() {
            return;
        }
        let list = match &integration.events {
            EventPattern::Any => &mut self.any,
            EventPattern::Exact(event_type) => self.exact.entry(event_type.clone()).or_default(),
        };
        let at = list.partition_point(|other| other.id < integration.id);
        list.insert(at, integration);
    }

    /// Removes an integration as it was added.
    pub fn remove(&mut self, integration: &Integration) {
        for event_type in cancelling_event_types(integration) {
            if let Some(list) = self.cancel_listeners.get_mut(event_type) {
                remove_from(list, integration.id);
            }
        }
        self.cancel_listeners.retain(|_, list| !list.is_empty());
        match &integration.events {
            EventPattern::Any => remove_from(&mut self.any, integration.id),
            EventPattern::Exact(event_type) => {
                if let Some(list) = self.exact.get_mut(event_type) {
                    remove_from(list, integration.id);
                }
                self.exact.retain(|_, list| !list.is_empty());
            }
        }
    }

    /// The integrations that match an event of the organisation, in the order of their ids.
    pub fn matches(&self, event_type: &EventType, entity: Rid) -> Vec<Arc<Integration>> {
        let exact = self.exact.get(event_type).into_iter().flatten();
        let mut found: Vec<_> = exact
            .chain(&self.any)
            .filter(|integration| reaches(integration, entity))
            .cloned()
            .collect();
        found.sort_by_key(|integration| integration.id);
        found
    }

    /// The integrations whose pending deliveries an event may cancel, in the order of their ids, whatever they subscribe to.
    pub fn cancel_listeners(&self, event_type: &EventType, entity: Rid) -> Vec<Arc<Integration>> {
        let cancel_listeners = self.cancel_listeners.get(event_type).into_iter().flatten();
        cancel_listeners
            .filter(|integration| reaches(integration, entity))
            .cloned()
            .collect()
    }
}

/// Every event type that cancels deliveries of an integration, once.
fn cancelling_event_types(integration: &Integration) -> BTreeSet<&EventType> {
    let rules = integration.schedule.cancel_on();
    rules.iter().flat_map(CancelRule::event_types).collect()
}

fn remove_from(list: &mut Vec<Arc<Integration>>, id: IntegrationId) {
    list.retain(|integration| integration.id != id);
}

/// Identifies a lane, whose deliveries keep their order: one integration, one entity, one event type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LaneKey {
    /// The tenant.
    pub org_id: OrgId,
    /// The integration.
    pub integration: IntegrationId,
    /// The entity of the events.
    pub entity_rid: Rid,
    /// The events' type.
    pub event_type: EventType,
}
