//! What every rendering says, in words.

use chrono::TimeDelta;
use chrono_tz::Tz;
use ig_core::alert::Severity;
use ig_core::clock::Timestamp;

use super::notice::{Digest, DigestEntry, Notice, NoticeKind, Organisation};
use super::text::capped_bytes;

/// The longest subject of a mail, in bytes.
const MAX_SUBJECT_BYTES: usize = 240;

/// One line of a notice, such as "Since" and a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its name.
    pub name: &'static str,
    /// Its value, on one line.
    pub value: String,
}

/// What has happened, in a few words that begin with the state.
pub fn headline(notice: &Notice) -> String {
    let what = format!("{} ({})", notice.subject.name, notice.alert_kind);
    match &notice.kind {
        NoticeKind::Firing => format!("Failing: {what}"),
        NoticeKind::Repeated => format!("Still failing: {what}"),
        NoticeKind::Acknowledged { by } => format!("Acknowledged by {by}: {what}"),
        NoticeKind::Resolved => format!("Resolved: {what}"),
        NoticeKind::Digest(digest) => open_alerts(digest),
        NoticeKind::Test => "Test: this channel works".to_owned(),
    }
}

/// The subject of a mail, at most 240 bytes. It stays the same for all notices of an incident, since mail programs keep a thread together
/// by its subject too.
pub fn subject_line(notice: &Notice) -> String {
    let org = org_name(notice.org.as_ref());
    let subject = match &notice.kind {
        NoticeKind::Digest(digest) => format!("[Digest] {} ({org})", open_alerts(digest)),
        NoticeKind::Test => format!("[Test] This channel works ({org})"),
        NoticeKind::Firing | NoticeKind::Repeated | NoticeKind::Acknowledged { .. } | NoticeKind::Resolved => {
            let severity = severity_name(notice.severity);
            let reply = if notice.sequence > 0 { "Re: " } else { "" };
            format!("{reply}[{severity}] {}: {} ({org})", notice.subject.name, notice.alert_kind)
        }
    };
    capped_bytes(&subject, MAX_SUBJECT_BYTES)
}

/// The notice in one paragraph of at most `max_bytes` bytes.
pub fn summary(notice: &Notice, max_bytes: usize) -> String {
    let mut parts = vec![format!("{}.", headline(notice))];
    match &notice.kind {
        NoticeKind::Test => parts.push(TEST_SENTENCE.to_owned()),
        NoticeKind::Digest(digest) => parts.extend(digest.entries().iter().map(|entry| entry_line(entry, notice.zone) + ".")),
        NoticeKind::Resolved => parts.push(format!("It lasted {}.", lasted(notice))),
        NoticeKind::Firing | NoticeKind::Repeated | NoticeKind::Acknowledged { .. } => {
            parts.push(notice.diagnosis.sentence.to_string());
            parts.push(format!(
                "Since {}, seen {}.",
                time(notice.since, notice.zone),
                times(notice.count)
            ));
            parts.extend(notice.waiting.map(|waiting| format!("Waiting: {}.", deliveries(waiting))));
            parts.push(notice.diagnosis.next_step.to_string());
        }
    }
    capped_bytes(&parts.join(" "), max_bytes)
}

/// What a test says.
pub(super) const TEST_SENTENCE: &str = "A person tries this channel. Nothing is wrong, and there is nothing to do.";

/// The lines of a notice, in the order in which people need them.
pub(crate) fn facts(notice: &Notice) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |name, value| facts.push(Fact { name, value });
    add("Organisation", org_text(notice.org.as_ref()));
    match &notice.kind {
        NoticeKind::Test => {}
        NoticeKind::Digest(_) => {
            add("Most important", severity_name(notice.severity).to_owned());
        }
        NoticeKind::Firing | NoticeKind::Repeated | NoticeKind::Acknowledged { .. } | NoticeKind::Resolved => {
            add("What", format!("{} ({})", notice.subject.name, notice.subject.id));
            add("Alert", format!("{}, {}", notice.alert_kind, severity_name(notice.severity)));
            add_course(notice, &mut add);
        }
    }
    facts
}

