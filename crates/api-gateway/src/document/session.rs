//! Logging in, and the identity of the caller.

use ig_core::access::{Actor, Holder, KeyScope, PersonRights, Reach};
use ig_core::clock::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{AccessName, RoleName, ScopeName};
use super::user::UserDocument;
use crate::access::{Caller, NewSession};
use crate::body::validated;

/// The credentials of a login.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// The person's e-mail address.
    #[schema(max_length = 320)]
    pub email: String,
    /// The person's password.
    #[schema(write_only, max_length = 1_000)]
    pub password: String,
}
validated!(Login);

/// A change of one's own password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PasswordChange {
    /// The current password.
    #[schema(write_only, max_length = 1_000)]
    pub current_password: String,
    /// The new password, of 12 to 200 characters.
    #[schema(write_only, min_length = 12, max_length = 200)]
    pub new_password: String,
}
validated!(PasswordChange);

/// A new session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoggedIn {
    /// The token that requests carry as `Authorization: Bearer`.
    token: String,
    /// When the session expires. Use extends it: responses replace an ageing token in `X-Renewed-Token`.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// The person who logged in.
    user: UserDocument,
}

/// The caller's identity and permissions.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Me {
    /// USER or `API_KEY`.
    kind: &'static str,
    /// The caller's identifier.
    id: String,
    /// A person's e-mail address, or a key's name.
    name: String,
    /// A person's role.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<RoleName>,
    /// The only organisation that the caller reaches; absent where they reach all.
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<i64>,
    /// What a USER may do there.
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<AccessName>,
    /// What a key may be used for.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<ScopeName>>,
}

impl From<NewSession> for LoggedIn {
    fn from(session: NewSession) -> Self {
        let NewSession { token, expires_at, user } = session;
        Self {
            token,
            expires_at,
            user: user.into(),
        }
    }
}

impl From<&Caller> for Me {
    fn from(caller: &Caller) -> Self {
        let Actor { kind, id, name } = caller.actor().clone();
        let holder = caller.holder();
        let (role, access) = match holder {
            Some(Holder::Person(standing)) => (Some(standing.role().into()), access(*standing)),
            Some(Holder::Key { .. }) | None => (None, None),
        };
        let scopes = match holder {
            Some(Holder::Key { scopes, .. }) => Some(scopes.iter().copied().map(KeyScope::into).collect()),
            Some(Holder::Person(_)) | None => None,
        };
        let org_id = match holder.map(Holder::reach) {
            Some(Reach::Org(org)) => Some(org.0),
            Some(Reach::Everything) | None => None,
        };
        Self {
            kind: kind.as_str(),
            id,
            name,
            role,
            org_id,
            access,
            scopes,
        }
    }
}

fn access(standing: PersonRights) -> Option<AccessName> {
    match standing {
        PersonRights::Admin => None,
        PersonRights::User { access, .. } => Some(access.into()),
    }
}
