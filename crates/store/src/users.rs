//! Users of the console and the API.

mod document;
mod password;

use futures::FutureExt;
use ig_core::access::{Actor, PersonRights, Role};
use ig_core::clock::Timestamp;
use ig_core::history::{Item, ItemKind};
use ig_core::id::{OrgId, UserId};
use ig_core::ports::StoreError;
use ig_core::secret::Secret;
use mongodb::bson::{Document, doc, oid::ObjectId};

use crate::api_keys::KeyHash;
use crate::audit_logs::record_audit;
use crate::configuration::CommitError;
use crate::database::{Database, Documents};
use crate::error::{is_duplicate, store_error};
use crate::field::{date, long, object_id};
use crate::names::{COUNTERS, USERS};
use crate::page::{Listed, Page, add_search};
use crate::stored::Stored;

use document::{UserDocument, rights_fields};

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their identifier.
    pub id: UserId,
    /// The email address that they log in with, in lower case.
    pub email: String,
    /// Display name.
    pub name: Option<String>,
    /// Their role and access.
    pub rights: PersonRights,
    /// Whether they may log in and stay logged in.
    pub is_active: bool,
    /// The revision, raised by every change.
    pub revision: u64,
    /// When they last logged in.
    pub last_login_at: Option<Timestamp>,
    /// When they were created.
    pub created_at: Timestamp,
    /// When they were last changed.
    pub updated_at: Timestamp,
}

/// A user to create.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The email address that they log in with.
    pub email: String,
    /// Display name.
    pub name: Option<String>,
    /// Their role and access.
    pub rights: PersonRights,
    /// Whether they may log in.
    pub is_active: bool,
    /// Their password.
    pub password: Secret,
}

/// The new state of a user.
#[derive(Debug, Clone)]
pub struct UserChange {
    /// The email address that they log in with.
    pub email: String,
    /// Display name.
    pub name: Option<String>,
    /// Their role and access.
    pub rights: PersonRights,
    /// Whether they may log in.
    pub is_active: bool,
    /// The new password, if it changes.
    pub password: Option<Secret>,
}

/// Selects users; a condition that is `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Their organisation.
    pub org: Option<OrgId>,
    /// Their role.
    pub role: Option<Role>,
    /// Whether they may log in.
    pub is_active: Option<bool>,
    /// Part of the email address or the name.
    pub search: Option<String>,
}

/// The repository of users.
#[derive(Debug, Clone)]
pub struct Users {
    database: Database,
}

impl Users {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Creates the administrator with this email address, unless this was ever done before: later changes to them stay,
    /// their deletion included.
    pub async fn make_first_admin(&self, email: &str, password: &Secret, by: &Actor, now: Timestamp) -> Result<(), StoreError> {
        let email = normal(email);
        let marker = first_admin(&email);
        let counters = self.database.collection::<Document>(COUNTERS);
        if self.database.within(counters.find_one(marker.clone())).await?.is_some() {
            return Ok(());
        }
        let user = User {
            id: UserId(ObjectId::new().bytes()),
            email,
            name: None,
            rights: PersonRights::Admin,
            is_active: true,
            revision: 1,
            last_login_at: None,
            created_at: now,
            updated_at: now,
        };
        let document = UserDocument::new(&user, password::hash(password).await?);
        let created = self.database.transact(
            (self, &user, document, marker, by),
            |session, (this, user, document, marker, by)| {
                async move {
                    let counters = this.database.collection::<Document>(COUNTERS);
                    counters.insert_one(&*marker).session(&mut *session).await?;
                    let existing = this
                        .users()
                        .find_one(doc! { "email": &user.email })
                        .session(&mut *session)
                        .await?;
                    if existing.is_some() {
                        return Ok(());
                    }
                    this.users().insert_one(&*document).session(&mut *session).await?;
                    record_audit(&this.database, session, by, &item(user), None, Some(&document.shown(true))).await
                }
                .boxed()
            },
        );
        match created.await? {
            // Another gateway that started at the same time created it first.
            Err(error) if is_duplicate(&error) => Ok(()),
            result => result.map_err(|error| store_error(&error)),
        }
    }

    /// Reads one user.
    pub async fn get(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let found = self.database.within(self.users().find_one(by_id(id))).await?;
        found.map(User::try_from).transpose()
    }

    /// Lists users by email address.
    pub async fn list(&self, filter: &UserFilter, page: Page) -> Result<Listed<User>, StoreError> {
        let UserFilter {
            org,
            role,
            is_active,
            search,
        } = filter;
        let mut document = Document::new();
        if let Some(org) = org {
            document.insert("orgId", org.0);
        }
        if let Some(role) = role {
            document.insert("role", role.as_str());
        }
        if let Some(is_active) = is_active {
            document.insert("isActive", is_active);
        }
        add_search(&mut document, search.as_deref(), &["email", "name"]);
        let listed = self
            .database
            .page::<UserDocument>(USERS, document, doc! { "email": 1 }, None, page)
            .await?;
        listed.try_map(User::try_from)
    }

    /// The active user with this email address and password. The time it takes does not reveal whether the user exists.
    pub async fn recognise(&self, email: &str, password: &Secret) -> Result<Option<User>, StoreError> {
        let filter = doc! { "email": normal(email), "isActive": true };
        let found = self.database.within(self.users().find_one(filter)).await?;
        let hash = found.as_ref().map(|user| user.password_hash.clone());
        let is_right = password::is_match(password, hash).await?;
        found.filter(|_| is_right).map(User::try_from).transpose()
    }

