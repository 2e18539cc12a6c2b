//! The entry point: one connection pool, and a repository for each collection.

use std::time::Duration;

use ig_core::ports::StoreError;
use mongodb::bson::doc;

use crate::alert_routes::AlertRoutes;
use crate::alerts::Alerts;
use crate::api_keys::ApiKeys;
use crate::audit_logs::AuditLogs;
use crate::breakers::MongoBreakers;
use crate::config::MongoConfig;
use crate::configuration::{Configurations, Configured, StoredDocument};
use crate::data_connections::DataConnections;
use crate::database::Database;
use crate::dead_letters::DeadLetters;
use crate::delivery_logs::DeliveryLogs;
use crate::delivery_statistics::DeliveryStatistics;
use crate::error::store_error;
use crate::event_audit::EventAudits;
use crate::event_types::EventTypes;
use crate::execution_logs::ExecutionLogs;
use crate::inbound_integrations::InboundIntegrations;
use crate::inbound_replays::InboundReplays;
use crate::integrations::Integrations;
use crate::job_data::JobData;
use crate::job_logs::JobLogs;
use crate::job_states::JobStates;
use crate::jobs::Jobs;
use crate::journal::MongoJournal;
use crate::lookup_imports::LookupImports;
use crate::lookups::MongoLookups;
use crate::migrate;
use crate::notices::Notices;
use crate::notification_channels::NotificationChannels;
use crate::org_deletions::OrgDeletions;
use crate::org_units::OrgUnits;
use crate::organizations::Organizations;
use crate::partition_leases::MongoLeases;
use crate::pushed_events::PushQueue;
use crate::rate_windows::MongoRateWindows;
use crate::redrives::Redrives;
use crate::scheduled_integrations::ScheduledDeliveries;
use crate::secret_sealer::SecretSealer;
use crate::sessions::Sessions;
use crate::silences::Silences;
use crate::templates::Templates;
use crate::users::Users;

/// How long a probe waits for the database, at first and on its second try.
const FIRST_PROBE_TIMEOUT: Duration = Duration::from_millis(1_500);
const SECOND_PROBE_TIMEOUT: Duration = Duration::from_millis(500);

/// The database. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Store {
    database: Database,
    pushed_events: PushQueue,
}

impl Store {
    /// Parses the address and creates the pool; the first operation connects, so this does not wait for the server.
    pub async fn connect(config: &MongoConfig, secrets: SecretSealer) -> Result<Self, StoreError> {
        let database = Database::open(config, secrets).await?;
        let pushed_events = PushQueue::new(database.clone());
        Ok(Self { database, pushed_events })
    }

