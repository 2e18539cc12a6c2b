//! What can be set about the worker.

use std::time::Duration;

use ig_delivery::{EgressGuard, SecurityConfig};
use ig_proto::ServiceAddresses;
use ig_service::config::{AdminConfig, ConfigFaults, GrpcConfig, ShutdownConfig, TelemetryConfig};
use ig_service::{ProcessConfig, Validate};
use ig_sources::SourcesConfig;
use ig_store::{MongoConfig, SecretsConfig};
use ig_transform::script::ScriptsConfig;
use serde::{Deserialize, Serialize};

/// Everything that the worker reads of the shared configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// How it serves gRPC.
    pub grpc: GrpcConfig,
    /// Its admin port.
    pub admin: AdminConfig,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
    /// How it ends.
    pub shutdown: ShutdownConfig,
    /// Where the other services are.
    pub services: ServiceAddresses,
    /// The database.
    pub mongodb: MongoConfig,
    /// The keys of what is encrypted at rest.
    pub secrets: SecretsConfig,
    /// Which addresses may be sent to.
    pub security: SecurityConfig,
    /// Where events come from.
    pub sources: SourcesConfig,
    /// The processes that run scripts.
    pub scripts: ScriptsConfig,
    /// Its own ways.
    pub worker: WorkerConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            grpc: GrpcConfig::on_port(5001),
            admin: AdminConfig::on_port(9101),
            telemetry: TelemetryConfig::default(),
            shutdown: ShutdownConfig::default(),
            services: ServiceAddresses::default(),
            mongodb: MongoConfig::default(),
            secrets: SecretsConfig::default(),
            security: SecurityConfig::default(),
            sources: SourcesConfig::default(),
            scripts: ScriptsConfig::default(),
            worker: WorkerConfig::default(),
        }
    }
}

impl ProcessConfig for Config {
    fn admin(&self) -> &AdminConfig {
        &self.admin
    }

    fn telemetry(&self) -> &TelemetryConfig {
        &self.telemetry
    }

    fn shutdown(&self) -> &ShutdownConfig {
        &self.shutdown
    }
}

impl Validate for Config {
    fn validate(&self, faults: &mut ConfigFaults) {
        faults.section("grpc", &self.grpc);
        faults.section("telemetry", &self.telemetry);
        for fault in EgressGuard::new(&self.security).err().unwrap_or_default().list() {
            let key = format!("security{}", fault.pointer.replace('/', "."));
            faults.add(&key, fault.message.clone(), "correct it or leave it out");
        }
        faults.section("worker", &self.worker);
        for fault in self.sources.faults() {
            faults.add(&format!("sources.{}", fault.key), fault.problem, fault.fix);
        }
    }
}

/// Section `worker`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerConfig {
    /// Seconds for which a partition stays held without being renewed.
    pub lease_seconds: u64,
    /// The most events that are under way at once, with the deliveries that each has waiting beside its first; reading pauses beyond it.
    pub max_events_in_flight: usize,
    /// MiB that waiting payloads may take; beyond it they are read again when their turn comes.
    pub payload_memory_mib: usize,
    /// The most deliveries that were made and are not durably recorded yet.
    pub max_unrecorded: usize,
    /// How many events are remembered to tell repeats.
    pub dedup_capacity: usize,
    /// Events that are older than so many days are not delivered; 0 means any age.
    pub max_event_age_days: u32,
    /// Only events of these organisations are delivered; empty means all.
    pub allowed_parent_rids: Vec<i64>,
    /// Days for which logs are kept where the organisation does not say.
    pub retention_days: u32,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            lease_seconds: 10,
            max_events_in_flight: 2_000_000,
            payload_memory_mib: 256,
            max_unrecorded: 2_000,
            dedup_capacity: 1_000_000,
            max_event_age_days: 0,
            allowed_parent_rids: Vec::new(),
            retention_days: 90,
        }
    }
}

impl WorkerConfig {
    /// How long a partition stays held without being renewed.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    /// The memory that waiting payloads may take, in bytes.
    pub fn payload_memory(&self) -> usize {
        self.payload_memory_mib * 1024 * 1024
    }
}

impl Validate for WorkerConfig {
    fn validate(&self, faults: &mut ConfigFaults) {
        let at_least = |faults: &mut ConfigFaults, key: &str, value: usize, least: usize| {
            if value < least {
                faults.add(key, format!("is {value}"), format!("give at least {least}"));
            }
        };
        at_least(
            faults,
            "lease_seconds",
            usize::try_from(self.lease_seconds).unwrap_or(usize::MAX),
            2,
        );
        at_least(faults, "max_events_in_flight", self.max_events_in_flight, 1_000);
        at_least(faults, "payload_memory_mib", self.payload_memory_mib, 1);
        at_least(faults, "max_unrecorded", self.max_unrecorded, 1);
        at_least(faults, "dedup_capacity", self.dedup_capacity, 1);
        at_least(faults, "retention_days", self.retention_days as usize, 1);
    }
}
