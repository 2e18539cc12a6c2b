//! A user as stored.

use ig_core::access::{PersonRights, Role, UserAccess};
use ig_core::id::{OrgId, UserId};
use ig_core::ports::StoreError;
use ig_core::secret::MASK;
use mongodb::bson::{self, oid::ObjectId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::User;
use crate::error::unreadable;
use crate::field::{date, long, object_id, timestamp, unsigned};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserDocument {
    #[serde(rename = "_id")]
    pub id: ObjectId,
    pub email: String,
    pub name: Option<String>,
    pub password_hash: String,
    pub role: String,
    pub access: Option<String>,
    pub org_id: Option<i64>,
    pub is_active: bool,
    #[serde(default)]
    pub revision: i64,
    pub last_login_at: Option<bson::DateTime>,
    pub created_at: bson::DateTime,
    pub updated_at: bson::DateTime,
}

impl UserDocument {
    pub(super) fn new(user: &User, password_hash: String) -> Self {
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
        let (role, org, access) = rights_fields(*rights);
        Self {
            id: object_id(id.0),
            email: email.clone(),
            name: name.clone(),
            password_hash,
            role: role.to_owned(),
            access: access.map(str::to_owned),
            org_id: org,
            is_active: *is_active,
            revision: long(*revision),
            last_login_at: last_login_at.map(date),
            created_at: date(*created_at),
            updated_at: date(*updated_at),
        }
    }
}

impl UserDocument {
    /// The user as the audit log shows it.
    pub(super) fn shown(&self, has_new_password: bool) -> Value {
        let Self {
            id: _,
            email,
            name,
            password_hash: _,
            role,
            access,
            org_id,
            is_active,
            revision,
            last_login_at: _,
            created_at: _,
            updated_at: _,
        } = self;
        let mut shown = json!({
            "email": email, "name": name, "role": role, "orgId": org_id, "access": access, "isActive": is_active, "revision": revision,
        });
        if has_new_password {
            shown["password"] = MASK.into();
        }
        shown
    }
}

/// `role`, `orgId` and `access`.
pub(super) fn rights_fields(rights: PersonRights) -> (&'static str, Option<i64>, Option<&'static str>) {
    let role = rights.role().as_str();
    match rights {
        PersonRights::Admin => (role, None, None),
        PersonRights::User { org, access } => (role, Some(org.0), Some(access.as_str())),
    }
}

impl TryFrom<UserDocument> for User {
    type Error = StoreError;

    fn try_from(document: UserDocument) -> Result<Self, StoreError> {
        let UserDocument {
            id,
            email,
            name,
            password_hash: _,
            role,
            access,
            org_id,
            is_active,
            revision,
            last_login_at,
            created_at,
            updated_at,
        } = document;
        let rights = match Role::parse(&role).ok_or_else(|| unreadable("role"))? {
            Role::Admin => PersonRights::Admin,
            Role::User => PersonRights::User {
                org: org_id.map(OrgId).ok_or_else(|| unreadable("orgId"))?,
                access: access
                    .and_then(|access| UserAccess::parse(&access))
                    .ok_or_else(|| unreadable("access"))?,
            },
        };
        Ok(Self {
            id: UserId(id.bytes()),
            email,
            name,
            rights,
            is_active,
            revision: unsigned(revision),
            last_login_at: last_login_at.map(timestamp),
            created_at: timestamp(created_at),
            updated_at: timestamp(updated_at),
        })
    }
}
