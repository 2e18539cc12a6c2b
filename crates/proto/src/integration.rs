//! Outbound integrations.

use ig_core::id::{EventType, OrgId, Rid};
use ig_core::integration::{EventPattern, Integration, LogLevel, Ordering, OutgoingAuth, Scope, Signing, SigningSecret};

use crate::invalid::{InvalidMessage, Within as _, all, optional, required};
use crate::time::{duration_from_wire, duration_to_wire, timestamp_from_wire, timestamp_to_wire};
use crate::v1;

mod auth;
mod condition;
mod conduct;
mod header;
mod lookup;
mod mapping;
mod schedule;
mod target;

pub(crate) use auth::to_wire as auth_to_wire;
pub(crate) use conduct::{breaker_from_wire, limit_from_wire, limit_to_wire};
pub(crate) use header::{from_wire as headers_from_wire, to_wire as headers_to_wire};

const ANY_EVENT: &str = "*";
const CONCURRENCY_RANGE: std::ops::RangeInclusive<u32> = 1..=1000;

impl From<&Integration> for v1::Integration {
    fn from(integration: &Integration) -> Self {
        let Integration {
            id,
            org_id,
            tenant_id,
            name,
            is_active,
            hold,
            events,
            scope,
            excluded_entity_rids,
            target,
            filter,
            transformation,
            lookups,
            script_timeout,
            auth,
            signing,
            headers,
            actions,
            multi_action_delay,
            timeout,
            attempts,
            ordering,
            rate_limit,
            breaker,
            log_level,
            schedule,
            revision,
            created_at,
            updated_at,
        } = integration;
        Self {
            id: id.to_string(),
            org_id: org_id.0,
            tenant_id: tenant_id.0,
            name: name.clone(),
            is_active: *is_active,
            hold: hold.as_ref().map(Into::into),
            rate_limit: rate_limit.map(limit_to_wire),
            probe_after_seconds: breaker.probe_after().map(|wait| wait.as_secs()),
            event_type: event_type_to_wire(events),
            scope: scope_to_wire(*scope).into(),
            excluded_entity_rids: excluded_entity_rids.iter().map(|rid| rid.0).collect(),
            target: Some(target.into()),
            filter: filter.as_ref().map(Into::into),
            transformation: Some(transformation.into()),
            lookups: lookups.iter().map(Into::into).collect(),
            script_timeout: Some(duration_to_wire(*script_timeout)),
            auth: auth_to_wire(auth),
            signing_secrets: signing.as_ref().map(secrets_to_wire).unwrap_or_default(),
            headers: headers_to_wire(headers),
            actions: actions.iter().map(Into::into).collect(),
            multi_action_delay: Some(duration_to_wire(*multi_action_delay)),
            timeout: Some(duration_to_wire(*timeout)),
            attempts: u32::from(*attempts),
            unordered_concurrency: concurrency_to_wire(*ordering),
            log_level: log_level_to_wire(*log_level).into(),
            scheduling_mode: schedule.mode().as_str().to_owned(),
            scheduling_config: schedule::to_wire(schedule),
            revision: *revision,
            created_at: Some(timestamp_to_wire(created_at)),
            updated_at: Some(timestamp_to_wire(updated_at)),
        }
    }
}

impl TryFrom<v1::Integration> for Integration {
    type Error = InvalidMessage;

    fn try_from(message: v1::Integration) -> Result<Self, InvalidMessage> {
        let v1::Integration {
            id,
            org_id,
            tenant_id,
            name,
            is_active,
            event_type,
            scope,
            excluded_entity_rids,
            target,
            filter,
            transformation,
            lookups,
            script_timeout,
            hold,
            rate_limit,
            probe_after_seconds,
            auth,
            signing_secrets,
            headers,
            actions,
            multi_action_delay,
            timeout,
            attempts,
            unordered_concurrency,
            log_level,
            scheduling_mode,
            scheduling_config,
            revision,
            created_at,
            updated_at,
        } = message;
        Ok(Self {
            id: id.parse().within("id")?,
            org_id: OrgId(org_id),
            tenant_id: Rid(tenant_id),
            name,
            is_active,
            hold: optional(hold, "hold")?,
            rate_limit: rate_limit.map(limit_from_wire).transpose().within("rate_limit")?,
            breaker: breaker_from_wire(probe_after_seconds).within("probe_after_seconds")?,
            events: event_type_from_wire(event_type).within("event_type")?,
            scope: scope_from_wire(scope).within("scope")?,
            excluded_entity_rids: excluded_entity_rids.into_iter().map(Rid).collect(),
            target: required(target, "target")?,
            filter: optional(filter, "filter")?,
            transformation: required(transformation, "transformation")?,
            lookups: all(lookups, "lookups")?,
            script_timeout: duration_from_wire(script_timeout, "script_timeout")?,
            auth: auth.map_or(Ok(OutgoingAuth::None), OutgoingAuth::try_from).within("auth")?,
            signing: secrets_from_wire(&signing_secrets).within("signing_secrets")?,
            headers: headers_from_wire(headers),
            actions: all(actions, "actions")?,
            multi_action_delay: duration_from_wire(multi_action_delay, "multi_action_delay")?,
            timeout: duration_from_wire(timeout, "timeout")?,
            attempts: attempts_from_wire(attempts).within("attempts")?,
            ordering: concurrency_from_wire(unordered_concurrency).within("unordered_concurrency")?,
            log_level: log_level_from_wire(log_level).within("log_level")?,
            schedule: schedule::from_wire(&scheduling_mode, &scheduling_config)?,
            revision,
            created_at: timestamp_from_wire(created_at, "created_at")?,
            updated_at: timestamp_from_wire(updated_at, "updated_at")?,
        })
    }
}

