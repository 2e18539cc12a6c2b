//! From the domain to bytes and back.

use std::sync::Arc;

use ig_core::configuration::{Change, RevisedChange};
use ig_core::dead_letter_retry::RetryPolicy;
use ig_core::event_type::{EventTypeDefinition, Validation};
use ig_core::id::{EventType, IntegrationId, LookupType, OrgId, Rid, TemplateId};
use ig_core::organization::{OrgUnit, Organization, Profile, RequestLimits};
use ig_proto::v1;
use proptest::prelude::*;
use prost::Message as _;

use crate::arbitrary::{inbound, integration, job, template, timestamp};

fn over_the_wire(revised: &RevisedChange) -> RevisedChange {
    let bytes = v1::RevisedChange::from(revised).encode_to_vec();
    let message = v1::RevisedChange::decode(bytes.as_slice()).expect("bytes of a message");
    message.try_into().expect("a message of a change")
}

prop_compose! {
    fn profile()(
        name in any::<String>(), email in any::<Option<String>>(), tags in proptest::collection::vec(any::<String>(), 0..3), timezone in any::<Option<String>>()
    ) -> Profile {
        Profile { name, email, tags, timezone, code: None, phone: Some(String::new()), address: None, region: Some("eu-west".to_owned()) }
    }
}

fn other_change() -> impl Strategy<Value = Change> {
    let ids = || (any::<i64>().prop_map(OrgId), any::<i64>());
    let organization =
        (ids(), profile(), any::<Option<u32>>(), timestamp()).prop_map(|((org_id, _), profile, retention_days, at)| {
            Change::PutOrganization(Organization {
                org_id,
                profile,
                retention_days,
                request_limits: RequestLimits {
                    management_per_minute: retention_days,
                    runtime_per_minute: retention_days.map(|days| days / 2),
                },
                ui: retention_days
                    .into_iter()
                    .map(|days| ("days".to_owned(), days.into()))
                    .collect(),
                retry_policy: retention_days.and_then(|days| RetryPolicy::new(1 + u64::from(days % 9), 10_000, 4).ok()),
                revision: 3,
                created_at: at,
                updated_at: at,
            })
        });
    let unit = (ids(), profile(), timestamp()).prop_map(|((org_id, rid), profile, at)| {
        Change::PutUnit(OrgUnit {
            org_id,
            rid: Rid(rid),
            profile,
            revision: 3,
            created_at: at,
            updated_at: at,
        })
    });
    let event_type = (ids(), any::<Option<String>>(), timestamp()).prop_map(|((org_id, number), description, at)| {
        Change::PutEventType(Arc::new(EventTypeDefinition {
            org_id,
            event_type: EventType::new("visit"),
            sample_payload: Some(serde_json::json!({ "number": number })),
            schema: (number % 2 == 0).then(|| serde_json::json!({ "minimum": number })),
            validation: Validation::ALL[usize::try_from(number.rem_euclid(3)).unwrap()],
            description,
            revision: 3,
            created_at: at,
            updated_at: at,
        }))
    });
    prop_oneof![
        organization,
        unit,
        event_type,
        template().prop_map(|template| Change::PutTemplate(Arc::new(template))),
        (ids(), any::<[u8; 12]>()).prop_map(|((org, _), id)| Change::DeleteInbound(org, IntegrationId(id))),
        (ids(), any::<[u8; 12]>()).prop_map(|((org, _), id)| Change::DeleteJob(org, IntegrationId(id))),
        (ids(), any::<[u8; 12]>()).prop_map(|((org, _), id)| Change::DeleteTemplate(org, TemplateId(id))),
        ids().prop_map(|(org, _)| Change::DeleteOrganization(org)),
        ids().prop_map(|(org, rid)| Change::DeleteUnit(org, Rid(rid))),
        (ids(), any::<[u8; 12]>()).prop_map(|((org, _), id)| Change::DeleteIntegration(org, IntegrationId(id))),
        (ids(), "[a-z*]{1,9}").prop_map(|((org, _), name)| Change::DeleteEventType(org, EventType::new(name))),
        (ids(), "[A-Z*]{1,9}").prop_map(|((org, _), name)| Change::LookupsChanged(org, LookupType::new(name))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn integration_survives_the_wire(integration in integration(), revision in any::<u64>()) {
        let change = RevisedChange { revision, change: Change::PutIntegration(Arc::new(integration)) };
        prop_assert_eq!(over_the_wire(&change), change);
    }

    #[test]
    fn inbound_integration_survives_the_wire(inbound in inbound(), revision in any::<u64>()) {
        let change = RevisedChange { revision, change: Change::PutInbound(Arc::new(inbound)) };
        prop_assert_eq!(over_the_wire(&change), change);
    }

    #[test]
    fn job_survives_the_wire(job in job(), revision in any::<u64>()) {
        let change = RevisedChange { revision, change: Change::PutJob(Arc::new(job)) };
        prop_assert_eq!(over_the_wire(&change), change);
    }

    #[test]
    fn other_changes_survive_the_wire(change in other_change(), revision in any::<u64>()) {
        let change = RevisedChange { revision, change };
        prop_assert_eq!(over_the_wire(&change), change);
    }
}
