//! Authentication and authorisation as extractors: a handler gets a gateway only through one of them.

mod authenticated;
mod caller;
mod caller_cache;
mod keys;
mod login_limiter;
mod platform;
mod right;
mod sessions;
mod tenant;
mod tokens;
mod unauthenticated;

pub(crate) use authenticated::{Authenticated, CurrentUser};
pub(crate) use caller::{Caller, RENEWED_TOKEN};
pub(crate) use keys::ApiKeys;
pub(crate) use platform::Platform;
pub(crate) use right::{Events, Read, RequiredRight, Runtime, Write};
pub(crate) use sessions::{NewSession, Sessions};
pub(crate) use tenant::{OrgQuery, Tenant};
pub(crate) use unauthenticated::Unauthenticated;
