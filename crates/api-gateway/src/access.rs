//! Who calls, and what they may do: every handler takes one of these extractors, or it has no gateway to work with.

mod caller;
mod caller_cache;
mod keys;
mod logins;
mod person;
mod platform;
mod right;
mod sessions;
mod tenant;
mod tokens;
mod unauthenticated;

pub(crate) use caller::{Caller, RENEWED_TOKEN};
pub(crate) use keys::Keys;
pub(crate) use person::{Authenticated, Person};
pub(crate) use platform::Platform;
pub(crate) use right::{Events, Needs, Read, Runtime, Write};
pub(crate) use sessions::{Begun, Sessions};
pub(crate) use tenant::{OrgQuery, Tenant};
pub(crate) use unauthenticated::Unauthenticated;
