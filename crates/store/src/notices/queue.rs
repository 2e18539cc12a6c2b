//! A channel's queue as stored: who holds it, when it is due, and how fast the channel was used.

use chrono::DateTime;
use ig_core::alert::{OpenDigest, Pace};
use ig_core::id::OrgId;
use mongodb::bson::{self, Document, doc, oid::ObjectId};
use serde::Deserialize;

use crate::alerts::small;
use crate::field::{date, long, timestamp, unsigned};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueueDocument {
    #[serde(rename = "_id")]
    pub(super) id: ObjectId,
    pub(super) org_id: Option<i64>,
    /// Rises with every notice that is added.
    pub(super) nudges: i64,
    pub(super) keep_for_ms: i64,
    /// Whether the last notice could not be sent.
    pub(super) failing: Option<bool>,
    pub(super) pace: Option<PaceDocument>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaceDocument {
    last_flush: Option<bson::DateTime>,
    digests: i64,
    hour: Option<bson::DateTime>,
    sent_in_hour: i64,
    digest_since: Option<bson::DateTime>,
    digest_open: i64,
}

/// The fields of a new queue, besides those that the first notice sets.
pub(super) fn unclaimed(org: Option<OrgId>) -> Document {
    doc! {
        "orgId": org.map(|org| org.0),
        "claimId": "",
        "claimUntil": date(DateTime::UNIX_EPOCH),
        "failing": false,
    }
}

pub(super) fn pace_document(pace: &Pace) -> Document {
    let Pace {
        last_flush,
        digests,
        hour,
        sent_in_hour,
        digest,
    } = pace;
    doc! {
        "lastFlush": last_flush.map(date),
        "digests": i64::from(*digests),
        "hour": hour.map(date),
        "sentInHour": i64::from(*sent_in_hour),
        "digestSince": digest.map(|digest| date(digest.since)),
        "digestOpen": digest.map_or(0, |digest| long(digest.open)),
    }
}

impl From<PaceDocument> for Pace {
    fn from(stored: PaceDocument) -> Self {
        let PaceDocument {
            last_flush,
            digests,
            hour,
            sent_in_hour,
            digest_since,
            digest_open,
        } = stored;
        let open = unsigned(digest_open);
        Self {
            last_flush: last_flush.map(timestamp),
            digests: small(digests),
            hour: hour.map(timestamp),
            sent_in_hour: small(sent_in_hour),
            digest: digest_since.map(|since| OpenDigest {
                since: timestamp(since),
                open,
            }),
        }
    }
}
