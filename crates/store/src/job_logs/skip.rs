//! Skipped firings as stored.

use std::borrow::Cow;

use ig_core::job::{RunId, Skip, SkipReason};
use ig_core::ports::StoreError;
use mongodb::bson::{self, oid::ObjectId};

use crate::error::unreadable;
use crate::field::{object_id, timestamp, unsigned};

const STILL_RUNNING: &str = "STILL_RUNNING";
const TOO_LATE: &str = "TOO_LATE";

pub(super) fn reason_name(reason: &SkipReason) -> &'static str {
    match reason {
        SkipReason::StillRunning(_) => STILL_RUNNING,
        SkipReason::TooLate(_) => TOO_LATE,
    }
}

pub(super) fn reason_detail(reason: &SkipReason) -> Option<Cow<'_, str>> {
    match reason {
        SkipReason::StillRunning(_) => None,
        SkipReason::TooLate(detail) => Some(detail.as_str().into()),
    }
}

pub(super) fn overlapped_run(reason: &SkipReason) -> Option<ObjectId> {
    match reason {
        SkipReason::StillRunning(run) => Some(object_id(run.0)),
        SkipReason::TooLate(_) => None,
    }
}

pub(super) fn read_skip(
    reason: Option<&str>,
    detail: Option<Cow<'_, str>>,
    overlapped_run: Option<ObjectId>,
    firings: Option<i64>,
    last_at: Option<bson::DateTime>,
) -> Result<Option<Skip>, StoreError> {
    let reason = match (reason, overlapped_run) {
        (None, _) => return Ok(None),
        (Some(STILL_RUNNING), Some(run)) => SkipReason::StillRunning(RunId(run.bytes())),
        (Some(TOO_LATE), _) => SkipReason::TooLate(detail.unwrap_or_default().into_owned()),
        _ => return Err(unreadable("skipReason")),
    };
    Ok(Some(Skip {
        reason,
        firings: unsigned(firings.unwrap_or_default()),
        last_due_at: last_at.map(timestamp).ok_or_else(|| unreadable("lastSkippedAt"))?,
    }))
}
