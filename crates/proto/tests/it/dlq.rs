//! Retries and redrives of dead letters on the wire.

use ig_core::dead_letter_retry::{ManualRetry, ManualRetryResult};
use ig_core::id::{IntegrationId, LogId, OrgId, RedriveId};
use ig_core::outcome::ErrorCategory;
use ig_core::redrive::{Redrive, RedriveFilter, RedriveKey, RedriveOrder, RedriveProgress, RedriveState};
use ig_proto::v1;
use proptest::prelude::*;

use crate::arbitrary::timestamp;

fn ids() -> impl Strategy<Value = Vec<LogId>> {
    proptest::collection::vec(any::<[u8; 12]>().prop_map(LogId), 1..=100)
}

prop_compose! {
    fn filter()(
        integration in any::<Option<[u8; 12]>>(), category in 0..=ErrorCategory::ALL.len(),
        from in proptest::option::of(timestamp()), until in proptest::option::of(timestamp()),
    ) -> RedriveFilter {
        RedriveFilter {
            integration_id: integration.map(IntegrationId),
            category: ErrorCategory::ALL.get(category).copied(),
            from,
            until,
        }
    }
}

prop_compose! {
    fn redrive()(
        org in any::<i64>(), id in any::<[u8; 12]>(), filter in filter(), state in 0..RedriveState::ALL.len(),
        counts in any::<[u64; 4]>(), at in timestamp(), ended_at in proptest::option::of(timestamp()),
    ) -> Redrive {
        let [estimated, delivered, failed, waiting] = counts;
        Redrive {
            key: RedriveKey { org_id: OrgId(org), id: RedriveId(id) },
            filter,
            state: RedriveState::ALL[state],
            progress: RedriveProgress { estimated, delivered, failed, waiting },
            created_at: at,
            ended_at,
        }
    }
}

proptest! {
    #[test]
    fn retry_requests_and_responses_survive_the_wire(org in any::<i64>(), accepted in ids(), refused in ids()) {
        let wish = ManualRetry { org_id: OrgId(org), ids: accepted.clone() };
        prop_assert_eq!(ManualRetry::try_from(v1::RetryRequest::from(&wish)).unwrap(), wish);
        let granted = ManualRetryResult { accepted, refused };
        prop_assert_eq!(ManualRetryResult::try_from(v1::RetryResponse::from(&granted)).unwrap(), granted);
    }

    #[test]
    fn redrives_survive_the_wire(redrive in redrive()) {
        let order = RedriveOrder { org_id: redrive.key.org_id, filter: redrive.filter.clone() };
        prop_assert_eq!(RedriveOrder::try_from(v1::StartRedriveRequest::from(&order)).unwrap(), order);
        prop_assert_eq!(RedriveKey::try_from(v1::GetRedriveRequest::from(redrive.key)).unwrap(), redrive.key);
        prop_assert_eq!(RedriveKey::try_from(v1::CancelRedriveRequest::from(redrive.key)).unwrap(), redrive.key);
        prop_assert_eq!(Redrive::try_from(v1::Redrive::from(&redrive)).unwrap(), redrive);
    }
}

#[test]
fn dlq_messages_that_are_invalid_are_refused_by_the_name_of_the_field() {
    let wish = |ids: Vec<&str>| {
        ManualRetry::try_from(v1::RetryRequest {
            org_id: 7,
            ids: ids.into_iter().map(str::to_owned).collect(),
        })
    };
    let id = "0123456789abcdef01234567";
    assert_eq!(wish(vec![id, "x"]).unwrap_err().field(), "ids[1]");
    assert_eq!(wish(Vec::new()).unwrap_err().field(), "ids");
    assert_eq!(wish(vec![id; 101]).unwrap_err().field(), "ids");
    let start = |change: fn(&mut v1::StartRedriveRequest)| {
        let mut request = v1::StartRedriveRequest::default();
        change(&mut request);
        RedriveOrder::try_from(request).unwrap_err().field().to_owned()
    };
    assert_eq!(
        start(|request| request.integration_id = Some("x".to_owned())),
        "integration_id"
    );
    assert_eq!(
        start(|request| request.error_category = Some("BAD".to_owned())),
        "error_category"
    );
    assert_eq!(start(|request| request.until = Some(odd_moment())), "until");
}

fn odd_moment() -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: i64::MAX,
        nanos: 0,
    }
}
