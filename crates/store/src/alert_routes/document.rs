//! Routes and quiet hours as stored.

use std::time::Duration;

use chrono::{NaiveTime, Weekday};
use ig_core::alert::{ChannelId, Escalation, QuietHours, Route, Routing};
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use mongodb::bson::{self, oid::ObjectId};
use serde::{Deserialize, Serialize};

use super::StoredRouting;
use crate::alerts::small;
use crate::error::unreadable;
use crate::field::{date, long, millis, object_id, unsigned};
use crate::silences::{MatcherDocument, read_severities};

const TIME_OF_DAY: &str = "%H:%M:%S";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoutingDocument {
    #[serde(rename = "_id")]
    id: String,
    org_id: Option<i64>,
    routes: Vec<RouteDocument>,
    quiet_hours: Vec<QuietHoursDocument>,
    revision: i64,
    updated_at: bson::DateTime,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RouteDocument {
    name: String,
    matcher: MatcherDocument,
    channels: Vec<ObjectId>,
    first_after_ms: i64,
    repeat_after_ms: i64,
    escalations: Vec<EscalationDocument>,
    digest_from: Option<i64>,
    continues: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EscalationDocument {
    after_ms: i64,
    channels: Vec<ObjectId>,
}

#[derive(Debug, Serialize, Deserialize)]
struct QuietHoursDocument {
    zone: String,
    from: String,
    until: String,
    days: Vec<String>,
    severities: Vec<String>,
}

impl RoutingDocument {
    pub(super) fn new(id: String, org: Option<OrgId>, routing: &Routing, revision: u64, now: Timestamp) -> Self {
        let Routing { routes, quiet_hours } = routing.clone();
        Self {
            id,
            org_id: org.map(|org| org.0),
            routes: routes.into_iter().map(RouteDocument::from).collect(),
            quiet_hours: quiet_hours.into_iter().map(QuietHoursDocument::from).collect(),
            revision: long(revision),
            updated_at: date(now),
        }
    }
}

impl TryFrom<RoutingDocument> for StoredRouting {
    type Error = StoreError;

    fn try_from(stored: RoutingDocument) -> Result<Self, StoreError> {
        let RoutingDocument {
            id: _,
            org_id: _,
            routes,
            quiet_hours,
            revision,
            updated_at: _,
        } = stored;
        Ok(Self {
            routing: Routing {
                routes: routes.into_iter().map(Route::try_from).collect::<Result<_, _>>()?,
                quiet_hours: quiet_hours.into_iter().map(QuietHours::try_from).collect::<Result<_, _>>()?,
            },
            revision: unsigned(revision),
        })
    }
}

impl From<Route> for RouteDocument {
    fn from(route: Route) -> Self {
        let Route {
            name,
            matcher,
            channels,
            first_after,
            repeat_after,
            escalations,
            digest_from,
            continues,
        } = route;
        let escalations = escalations
            .into_iter()
            .map(|Escalation { after, channels }| EscalationDocument {
                after_ms: millis(after),
                channels: stored_ids(&channels),
            });
        Self {
            name,
            matcher: matcher.into(),
            channels: stored_ids(&channels),
            first_after_ms: millis(first_after),
            repeat_after_ms: millis(repeat_after),
            escalations: escalations.collect(),
            digest_from: digest_from.map(i64::from),
            continues,
        }
    }
}

impl TryFrom<RouteDocument> for Route {
    type Error = StoreError;

    fn try_from(stored: RouteDocument) -> Result<Self, StoreError> {
        let RouteDocument {
            name,
            matcher,
            channels,
            first_after_ms,
            repeat_after_ms,
            escalations,
            digest_from,
            continues,
        } = stored;
        let escalations = escalations
            .into_iter()
            .map(|EscalationDocument { after_ms, channels }| Escalation {
                after: span(after_ms),
                channels: read_ids(channels),
            });
        Ok(Self {
            name,
            matcher: matcher.try_into()?,
            channels: read_ids(channels),
            first_after: span(first_after_ms),
            repeat_after: span(repeat_after_ms),
            escalations: escalations.collect(),
            digest_from: digest_from.map(small),
            continues,
        })
    }
}

impl From<QuietHours> for QuietHoursDocument {
    fn from(hours: QuietHours) -> Self {
        let QuietHours {
            zone,
            from,
            until,
            days,
            severities,
        } = hours;
        Self {
            zone: zone.name().to_owned(),
            from: from.format(TIME_OF_DAY).to_string(),
            until: until.format(TIME_OF_DAY).to_string(),
            days: days.iter().map(Weekday::to_string).collect(),
            severities: severities.into_iter().map(|severity| severity.as_str().to_owned()).collect(),
        }
    }
}

impl TryFrom<QuietHoursDocument> for QuietHours {
    type Error = StoreError;

    fn try_from(stored: QuietHoursDocument) -> Result<Self, StoreError> {
        let QuietHoursDocument {
            zone,
            from,
            until,
            days,
            severities,
        } = stored;
        let time = |text: &str| NaiveTime::parse_from_str(text, TIME_OF_DAY).map_err(|_| unreadable("quietHours"));
        let days = days.iter().map(|day| day.parse().map_err(|_| unreadable("quietHours.days")));
        Ok(Self {
            zone: zone.parse().map_err(|_| unreadable("quietHours.zone"))?,
            from: time(&from)?,
            until: time(&until)?,
            days: days.collect::<Result<_, _>>()?,
            severities: read_severities(&severities)?,
        })
    }
}

fn stored_ids(channels: &[ChannelId]) -> Vec<ObjectId> {
    channels.iter().map(|channel| object_id(channel.0)).collect()
}

fn read_ids(channels: Vec<ObjectId>) -> Vec<ChannelId> {
    channels.into_iter().map(|channel| ChannelId(channel.bytes())).collect()
}

fn span(millis: i64) -> Duration {
    Duration::from_millis(unsigned(millis))
}
