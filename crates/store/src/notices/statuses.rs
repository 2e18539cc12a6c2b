//! The status of a notice as stored.

use ig_core::alert::NoticeStatus;
use ig_core::clock::Timestamp;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};
use serde::Deserialize;

use crate::alerts::expiry;
use crate::error::unreadable;
use crate::field::date;

#[derive(Debug, Deserialize)]
pub(super) struct StatusRow {
    #[serde(rename = "_id")]
    id: String,
    status: String,
}

impl StatusRow {
    pub(super) fn read(self) -> Result<(String, NoticeStatus), StoreError> {
        let status = NoticeStatus::parse(&self.status).ok_or_else(|| unreadable("status"))?;
        Ok((self.id, status))
    }
}

/// The update that gives rows a status. A final one begins their retention.
pub(super) fn set_status(status: NoticeStatus, keep_for_ms: i64, now: Timestamp) -> Document {
    let mut set = doc! { "status": status.as_str(), "updatedAt": date(now) };
    if is_final(status) {
        set.insert("expiresAt", expiry(keep_for_ms, now));
    }
    doc! { "$set": set }
}

pub(super) fn is_final(status: NoticeStatus) -> bool {
    match status {
        NoticeStatus::Waiting | NoticeStatus::Ready => false,
        NoticeStatus::Sent | NoticeStatus::Failed | NoticeStatus::Digested | NoticeStatus::Dropped => true,
    }
}
