//! People, as administrators send and read them.

use ig_core::access::PersonRights;
use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::secret::Secret;
use ig_store::{NewUser, User, UserChange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{AccessName, RoleName};
use super::listing::listing;
use crate::body::validated;
use ig_documents::mailbox;
use ig_documents::text::{collect_faults, name, org_id};

const MAX_NAME_LENGTH: usize = 200;
/// Twelve characters make guessing hopeless at the login rate limit (NIST SP 800-63B asks for at least 8).
const MIN_PASSWORD_CHARS: usize = 12;
const MAX_PASSWORD_CHARS: usize = 200;

/// A person who may log in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = User)]
pub(crate) struct UserDocument {
    /// Their identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub id: Option<String>,
    /// The e-mail address for logging in; case does not matter.
    pub email: String,
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The person's role on the platform.
    pub role: RoleName,
    /// The person's organisation; required for a USER, and absent for an ADMIN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<i64>,
    /// What a USER may do there; READ where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessName>,
    /// Whether the person may log in; true where absent. False ends their sessions.
    pub is_active: Option<bool>,
    /// The password, of 12 to 200 characters; required on creation and never shown. A new password ends the person's sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(write_only, min_length = 12, max_length = 200)]
    pub password: Option<String>,
    /// When the person last logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only, value_type = Option<String>, format = DateTime)]
    pub last_login_at: Option<Timestamp>,
    /// Increases with every change. In a PUT or PATCH it guards against lost updates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// When the person was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only, value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
    /// When the person last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only, value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
}
validated!(UserDocument);

listing! {
    /// A page of people.
    UserList { users: UserDocument }
}

impl UserDocument {
    /// The domain's new person, or everything that is wrong with the document.
    pub(crate) fn new_user(self) -> Result<NewUser, Faults> {
        let mut faults = Faults::default();
        if self.password.is_none() {
            faults.add("/password", "is required");
        }
        let change = collect_faults(&mut faults, "", self.change());
        let new_user = change.and_then(|change| {
            let UserChange {
                email,
                name,
                rights,
                is_active,
                password,
            } = change;
            password.map(|password| NewUser {
                email,
                name,
                rights,
                is_active,
                password,
            })
        });
        new_user.ok_or(faults)
    }

    /// The change to a person, or everything that is wrong with the document.
    pub(crate) fn change(self) -> Result<UserChange, Faults> {
        let mut faults = Faults::default();
        let email = collect_faults(&mut faults, "/email", mailbox(&self.email)).unwrap_or_default();
        let display_name = self.name.as_deref().map(|text| name(text, MAX_NAME_LENGTH));
        let display_name = display_name.and_then(|checked| collect_faults(&mut faults, "/name", checked));
        let rights = self.rights(&mut faults);
        let password = self.password.as_deref().map(parse_password);
        let password = password.and_then(|checked| collect_faults(&mut faults, "/password", checked));
        let change = rights.map(|rights| UserChange {
            email,
            name: display_name,
            rights,
            is_active: self.is_active.unwrap_or(true),
            password,
        });
        match change {
            Some(change) => faults.into_result(change),
            None => Err(faults),
        }
    }

    fn rights(&self, faults: &mut Faults) -> Option<PersonRights> {
        match self.role {
            RoleName::Admin => {
                for (pointer, is_given) in [("/orgId", self.org_id.is_some()), ("/access", self.access.is_some())] {
                    if is_given {
                        faults.add(pointer, "is for a USER: an ADMIN reaches every organisation");
                    }
                }
                Some(PersonRights::Admin)
            }
            RoleName::User => {
                let org = self.org_id.ok_or_else(|| Faults::single("", "is required of a USER"));
                let org = collect_faults(faults, "/orgId", org.and_then(org_id))?;
                let access = self.access.unwrap_or(AccessName::Read).into();
                Some(PersonRights::User { org, access })
            }
        }
    }
}

/// A valid new password.
pub(crate) fn parse_password(text: &str) -> Result<Secret, Faults> {
    if !(MIN_PASSWORD_CHARS..=MAX_PASSWORD_CHARS).contains(&text.chars().count()) {
        return Err(Faults::single(
            "",
            format!("must be {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters"),
        ));
    }
    Ok(Secret::new(text))
}

impl From<User> for UserDocument {
    fn from(user: User) -> Self {
        let User {
            id,
            email,
            name,
            rights,
            is_active,
            revision,
            last_login_at,
            created_at,
            updated_at,
        } = user;
        let (org_id, access) = match rights {
            PersonRights::Admin => (None, None),
            PersonRights::User { org, access } => (Some(org.0), Some(access.into())),
        };
        Self {
            id: Some(id.to_string()),
            email,
            name,
            role: rights.role().into(),
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
