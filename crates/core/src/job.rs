//! Scheduled jobs: fetch data on a schedule, transform it and send it.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::{IntegrationId, OrgId, Rid};
use crate::integration::{LogLevel, OutgoingAuth, Script, Signing, Target};

mod pipeline;
mod schedule;
mod source;
mod variable;

pub use schedule::JobSchedule;
pub use source::{ApiSource, DataSource, MongoSource, Source, SqlSource};
pub use variable::{TextPart, Variable, VariableText};

/// A scheduled job, which the API calls an integration of the direction SCHEDULED.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its identifier, from the same space as those of integrations.
    pub id: IntegrationId,
    /// The tenant it belongs to.
    pub org_id: OrgId,
    /// The entity that it acts for: the organisation itself, or one of its units.
    pub tenant_id: Rid,
    /// Display name.
    pub name: String,
    /// Its category, a word of the tenant's choice such as `DAILY_EXPORT`.
    pub category: Option<String>,
    /// Whether its schedule is in force.
    pub is_active: bool,
    /// Its schedule.
    pub schedule: JobSchedule,
    /// The source of its data.
    pub source: DataSource,
    /// Transforms the data; `None` sends the data as fetched.
    pub script: Option<Script>,
    /// The time limit of the script.
    pub script_timeout: Duration,
    /// The target of its delivery.
    pub target: Target,
    /// The credentials of the delivery.
    pub auth: OutgoingAuth,
    /// How the delivery is signed, if it is.
    pub signing: Option<Signing>,
    /// Additional headers of the request.
    pub headers: Vec<(String, String)>,
    /// The time limit of the request.
    pub timeout: Duration,
    /// How many attempts the delivery gets before it becomes a dead letter.
    pub attempts: u8,
    /// What the delivery logs.
    pub log_level: LogLevel,
    /// The configuration revision that last changed it.
    pub revision: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Job {
    /// Whether it acts for the organisation rather than for one of its units.
    pub fn is_parent_level(&self) -> bool {
        self.tenant_id == self.org_id.as_entity()
    }
}
