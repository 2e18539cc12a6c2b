//! The collections' names.

pub(crate) const ORGANIZATIONS: &str = "organizations";
pub(crate) const ORG_UNITS: &str = "org_units";
pub(crate) const INTEGRATIONS: &str = "integration_configs";
pub(crate) const EVENT_TYPES: &str = "event_types";
pub(crate) const LOOKUPS: &str = "lookups";
pub(crate) const LOOKUP_TABLES: &str = "lookup_tables";
pub(crate) const LOOKUP_LEFTOVERS: &str = "lookup_leftovers";
pub(crate) const LOOKUP_IMPORTS: &str = "lookup_imports";
pub(crate) const LOOKUP_USAGE: &str = "lookup_usage";
pub(crate) const CONFIG_CHANGES: &str = "config_changes";
pub(crate) const COUNTERS: &str = "counters";
pub(crate) const DELIVERY_LOGS: &str = "delivery_logs";
pub(crate) const EXECUTION_LOGS: &str = "execution_logs";
pub(crate) const EVENT_AUDIT: &str = "event_audit";
pub(crate) const DEAD_LETTERS: &str = "dlq";
pub(crate) const REDRIVES: &str = "dlq_redrives";
pub(crate) const PROCESSED_EVENTS: &str = "processed_events";
pub(crate) const CHECKPOINTS: &str = "worker_checkpoint";
pub(crate) const MEMBERS: &str = "worker_members";
pub(crate) const PUSHED_EVENTS: &str = "pushed_events";
pub(crate) const API_KEYS: &str = "api_keys";
pub(crate) const USERS: &str = "users";
pub(crate) const BREAKERS: &str = "circuit_breakers";
pub(crate) const RATE_WINDOWS: &str = "rate_windows";
pub(crate) const ALERTS: &str = "alert_center_logs";
