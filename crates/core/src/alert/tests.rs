mod identity;
mod notices;
mod pace;
mod quiet;

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};

use super::*;
use crate::id::OrgId;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;

fn at(second: i64) -> Timestamp {
    DateTime::from_timestamp(1_767_268_800, 0).unwrap() + TimeDelta::seconds(second)
}

fn channel(number: u8) -> ChannelId {
    ChannelId([number; 12])
}

fn alert(severity: Severity) -> Alert {
    Alert {
        org_id: Some(OrgId(7)),
        kind: "circuit-open".to_owned(),
        key: "a".to_owned(),
        severity,
        message: "It does not answer".to_owned(),
        at: at(0),
    }
}

/// An incident that opened at second 0 and ends when its end is reported.
fn incident(severity: Severity) -> Incident {
    let alert = alert(severity);
    Incident {
        id: IncidentId("i".to_owned()),
        fingerprint: Fingerprint::of(alert.org_id, &alert.kind, &alert.key),
        alert,
        details: AlertDetails::default(),
        ending: Ending::Reported,
        state: IncidentState::Open,
        count: 1,
        first_at: at(0),
        last_at: at(0),
        opened_at: at(0),
        reopened: 0,
        held: false,
        told: Vec::new(),
        version: 0,
    }
}

fn acknowledged(second: i64) -> IncidentState {
    IncidentState::Acknowledged(Acknowledgement {
        by: "Ana".to_owned(),
        note: None,
        at: at(second),
    })
}

fn resolved(second: i64) -> IncidentState {
    IncidentState::Resolved(Resolution {
        by: ResolvedBy::Report,
        note: None,
        at: at(second),
    })
}

/// Rules with channels 1 to `channels`, all active.
fn rules(channels: u8, routes: Vec<Route>) -> Rules {
    Rules {
        routing: Routing {
            routes,
            quiet_hours: Vec::new(),
        },
        silences: Vec::new(),
        channels: (1..=channels).map(channel).collect::<BTreeSet<_>>(),
        quiet: Duration::from_hours(4),
    }
}

fn silence(from: i64, until: i64) -> Silence {
    Silence {
        id: SilenceId([1; 12]),
        org_id: Some(OrgId(7)),
        matcher: Matcher::default(),
        from: at(from),
        until: at(until),
        by: "Ana".to_owned(),
        why: "maintenance".to_owned(),
        created_at: at(from),
    }
}

/// Looks at an incident and applies what follows, as the store does.
fn look(incident: &mut Incident, rules: &Rules, second: i64) -> TellingPlan {
    let plan = plan(incident, rules, at(second));
    incident.told.clone_from(&plan.told);
    incident.held = plan.held;
    plan
}

fn told(plan: &TellingPlan) -> Vec<(u8, TellingKind)> {
    plan.notices.iter().map(|notice| (notice.channel.0[0], notice.kind)).collect()
}
