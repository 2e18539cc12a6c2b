//! Tenants' secrets at rest: AES-256-GCM under keys with ids, so that keys can be rotated.
//!
//! A sealed secret is the text `key-id:base64(nonce ‖ ciphertext ‖ tag)`. Its owner is authenticated with it, so that a
//! sealed text cannot be opened in another document.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::config::SecretsConfig;

const KEY_LEN: usize = 32;

/// Why a secret could not be sealed or opened, or why the keys are unusable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// A configured key is not `id:base64` of 32 bytes, or its id is a duplicate.
    #[error("secrets.keys[{index}] must be id:base64 of 32 bytes, with an id of its own")]
    MalformedKey {
        /// The key's index in the list, from 0.
        index: usize,
    },
    /// There is no key to seal with.
    #[error("secrets.keys is empty: a secret cannot be stored")]
    NoKeys,
    /// The secret was sealed with a key that is not configured here.
    #[error("the secret is sealed with key {0:?}, which secrets.keys does not hold")]
    UnknownKey(String),
    /// The sealed text is truncated or changed, or belongs to another owner.
    #[error("the sealed secret does not open")]
    SealFailed,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    NoRandomness,
}

struct Key {
    id: String,
    sealing: LessSafeKey,
    deriving: hmac::Key,
}

/// Seals and opens secrets.
#[derive(Clone)]
pub struct SecretSealer {
    keys: Arc<[Key]>,
    /// How many secrets each key has opened.
    opened: Arc<[AtomicU64]>,
    random: SystemRandom,
}

impl fmt::Debug for SecretSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.key_ids().collect();
        f.debug_struct("SecretSealer").field("keys", &ids).finish_non_exhaustive()
    }
}

impl SecretSealer {
    /// Creates a sealer with the configured keys; there must be at least one.
    pub fn new(config: &SecretsConfig) -> Result<Self, SecretError> {
        if config.keys.is_empty() {
            return Err(SecretError::NoKeys);
        }
        let mut keys: Vec<Key> = Vec::new();
        for (index, text) in config.keys.iter().enumerate() {
            let key = parse_key(text).ok_or(SecretError::MalformedKey { index })?;
            if keys.iter().any(|other| other.id == key.id) {
                return Err(SecretError::MalformedKey { index });
            }
            keys.push(key);
        }
        Ok(Self::under(keys))
    }

    /// A sealer without keys, for a process that never needs a tenant's secret: it can neither seal nor open.
    pub fn closed() -> Self {
        Self::under(Vec::new())
    }

    /// Generates a key in the form that the configuration takes.
    pub fn generate_key(id: &str) -> Result<String, SecretError> {
        let mut bytes = [0; KEY_LEN];
        SystemRandom::new().fill(&mut bytes).map_err(|_| SecretError::NoRandomness)?;
        Ok(format!("{id}:{}", STANDARD.encode(bytes)))
    }

    /// The ids of the keys; the first key seals.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    /// Seals a secret for `owner`.
    pub fn seal(&self, secret: &str, owner: &str) -> Result<String, SecretError> {
        let Key { id, sealing, .. } = self.keys.first().ok_or(SecretError::NoKeys)?;
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| SecretError::NoRandomness)?;
        let mut sealed = secret.as_bytes().to_vec();
        sealing
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(owner), &mut sealed)
            .map_err(|_| SecretError::SealFailed)?;
        Ok(format!("{id}:{}", STANDARD.encode([&nonce[..], &sealed].concat())))
    }

    /// Opens a secret that was sealed for the same owner.
    pub fn open(&self, sealed: &str, owner: &str) -> Result<String, SecretError> {
        let (id, encoded) = sealed.split_once(':').ok_or(SecretError::SealFailed)?;
        let (key, opened) = self.key(id).ok_or_else(|| SecretError::UnknownKey(id.to_owned()))?;
        let bytes = STANDARD.decode(encoded).map_err(|_| SecretError::SealFailed)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or(SecretError::SealFailed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SecretError::SealFailed)?;
        let mut sealed = sealed.to_vec();
        let secret = key
            .open_in_place(nonce, Aad::from(owner), &mut sealed)
            .map_err(|_| SecretError::SealFailed)?;
        opened.fetch_add(1, Ordering::Relaxed);
        String::from_utf8(secret.to_vec()).map_err(|_| SecretError::SealFailed)
    }

    /// A sealer with the same keys and its own counters.
    pub(crate) fn counting(&self) -> Self {
        Self {
            keys: Arc::clone(&self.keys),
            opened: counters(&self.keys),
            random: self.random.clone(),
        }
    }

    /// How many secrets were opened, by key id; the first key seals.
    pub(crate) fn opened(&self) -> impl Iterator<Item = (&str, u64)> {
        let counts = self.opened.iter().map(|opened| opened.load(Ordering::Relaxed));
        self.key_ids().zip(counts)
    }

    /// Derives a key for a purpose from each key; the first is in use. A derived key reveals nothing about its origin.
    pub fn derived(&self, purpose: &str) -> Vec<(String, [u8; 32])> {
        let derived = self.keys.iter().map(|key| {
            let tag = hmac::sign(&key.deriving, purpose.as_bytes());
            let mut bytes = [0; KEY_LEN];
            bytes.copy_from_slice(tag.as_ref());
            (key.id.clone(), bytes)
        });
        derived.collect()
    }

    fn under(keys: Vec<Key>) -> Self {
        Self {
            opened: counters(&keys),
            keys: keys.into(),
            random: SystemRandom::new(),
        }
    }

    fn key(&self, id: &str) -> Option<(&LessSafeKey, &AtomicU64)> {
        let mut keys = self.keys.iter().zip(self.opened.iter());
        let (key, opened) = keys.find(|(key, _)| key.id == id)?;
        Some((&key.sealing, opened))
    }
}

