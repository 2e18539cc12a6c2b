//! Notices and exits for tests.

use std::sync::Arc;

use chrono_tz::Tz;
use ig_alerter::channel::{Exits, Mailer};
use ig_alerter::message::{
    Cause, Diagnosis, Digest, DigestEntry, Fingerprint, Label, Link, Links, MaskedText, Notice, NoticeKind, Organisation, Subject,
};
use ig_core::alert::Severity;
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_delivery::{EgressConfig, SecurityConfig};
use ig_testkit::clock::{HeldClock, moment};

/// What hostile people put into names and errors.
pub(crate) const HOSTILE: &str = "<!channel> </td><script>alert(1)</script> <at>all</at> [x](http://evil.example) *b* \u{202e}gpj\r\nBcc: x@evil.example\r\n.\r\n\"'&\0";

pub(crate) fn notice() -> Notice {
    Notice {
        kind: NoticeKind::Firing,
        org: Some(Organisation {
            id: OrgId(7),
            name: Label::new("North Hospital"),
        }),
        alert_kind: Label::new("circuit-open"),
        severity: Severity::Critical,
        subject: Subject {
            id: Label::new("65a000000000000000000001"),
            name: Label::new("Billing"),
        },
        since: moment(0),
        last_seen: moment(3_900),
        count: 17,
        waiting: Some(1_234),
        last_error: Some(MaskedText::new("The target's TLS certificate was refused: it has expired.")),
        diagnosis: Cause::CertificateExpired.into(),
        links: Links {
            console: Some(link("https://gateway.example/logs?integration=65a&status=FAILED")),
            trace: None,
            runbook: Some(link("https://wiki.example/circuit-open")),
        },
        fingerprint: Fingerprint::new("7-circuit-open-65a000000000000000000001"),
        sequence: 0,
        zone: Tz::Asia__Kolkata,
    }
}

pub(crate) fn link(text: &str) -> Link {
    Link::new(text).unwrap()
}

/// A later notice of the same incident.
pub(crate) fn later(kind: NoticeKind, sequence: u32) -> Notice {
    Notice {
        kind,
        sequence,
        ..notice()
    }
}

/// A notice in which every text that comes from elsewhere is hostile, and a megabyte long.
pub(crate) fn hostile() -> Notice {
    let text = HOSTILE.repeat((1 << 20) / HOSTILE.len());
    Notice {
        kind: NoticeKind::Acknowledged { by: Label::new(&text) },
        org: Some(Organisation {
            id: OrgId(i64::MAX),
            name: Label::new(&text),
        }),
        alert_kind: Label::new(&text),
        subject: Subject {
            id: Label::new(&text),
            name: Label::new(&text),
        },
        last_error: Some(MaskedText::new(&text)),
        diagnosis: Diagnosis::stated(&text, &text),
        count: u64::MAX,
        waiting: Some(u64::MAX),
        fingerprint: Fingerprint::new(&text),
        ..notice()
    }
}

/// A digest of so many alerts.
pub(crate) fn digest(alerts: u32, name: &str) -> Notice {
    let entry = |_| DigestEntry {
        severity: Severity::Warning,
        alert_kind: Label::new("circuit-open"),
        subject: Label::new(name),
        since: moment(0),
        count: 3,
    };
    Notice {
        kind: NoticeKind::Digest(Digest::new((0..alerts).map(entry), 0)),
        ..notice()
    }
}

pub(crate) fn now() -> Timestamp {
    moment(4_000)
}

/// Exits that may reach this machine.
pub(crate) fn exits(mailer: Option<Mailer>) -> Exits {
    exits_with(&["127.0.0.0/8"], mailer)
}

pub(crate) fn exits_with(allow: &[&str], mailer: Option<Mailer>) -> Exits {
    let security = SecurityConfig {
        egress: EgressConfig {
            allow: allow.iter().map(|&text| text.to_owned()).collect(),
        },
        ..SecurityConfig::default()
    };
    Exits::new(&security, mailer, Arc::new(HeldClock::at(now()))).unwrap()
}
