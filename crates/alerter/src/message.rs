//! What people are told: one notice, independent of the channel that carries it, and its renderings.
//!
//! A notice stands alone: what is failing, since when, how much waits, why in plain words, and the next step. It leaves the gateway for
//! services that other companies run, so it carries neither patients' data nor secrets. Texts that come from elsewhere are therefore
//! never plain strings here: a [`Label`] is a name on one line, a [`MaskedText`] has everything masked that may be data.

mod diagnosis;
mod facts;
mod fingerprint;
mod html;
mod link;
mod masking;
mod notice;
mod plain;
mod slack;
mod teams;
mod text;

pub use diagnosis::{Cause, Diagnosis, ObservedError};
pub use facts::{Fact, headline, subject_line, summary};
pub use fingerprint::{Fingerprint, NoticeId};
pub use html::html;
pub use link::{BadLink, Link, Links};
pub use masking::MaskedText;
pub use notice::{Digest, DigestEntry, Notice, NoticeKind, Organisation, Subject};
pub use plain::{plain, short};
pub use slack::slack;
pub use teams::teams;
pub use text::Label;

pub(crate) use facts::{facts, org_name};
pub(crate) use text::{capped_bytes, first_bytes, head_line};
