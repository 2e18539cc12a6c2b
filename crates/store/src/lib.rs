#![doc = include_str!("../README.md")]

mod aggregation;
mod alert_routes;
mod alerts;
mod api_keys;
mod audit_logs;
mod availability;
mod breakers;
mod config;
mod configuration;
mod data_connections;
mod database;
mod dead_letters;
mod delivery_logs;
mod delivery_statistics;
mod delivery_tallies;
mod error;
mod event_audit;
mod event_types;
mod execution_logs;
mod field;
mod group_writer;
mod inbound_integrations;
mod inbound_replays;
mod integrations;
mod job_data;
mod job_logs;
mod job_states;
mod jobs;
mod journal;
mod log_filter;
mod lookup_imports;
mod lookups;
mod maybe_readable;
mod migrate;
mod names;
mod notices;
mod notification_channels;
mod org_deletions;
mod org_units;
mod organizations;
mod orgs;
mod page;
mod partition_leases;
mod processed_events;
mod pushed_events;
mod rate_windows;
mod redrives;
mod scheduled_integrations;
mod secret_sealer;
mod sessions;
mod silences;
mod store;
mod stored;
mod templates;
mod users;

pub use aggregation::CountError;
pub use alert_routes::{AlertRoutes, StoredRouting};
pub use alerts::{
    AlertFilter, AlertTally, AlertTimes, Alerts, DueIncident, IncidentFilter, OwedAlert, OwedNews, RaiseOutcome, StoredAlert,
};
pub use api_keys::{ApiKey, ApiKeyFilter, ApiKeys, KeyHash, NewApiKey};
pub use audit_logs::{AuditEntry, AuditLogFilter, AuditLogs};
pub use breakers::MongoBreakers;
pub use config::{MongoConfig, SecretsConfig};
pub use configuration::{
    CommitError, Configurations, Configured, Expected, Items, KEPT_CHANGES, SearchFilter, SecretsTally, StoredDocument,
};
pub use data_connections::{ConnectionAddress, ConnectionError, DataConnections, ShownConnection};
pub use dead_letters::{
    DeadLetterFilter, DeadLetterStatistics, DeadLetterTally, DeadLetters, Deletion, GivenUp, IntegrationDeadLetters,
    RedriveClaim, RetryUpdate, SettleOutcome, StoredDeadLetter,
};
pub use delivery_logs::{DeliveryLogBatches, DeliveryLogs};
pub use delivery_statistics::{
    DeliveryScope, DeliveryStatistics, ErrorFigures, Errors, IntegrationErrors, IntegrationFigures, RecentDeliveries,
};
pub use event_audit::{AuditFilter, EventAudits};
pub use event_types::EventTypes;
pub use execution_logs::{ExecutionLogs, StoredStep, StoredTrace};
pub use group_writer::{GroupWriter, JournalQueue, JournalWaiter, journal_queue};
pub use ig_core::ports::StoreError;
pub use inbound_integrations::{InboundFilter, InboundIntegrations};
pub use inbound_replays::InboundReplays;
pub use integrations::{IntegrationFilter, Integrations};
pub use job_data::{JobData, JobQuery};
pub use job_logs::{JobLogFilter, JobLogs};
pub use job_states::{
    CancelOutcome, ClaimOutcome, DueLimits, FinishOutcome, HoldOutcome, JobStates, ResetOutcome, RunClaim, RunTakenOver,
};
pub use jobs::{JobFilter, Jobs};
pub use journal::MongoJournal;
pub use log_filter::LogFilter;
pub use lookup_imports::{LookupImport, LookupImports, STALE_AFTER};
pub use lookups::{
    Leftovers, LookupError, LookupFilter, LookupRows, LookupUsage, LookupView, MergingLookups, MongoLookups, ReplaceCounts,
    ReverseKey, StagedLookups, TypeStatistics, WriteCounts,
};
pub use maybe_readable::{MaybeReadable, Unreadable};
pub use notices::{
    DigestContent, DigestEntryContent, IncidentContent, NoticeContent, NoticeEnd, Notices, QueueClaim, StoredNotice,
};
pub use notification_channels::{FoundChannel, NotificationChannels};
pub use org_deletions::{OrgDeletion, OrgDeletions, PurgePass};
pub use org_units::OrgUnits;
pub use organizations::Organizations;
pub use orgs::Orgs;
pub use page::{Listed, MAX_SEARCH_CHARS, Page};
pub use partition_leases::MongoLeases;
pub use pushed_events::{PushOutcome, PushQueue, PushedEvent};
pub use rate_windows::MongoRateWindows;
pub use redrives::{REDRIVE_LEASE, Redrives};
pub use scheduled_integrations::{ChangeOutcome, DeliveryClaim, PendingDeliveries, ScheduledDeliveries, ScheduledFilter};
pub use secret_sealer::{SecretError, SecretSealer};
pub use sessions::{Session, Sessions};
pub use silences::Silences;
pub use store::Store;
pub use templates::{TemplateFilter, Templates};
pub use users::{NewUser, User, UserChange, UserFilter, Users};
