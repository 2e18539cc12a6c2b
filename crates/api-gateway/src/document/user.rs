//! A person as administrators send and read them.

use ig_core::access::Standing;
use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::secret::Secret;
use ig_store::{NewUser, User, UserChange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{AccessName, RoleName};
use super::listing::listing;
use super::profile::mailbox;
use super::text::{name, noted, org_id};
use crate::body::shaped;

const LONGEST_NAME: usize = 200;
/// Long enough that guessing is hopeless at the rate that logins allow (NIST SP 800-63B asks for 8 at least).
const SHORTEST_PASSWORD: usize = 12;
const LONGEST_PASSWORD: usize = 200;

/// A person who may log in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = User)]
pub(crate) struct Person {
    /// Their identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub id: Option<String>,
    /// The address that they log in with; upper and lower case are the same.
    pub email: String,
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What they are to the platform.
    pub role: RoleName,
    /// Their organisation: required of a USER, and no ADMIN has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<i64>,
    /// How far a USER may go there, READ where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessName>,
    /// Whether they may log in; true where absent. False ends their sessions.
    pub is_active: Option<bool>,
    /// Their password, of 12 to 200 characters: required to make them, never shown. Another one ends their sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(write_only, min_length = 12, max_length = 200)]
    pub password: Option<String>,
    /// When they last logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only, value_type = Option<String>, format = DateTime)]
    pub last_login_at: Option<Timestamp>,
    /// How often they were changed; in a PUT or PATCH it guards against lost updates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// When they were made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only, value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
    /// When they last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only, value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
}
shaped!(Person);

listing! {
    /// A page of people.
    UserList { users: Person }
}

impl Person {
    /// A person to be made, or everything that is wrong.
    pub(crate) fn new_user(self) -> Result<NewUser, Faults> {
        let mut faults = Faults::default();
        if self.password.is_none() {
            faults.add("/password", "is required");
        }
        let change = noted(&mut faults, "", self.change());
        let made = change.and_then(|change| {
            let UserChange {
                email,
                name,
                standing,
                is_active,
                password,
            } = change;
            password.map(|password| NewUser {
                email,
                name,
                standing,
                is_active,
                password,
            })
        });
        made.ok_or(faults)
    }

    /// What is to become of a person, or everything that is wrong.
    pub(crate) fn change(self) -> Result<UserChange, Faults> {
        let mut faults = Faults::default();
        let email = noted(&mut faults, "/email", mailbox(&self.email)).unwrap_or_default();
        let shown = self.name.as_deref().map(|text| name(text, LONGEST_NAME));
        let shown = shown.and_then(|checked| noted(&mut faults, "/name", checked));
        let standing = self.standing(&mut faults);
        let password = self.password.as_deref().map(password);
        let password = password.and_then(|checked| noted(&mut faults, "/password", checked));
        let change = standing.map(|standing| UserChange {
            email,
            name: shown,
            standing,
            is_active: self.is_active.unwrap_or(true),
            password,
        });
        match change {
            Some(change) => faults.into_result(change),
            None => Err(faults),
        }
    }

    fn standing(&self, faults: &mut Faults) -> Option<Standing> {
        match self.role {
            RoleName::Admin => {
                for (place, is_given) in [("/orgId", self.org_id.is_some()), ("/access", self.access.is_some())] {
                    if is_given {
                        faults.add(place, "is for a USER: an ADMIN reaches every organisation");
                    }
                }
                Some(Standing::Admin)
            }
            RoleName::User => {
                let org = self.org_id.ok_or_else(|| Faults::one("", "is required of a USER"));
                let org = noted(faults, "/orgId", org.and_then(org_id))?;
                let access = self.access.unwrap_or(AccessName::Read).into();
                Some(Standing::User { org, access })
            }
        }
    }
}

/// A password that may be chosen.
pub(crate) fn password(text: &str) -> Result<Secret, Faults> {
    if !(SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&text.chars().count()) {
        return Err(Faults::one(
            "",
            format!("must be {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"),
        ));
    }
    Ok(Secret::new(text))
}

impl From<User> for Person {
    fn from(user: User) -> Self {
        let User {
            id,
            email,
            name,
            standing,
            is_active,
            revision,
            last_login_at,
            created_at,
            updated_at,
        } = user;
        let (org_id, access) = match standing {
            Standing::Admin => (None, None),
            Standing::User { org, access } => (Some(org.0), Some(access.into())),
        };
        Self {
            id: Some(id.to_string()),
            email,
            name,
            role: standing.role().into(),
            org_id,
            access,
            is_active: Some(is_active),
            password: None,
            last_login_at,
            revision: Some(revision),
            created_at: Some(created_at),
            updated_at: Some(updated_at),
        }
    }
}
