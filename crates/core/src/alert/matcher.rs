//! Conditions on incidents.

use super::{Incident, Severity};
use crate::fault::Faults;
use crate::id::{IntegrationId, Rid};

/// The most values of one condition.
const MAX_VALUES: usize = 100;

/// Selects incidents: each list names the values that match, and an empty one matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matcher {
    /// Severities.
    pub severities: Vec<Severity>,
    /// Kinds of trouble, such as `circuit-open`.
    pub kinds: Vec<String>,
    /// Keys of alerts.
    pub keys: Vec<String>,
    /// Integrations.
    pub integrations: Vec<IntegrationId>,
    /// Units.
    pub units: Vec<Rid>,
}

impl Matcher {
    /// Whether it selects an incident. An incident without an integration is not selected by one that names integrations.
    pub fn matches(&self, incident: &Incident) -> bool {
        let Self {
            severities,
            kinds,
            keys,
            integrations,
            units,
        } = self;
        let (alert, details) = (&incident.alert, &incident.details);
        allows(severities, Some(&alert.severity))
            && allows(kinds, Some(&alert.kind))
            && allows(keys, Some(&alert.key))
            && allows(integrations, details.integration.as_ref())
            && allows(units, details.unit.as_ref())
    }

    /// Checks its size; faults point at `/kinds` and the like.
    pub fn check(&self) -> Result<(), Faults> {
        let mut faults = Faults::default();
        let sizes = [
            ("/severities", self.severities.len()),
            ("/kinds", self.kinds.len()),
            ("/keys", self.keys.len()),
            ("/integrations", self.integrations.len()),
            ("/units", self.units.len()),
        ];
        for (pointer, _) in sizes.iter().filter(|(_, size)| *size > MAX_VALUES) {
            faults.add(*pointer, "must have at most 100 values");
        }
        faults.into_result(())
    }
}

fn allows<T: PartialEq>(allowed: &[T], value: Option<&T>) -> bool {
    allowed.is_empty() || value.is_some_and(|value| allowed.contains(value))
}
