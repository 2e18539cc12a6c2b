//! Dead letters, retries and redrives.

use ig_core::dead_letter_retry::{MAX_MANUAL_RETRIES, ManualRetry, ManualRetryResult};
use ig_core::id::{LogId, OrgId};
use ig_core::outcome::ErrorCategory;
use ig_core::redrive::{Redrive, RedriveFilter, RedriveKey, RedriveOrder, RedriveProgress, RedriveState};

use crate::invalid::{InvalidMessage, Within as _};
use crate::time::{timestamp_from_wire, timestamp_to_wire};
use crate::v1;

impl From<&ManualRetry> for v1::RetryRequest {
    fn from(retry: &ManualRetry) -> Self {
        let ManualRetry { org_id, ids } = retry;
        Self {
            org_id: org_id.0,
            ids: texts(ids),
        }
    }
}

impl TryFrom<v1::RetryRequest> for ManualRetry {
    type Error = InvalidMessage;

    fn try_from(message: v1::RetryRequest) -> Result<Self, InvalidMessage> {
        let v1::RetryRequest { org_id, ids } = message;
        if !(1..=MAX_MANUAL_RETRIES).contains(&ids.len()) {
            return Err(InvalidMessage::value("must name 1 to 100 dead letters")).within("ids");
        }
        Ok(Self {
            org_id: OrgId(org_id),
            ids: logs(ids, "ids")?,
        })
    }
}

impl From<&ManualRetryResult> for v1::RetryResponse {
    fn from(result: &ManualRetryResult) -> Self {
        let ManualRetryResult { accepted, refused } = result;
        Self {
            accepted: texts(accepted),
            refused: texts(refused),
        }
    }
}

impl TryFrom<v1::RetryResponse> for ManualRetryResult {
    type Error = InvalidMessage;

    fn try_from(message: v1::RetryResponse) -> Result<Self, InvalidMessage> {
        let v1::RetryResponse { accepted, refused } = message;
        Ok(Self {
            accepted: logs(accepted, "accepted")?,
            refused: logs(refused, "refused")?,
        })
    }
}

impl From<&RedriveOrder> for v1::StartRedriveRequest {
    fn from(order: &RedriveOrder) -> Self {
        let RedriveOrder { org_id, filter } = order;
        let RedriveFilter {
            integration_id,
            category,
            from,
            until,
        } = filter;
        Self {
            org_id: org_id.0,
            integration_id: integration_id.map(|id| id.to_string()),
            error_category: category.map(|category| category.as_str().to_owned()),
            from: from.as_ref().map(timestamp_to_wire),
            until: until.as_ref().map(timestamp_to_wire),
        }
    }
}

impl TryFrom<v1::StartRedriveRequest> for RedriveOrder {
    type Error = InvalidMessage;

    fn try_from(message: v1::StartRedriveRequest) -> Result<Self, InvalidMessage> {
        let v1::StartRedriveRequest {
            org_id,
            integration_id,
            error_category,
            from,
            until,
        } = message;
        Ok(Self {
            org_id: OrgId(org_id),
            filter: filter(integration_id, error_category, from, until)?,
        })
    }
}

/// Conversions of a request that consists of a redrive's key.
macro_rules! names_a_redrive {
    ($request:ident) => {
        impl From<RedriveKey> for v1::$request {
            fn from(key: RedriveKey) -> Self {
                let RedriveKey { org_id, id } = key;
                Self {
                    org_id: org_id.0,
                    id: id.to_string(),
                }
            }
        }

        impl TryFrom<v1::$request> for RedriveKey {
            type Error = InvalidMessage;

            fn try_from(message: v1::$request) -> Result<Self, InvalidMessage> {
                let v1::$request { org_id, id } = message;
                key(org_id, &id)
            }
        }
    };
}
names_a_redrive!(GetRedriveRequest);
names_a_redrive!(CancelRedriveRequest);

