//! Integrations made ready when their configuration arrives, so that nothing is parsed per event.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ig_core::condition::Condition;
use ig_core::configuration::{Change, Configuration, RevisedChange};
use ig_core::delivery_log::Direction;
use ig_core::event_type::EventTypeDefinition;
use ig_core::fault::Faults;
use ig_core::id::{EventType, IntegrationId, OrgId, Rid};
use ig_core::inbound::InboundIntegration;
use ig_core::integration::{Guarded, Integration, PlannedAction};
use ig_core::redelivery::RetryPolicy;
use ig_core::schedule::{ScheduleMode, Scheduling, Zone};
use ig_delivery::Template;
use ig_transform::{CompiledCondition, CompiledFilter, CompiledScript, CompiledShape};
use parking_lot::RwLock;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// One request of an integration, ready to be filled in.
#[derive(Debug)]
pub(crate) struct CompiledAction {
    /// What has to hold for it to be made, and what is written down where one does not.
    pub conditions: Vec<(CompiledCondition, &'static str)>,
    /// How the payload changes shape.
    pub shape: CompiledShape,
    /// The request but for its body.
    pub template: Template,
}

impl CompiledAction {
    fn new(integration: &Integration, action: &PlannedAction<'_>) -> Result<Self, String> {
        let said = |faults: Faults| faults.to_string();
        let shape = CompiledShape::compile(action.transformation, &integration.lookups, integration.script_timeout);
        Ok(Self {
            conditions: conditions(integration, action).map_err(said)?,
            shape: shape.map_err(said)?,
            template: Template::compile(integration, action).map_err(said)?,
        })
    }
}

fn declared_filter(integration: &Integration) -> Result<Option<CompiledFilter>, String> {
    match &integration.filter {
        Some(Condition::Filter(filter)) => CompiledFilter::compile(filter).map(Some).map_err(|faults| faults.to_string()),
        Some(Condition::Script(_)) | None => Ok(None),
    }
}

/// A filter that is a script is judged with the action, in its lane: whoever reads events waits for no script.
fn conditions(integration: &Integration, action: &PlannedAction<'_>) -> Result<Vec<(CompiledCondition, &'static str)>, Faults> {
    let scripted = integration
        .filter
        .as_ref()
        .filter(|filter| matches!(filter, Condition::Script(_)));
    let filter = scripted.map(|filter| (filter, "the integration's filter was false"));
    let own = action
        .condition
        .map(|condition| (condition, "the action's condition was false"));
    let both = filter.into_iter().chain(own);
    both.map(|(condition, otherwise)| {
        let compiled = CompiledCondition::compile(condition, integration.script_timeout)?;
        Ok((compiled, otherwise))
    })
    .collect()
}

/// An integration, ready to deliver.
#[derive(Debug)]
pub(crate) struct CompiledIntegration {
    /// As configured.
    pub integration: Arc<Integration>,
    /// Which way it goes: a call that is sent again is a delivery too.
    pub direction: Direction,
    /// Its requests in sequence; where one cannot be made, why.
    pub actions: Vec<Result<CompiledAction, String>>,
    /// The script that tells when its deliveries are due, where one does.
    pub tells_due: Option<CompiledScript>,
    /// Which events it takes up, where a declarative filter says so.
    filter: Option<CompiledFilter>,
}

impl CompiledIntegration {
    /// Makes an integration ready.
    pub(crate) fn new(integration: Arc<Integration>, direction: Direction) -> Self {
        let planned = integration.planned_actions();
        let filter = declared_filter(&integration);
        // A filter that cannot be applied must not turn into none.
        let actions = planned.iter().map(|action| match &filter {
            Ok(_) => CompiledAction::new(&integration, action),
            Err(reason) => Err(reason.clone()),
        });
        let actions = actions.collect();
        Self {
            filter: filter.ok().flatten(),
            tells_due: tells_due(&integration),
            integration,
            direction,
            actions,
        }
    }

    /// As its breaker sees it.
    pub(crate) fn guarded(&self) -> Guarded<'_> {
        Guarded {
            direction: self.direction,
            ..self.integration.guarded()
        }
    }

    /// Whether its deliveries are made later than their events come.
    pub(crate) fn is_scheduled(&self) -> bool {
        self.integration.schedule.mode() != ScheduleMode::Immediate
    }

    /// Whether an event with this payload is for it, as far as its declarative filter tells.
    pub(crate) fn accepts(&self, payload: &Value) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.matches(payload))
    }
}

fn tells_due(integration: &Integration) -> Option<CompiledScript> {
    match integration.schedule.when() {
        Scheduling::Delayed(delay) => Some(CompiledScript::telling(delay.script()?, integration.script_timeout)),
        Scheduling::Immediate | Scheduling::Recurring(_) => None,
    }
}

/// What tenants have configured, as this worker has it.
#[derive(Debug, Default)]
pub(crate) struct LiveConfiguration {
    inner: RwLock<Inner>,
    came_into_force: AtomicBool,
}

