//! Notices as plain text.

use super::facts::{advice, digest_lines, facts, headline, summary};
use super::notice::Notice;

/// The longest short text, in bytes: what `PagerDuty` takes as a summary.
const MAX_SHORT_BYTES: usize = 1_024;

/// A notice as plain text of several lines.
pub fn plain(notice: &Notice) -> String {
    let mut lines = vec![headline(notice), String::new()];
    for (name, sentence) in advice(notice) {
        lines.push(if name.is_empty() {
            sentence
        } else {
            format!("{name}: {sentence}")
        });
    }
    lines.extend(digest_lines(notice).into_iter().map(|line| format!("- {line}")));
    lines.push(String::new());
    lines.extend(facts(notice).into_iter().map(|fact| format!("{}: {}", fact.name, fact.value)));
    let links = notice.links.titled();
    if !links.is_empty() {
        lines.push(String::new());
        lines.extend(links.into_iter().map(|(title, link)| format!("{title}: {link}")));
    }
    lines.extend([String::new(), footer(notice)]);
    lines.join("\n")
}

/// A notice in one paragraph of at most 1,024 bytes.
pub fn short(notice: &Notice) -> String {
    summary(notice, MAX_SHORT_BYTES)
}

/// The last line of a mail: what it is, and which incident it belongs to.
pub(super) fn footer(notice: &Notice) -> String {
    format!(
        "Integration Gateway, alert {}, notice {}",
        notice.key(),
        u64::from(notice.sequence) + 1
    )
}
