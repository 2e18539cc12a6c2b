//! Who calls, and what they may do: every handler takes one of these extractors, or it has no gateway to work with.

mod anybody;
mod caller;
mod keys;
mod logins;
mod person;
mod platform;
mod remembered;
mod right;
mod sessions;
mod tenant;
mod tokens;

pub(crate) use anybody::Anybody;
pub(crate) use caller::{Caller, RENEWED_TOKEN};
pub(crate) use keys::Keys;
pub(crate) use person::{Person, Somebody};
pub(crate) use platform::Platform;
pub(crate) use right::{Events, Needs, Read, Runtime, Write};
pub(crate) use sessions::{Begun, Sessions};
pub(crate) use tenant::{OrgQuery, Tenant};
