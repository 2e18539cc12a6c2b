//! The deliveries of a job, as delivery-worker makes them.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Job;
use crate::integration::{EventPattern, HoldCause, Integration, Ordering, Scope, SimpleMapping, Transformation};
use crate::schedule::Schedule;

impl Job {
    /// The integration that makes its deliveries: to its target, with its credentials, and with the payload as it stands. No event
    /// may match it.
    pub fn delivery_integration(&self) -> Integration {
        Integration {
            id: self.id,
            org_id: self.org_id,
            tenant_id: self.tenant_id,
            name: self.name.clone(),
            is_active: self.is_active,
            hold: self.hold.clone(),
            events: EventPattern::Any,
            scope: Scope::EntityOnly,
            excluded_entity_rids: BTreeSet::new(),
            target: self.target.clone(),
            filter: None,
            transformation: Transformation::Simple(SimpleMapping {
                passthrough: true,
                ..SimpleMapping::default()
            }),
            lookups: Vec::new(),
            script_timeout: self.script_timeout,
            auth: self.auth.clone(),
            signing: self.signing.clone(),
            headers: self.headers.clone(),
            actions: Vec::new(),
            multi_action_delay: Duration::ZERO,
            timeout: self.timeout,
            attempts: self.attempts,
            ordering: Ordering::Ordered,
            rate_limit: None,
            breaker: self.breaker,
            log_level: self.log_level,
            schedule: Schedule::default(),
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// The same for a run that is under way: a job that is inactive, or paused, delivers what a person has it run for. An open breaker
    /// still decides.
    pub fn run_integration(&self) -> Integration {
        let is_open = self.hold.as_ref().is_some_and(|hold| hold.cause == HoldCause::CircuitOpen);
        let integration = self.delivery_integration();
        if is_open {
            return integration;
        }
        Integration {
            is_active: true,
            hold: None,
            ..integration
        }
    }
}