fn event_type_to_wire(events: &EventPattern) -> String {
    match events {
        EventPattern::Any => ANY_EVENT.to_owned(),
        EventPattern::Exact(event_type) => event_type.to_string(),
    }
}

fn event_type_from_wire(event_type: String) -> Result<EventPattern, InvalidMessage> {
    match event_type.as_str() {
        "" => Err(InvalidMessage::value("must not be empty; * stands for all")),
        ANY_EVENT => Ok(EventPattern::Any),
        _ => Ok(EventPattern::Exact(EventType::new(event_type))),
    }
}

fn scope_to_wire(scope: Scope) -> v1::Scope {
    match scope {
        Scope::AllEntities => v1::Scope::AllEntities,
        Scope::EntityOnly => v1::Scope::EntityOnly,
    }
}

fn scope_from_wire(scope: i32) -> Result<Scope, InvalidMessage> {
    match v1::Scope::try_from(scope) {
        Ok(v1::Scope::AllEntities) => Ok(Scope::AllEntities),
        Ok(v1::Scope::EntityOnly) => Ok(Scope::EntityOnly),
        Ok(v1::Scope::Unspecified) | Err(_) => Err(InvalidMessage::value("must be ALL_ENTITIES or ENTITY_ONLY")),
    }
}

pub(crate) fn log_level_to_wire(level: LogLevel) -> v1::LogLevel {
    match level {
        LogLevel::Full => v1::LogLevel::Full,
        LogLevel::Metadata => v1::LogLevel::Metadata,
    }
}

pub(crate) fn log_level_from_wire(level: i32) -> Result<LogLevel, InvalidMessage> {
    match v1::LogLevel::try_from(level) {
        Ok(v1::LogLevel::Full) => Ok(LogLevel::Full),
        Ok(v1::LogLevel::Metadata) => Ok(LogLevel::Metadata),
        Ok(v1::LogLevel::Unspecified) | Err(_) => Err(InvalidMessage::value("must be FULL or METADATA")),
    }
}

pub(crate) fn secrets_to_wire(signing: &Signing) -> Vec<String> {
    signing
        .secrets()
        .iter()
        .map(|secret| secret.text().expose().to_owned())
        .collect()
}

pub(crate) fn secrets_from_wire(secrets: &[String]) -> Result<Option<Signing>, InvalidMessage> {
    if secrets.is_empty() {
        return Ok(None);
    }
    let secrets: Result<Vec<_>, _> = secrets.iter().map(|text| SigningSecret::parse(text)).collect();
    Ok(Some(Signing::new(secrets?)?))
}

pub(crate) fn attempts_from_wire(attempts: u32) -> Result<u8, InvalidMessage> {
    u8::try_from(attempts)
        .ok()
        .filter(|attempts| *attempts > 0)
        .ok_or_else(|| InvalidMessage::value("must be from 1 to 255"))
}

fn concurrency_to_wire(ordering: Ordering) -> Option<u32> {
    match ordering {
        Ordering::Ordered => None,
        Ordering::Unordered { max_concurrency } => Some(u32::from(max_concurrency)),
    }
}

fn concurrency_from_wire(concurrency: Option<u32>) -> Result<Ordering, InvalidMessage> {
    let Some(concurrency) = concurrency else {
        return Ok(Ordering::Ordered);
    };
    let max_concurrency = u16::try_from(concurrency)
        .ok()
        .filter(|_| CONCURRENCY_RANGE.contains(&concurrency));
    max_concurrency
        .map(|max_concurrency| Ordering::Unordered { max_concurrency })
        .ok_or_else(|| InvalidMessage::value("must be from 1 to 1,000"))
}