    /// Creates a user and records the actor in the audit log.
    pub async fn create(&self, new: NewUser, by: &Actor, now: Timestamp) -> Result<User, CommitError> {
        let NewUser {
            email,
            name,
            rights,
            is_active,
            password,
        } = new;
        let user = User {
            id: UserId(ObjectId::new().bytes()),
            email: normal(&email),
            name,
            rights,
            is_active,
            revision: 1,
            last_login_at: None,
            created_at: now,
            updated_at: now,
        };
        let document = UserDocument::new(&user, password::hash(&password).await?);
        let shown = document.shown(true);
        let made = self.database.transact(
            (self, &user, document, shown, by),
            |session, (this, user, document, shown, by)| {
                async move {
                    this.users().insert_one(&*document).session(&mut *session).await?;
                    record_audit(&this.database, session, by, &item(user), None, Some(shown)).await
                }
                .boxed()
            },
        );
        made.await?.map_err(|error| taken(&error))?;
        Ok(user)
    }

    /// Changes a user who is still at this revision, and records the actor in the audit log.
    pub async fn change(
        &self,
        id: UserId,
        revision: u64,
        change: UserChange,
        by: &Actor,
        now: Timestamp,
    ) -> Result<User, CommitError> {
        let UserChange {
            email,
            name,
            rights,
            is_active,
            password,
        } = change;
        let (role, org, access) = rights_fields(rights);
        let mut fields = doc! {
            "email": normal(&email), "name": name, "role": role, "orgId": org, "access": access, "isActive": is_active,
            "updatedAt": date(now),
        };
        let has_password = password.is_some();
        if let Some(password) = password {
            fields.insert("passwordHash", password::hash(&password).await?);
        }
        let update = doc! { "$set": fields, "$inc": { "revision": 1_i64 } };
        let filter = at_revision(id, revision);
        let changed = self
            .database
            .transact((self, filter, update, by), |session, (this, filter, update, by)| {
                async move {
                    let users = this.users();
                    let Some(Stored(before)) = users
                        .find_one_and_update(filter.clone(), update.clone())
                        .session(&mut *session)
                        .await?
                    else {
                        return Ok(None);
                    };
                    let after = users.find_one(doc! { "_id": before.id }).session(&mut *session).await?;
                    let Some(Stored(after)) = after else { return Ok(None) };
                    let (shown, item) = ((before.shown(false), after.shown(has_password)), item_of(&after));
                    record_audit(&this.database, session, by, &item, Some(&shown.0), Some(&shown.1)).await?;
                    Ok(Some(after))
                }
                .boxed()
            });
        match changed.await?.map_err(|error| taken(&error))? {
            Some(user) => Ok(user.try_into()?),
            None => Err(self.moved_on(id).await?),
        }
    }

    /// Deletes a user who is still at this revision, and records the actor in the audit log.
    pub async fn delete(&self, id: UserId, revision: u64, by: &Actor) -> Result<(), CommitError> {
        let filter = at_revision(id, revision);
        let deleted = self.database.transact((self, filter, by), |session, (this, filter, by)| {
            async move {
                let Some(Stored(before)) = this
                    .users()
                    .find_one_and_delete(filter.clone())
                    .session(&mut *session)
                    .await?
                else {
                    return Ok(false);
                };
                record_audit(
                    &this.database,
                    session,
                    by,
                    &item_of(&before),
                    Some(&before.shown(false)),
                    None,
                )
                .await?;
                Ok(true)
            }
            .boxed()
        });
        if deleted.await?.map_err(|error| store_error(&error))? {
            return Ok(());
        }
        Err(self.moved_on(id).await?)
    }

    async fn moved_on(&self, id: UserId) -> Result<CommitError, StoreError> {
        let found = self.get(id).await?;
        Ok(found.map_or(CommitError::NotFound, |user| CommitError::Stale { current: user.revision }))
    }

    fn users(&self) -> Documents<UserDocument> {
        self.database.collection(USERS)
    }
}

/// Email addresses are compared regardless of case.
fn normal(email: &str) -> String {
    email.trim().to_lowercase()
}

/// The marker that a first administrator was created, which outlives the user.
fn first_admin(email: &str) -> Document {
    doc! { "_id": format!("firstAdmin:{}", KeyHash::of(email)) }
}

fn by_id(id: UserId) -> Document {
    doc! { "_id": object_id(id.0) }
}

fn at_revision(id: UserId, revision: u64) -> Document {
    doc! { "_id": object_id(id.0), "revision": long(revision) }
}

fn item(user: &User) -> Item {
    Item {
        org: match user.rights {
            PersonRights::Admin => None,
            PersonRights::User { org, .. } => Some(org),
        },
        kind: ItemKind::User,
        id: user.id.to_string(),
    }
}

fn item_of(document: &UserDocument) -> Item {
    Item {
        org: document.org_id.map(OrgId),
        kind: ItemKind::User,
        id: document.id.to_hex(),
    }
}

fn taken(error: &mongodb::error::Error) -> CommitError {
    if is_duplicate(error) {
        CommitError::Duplicate { what: "email" }
    } else {
        store_error(error).into()
    }
}
