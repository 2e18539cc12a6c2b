//! Mail: to recipients that a tenant chose, through the platform's own server.

mod attachment;
mod config;
mod failure;
mod mail;
mod mailer;
mod recipient;
mod session;

pub use attachment::{Attachment, TooLarge};
pub use config::{SmtpConfig, SmtpSecurity};
pub use mail::Mail;
pub use mailer::Mailer;
pub use recipient::{BadRecipient, Recipient};

use ig_core::fault::Faults;

use super::exits::Exits;
use super::outcome::{SendError, Sent, Undelivered};
use crate::message::Notice;

/// The most recipients of a channel.
const MAX_RECIPIENTS: usize = 50;

/// Mail to one or more recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    recipients: Vec<Recipient>,
}

impl Email {
    /// One to 50 recipients, each once.
    pub fn new(given: impl IntoIterator<Item = Recipient>) -> Result<Self, Faults> {
        let mut recipients = Vec::new();
        for recipient in given {
            if !recipients.contains(&recipient) {
                recipients.push(recipient);
            }
        }
        if !(1..=MAX_RECIPIENTS).contains(&recipients.len()) {
            return Err(Faults::single("/recipients", "must be 1 to 50 addresses"));
        }
        Ok(Self { recipients })
    }

    /// The recipients.
    pub fn recipients(&self) -> &[Recipient] {
        &self.recipients
    }

    /// The same channel for the recipients that did not get a mail and may get it later; `None` where there are none. The others must not
    /// get it twice.
    #[must_use]
    pub fn remaining(&self, sent: &Sent) -> Option<Self> {
        let later = sent.undelivered.iter().filter(|undelivered| undelivered.error.is_transient());
        Self::new(later.map(|undelivered| undelivered.recipient.clone())).ok()
    }

    pub(super) async fn send(&self, notice: &Notice, exits: &Exits) -> Result<Sent, SendError> {
        self.send_mail(&Mail::of(notice), exits).await
    }

    /// Sends a mail once, to all recipients at the same time. One that the server refuses does not stop the others.
    pub async fn send_mail(&self, mail: &Mail, exits: &Exits) -> Result<Sent, SendError> {
        let Some(mailer) = exits.mailer() else {
            return Err(SendError::transient("No mail server is configured (section smtp)."));
        };
        let now = exits.now();
        let undelivered = mailer.send(mail, &self.recipients, now).await?;
        if undelivered.len() < self.recipients.len() {
            return Ok(Sent {
                at: exits.now(),
                undelivered,
            });
        }
        Err(error_for_all(undelivered))
    }
}

/// The error where no recipient got the mail: one that goes away decides, so that the mail is tried again.
fn error_for_all(undelivered: Vec<Undelivered>) -> SendError {
    let mut errors: Vec<_> = undelivered.into_iter().map(|undelivered| undelivered.error).collect();
    let first = errors.iter().position(SendError::is_transient).unwrap_or_default();
    if errors.is_empty() {
        return SendError::permanent("The mail has no recipient.");
    }
    errors.swap_remove(first)
}
