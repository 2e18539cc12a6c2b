//! A scheduled job: data is fetched when it is time, changes shape, and is sent.

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
pub use variable::{Part, Variable, VariableText};

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
    /// What it is for, in a word of the tenant's choice, such as `DAILY_EXPORT`.
    pub category: Option<String>,
    /// Whether it runs when it is time.
    pub is_active: bool,
    /// When it runs.
    pub schedule: JobSchedule,
    /// Where its data comes from.
    pub source: DataSource,
    /// What makes of the data what is sent; it is sent as it was fetched where absent.
    pub script: Option<Script>,
    /// How long the script may run.
    pub script_timeout: Duration,
    /// Where it is sent.
    pub target: Target,
    /// How the delivery proves who it comes from.
    pub auth: OutgoingAuth,
    /// How the delivery is signed, if it is.
    pub signing: Option<Signing>,
    /// Further headers of the request.
    pub headers: Vec<(String, String)>,
    /// The whole time that the request may take.
    pub timeout: Duration,
    /// How often the delivery is tried before it becomes a dead letter.
    pub attempts: u8,
    /// What of the delivery is kept.
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
