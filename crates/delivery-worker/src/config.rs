//! The worker's configuration.

use std::time::Duration;

use ig_delivery::{EgressGuard, SecurityConfig};
use ig_proto::ServiceAddresses;
use ig_service::config::{AdminConfig, ConfigFaults, GrpcConfig, ShutdownConfig, TelemetryConfig};
use ig_service::{ProcessConfig, Validate};
use ig_sources::SourcesConfig;
use ig_store::{MongoConfig, SecretsConfig};
use ig_transform::script::ScriptsConfig;
use serde::{Deserialize, Serialize};

/// The sections of the shared configuration that the worker reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Its gRPC server.
    pub grpc: GrpcConfig,
    /// Its admin port.
    pub admin: AdminConfig,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
    /// How it shuts down.
    pub shutdown: ShutdownConfig,
    /// Where the other services are.
    pub services: ServiceAddresses,
    /// The database.
    pub mongodb: MongoConfig,
    /// The keys for what is encrypted at rest.
    pub secrets: SecretsConfig,
    /// Which addresses may be sent to.
    pub security: SecurityConfig,
    /// Where events come from.
    pub sources: SourcesConfig,
    /// The processes that run scripts.
    pub scripts: ScriptsConfig,
    /// The worker's own settings.
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
    /// How long a partition lease lasts without being renewed, in seconds.
    pub lease_seconds: u64,
    /// The most events in flight at once, counting each event's deliveries beyond its first; reading pauses beyond it.
    pub max_events_in_flight: usize,
    /// Memory for waiting payloads, in MiB; payloads beyond it are read again when their lane reaches them.
    pub payload_memory_mib: usize,
    /// The most deliveries that are made and not yet durably recorded.
    pub max_unrecorded: usize,
    /// How many events the deduplication window remembers.
    pub dedup_capacity: usize,
    /// The age in days beyond which events are not delivered; 0 means any age.
    pub max_event_age_days: u32,
    /// Only events of these organisations are delivered; empty means all.
    pub allowed_parent_rids: Vec<i64>,
    /// How many days logs are kept for organisations that set no retention of their own.
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
    /// How long a partition lease lasts without being renewed.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    /// The memory for waiting payloads, in bytes.
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
