//! Scheduled jobs: fetch data on a schedule, transform it and send it.

use std::time::Duration;

use crate::breaker::BreakerPolicy;
use crate::clock::Timestamp;
use crate::id::{IntegrationId, OrgId, Rid};
use crate::integration::{Hold, LogLevel, OutgoingAuth, Script, Signing, Target};

mod batch;
mod connection;
mod delivery;
mod fetch;
mod firing;
mod pagination;
mod pipeline;
mod run;
mod schedule;
mod source;
mod values;
mod variable;
mod watermark_field;

pub use batch::{BatchSize, MAX_BATCH_SIZE};
pub use connection::{ColumnName, ConnectionGrant, ConnectionName, DataConnection, TableAccess, TableName, TableScope};
pub use fetch::{AtCap, BsonStyle, Collecting, FetchError, FetchLimits, Fetched, RecordCollector};
pub use firing::{DueFiring, Firing, JobKey, JobState, RuleKey, Timetable, in_turns, plan};
pub use pipeline::{DatabaseOwner, FilledValue, check as check_pipeline, fill as fill_pipeline};
pub use run::{
    CancelRequest, Excerpt, JobRun, MAX_EXCERPT_BYTES, MAX_HOLDERS, MAX_WATERMARK_BYTES, NotAWatermark, PayloadDigest,
    Resumption, RunCounts, RunError, RunId, RunProgress, RunRequest, RunResponse, RunStage, RunStages, RunStatus, RunSubject,
    RunTrigger, RunningRun, Skip, SkipReason, StageResult, Watermark, WatermarkValue, batch_message_id,
};
pub use schedule::JobSchedule;
pub use source::{ApiSource, DataSource, MongoSource, NextPage, Pagination, Source, SqlSource};
pub use values::{MomentForm, NoValue, VariableValues};
pub use variable::{TextPart, Variable, VariableText};
pub use watermark_field::WatermarkField;

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
    /// Why it does not run while it is inactive.
    pub hold: Option<Hold>,
    /// Its schedule.
    pub schedule: JobSchedule,
    /// The source of its data.
    pub source: DataSource,
    /// Transforms the data; `None` sends the data as fetched.
    pub script: Option<Script>,
    /// The time limit of the script.
    pub script_timeout: Duration,
    /// How many records go into one delivery; `None` sends them all in one.
    pub batch_size: Option<BatchSize>,
    /// The field that a job fetches onwards from; `None` for a job that fetches everything anew.
    pub watermark: Option<WatermarkField>,
    /// How late a missed firing may still run; `None` sets no limit.
    pub max_overdue: Option<Duration>,
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
    /// Whether an open breaker probes its target by itself.
    pub breaker: BreakerPolicy,
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
