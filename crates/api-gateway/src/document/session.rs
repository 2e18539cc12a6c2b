//! Logging in, and who one is.

use ig_core::access::{Actor, Holder, KeyScope, Reach, Standing};
use ig_core::clock::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{AccessName, RoleName, ScopeName};
use super::user::Person;
use crate::access::{Caller, NewSession};
use crate::body::shaped;

/// Who wants to log in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// Their address.
    #[schema(max_length = 320)]
    pub email: String,
    /// Their password.
    #[schema(write_only, max_length = 1_000)]
    pub password: String,
}
shaped!(Login);

/// Another password of one's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PasswordChange {
    /// The one that is in force.
    #[schema(write_only, max_length = 1_000)]
    pub current_password: String,
    /// The one to come, of 12 to 200 characters.
    #[schema(write_only, min_length = 12, max_length = 200)]
    pub new_password: String,
}
shaped!(PasswordChange);

/// A session that has begun.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoggedIn {
    /// What requests carry from now on, as `Authorization: Bearer`.
    token: String,
    /// Until when, unless it is used: a token that is getting old is answered with another in `X-Renewed-Token`.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// Who logged in.
    user: Person,
}

/// Who sends a request, and what they may do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Me {
    /// USER or `API_KEY`.
    kind: &'static str,
    /// Their identifier.
    id: String,
    /// The e-mail address of a person, the name of a key.
    name: String,
    /// A person's role.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<RoleName>,
    /// The one organisation that they reach; absent where they reach all.
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<i64>,
    /// How far a USER may go there.
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<AccessName>,
    /// What a key may be used for.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<ScopeName>>,
}

impl From<NewSession> for LoggedIn {
    fn from(begun: NewSession) -> Self {
        let NewSession { token, expires_at, user } = begun;
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

fn access(standing: Standing) -> Option<AccessName> {
    match standing {
        Standing::Admin => None,
        Standing::User { access, .. } => Some(access.into()),
    }
}
