//! Missing, unspecified and out-of-bounds values are refused by the name of their field.

use ig_core::configuration::Change;
use ig_proto::{InvalidMessage, v1};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use crate::arbitrary::integration;

type Spoil = fn(&mut v1::Integration);

fn sound() -> v1::Integration {
    let mut runner = TestRunner::deterministic();
    let tree = integration().new_tree(&mut runner).expect("an integration");
    v1::Integration::from(&tree.current())
}

fn refusal(spoil: Spoil) -> InvalidMessage {
    let mut message = sound();
    spoil(&mut message);
    let kind = Some(v1::change::Kind::PutIntegration(message));
    Change::try_from(v1::Change { kind }).expect_err("a spoiled message")
}

#[test]
fn integration_with_a_spoiled_field_is_refused_by_its_name() {
    let table: [(&str, Spoil); 23] = [
        ("id", |m| m.id.clear()),
        ("event_type", |m| m.event_type.clear()),
        ("scope", |m| m.scope = 0),
        ("scope", |m| m.scope = 99),
        ("log_level", |m| m.log_level = 0),
        ("log_level", |m| m.log_level = -1),
        ("target", |m| m.target = None),
        ("target.url", |m| {
            m.target.as_mut().unwrap().url = "ftp://a.example/".to_owned();
        }),
        ("target.method", |m| m.target.as_mut().unwrap().method = "GET".to_owned()),
        ("transformation", |m| m.transformation = None),
        ("transformation.mode", |m| m.transformation.as_mut().unwrap().mode = None),
        ("transformation.simple.fields[0].transform.kind", |m| {
            m.transformation = Some(mapping_with_unknown_transform());
        }),
        ("auth.kind", |m| m.auth = Some(v1::OutgoingAuth { kind: None })),
        ("signing_secrets", |m| m.signing_secrets = vec!["short".to_owned()]),
        ("actions[0].target.url", |m| m.actions = vec![action_to_nowhere()]),
        ("timeout", |m| m.timeout = None),
        ("timeout", |m| m.timeout.as_mut().unwrap().seconds = -1),
        ("attempts", |m| m.attempts = 0),
        ("attempts", |m| m.attempts = 256),
        ("unordered_concurrency", |m| m.unordered_concurrency = Some(0)),
        ("scheduling_mode", |m| m.scheduling_mode = "SOMETIME".to_owned()),
        ("scheduling_config", |m| {
            m.scheduling_mode = "RECURRING".to_owned();
            m.scheduling_config = r#"{"intervalMs": 1}"#.to_owned();
        }),
        ("created_at", |m| m.created_at.as_mut().unwrap().nanos = -1),
    ];
    for (field, spoil) in table {
        let error = refusal(spoil);
        assert_eq!(error.field(), format!("put_integration.{field}"), "{error}");
        assert!(error.problem().starts_with("must "), "{error}");
    }
}

fn mapping_with_unknown_transform() -> v1::Transformation {
    let field = v1::FieldMapping {
        transform: Some(v1::Transform { kind: None }),
        ..v1::FieldMapping::default()
    };
    let mapping = v1::SimpleMapping {
        fields: vec![field],
        ..v1::SimpleMapping::default()
    };
    v1::Transformation {
        mode: Some(v1::transformation::Mode::Simple(mapping)),
    }
}

fn action_to_nowhere() -> v1::Action {
    let target = v1::Target {
        url: "/nowhere".to_owned(),
        method: "POST".to_owned(),
    };
    v1::Action {
        target: Some(target),
        ..v1::Action::default()
    }
}

#[test]
fn change_without_content_is_refused() {
    let error = Change::try_from(v1::Change { kind: None }).expect_err("nothing");
    assert_eq!(error.to_string(), "kind: must be given");
}

#[test]
fn organization_without_profile_or_times_is_refused() {
    let refused = |message: v1::Organization| {
        ig_core::organization::Organization::try_from(message)
            .expect_err("incomplete")
            .field()
            .to_owned()
    };
    let bare = v1::Organization::default();
    assert_eq!(refused(bare.clone()), "profile");
    assert_eq!(
        refused(v1::Organization {
            profile: Some(v1::Profile::default()),
            ..bare
        }),
        "created_at"
    );
}

#[test]
fn alert_without_severity_or_key_is_refused() {
    let alert = v1::RaiseRequest {
        kind: "breaker-opened".to_owned(),
        key: "k".to_owned(),
        ..v1::RaiseRequest::default()
    };
    let refused = |message: v1::RaiseRequest| {
        ig_core::alert::Alert::try_from(message)
            .expect_err("incomplete")
            .field()
            .to_owned()
    };
    assert_eq!(refused(alert.clone()), "severity");
    assert_eq!(
        refused(v1::RaiseRequest {
            key: String::new(),
            ..alert
        }),
        "key"
    );
}
