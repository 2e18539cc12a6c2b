use super::*;
use crate::id::OrgId;

#[test]
fn fingerprint_is_the_same_for_names_that_were_cut_and_another_for_each_organisation() {
    let long = "k".repeat(1 << 20);
    let longer = format!("{long}x");
    let report = |key: &str| {
        AlertReport::from(Alert {
            key: key.to_owned(),
            ..alert(Severity::Info)
        })
    };
    assert_eq!(report(&long).fingerprint(), report(&long).bounded().fingerprint());
    assert_ne!(report(&long).fingerprint(), report(&longer).fingerprint());
    let of = |org, kind: &str, key: &str| Fingerprint::of(org, kind, key);
    let all: BTreeSet<_> = [
        of(None, "a", "b"),
        of(Some(OrgId(1)), "a", "b"),
        of(Some(OrgId(2)), "a", "b"),
        of(Some(OrgId(1)), "a\",\"b", ""),
        of(Some(OrgId(1)), "a", "\",\"b"),
    ]
    .into();
    assert_eq!(all.len(), 5);
}

#[test]
fn report_with_huge_texts_is_cut_between_characters() {
    let report = AlertReport {
        alert: Alert {
            message: "ü".repeat(1 << 19),
            key: "é".repeat(1 << 19),
            ..alert(Severity::Info)
        },
        details: AlertDetails {
            last_error: Some("日".repeat(1 << 18)),
            ..AlertDetails::default()
        },
    };
    let AlertReport { alert, details } = report.bounded();
    assert!(alert.message.len() <= 4_096 && alert.key.len() <= 200);
    assert!(details.last_error.is_some_and(|error| error.len() <= 4_096));
}

#[test]
fn report_of_an_end_names_the_trouble_and_a_breaker_lasts_until_then() {
    let closed = Alert {
        kind: "circuit-closed".to_owned(),
        ..alert(Severity::Info)
    };
    let opened = AlertReport::from(alert(Severity::Critical));
    assert_eq!(AlertReport::from(closed).ends(), Some(opened.fingerprint()));
    assert_eq!((opened.ends(), opened.ending()), (None, Ending::Reported));
    let integration = Alert {
        key: "00ff10a0b1c2d3e4f5061728".to_owned(),
        ..alert(Severity::Info)
    };
    assert!(AlertReport::from(integration).bounded().details.integration.is_some());
}
