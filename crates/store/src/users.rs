//! People who may log in.

use argon2::password_hash::SaltString;
use argon2::{Argon2, PasswordHasher};
use ig_core::clock::Timestamp;
use ig_core::ports::StoreError;
use ig_core::secret::Secret;
use mongodb::bson::{Bson, Document, doc};
use ring::rand::{SecureRandom, SystemRandom};

use crate::database::Database;
use crate::error::is_duplicate;
use crate::field::date;
use crate::names::USERS;

const SALT_LEN: usize = 16;

/// The people.
#[derive(Debug, Clone)]
pub struct Users {
    database: Database,
}

impl Users {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Makes sure that there is an active administrator of this address with this password.
    pub async fn ensure_admin(&self, email: &str, password: &Secret, now: Timestamp) -> Result<(), StoreError> {
        let password = password.clone();
        let hashed = tokio::task::spawn_blocking(move || hash(&password)).await;
        let hash = hashed.map_err(|_| StoreError::Refused("the password could not be hashed".to_owned()))??;
        let email = email.trim().to_lowercase();
        let change = doc! {
            "$set": { "passwordHash": hash, "role": "ADMIN", "orgId": Bson::Null, "isActive": true, "updatedAt": date(now) },
            "$setOnInsert": { "createdAt": date(now) },
        };
        let users = self.database.collection::<Document>(USERS);
        let ensure = || users.update_one(doc! { "email": &email }, change.clone()).upsert(true);
        match self.database.raw(ensure()).await? {
            // Two that make it at once: one of them finds it there the second time.
            Err(error) if is_duplicate(&error) => self.database.within(ensure()).await?,
            answered => answered.map_err(|error| crate::error::store_error(&error))?,
        };
        Ok(())
    }
}

/// Argon2id with the parameters that its RFC (9106) recommends for constrained memory, as the crate has them by default.
fn hash(password: &Secret) -> Result<String, StoreError> {
    let refused = |what: &str| StoreError::Refused(format!("the password could not be hashed: {what}"));
    let mut salt = [0; SALT_LEN];
    SystemRandom::new().fill(&mut salt).map_err(|_| refused("no random bytes"))?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| refused(&error.to_string()))?;
    let hash = Argon2::default().hash_password(password.expose().as_bytes(), &salt);
    Ok(hash.map_err(|error| refused(&error.to_string()))?.to_string())
}
