//! Passwords: Argon2id with the parameters that RFC 9106 recommends for constrained memory, which are the crate's defaults.

use std::sync::LazyLock;

use argon2::password_hash::SaltString;
use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use ig_core::ports::StoreError;
use ig_core::secret::Secret;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Semaphore;

const SALT_LEN: usize = 16;

/// Each hash takes 19 MiB and a CPU for tens of milliseconds: a flood of logins queues here and slows nothing else down.
static HASH_SLOTS: Semaphore = Semaphore::const_new(2);

/// The hash to compare with when the user is unknown, so that the comparison takes as long.
static DUMMY_HASH: LazyLock<String> = LazyLock::new(|| hash_now(&Secret::new("nobody")).unwrap_or_default());

/// Hashes a password.
pub(super) async fn hash(password: &Secret) -> Result<String, StoreError> {
    let password = password.clone();
    in_slot(move || hash_now(&password)).await?
}

/// Whether a password is the one that was hashed.
pub(super) async fn is_match(password: &Secret, hash: Option<String>) -> Result<bool, StoreError> {
    let password = password.clone();
    in_slot(move || {
        let known = hash.as_deref().unwrap_or(&DUMMY_HASH);
        let matches = PasswordHash::new(known).is_ok_and(|known| {
            Argon2::default()
                .verify_password(password.expose().as_bytes(), &known)
                .is_ok()
        });
        matches && hash.is_some()
    })
    .await
}

async fn in_slot<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    let _slot = HASH_SLOTS.acquire().await;
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| StoreError::Refused("the password could not be hashed".to_owned()))
}

fn hash_now(password: &Secret) -> Result<String, StoreError> {
    let refused = |what: &str| StoreError::Refused(format!("the password could not be hashed: {what}"));
    let mut salt = [0; SALT_LEN];
    SystemRandom::new().fill(&mut salt).map_err(|_| refused("no random bytes"))?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| refused(&error.to_string()))?;
    let hash = Argon2::default().hash_password(password.expose().as_bytes(), &salt);
    Ok(hash.map_err(|error| refused(&error.to_string()))?.to_string())
}
