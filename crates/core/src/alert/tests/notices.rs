use proptest::prelude::*;

use super::*;

fn route(channels: &[u8]) -> Route {
    Route::new(
        "r",
        Matcher::default(),
        channels.iter().map(|number| channel(*number)).collect(),
    )
}

fn escalating() -> Route {
    Route {
        escalations: vec![Escalation {
            after: Duration::from_mins(15),
            channels: vec![channel(2)],
        }],
        ..route(&[1])
    }
}

#[test]
fn incident_is_told_after_its_first_wait_then_repeated_then_resolved_to_those_who_were_told() {
    let (rules, mut incident) = (rules(3, vec![route(&[1, 2])]), incident(Severity::Warning));
    let plan = look(&mut incident, &rules, 0);
    assert_eq!((told(&plan), plan.look_at), (vec![], Some(at(30))));
    let plan = look(&mut incident, &rules, 30);
    assert_eq!(told(&plan), [(1, TellingKind::Firing), (2, TellingKind::Firing)]);
    assert_eq!(plan.look_at, Some(at(30 + 4 * HOUR)));
    assert_eq!(told(&look(&mut incident, &rules, 4 * HOUR)), []);
    let plan = look(&mut incident, &rules, 30 + 4 * HOUR);
    assert_eq!(told(&plan), [(1, TellingKind::Repeated), (2, TellingKind::Repeated)]);

    incident.state = resolved(5 * HOUR);
    // Who was told is told, whatever the routes say by now.
    let changed = super::rules(3, vec![route(&[3])]);
    let plan = look(&mut incident, &changed, 5 * HOUR);
    assert_eq!(told(&plan), [(1, TellingKind::Resolved), (2, TellingKind::Resolved)]);
    assert_eq!(plan.notices[0].answers.len(), 2);
    let plan = look(&mut incident, &changed, 6 * HOUR);
    assert_eq!((told(&plan), plan.look_at), (vec![], None));
}

#[test]
fn incident_that_ends_within_its_first_wait_is_never_told() {
    let (rules, mut incident) = (rules(1, vec![]), incident(Severity::Critical));
    look(&mut incident, &rules, 0);
    incident.state = resolved(29);
    let plan = look(&mut incident, &rules, 30);
    assert_eq!((told(&plan), plan.look_at), (vec![], None));
}

#[test]
fn acknowledgement_stops_repetition_and_escalation_and_is_told_once() {
    let (rules, mut incident) = (rules(2, vec![escalating()]), incident(Severity::Critical));
    let plan = look(&mut incident, &rules, 30);
    assert_eq!(
        (told(&plan), plan.look_at),
        (vec![(1, TellingKind::Firing)], Some(at(30 + 15 * MINUTE)))
    );
    let mut ignored = incident.clone();
    let plan = look(&mut ignored, &rules, 30 + 15 * MINUTE);
    assert_eq!(told(&plan), [(2, TellingKind::Firing)]);

    incident.state = acknowledged(10 * MINUTE);
    let plan = look(&mut incident, &rules, 10 * MINUTE);
    assert_eq!(told(&plan), [(1, TellingKind::Acknowledged)]);
    let plan = look(&mut incident, &rules, 20 * HOUR);
    assert_eq!((told(&plan), plan.look_at), (vec![], None));
    incident.state = resolved(21 * HOUR);
    assert_eq!(told(&look(&mut incident, &rules, 21 * HOUR)), [(1, TellingKind::Resolved)]);
}

#[test]
fn silence_holds_the_telling_until_it_ends_and_lets_resolved_pass() {
    let mut rules = rules(2, vec![escalating()]);
    let mut incident = incident(Severity::Critical);
    rules.silences = vec![silence(-10, HOUR)];
    let plan = look(&mut incident, &rules, 30);
    assert_eq!((told(&plan), plan.held, plan.look_at), (vec![], true, Some(at(HOUR))));
    let plan = look(&mut incident, &rules, HOUR);
    // The first notice comes late, and there is time to acknowledge it.
    assert_eq!(told(&plan), [(1, TellingKind::Firing)]);
    assert_eq!(
        (plan.notices[0].due_at, plan.notices[0].digest_from),
        (at(HOUR + 30), Some(2))
    );
    assert_eq!(plan.look_at, Some(at(HOUR + 15 * MINUTE)));

    rules.silences = vec![silence(HOUR, 9 * HOUR)];
    incident.state = resolved(2 * HOUR);
    assert_eq!(told(&look(&mut incident, &rules, 2 * HOUR)), [(1, TellingKind::Resolved)]);
}

#[test]
fn flapping_incident_is_told_once_and_resolved_when_it_has_settled() {
    let (rules, mut incident) = (rules(1, vec![]), incident(Severity::Warning));
    let mut notices = Vec::new();
    let mut second = 30;
    notices.extend(told(&look(&mut incident, &rules, second)));
    for _ in 0..50 {
        second += 2 * MINUTE;
        incident.state = resolved(second);
        notices.extend(told(&look(&mut incident, &rules, second)));
        second += 2 * MINUTE;
        assert!(incident.takes_reports(at(second)));
        incident.state = IncidentState::Open;
        incident.opened_at = at(second);
        incident.reopened += 1;
        notices.extend(told(&look(&mut incident, &rules, second + 30)));
    }
    let (firing, end) = ((1, TellingKind::Firing), (1, TellingKind::Resolved));
    assert_eq!(notices, [firing, end, firing], "only its first end is told at once");
    incident.state = resolved(second + MINUTE);
    let plan = look(&mut incident, &rules, second + MINUTE);
    assert_eq!((told(&plan), plan.look_at), (vec![], Some(at(second + 11 * MINUTE))));
    assert_eq!(told(&look(&mut incident, &rules, second + 11 * MINUTE)), [end]);
    assert!(!incident.takes_reports(at(second + 11 * MINUTE)));
}

