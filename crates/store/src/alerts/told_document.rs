//! What was told of an incident, and what is due, as stored within it.

use ig_core::alert::{ChannelId, DueNotice, NoticeKey, TellingKind, Told, ToldStage};
use ig_core::ports::StoreError;
use mongodb::bson::{self, Bson, Document, doc, oid::ObjectId};
use serde::{Deserialize, Serialize};

use crate::error::unreadable;
use crate::field::{date, object_id, timestamp};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToldDocument {
    channel: ObjectId,
    stage: String,
    notices: i64,
    first_at: bson::DateTime,
    last_at: bson::DateTime,
    first_notice: String,
    last_notice: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DueNoticeDocument {
    key: String,
    channel: ObjectId,
    kind: String,
    number: i64,
    due_at: bson::DateTime,
    digest_from: Option<i64>,
    answers: Vec<String>,
}

/// The fields that hold what was told and what is due.
pub(super) fn told_fields(told: &[Told], outgoing: &[DueNotice], held: bool) -> Document {
    let told: Vec<Bson> = told.iter().map(told_bson).collect();
    let outgoing: Vec<Bson> = outgoing.iter().map(outgoing_bson).collect();
    doc! { "told": told, "outgoing": outgoing, "held": held }
}

fn told_bson(told: &Told) -> Bson {
    let Told {
        channel,
        stage,
        notices,
        first_at,
        last_at,
        first_notice,
        last_notice,
    } = told;
    let told = doc! {
        "channel": object_id(channel.0),
        "stage": stage.as_str(),
        "notices": i64::from(*notices),
        "firstAt": date(*first_at),
        "lastAt": date(*last_at),
        "firstNotice": &first_notice.0,
        "lastNotice": &last_notice.0,
    };
    told.into()
}

fn outgoing_bson(notice: &DueNotice) -> Bson {
    let DueNotice {
        key,
        channel,
        kind,
        number,
        due_at,
        digest_from,
        answers,
    } = notice;
    let answers: Vec<&str> = answers.iter().map(|key| key.0.as_str()).collect();
    let outgoing = doc! {
        "key": &key.0,
        "channel": object_id(channel.0),
        "kind": kind.as_str(),
        "number": i64::from(*number),
        "dueAt": date(*due_at),
        "digestFrom": digest_from.map(i64::from),
        "answers": answers,
    };
    outgoing.into()
}

impl TryFrom<ToldDocument> for Told {
    type Error = StoreError;

    fn try_from(stored: ToldDocument) -> Result<Self, StoreError> {
        let ToldDocument {
            channel,
            stage,
            notices,
            first_at,
            last_at,
            first_notice,
            last_notice,
        } = stored;
        Ok(Self {
            channel: ChannelId(channel.bytes()),
            stage: ToldStage::parse(&stage).ok_or_else(|| unreadable("told.stage"))?,
            notices: small(notices),
            first_at: timestamp(first_at),
            last_at: timestamp(last_at),
            first_notice: NoticeKey(first_notice),
            last_notice: NoticeKey(last_notice),
        })
    }
}

impl TryFrom<DueNoticeDocument> for DueNotice {
    type Error = StoreError;

    fn try_from(stored: DueNoticeDocument) -> Result<Self, StoreError> {
        let DueNoticeDocument {
            key,
            channel,
            kind,
            number,
            due_at,
            digest_from,
            answers,
        } = stored;
        Ok(Self {
            key: NoticeKey(key),
            channel: ChannelId(channel.bytes()),
            kind: TellingKind::parse(&kind).ok_or_else(|| unreadable("outgoing.kind"))?,
            number: small(number),
            due_at: timestamp(due_at),
            digest_from: digest_from.map(small),
            answers: answers.into_iter().map(NoticeKey).collect(),
        })
    }
}

pub(crate) fn small(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}
