//! What a stored notice says to people.

use chrono_tz::Tz;
use ig_core::alert::{ChannelId, NotificationChannel, Severity, TellingKind};
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use ig_store::{DigestContent, DigestEntryContent, IncidentContent, NoticeContent, Organizations, StoredNotice};

use crate::message::{
    Diagnosis, Digest, DigestEntry, Fingerprint, Label, Link, Links, MaskedText, Notice, NoticeKind, Organisation, Subject,
};

/// The next step for each kind of alert.
const NEXT_STEPS: [(&str, &str); 5] = [
    (
        "circuit-open",
        "Check that the target answers, then enable the integration again.",
    ),
    (
        "dead-letters-abandoned",
        "Look at the dead letters, remove the cause, and retry them.",
    ),
    ("script-disabled", "Correct the script; its deliveries are made then."),
    (
        "source-behind",
        "Find out whether the source is a copy that lags, or has begun anew.",
    ),
    ("notification-failed", "Check the settings of the channel, and send a test."),
];
const NEXT_STEP: &str = "Open the alert in the console.";
const DIGEST_STEP: &str = "Open the list of alerts in the console.";

/// Puts notices into words.
#[derive(Debug, Clone)]
pub(crate) struct Wording {
    organizations: Organizations,
    console_url: Option<String>,
}

/// The organisation that a notice concerns, as people read it.
struct Tenant {
    organisation: Option<Organisation>,
    zone: Tz,
}

impl Wording {
    pub(crate) fn new(organizations: Organizations, console_url: Option<String>) -> Self {
        Self {
            organizations,
            console_url,
        }
    }

    /// The words of a notice.
    pub(crate) async fn of(&self, notice: &StoredNotice) -> Result<Notice, StoreError> {
        let tenant = self.tenant(notice.org_id).await?;
        let mut words = match &notice.content {
            NoticeContent::Incident(content) => incident(content),
            NoticeContent::Digest(content) => digest(notice.channel, content, notice.created_at),
            NoticeContent::DigestEnded { since } => digest_ended(notice.channel, *since, notice.created_at),
        };
        words.org = tenant.organisation;
        words.zone = tenant.zone;
        words.sequence = notice.number;
        words.links.console = self.console_link();
        Ok(words)
    }

    /// The words of a sign of life.
    pub(crate) fn beat(channel: &NotificationChannel, now: Timestamp) -> Notice {
        Notice {
            kind: NoticeKind::Test,
            ..digest_ended(channel.id, now, now)
        }
    }

    async fn tenant(&self, org: Option<OrgId>) -> Result<Tenant, StoreError> {
        let Some(id) = org else {
            return Ok(Tenant {
                organisation: None,
                zone: Tz::UTC,
            });
        };
        let profile = match self.organizations.get(id, id).await {
            Ok(found) => found.map(|found| found.profile),
            // A notice goes out although its organisation cannot be read.
            Err(StoreError::Refused(_)) => None,
            Err(away @ StoreError::Unavailable(_)) => return Err(away),
        };
        let name = profile
            .as_ref()
            .map_or_else(|| id.to_string(), |profile| profile.name.clone());
        let zone = profile.and_then(|profile| profile.timezone?.parse().ok());
        Ok(Tenant {
            organisation: Some(Organisation {
                id,
                name: Label::new(&name),
            }),
            zone: zone.unwrap_or(Tz::UTC),
        })
    }

    fn console_link(&self) -> Option<Link> {
        let console = self.console_url.as_deref()?.trim_end_matches('/');
        Link::new(&format!("{console}/alerts")).ok()
    }
}

fn incident(content: &IncidentContent) -> Notice {
    let subject = content.subject.as_ref().map_or_else(
        || (content.alert_key.as_str(), content.alert_key.as_str()),
        |subject| (subject.id.as_str(), subject.name.as_str()),
    );
    Notice {
        kind: kind(content),
        org: None,
        alert_kind: Label::new(&content.alert_kind),
        severity: content.severity,
        subject: Subject {
            id: Label::new(subject.0),
            name: Label::new(subject.1),
        },
        since: content.since,
        last_seen: content.last_seen,
        count: content.count,
        waiting: content.waiting,
        last_error: content.last_error.as_deref().map(MaskedText::new),
        diagnosis: Diagnosis::stated(&content.message, next_step(&content.alert_kind)),
        links: Links::default(),
        fingerprint: Fingerprint::new(content.fingerprint.as_str()),
        sequence: 0,
        zone: Tz::UTC,
    }
}

fn kind(content: &IncidentContent) -> NoticeKind {
    match content.kind {
        TellingKind::Firing => NoticeKind::Firing,
        TellingKind::Repeated => NoticeKind::Repeated,
        TellingKind::Acknowledged => NoticeKind::Acknowledged {
            by: Label::new(content.acknowledged_by.as_deref().unwrap_or_default()),
        },
        TellingKind::Resolved => NoticeKind::Resolved,
    }
}

fn next_step(alert_kind: &str) -> &'static str {
    let known = NEXT_STEPS.iter().find(|(kind, _)| *kind == alert_kind);
    known.map_or(NEXT_STEP, |(_, step)| step)
}

fn digest(channel: ChannelId, content: &DigestContent, at: Timestamp) -> Notice {
    let worst = content
        .entries
        .iter()
        .map(|entry| entry.severity)
        .max_by_key(|severity| severity.rank());
    let others = content.total.saturating_sub(content.entries.len() as u64);
    let sentence = format!("{} alerts are open.", content.total);
    Notice {
        kind: NoticeKind::Digest(Digest::new(content.entries.iter().map(entry), others)),
        severity: worst.unwrap_or(Severity::Warning),
        count: content.total,
        subject: digest_subject(&format!("{} alerts", content.total)),
        diagnosis: Diagnosis::stated(&sentence, DIGEST_STEP),
        ..digest_ended(channel, content.since, at)
    }
}

fn entry(content: &DigestEntryContent) -> DigestEntry {
    DigestEntry {
        severity: content.severity,
        alert_kind: Label::new(&content.alert_kind),
        subject: Label::new(&content.subject),
        since: content.since,
        count: content.count,
    }
}

fn digest_ended(channel: ChannelId, since: Timestamp, at: Timestamp) -> Notice {
    Notice {
        kind: NoticeKind::Resolved,
        org: None,
        alert_kind: Label::new("digest"),
        severity: Severity::Info,
        subject: digest_subject("all alerts of the digest"),
        since,
        last_seen: at,
        count: 1,
        waiting: None,
        last_error: None,
        diagnosis: Diagnosis::stated("All alerts of the digest have ended.", "There is nothing to do."),
        links: Links::default(),
        fingerprint: Fingerprint::new(&format!("digest-{channel}-{}", since.timestamp_millis())),
        sequence: 0,
        zone: Tz::UTC,
    }
}

fn digest_subject(name: &str) -> Subject {
    Subject {
        id: Label::new("digest"),
        name: Label::new(name),
    }
}
