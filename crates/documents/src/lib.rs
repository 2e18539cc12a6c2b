//! The documents of configuration: each resource once, as clients write it and as the store keeps it.
//!
//! A document knows its fields, their schema, how they convert to the domain and back, and which of them hold secrets. The API shows
//! a document with its secrets masked, and the store keeps the same document with its secrets sealed.

mod auth;
mod checks;
mod choice;
mod condition;
mod entries;
mod event_type;
mod header;
mod identity;
mod inbound;
mod item;
mod job;
pub mod json_text;
mod mapping;
mod merge;
mod organization;
mod outbound;
mod profile;
mod resilience;
mod resource;
mod secret_binding;
mod secrets;
mod signing;
mod template;
pub mod text;
mod transformation;
mod unit;

pub use auth::{AuthConfig, AuthType, CredentialsIn};
pub use checks::{Checks, Unchecked};
pub use choice::{LogLevelName, Method, OrderingName, ScheduleMode, ScopeName, TransformationMode};
pub use condition::ConditionDocument;
pub use event_type::{EventTypeDocument, ValidationChoice, check_schema};
pub use inbound::{
    InboundAuthConfig, InboundAuthType, InboundDocument, ProxyLogLevel, ProxyLogging, ProxyMethodName, Side, TimeoutsDocument,
};
pub use item::ConfigurationItem;
pub use job::{
    BatchDocument, BsonStyleName, DataSourceDocument, DataSourceType, JobDocument, JobScheduleDocument, JobScheduleType,
    JobTransformation, JobTransformationMode, PaginationDocument, PaginationType, SourceMethod, WatermarkDocument,
};
pub use mapping::{DateRule, MappingRule, StaticRule, TransformName};
pub use merge::{merged, remove_field, restore_masks};
pub use organization::{OrganizationDocument, RequestLimitsDocument, RetryPolicyDocument, console};
pub use outbound::{
    ActionDocument, CancelChoice, CancelOn, LookupRuleDocument, OutboundDocument, ReturnMode, SchedulingConfig, UnmappedBehavior,
};
pub use profile::mailbox;
pub use resilience::{BreakerDocument, HoldDocument, RateLimitsDocument};
pub use resource::{ResourceDocument, Stamp};
pub use secret_binding::{SecretBinding, require_reentry, withhold};
pub use secrets::{SecretPlace, Secrets};
pub use signing::SigningDocument;
pub use template::{DirectionName, TemplateDocument, check_definition, filled};
pub use unit::UnitDocument;