impl From<&Redrive> for v1::Redrive {
    fn from(redrive: &Redrive) -> Self {
        let Redrive {
            key,
            filter,
            state,
            progress,
            created_at,
            ended_at,
        } = redrive;
        let RedriveFilter {
            integration_id,
            category,
            from,
            until,
        } = filter;
        let RedriveProgress {
            estimated,
            delivered,
            failed,
            waiting,
        } = *progress;
        Self {
            id: key.id.to_string(),
            state: state_to_wire(*state).into(),
            estimated,
            delivered,
            failed,
            waiting,
            created_at: Some(timestamp_to_wire(created_at)),
            ended_at: ended_at.as_ref().map(timestamp_to_wire),
            org_id: key.org_id.0,
            integration_id: integration_id.map(|id| id.to_string()),
            error_category: category.map(|category| category.as_str().to_owned()),
            from: from.as_ref().map(timestamp_to_wire),
            until: until.as_ref().map(timestamp_to_wire),
        }
    }
}

impl TryFrom<v1::Redrive> for Redrive {
    type Error = InvalidMessage;

    fn try_from(message: v1::Redrive) -> Result<Self, InvalidMessage> {
        let v1::Redrive {
            id,
            state,
            estimated,
            delivered,
            failed,
            waiting,
            created_at,
            ended_at,
            org_id,
            integration_id,
            error_category,
            from,
            until,
        } = message;
        Ok(Self {
            key: key(org_id, &id)?,
            filter: filter(integration_id, error_category, from, until)?,
            state: state_from_wire(state).within("state")?,
            progress: RedriveProgress {
                estimated,
                delivered,
                failed,
                waiting,
            },
            created_at: timestamp_from_wire(created_at, "created_at")?,
            ended_at: ended_at.map(|at| timestamp_from_wire(Some(at), "ended_at")).transpose()?,
        })
    }
}

fn key(org_id: i64, id: &str) -> Result<RedriveKey, InvalidMessage> {
    Ok(RedriveKey {
        org_id: OrgId(org_id),
        id: id.parse().within("id")?,
    })
}

fn filter(
    integration_id: Option<String>,
    error_category: Option<String>,
    from: Option<prost_types::Timestamp>,
    until: Option<prost_types::Timestamp>,
) -> Result<RedriveFilter, InvalidMessage> {
    let integration_id = integration_id.map(|id| id.parse()).transpose();
    let category = error_category.map(|text| category(&text)).transpose();
    Ok(RedriveFilter {
        integration_id: integration_id.within("integration_id")?,
        category: category.within("error_category")?,
        from: from.map(|at| timestamp_from_wire(Some(at), "from")).transpose()?,
        until: until.map(|at| timestamp_from_wire(Some(at), "until")).transpose()?,
    })
}

fn category(text: &str) -> Result<ErrorCategory, InvalidMessage> {
    ErrorCategory::parse(text).ok_or_else(|| InvalidMessage::value("must be a category of error"))
}

fn logs(ids: Vec<String>, field: &str) -> Result<Vec<LogId>, InvalidMessage> {
    let numbered = ids.into_iter().enumerate();
    numbered
        .map(|(at, id)| id.parse().within(&format!("{field}[{at}]")))
        .collect()
}

fn texts(ids: &[LogId]) -> Vec<String> {
    ids.iter().map(LogId::to_string).collect()
}

fn state_to_wire(state: RedriveState) -> v1::RedriveState {
    match state {
        RedriveState::Running => v1::RedriveState::Running,
        RedriveState::Completed => v1::RedriveState::Completed,
        RedriveState::Cancelled => v1::RedriveState::Cancelled,
    }
}

fn state_from_wire(state: i32) -> Result<RedriveState, InvalidMessage> {
    match v1::RedriveState::try_from(state) {
        Ok(v1::RedriveState::Running) => Ok(RedriveState::Running),
        Ok(v1::RedriveState::Completed) => Ok(RedriveState::Completed),
        Ok(v1::RedriveState::Cancelled) => Ok(RedriveState::Cancelled),
        Ok(v1::RedriveState::Unspecified) | Err(_) => Err(InvalidMessage::value("must be RUNNING, COMPLETED or CANCELLED")),
    }
}