    /// Creates missing collections, indexes and counters. Any number of processes may do so at once, at any time.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        migrate::run(&self.database).await
    }

    /// Pings the database.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.database
            .within(self.database.driver().run_command(doc! { "ping": 1 }))
            .await?;
        Ok(())
    }

    /// Probes the database, twice and for 2 s at most. While it is unavailable, all operations of this store and its
    /// clones fail at once: for services that probe repeatedly, and whose callers cannot wait.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let answer = match self.answers_within(FIRST_PROBE_TIMEOUT).await {
            // A connection that broke while idle, or a process that was paused, says nothing about the database.
            Err(_) => self.answers_within(SECOND_PROBE_TIMEOUT).await,
            answered => answered,
        };
        let is_away = matches!(answer, Err(StoreError::Unavailable(_)));
        self.database.availability().set(!is_away);
        answer
    }

    async fn answers_within(&self, timeout: Duration) -> Result<(), StoreError> {
        let ping = self.database.probe().ping();
        let timed_out = |_| StoreError::Unavailable(format!("no answer within {} ms", timeout.as_millis()));
        let answer = tokio::time::timeout(timeout, ping).await.map_err(timed_out)?;
        answer.map(drop).map_err(|error| store_error(&error))
    }

    /// Changing and following configuration.
    pub fn configuration(&self) -> Configurations {
        Configurations::new(self.database.clone())
    }

    /// The items of one kind of configuration.
    pub fn configured<D: StoredDocument>(&self) -> Configured<D> {
        Configured::new(self.database.clone())
    }

    /// Organisations.
    pub fn organizations(&self) -> Organizations {
        self.configured()
    }

    /// Deleted organisations and the removal of their data.
    pub fn org_deletions(&self) -> OrgDeletions {
        OrgDeletions::new(self.database.clone())
    }

    /// Units of organisations.
    pub fn org_units(&self) -> OrgUnits {
        self.configured()
    }

    /// Outbound integrations.
    pub fn integrations(&self) -> Integrations {
        self.configured()
    }

    /// Inbound integrations.
    pub fn inbound_integrations(&self) -> InboundIntegrations {
        self.configured()
    }

    /// Used signatures of calls, for replay protection.
    pub fn inbound_replays(&self) -> InboundReplays {
        InboundReplays::new(self.database.clone())
    }

    /// Scheduled jobs.
    pub fn jobs(&self) -> Jobs {
        self.configured()
    }

    /// Connections to the databases that SQL jobs read.
    pub fn data_connections(&self) -> DataConnections {
        DataConnections::new(self.database.clone())
    }

    /// States of jobs: when they run next, and the runs that are under way.
    pub fn job_states(&self) -> JobStates {
        JobStates::new(self.database.clone())
    }

    /// Logs of the runs of jobs.
    pub fn job_logs(&self) -> JobLogs {
        JobLogs::new(self.database.clone())
    }

    /// What jobs read of this database.
    pub fn job_data(&self) -> JobData {
        JobData::new(self.database.clone())
    }

    /// Templates.
    pub fn templates(&self) -> Templates {
        self.configured()
    }

    /// Event types.
    pub fn event_types(&self) -> EventTypes {
        self.configured()
    }

    /// Lookup rows.
    pub fn lookups(&self) -> MongoLookups {
        MongoLookups::new(self.database.clone())
    }

    /// Imports of lookup rows and their progress.
    pub fn lookup_imports(&self) -> LookupImports {
        LookupImports::new(self.database.clone())
    }

    /// The durable record that workers write.
    pub fn journal(&self) -> MongoJournal {
        MongoJournal::new(self.database.clone())
    }

    /// The leases on partitions.
    pub fn partition_leases(&self) -> MongoLeases {
        MongoLeases::new(self.database.clone())
    }

    /// Events that clients pushed. All clones of one store batch their writes together.
    pub fn pushed_events(&self) -> PushQueue {
        self.pushed_events.clone()
    }

    /// Delivery logs.
    pub fn delivery_logs(&self) -> DeliveryLogs {
        DeliveryLogs::new(self.database.clone())
    }

    /// Statistics of deliveries.
    pub fn delivery_statistics(&self) -> DeliveryStatistics {
        DeliveryStatistics::new(self.database.clone())
    }

    /// Traces of deliveries.
    pub fn execution_logs(&self) -> ExecutionLogs {
        ExecutionLogs::new(self.database.clone())
    }

    /// Decisions about events.
    pub fn event_audit(&self) -> EventAudits {
        EventAudits::new(self.database.clone())
    }

    /// Dead letters.
    pub fn dead_letters(&self) -> DeadLetters {
        DeadLetters::new(self.database.clone())
    }

    /// Circuit breakers of integrations.
    pub fn breakers(&self) -> MongoBreakers {
        MongoBreakers::new(self.database.clone())
    }

    /// Rate limit windows.
    pub fn rate_windows(&self) -> MongoRateWindows {
        MongoRateWindows::new(self.database.clone())
    }

    /// Bulk retries of dead letters.
    pub fn redrives(&self) -> Redrives {
        Redrives::new(self.database.clone())
    }

    /// Scheduled deliveries.
    pub fn scheduled_deliveries(&self) -> ScheduledDeliveries {
        ScheduledDeliveries::new(self.database.clone())
    }

    /// API keys.
    pub fn api_keys(&self) -> ApiKeys {
        ApiKeys::new(self.database.clone())
    }

    /// The audit log.
    pub fn audit_logs(&self) -> AuditLogs {
        AuditLogs::new(self.database.clone())
    }

    /// Alerts.
    pub fn alerts(&self) -> Alerts {
        Alerts::new(self.database.clone())
    }

    /// Silences of alerts.
    pub fn silences(&self) -> Silences {
        Silences::new(self.database.clone())
    }

    /// Routes of alerts and quiet hours.
    pub fn alert_routes(&self) -> AlertRoutes {
        AlertRoutes::new(self.database.clone())
    }

    /// Channels that notices of alerts go to.
    pub fn notification_channels(&self) -> NotificationChannels {
        NotificationChannels::new(self.database.clone())
    }

    /// The outbox of notices.
    pub fn notices(&self) -> Notices {
        Notices::new(self.database.clone())
    }

    /// Login sessions.
    pub fn sessions(&self) -> Sessions {
        Sessions::new(self.database.clone())
    }

    /// Signing keys for a purpose, each with the id of the key that it is derived from; the first signs, all of them verify.
    pub fn derived_keys(&self, purpose: &str) -> Vec<(String, [u8; 32])> {
        self.database.secrets().derived(purpose)
    }

    /// Users.
    pub fn users(&self) -> Users {
        Users::new(self.database.clone())
    }
}