#[derive(Debug, Default)]
struct Inner {
    configuration: Configuration,
    compiled: HashMap<IntegrationId, Arc<CompiledIntegration>>,
}

impl LiveConfiguration {
    /// The last revision that is in force.
    pub(crate) fn revision(&self) -> u64 {
        self.inner.read().configuration.revision()
    }

    /// Puts a snapshot in force, in place of everything before.
    pub(crate) fn replace(&self, configuration: Configuration) {
        let compiled = configuration
            .integrations()
            .map(|integration| (integration.id, compile(integration)))
            .collect();
        *self.inner.write() = Inner { configuration, compiled };
        self.came_into_force.store(true, Ordering::Release);
    }

    /// Puts changes in force.
    pub(crate) fn apply(&self, changes: Vec<RevisedChange>) {
        let mut inner = self.inner.write();
        for revised in changes {
            inner.apply(revised);
        }
    }

    /// Notes that the gateway has sent everything up to a revision: a change that could not be understood has one too.
    pub(crate) fn reach(&self, revision: u64) {
        self.inner.write().configuration.reach(revision);
    }

    /// Whether a configuration is in force.
    pub(crate) fn is_in_force(&self) -> bool {
        self.came_into_force.load(Ordering::Acquire)
    }

    /// Waits until a configuration is in force, or for the stop; `alive` is called while it waits.
    pub(crate) async fn in_force(&self, stop: &CancellationToken, alive: impl Fn()) {
        while !self.is_in_force() && !stop.is_cancelled() {
            alive();
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    /// The organisation that an entity belongs to.
    pub(crate) fn org_of_entity(&self, entity: Rid) -> Option<OrgId> {
        self.inner.read().configuration.org_of_entity(entity)
    }

    /// Whether an organisation is there.
    pub(crate) fn knows(&self, org: OrgId) -> bool {
        self.inner.read().configuration.org(org).is_some()
    }

    /// How an organisation wants its dead letters tried again, where it says.
    pub(crate) fn retry_policy(&self, org: OrgId) -> Option<RetryPolicy> {
        self.inner.read().configuration.org(org)?.organization()?.retry_policy
    }

    /// How many days an organisation wants its logs kept, where it says.
    pub(crate) fn retention_days(&self, org: OrgId) -> Option<u32> {
        self.inner.read().configuration.org(org)?.organization()?.retention_days
    }

    /// The integrations for an event, in the order of their ids.
    pub(crate) fn matches(&self, org: OrgId, event_type: &EventType, entity: Rid) -> Vec<Arc<CompiledIntegration>> {
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

    /// What an organisation says about a type of event, where payloads of it are held against a schema.
    pub(crate) fn enforced_type(&self, org: OrgId, event_type: &EventType) -> Option<Arc<EventTypeDefinition>> {
        let inner = self.inner.read();
        let definition = inner.configuration.org(org)?.event_type(event_type)?;
        definition.enforced_schema().is_some().then(|| Arc::clone(definition))
    }

    /// The integrations whose pending deliveries an event may call off, in the order of their ids.
    pub(crate) fn listening(&self, org: OrgId, event_type: &EventType, entity: Rid) -> Vec<Arc<CompiledIntegration>> {
        let inner = self.inner.read();
        let listening = inner.configuration.org(org).map(|org| org.listening(event_type, entity));
        let compiled = |integration: Arc<Integration>| inner.compiled.get(&integration.id).cloned();
        listening.into_iter().flatten().filter_map(compiled).collect()
    }

    /// The zone that an entity's clocks show.
    pub(crate) fn zone(&self, org: OrgId, entity: Rid) -> Zone {
        let inner = self.inner.read();
        inner.configuration.org(org).map(|org| org.zone(entity)).unwrap_or_default()
    }

    /// An inbound integration as it is configured now.
    pub(crate) fn inbound(&self, org: OrgId, id: IntegrationId) -> Option<Arc<InboundIntegration>> {
        self.inner.read().configuration.org(org)?.inbound_of(id).cloned()
    }

    /// An integration as it is configured now.
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
            None if deletes_org => self.forget_deleted(),
            None => {}
        }
    }

    fn refresh(&mut self, org: OrgId, id: IntegrationId) {
        let current = self.configuration.org(org).and_then(|org| org.integration(id));
        match current {
            Some(integration) => self.compiled.insert(id, compile(integration)),
            None => self.compiled.remove(&id),
        };
    }

    fn forget_deleted(&mut self) {
        let configuration = &self.configuration;
        self.compiled.retain(|id, compiled| {
            let org = configuration.org(compiled.integration.org_id);
            org.is_some_and(|org| org.integration(*id).is_some())
        });
    }
}

fn compile(integration: &Arc<Integration>) -> Arc<CompiledIntegration> {
    Arc::new(CompiledIntegration::new(Arc::clone(integration), Direction::Outbound))
}
