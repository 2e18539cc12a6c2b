//! An integration as stored.

use std::time::Duration;

use ig_core::id::{IntegrationId, OrgId, Rid};
use ig_core::integration::{DEFAULT_SCRIPT_TIMEOUT, Integration};
use ig_core::ports::StoreError;
use mongodb::bson::{self, oid::ObjectId};
use serde::{Deserialize, Serialize};

use super::DIRECTION;
use super::action::{ActionDocument, TargetDocument};
use super::auth::{AuthDocument, HeadersDocument, Sealer};
use super::condition::ConditionDocument;
use super::conduct::{HoldDocument, RateLimitDocument, read_breaker};
use super::lookup::LookupRuleDocument;
use super::mapping::TransformationDocument;
use super::schedule::ScheduleDocument;
use super::words;
use crate::error::unreadable;
use crate::field::{date, long, millis, object_id, timestamp, unsigned};
use crate::found::Unreadable;
use crate::secret_box::SecretBox;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IntegrationDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    direction: String,
    org_id: i64,
    tenant_id: i64,
    name: String,
    is_active: bool,
    #[serde(default)]
    hold: Option<HoldDocument>,
    #[serde(default)]
    rate_limits: Option<RateLimitDocument>,
    #[serde(default)]
    probe_after_seconds: Option<i64>,
    event_type: String,
    scope: String,
    excluded_entity_rids: Vec<i64>,
    #[serde(flatten)]
    target: TargetDocument,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filter: Option<ConditionDocument>,
    transformation: TransformationDocument,
    #[serde(default)]
    lookups: Vec<LookupRuleDocument>,
    script_timeout_ms: Option<i64>,
    #[serde(flatten)]
    auth: AuthDocument,
    signing_secrets: Option<Vec<String>>,
    #[serde(flatten)]
    headers: HeadersDocument,
    actions: Vec<ActionDocument>,
    multi_action_delay_ms: i64,
    timeout_ms: i64,
    retry_count: i32,
    ordering: String,
    max_concurrency: Option<i32>,
    log_level: String,
    #[serde(flatten)]
    schedule: ScheduleDocument,
    revision: i64,
    created_at: bson::DateTime,
    updated_at: bson::DateTime,
}

impl IntegrationDocument {
    pub(crate) fn new(integration: &Integration, revision: u64, secrets: &SecretBox) -> Result<Self, StoreError> {
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
            revision: _,
            created_at,
            updated_at,
        } = integration;
        let sealer = Sealer::of(secrets, *id);
        let signing = signing.as_ref().map(|signing| sealer.signing(signing, "signing"));
        let (ordering, max_concurrency) = words::ordering(*ordering);
        Ok(Self {
            id: object_id(id.0),
            direction: DIRECTION.to_owned(),
            org_id: org_id.0,
            tenant_id: tenant_id.0,
            name: name.clone(),
            is_active: *is_active,
            hold: hold.as_ref().map(HoldDocument::from),
            rate_limits: rate_limit.map(RateLimitDocument::from),
            probe_after_seconds: breaker.probe_after().map(|wait| long(wait.as_secs())),
            event_type: words::events(events),
            scope: words::scope(*scope).to_owned(),
            excluded_entity_rids: excluded_entity_rids.iter().map(|rid| rid.0).collect(),
            target: target.into(),
            filter: filter.as_ref().map(ConditionDocument::from),
            transformation: transformation.into(),
            lookups: lookups.iter().map(LookupRuleDocument::from).collect(),
            script_timeout_ms: Some(millis(*script_timeout)),
            auth: sealer.auth(auth)?,
            signing_secrets: signing.transpose()?,
            headers: sealer.headers(headers)?,
            actions: actions.iter().map(ActionDocument::from).collect(),
            multi_action_delay_ms: millis(*multi_action_delay),
            timeout_ms: millis(*timeout),
            retry_count: i32::from(*attempts),
            ordering: ordering.to_owned(),
            max_concurrency,
            log_level: words::log_level(*log_level).to_owned(),
            schedule: schedule.into(),
            revision: long(revision),
            created_at: date(*created_at),
            updated_at: date(*updated_at),
        })
    }

    /// What is known without decrypting anything.
    pub(crate) fn stands(&self) -> Unreadable {
        Unreadable {
            id: IntegrationId(self.id.bytes()),
            name: self.name.clone(),
            revision: unsigned(self.revision),
            created_at: timestamp(self.created_at),
            reason: String::new(),
        }
    }

    /// The same on hold and without its secrets: it matches the same events and sends nothing.
    /// An integration that was switched off stays off.
    pub(crate) fn held(self, reason: &str) -> Self {
        let is_draft = !self.is_active && self.hold.is_none();
        Self {
            auth: AuthDocument::None,
            signing_secrets: None,
            headers: self.headers.plain(),
            transformation: TransformationDocument::nothing(),
            lookups: Vec::new(),
            actions: self.actions.into_iter().map(ActionDocument::untransformed).collect(),
            is_active: false,
            hold: (!is_draft).then(|| HoldDocument::unreadable(reason, self.updated_at)),
            ..self
        }
    }

    pub(crate) fn read(self, secrets: &SecretBox) -> Result<Integration, StoreError> {
        let id = IntegrationId(self.id.bytes());
        let sealer = Sealer::of(secrets, id);
        let signing = self
            .signing_secrets
            .as_deref()
            .map(|sealed| sealer.read_signing(sealed, "signing"));
        Ok(Integration {
            id,
            org_id: OrgId(self.org_id),
            tenant_id: Rid(self.tenant_id),
            name: self.name,
            is_active: self.is_active,
            hold: self.hold.map(HoldDocument::read).transpose()?,
            rate_limit: self.rate_limits.map(RateLimitDocument::read).transpose()?,
            breaker: read_breaker(self.probe_after_seconds)?,
            events: words::read_events(self.event_type),
            scope: words::read_scope(&self.scope)?,
            excluded_entity_rids: self.excluded_entity_rids.into_iter().map(Rid).collect(),
            target: self.target.read()?,
            filter: self.filter.map(ConditionDocument::read).transpose()?,
            transformation: self.transformation.read()?,
            lookups: self
                .lookups
                .into_iter()
                .map(LookupRuleDocument::read)
                .collect::<Result<_, _>>()?,
            script_timeout: self
                .script_timeout_ms
                .map_or(DEFAULT_SCRIPT_TIMEOUT, |ms| Duration::from_millis(unsigned(ms))),
            auth: sealer.read_auth(self.auth)?,
            signing: signing.transpose()?,
            headers: sealer.read_headers(self.headers)?,
            actions: self.actions.into_iter().map(ActionDocument::read).collect::<Result<_, _>>()?,
            multi_action_delay: Duration::from_millis(unsigned(self.multi_action_delay_ms)),
            timeout: Duration::from_millis(unsigned(self.timeout_ms)),
            attempts: u8::try_from(self.retry_count).map_err(|_| unreadable("retryCount"))?,
            ordering: words::read_ordering(&self.ordering, self.max_concurrency)?,
            log_level: words::read_log_level(&self.log_level)?,
            schedule: self.schedule.read()?,
            revision: unsigned(self.revision),
            created_at: timestamp(self.created_at),
            updated_at: timestamp(self.updated_at),
        })
    }
}
