//! Roles, access levels and scopes, by the names that clients use.

use ig_core::access::{KeyScope, Role, UserAccess};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A person's role on the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = Role)]
pub(crate) enum RoleName {
    /// Runs the platform: reaches every organisation and the platform's own resources.
    Admin,
    /// Belongs to one organisation.
    User,
}

/// What a USER may do in their organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = Access)]
pub(crate) enum AccessName {
    /// May read everything and change nothing.
    Read,
    /// May read and change everything.
    Write,
}

/// What an API key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Scope)]
pub(crate) enum ScopeName {
    /// Call inbound integrations.
    Runtime,
    /// Read configuration and logs.
    Read,
    /// Change configuration.
    Write,
    /// Push events.
    Events,
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::User => Self::User,
        }
    }
}

impl From<UserAccess> for AccessName {
    fn from(access: UserAccess) -> Self {
        match access {
            UserAccess::Read => Self::Read,
            UserAccess::Write => Self::Write,
        }
    }
}

impl From<AccessName> for UserAccess {
    fn from(name: AccessName) -> Self {
        match name {
            AccessName::Read => Self::Read,
            AccessName::Write => Self::Write,
        }
    }
}

impl From<KeyScope> for ScopeName {
    fn from(scope: KeyScope) -> Self {
        match scope {
            KeyScope::Runtime => Self::Runtime,
            KeyScope::Read => Self::Read,
            KeyScope::Write => Self::Write,
            KeyScope::Events => Self::Events,
        }
    }
}

impl From<ScopeName> for KeyScope {
    fn from(name: ScopeName) -> Self {
        match name {
            ScopeName::Runtime => Self::Runtime,
            ScopeName::Read => Self::Read,
            ScopeName::Write => Self::Write,
            ScopeName::Events => Self::Events,
        }
    }
}
