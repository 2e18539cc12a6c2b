//! A notice: what people are told about one alert, or about many at once.

use chrono_tz::Tz;
use ig_core::alert::Severity;
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;

use super::diagnosis::Diagnosis;
use super::fingerprint::{Fingerprint, NoticeId, incident};
use super::link::Links;
use super::masking::MaskedText;
use super::text::Label;

/// How many alerts a digest names; the others are counted.
const MAX_DIGEST_ENTRIES: usize = 20;

/// What a notice tells of its alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoticeKind {
    /// Something fails.
    Firing,
    /// It still fails.
    Repeated,
    /// A person takes care of it.
    Acknowledged {
        /// The person's name.
        by: Label,
    },
    /// It has ended.
    Resolved,
    /// Several alerts are open.
    Digest(Digest),
    /// Nothing: a person tries the channel.
    Test,
}

impl NoticeKind {
    /// The name in the API and in webhooks.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Firing => "FIRING",
            Self::Repeated => "REPEATED",
            Self::Acknowledged { .. } => "ACKNOWLEDGED",
            Self::Resolved => "RESOLVED",
            Self::Digest(_) => "DIGEST",
            Self::Test => "TEST",
        }
    }
}

/// Several alerts in one notice, at most 20 of them by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    entries: Vec<DigestEntry>,
    total: u64,
}

impl Digest {
    /// Takes the open alerts, the most important first, and the number of those that are not among them.
    pub fn new(entries: impl IntoIterator<Item = DigestEntry>, others: u64) -> Self {
        let mut named = Vec::new();
        let mut total = others;
        for entry in entries {
            total = total.saturating_add(1);
            if named.len() < MAX_DIGEST_ENTRIES {
                named.push(entry);
            }
        }
        Self { entries: named, total }
    }

    /// The alerts that are named.
    pub fn entries(&self) -> &[DigestEntry] {
        &self.entries
    }

    /// The number of all alerts.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The number of alerts that are not named.
    pub fn unnamed(&self) -> u64 {
        self.total.saturating_sub(self.entries.len() as u64)
    }
}

/// One alert of a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestEntry {
    /// How bad it is.
    pub severity: Severity,
    /// The kind of trouble, such as `circuit-open`.
    pub alert_kind: Label,
    /// The name of what fails.
    pub subject: Label,
    /// Since when it fails.
    pub since: Timestamp,
    /// How often it was seen.
    pub count: u64,
}

/// The tenant of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its number.
    pub id: OrgId,
    /// Its name.
    pub name: Label,
}

/// What an alert is about: an integration, a job, a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its identifier.
    pub id: Label,
    /// Its name.
    pub name: Label,
}

/// What people are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it tells.
    pub kind: NoticeKind,
    /// The tenant; `None` where the alert concerns the platform.
    pub org: Option<Organisation>,
    /// The kind of trouble, such as `circuit-open`.
    pub alert_kind: Label,
    /// How bad it is.
    pub severity: Severity,
    /// What fails.
    pub subject: Subject,
    /// Since when it fails; with the fingerprint, this identifies the incident. Of a test or a digest, when it was made.
    pub since: Timestamp,
    /// When it was last seen; of a resolved alert, when it ended.
    pub last_seen: Timestamp,
    /// How often it was seen.
    pub count: u64,
    /// How many deliveries wait.
    pub waiting: Option<u64>,
    /// The last error.
    pub last_error: Option<MaskedText>,
    /// What that means, and the next step.
    pub diagnosis: Diagnosis,
    /// Where to read on.
    pub links: Links,
    /// The key of the incident.
    pub fingerprint: Fingerprint,
    /// The number of earlier notices of this incident; 0 is the first, which begins the thread in mail.
    pub sequence: u32,
    /// The time zone that times are written in.
    pub zone: Tz,
}

impl Notice {
    /// The identifier of this notice, the same on every attempt to send it.
    pub fn id(&self) -> NoticeId {
        NoticeId::derive(&self.incident(), self.sequence, self.kind.as_str())
    }

    /// The key of what it tells, in the systems that it is told to. A test has a key of its own, so that it neither opens nor closes the
    /// incident that it borrows its texts from.
    pub fn key(&self) -> Fingerprint {
        match self.kind {
            NoticeKind::Test => Fingerprint::new(&format!("test-{}", self.fingerprint)),
            NoticeKind::Firing
            | NoticeKind::Repeated
            | NoticeKind::Acknowledged { .. }
            | NoticeKind::Resolved
            | NoticeKind::Digest(_) => self.fingerprint.clone(),
        }
    }

    /// The incident's name in mail: 32 hexadecimal digits.
    pub(crate) fn incident(&self) -> String {
        incident(self.org.as_ref().map(|org| org.id), &self.key(), self.since)
    }

    /// Whether the trouble goes on.
    pub(crate) fn is_open(&self) -> bool {
        match self.kind {
            NoticeKind::Firing | NoticeKind::Repeated | NoticeKind::Acknowledged { .. } | NoticeKind::Digest(_) => true,
            NoticeKind::Resolved | NoticeKind::Test => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_names_twenty_alerts_and_counts_ten_thousand() {
        let entry = |number: u32| DigestEntry {
            severity: Severity::Warning,
            alert_kind: Label::new("circuit-open"),
            subject: Label::new(&number.to_string()),
            since: Timestamp::default(),
            count: 1,
        };
        let digest = Digest::new((0..9_000).map(entry), 1_000);
        assert_eq!(
            (digest.entries().len(), digest.total(), digest.unnamed()),
            (20, 10_000, 9_980)
        );
    }
}