#[test]
fn failure_of_a_channel_is_told_through_the_others() {
    let mut incident = incident(Severity::Critical);
    incident.alert.kind = NOTIFICATION_FAILED.to_owned();
    incident.alert.key = channel(1).to_string();
    assert_eq!(told(&look(&mut incident, &rules(2, vec![]), 30)), [(2, TellingKind::Firing)]);
}

#[test]
fn routes_are_first_match_unless_one_continues_and_inactive_channels_hear_nothing() {
    let critical = Matcher {
        severities: vec![Severity::Critical],
        ..Matcher::default()
    };
    let first = Route {
        matcher: critical,
        continues: true,
        ..route(&[1, 9])
    };
    let all = rules(3, vec![first, route(&[2]), route(&[3])]);
    let of = |severity| told(&look(&mut incident(severity), &all, 30));
    assert_eq!(of(Severity::Critical), [(1, TellingKind::Firing), (2, TellingKind::Firing)]);
    assert_eq!(of(Severity::Info), [(2, TellingKind::Firing)]);
    // Without routes, what is only worth knowing disturbs nobody.
    assert_eq!(told(&look(&mut incident(Severity::Info), &rules(3, vec![]), 30)), []);
}

#[test]
fn incident_without_a_reported_end_is_over_when_it_was_quiet() {
    let mut incident = incident(Severity::Warning);
    incident.ending = Ending::Quiet;
    let rules = rules(1, vec![]);
    assert_eq!(told(&look(&mut incident, &rules, 30)), [(1, TellingKind::Firing)]);
    incident.last_at = at(HOUR);
    assert!(!look(&mut incident, &rules, 4 * HOUR).ends);
    let plan = look(&mut incident, &rules, 5 * HOUR);
    assert!(plan.ends && plan.notices.is_empty());
}

/// What happens to an incident between two looks.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Nothing,
    Acknowledge,
    Resolve,
    Reopen,
    Silence,
    Reroute,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        Just(Happening::Nothing),
        Just(Happening::Acknowledge),
        Just(Happening::Resolve),
        Just(Happening::Reopen),
        Just(Happening::Silence),
        Just(Happening::Reroute),
    ]
}

fn happen(what: Happening, incident: &mut Incident, rules: &mut Rules, second: i64) {
    match what {
        Happening::Acknowledge if incident.state.is_open() => incident.state = acknowledged(second),
        Happening::Resolve if incident.state.is_open() => incident.state = resolved(second),
        Happening::Reopen if !incident.state.is_open() && incident.takes_reports(at(second)) => {
            incident.state = IncidentState::Open;
            incident.opened_at = at(second);
            incident.reopened += 1;
        }
        Happening::Nothing | Happening::Acknowledge | Happening::Resolve | Happening::Reopen => {}
        Happening::Silence => rules.silences = vec![silence(second, second + 20 * MINUTE)],
        Happening::Reroute => {
            let other = if rules.routing.routes == [escalating()] {
                route(&[2, 3])
            } else {
                escalating()
            };
            rules.routing.routes = vec![other];
        }
    }
}

proptest! {
    #[test]
    fn channels_hear_of_each_end_exactly_what_they_heard_of_the_beginning(
        steps in prop::collection::vec((happening(), 1i64..30), 1..60)
    ) {
        let (mut rules, mut incident) = (rules(3, vec![escalating()]), incident(Severity::Critical));
        let mut second = 0;
        let mut keys = BTreeSet::new();
        let mut open: BTreeSet<ChannelId> = BTreeSet::new();
        for (what, minutes) in steps.into_iter().chain([(Happening::Resolve, 1), (Happening::Nothing, 11)]) {
            second += minutes * MINUTE;
            happen(what, &mut incident, &mut rules, second);
            let silenced = rules.silences.iter().any(|silence| at(second) < silence.until);
            let plan = look(&mut incident, &rules, second);
            prop_assert!(plan.look_at.is_none_or(|next| next > at(second)), "it looks again and again at once");
            for notice in plan.notices {
                prop_assert!(keys.insert(notice.key), "a notice has an identifier of its own");
                match notice.kind {
                    TellingKind::Firing => {
                        prop_assert!(!silenced && incident.state == IncidentState::Open);
                        prop_assert!(open.insert(notice.channel), "it is told once");
                    }
                    TellingKind::Repeated => prop_assert!(!silenced && open.contains(&notice.channel)),
                    TellingKind::Acknowledged => prop_assert!(open.contains(&notice.channel)),
                    TellingKind::Resolved => prop_assert!(open.remove(&notice.channel), "only who was told hears of the end"),
                }
            }
        }
        prop_assert!(open.is_empty(), "all who were told hear of the end");
    }
}