/// The course of one alert: times, counts, the last error.
fn add_course(notice: &Notice, add: &mut impl FnMut(&'static str, String)) {
    let is_open = notice.is_open();
    add("Since", time(notice.since, notice.zone));
    add(
        if is_open { "Last seen" } else { "Ended" },
        time(notice.last_seen, notice.zone),
    );
    add("Lasts", lasted(notice));
    add("Seen", times(notice.count));
    if let Some(waiting) = notice.waiting {
        add("Waiting", deliveries(waiting));
    }
    if let Some(error) = &notice.last_error {
        add("Last error", error.to_string());
    }
}

/// The sentences that say what it means and what to do.
pub(super) fn advice(notice: &Notice) -> Vec<(&'static str, String)> {
    match &notice.kind {
        NoticeKind::Test => vec![("", TEST_SENTENCE.to_owned())],
        NoticeKind::Resolved => vec![("", format!("It is over after {}.", lasted(notice)))],
        NoticeKind::Digest(_) => Vec::new(),
        NoticeKind::Firing | NoticeKind::Repeated | NoticeKind::Acknowledged { .. } => vec![
            ("", notice.diagnosis.sentence.to_string()),
            ("Next step", notice.diagnosis.next_step.to_string()),
        ],
    }
}

/// The lines of a digest; of any other notice, none.
pub(super) fn digest_lines(notice: &Notice) -> Vec<String> {
    let NoticeKind::Digest(digest) = &notice.kind else {
        return Vec::new();
    };
    let entries = digest.entries().iter().map(|entry| entry_line(entry, notice.zone));
    let unnamed = (digest.unnamed() > 0).then(|| format!("and {} more, see the console", grouped(digest.unnamed())));
    entries.chain(unnamed).collect()
}

fn entry_line(entry: &DigestEntry, zone: Tz) -> String {
    let DigestEntry {
        severity,
        alert_kind,
        subject,
        since,
        count,
    } = entry;
    let (severity, since, count) = (severity_name(*severity), time(*since, zone), times(*count));
    format!("{severity}: {subject} ({alert_kind}), since {since}, seen {count}")
}

fn open_alerts(digest: &Digest) -> String {
    match digest.total() {
        1 => "1 alert is open".to_owned(),
        total => format!("{} alerts are open", grouped(total)),
    }
}

/// A severity in a sentence.
pub(crate) fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "Info",
        Severity::Warning => "Warning",
        Severity::Critical => "Critical",
    }
}

/// A tenant's name; the platform's where there is none.
pub(crate) fn org_name(org: Option<&Organisation>) -> &str {
    org.map_or("Platform", |org| org.name.as_str())
}

fn org_text(org: Option<&Organisation>) -> String {
    org.map_or_else(|| "Platform".to_owned(), |org| format!("{} ({})", org.name, org.id))
}

/// A time in a zone, to the minute.
fn time(at: Timestamp, zone: Tz) -> String {
    let local = at.with_timezone(&zone);
    match zone {
        Tz::UTC => local.format("%Y-%m-%d %H:%M UTC").to_string(),
        zone => format!("{} ({})", local.format("%Y-%m-%d %H:%M %:z"), zone.name()),
    }
}

fn lasted(notice: &Notice) -> String {
    span(notice.last_seen - notice.since)
}

/// A span in its two largest units; a negative one, from clocks that differ, is none.
fn span(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{} d {hours} h", grouped(days.unsigned_abs())),
    }
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{} times", grouped(count)),
    }
}

fn deliveries(count: u64) -> String {
    match count {
        1 => "1 delivery".to_owned(),
        count => format!("{} deliveries", grouped(count)),
    }
}

/// A number with commas between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_spans_and_times_are_written_for_people() {
        assert_eq!(
            (grouped(0), grouped(1_000), grouped(u64::MAX)),
            ("0".into(), "1,000".into(), "18,446,744,073,709,551,615".into())
        );
        let spans = [
            (-5, "0 s"),
            (59, "59 s"),
            (3_599, "59 min"),
            (3_660, "1 h 1 min"),
            (90_000, "1 d 1 h"),
        ];
        for (seconds, text) in spans {
            assert_eq!(span(TimeDelta::seconds(seconds)), text);
        }
        let at = "2026-01-01T12:00:59Z".parse().unwrap();
        assert_eq!(time(at, Tz::UTC), "2026-01-01 12:00 UTC");
        assert_eq!(time(at, Tz::Asia__Kolkata), "2026-01-01 17:30 +05:30 (Asia/Kolkata)");
    }
}
