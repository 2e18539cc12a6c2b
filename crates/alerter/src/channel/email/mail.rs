//! A mail, and how it is written.

use std::time::SystemTime;

use ig_core::alert::Severity;
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use super::attachment::Attachment;
use super::recipient::Recipient;
use crate::message::{Notice, head_line, html, plain, subject_line};

const LIST_ID: HeaderName = HeaderName::new_from_ascii_str("List-Id");
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");
const AUTO_RESPONSE_SUPPRESS: HeaderName = HeaderName::new_from_ascii_str("X-Auto-Response-Suppress");
const IMPORTANCE: HeaderName = HeaderName::new_from_ascii_str("Importance");
/// The longest text part, in bytes; a report may be longer than a notice.
const MAX_PART_BYTES: usize = 1024 * 1024;

/// A mail in text and HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The first part of its `Message-ID`, the same on every attempt: letters, digits, `.`, `_` and `-`. Others are dropped.
    pub id: String,
    /// The same of the mail that began its thread, where it did not begin one itself.
    pub thread: Option<String>,
    /// Whose mail it is; `None` is the platform's.
    pub org: Option<OrgId>,
    /// Its subject, on one line.
    pub subject: String,
    /// Its text part.
    pub text: String,
    /// Its HTML part.
    pub html: String,
    /// Whether mail programs mark it as important.
    pub urgency: Severity,
    /// Its files.
    pub attachments: Vec<Attachment>,
}

impl Mail {
    /// The mail that tells of a notice. All notices of an incident are one thread.
    pub fn of(notice: &Notice) -> Self {
        let incident = notice.incident();
        let first = format!("{incident}.0");
        Self {
            id: format!("{incident}.{}", notice.sequence),
            thread: (notice.sequence > 0).then_some(first),
            org: notice.org.as_ref().map(|org| org.id),
            subject: subject_line(notice),
            text: plain(notice),
            html: html(notice),
            urgency: if notice.is_open() { notice.severity } else { Severity::Info },
            attachments: Vec::new(),
        }
    }

    /// The bytes of the mail, which are plain ASCII; `None` where it cannot be written, such as when a part is over 1 MiB.
    pub(super) fn written(&self, from: &Mailbox, to: &[Recipient], now: Timestamp) -> Option<Vec<u8>> {
        if self.text.len().max(self.html.len()) > MAX_PART_BYTES {
            return None;
        }
        let domain = from.email.domain();
        let mut builder = Message::builder()
            .from(from.clone())
            .date(SystemTime::from(now))
            .subject(head_line(&self.subject))
            .message_id(Some(message_id(&self.id, domain)))
            .raw_header(HeaderValue::new(LIST_ID, self.list_id(domain)))
            .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
            .raw_header(HeaderValue::new(AUTO_RESPONSE_SUPPRESS, "All".to_owned()));
        for recipient in to {
            builder = builder.to(Mailbox::new(None, recipient.address().clone()));
        }
        if let Some(first) = &self.thread {
            let first = message_id(first, domain);
            builder = builder.in_reply_to(first.clone()).references(first);
        }
        if self.urgency == Severity::Critical {
            builder = builder.raw_header(HeaderValue::new(IMPORTANCE, "high".to_owned()));
        }
        let message = builder.multipart(self.body()?).ok()?.formatted();
        message.is_ascii().then_some(message)
    }

    fn body(&self) -> Option<MultiPart> {
        let alternative = MultiPart::alternative()
            .singlepart(SinglePart::plain(self.text.clone()))
            .singlepart(SinglePart::html(self.html.clone()));
        if self.attachments.is_empty() {
            return Some(alternative);
        }
        let mixed = MultiPart::mixed().multipart(alternative);
        self.attachments
            .iter()
            .try_fold(mixed, |mixed, attachment| Some(mixed.singlepart(attachment.part()?)))
    }

    /// Tells mail programs that this is the mail of one list, by which people sort it.
    fn list_id(&self, domain: &str) -> String {
        match self.org {
            Some(org) => format!("<alerts.{org}.{domain}>"),
            None => format!("<alerts.platform.{domain}>"),
        }
    }
}

fn message_id(id: &str, domain: &str) -> String {
    let id: String = id
        .chars()
        .filter(|character| character.is_ascii_alphanumeric() || "._-".contains(*character))
        .collect();
    format!("<{id}@{domain}>")
}