fn counters(keys: &[Key]) -> Arc<[AtomicU64]> {
    keys.iter().map(|_| AtomicU64::new(0)).collect()
}

fn parse_key(text: &str) -> Option<Key> {
    let (id, encoded) = text.split_once(':').filter(|(id, _)| !id.is_empty())?;
    let bytes = STANDARD.decode(encoded.trim()).ok()?;
    let key = UnboundKey::new(&AES_256_GCM, &bytes).ok()?;
    Some(Key {
        id: id.to_owned(),
        sealing: LessSafeKey::new(key),
        deriving: hmac::Key::new(hmac::HMAC_SHA256, &bytes),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn boxed(ids: &[&str]) -> (SecretSealer, Vec<String>) {
        let keys: Vec<_> = ids.iter().map(|id| SecretSealer::generate_key(id).unwrap()).collect();
        let config = SecretsConfig { keys: keys.clone() };
        (SecretSealer::new(&config).unwrap(), keys)
    }

    proptest! {
        #[test]
        fn secret_sealer_opens_a_secret_for_its_owner_alone(secret in ".{0,200}", owner in ".{0,40}", other in ".{0,40}") {
            let (secrets, _) = boxed(&["k1"]);
            let sealed = secrets.seal(&secret, &owner).unwrap();
            prop_assert_eq!(secrets.open(&sealed, &owner).unwrap(), secret);
            prop_assume!(owner != other);
            prop_assert_eq!(secrets.open(&sealed, &other), Err(SecretError::SealFailed));
        }

        #[test]
        fn secret_sealer_panics_on_no_sealed_text(sealed in ".{0,80}", cut in 0usize..60) {
            let (secrets, _) = boxed(&["k1"]);
            prop_assert!(secrets.open(&sealed, "owner").is_err());
            let whole = secrets.seal("a secret", "owner").unwrap();
            prop_assume!(cut < whole.len());
            prop_assert!(secrets.open(&whole[..cut], "owner").is_err());
        }
    }

    #[test]
    fn secret_sealer_seals_with_the_new_first_key_and_still_opens_with_the_old_one() {
        let (old, keys) = boxed(&["k1"]);
        let sealed = old.seal("s", "o").unwrap();
        let rotated = SecretsConfig {
            keys: vec![SecretSealer::generate_key("k2").unwrap(), keys[0].clone()],
        };
        let rotated = SecretSealer::new(&rotated).unwrap();
        assert_eq!(rotated.open(&sealed, "o").unwrap(), "s");
        let again = rotated.seal("s", "o").unwrap();
        assert!(again.starts_with("k2:"));
        assert_eq!(old.open(&again, "o"), Err(SecretError::UnknownKey("k2".to_owned())));
    }

    #[test]
    fn secret_sealer_names_a_malformed_key() {
        let good = SecretSealer::generate_key("k1").unwrap();
        let short = format!("k2:{}", STANDARD.encode([0; 16]));
        for bad in ["", "k2", "k2:***", ":AAAA", short.as_str(), good.as_str()] {
            let config = SecretsConfig {
                keys: vec![good.clone(), bad.to_owned()],
            };
            assert_eq!(
                SecretSealer::new(&config).unwrap_err(),
                SecretError::MalformedKey { index: 1 },
                "{bad}"
            );
        }
    }

    #[test]
    fn secret_sealer_without_keys_seals_nothing() {
        assert_eq!(SecretSealer::new(&SecretsConfig::default()).unwrap_err(), SecretError::NoKeys);
        assert_eq!(SecretSealer::closed().seal("s", "o"), Err(SecretError::NoKeys));
    }
}
