//! The data directory of a local stack. Its secrets are generated once and kept, so that a restart on the same data works.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ig_store::SecretSealer;
use rand::RngCore as _;
use serde::{Deserialize, Serialize};

use crate::ready_file::write_private;

const FILE: &str = "secrets.json";
const KEY_ID: &str = "local";
const ADMIN_EMAIL: &str = "admin@localhost";

/// The generated secrets of a data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StackSecrets {
    pub(crate) api_key: String,
    pub(crate) admin_email: String,
    pub(crate) admin_password: String,
    pub(crate) encryption_key: String,
}

/// The data directory of a local stack.
#[derive(Debug, Clone)]
pub(crate) struct DataDirectory(PathBuf);

impl DataDirectory {
    /// Opens the directory, and creates it if it is missing.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let created = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        created.with_context(|| format!("cannot make the data directory {} (--data-dir)", path.display()))?;
        let path = path
            .canonicalize()
            .with_context(|| format!("cannot find {}", path.display()))?;
        Ok(Self(path))
    }

    /// A path within the directory.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The file of the kept secrets.
    pub(crate) fn secrets_file(&self) -> PathBuf {
        self.join(FILE)
    }

    /// The kept secrets, and whether they were generated now.
    pub(crate) fn secrets(&self) -> anyhow::Result<(StackSecrets, bool)> {
        let path = self.secrets_file();
        if path.exists() {
            return read(&path)
                .with_context(|| format!("cannot read the kept secrets in {}", path.display()))
                .map(|secrets| (secrets, false));
        }
        let secrets = StackSecrets::generate()?;
        write_private(&path, &serde_json::to_vec_pretty(&secrets)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok((secrets, true))
    }
}

fn read(path: &Path) -> anyhow::Result<StackSecrets> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

impl StackSecrets {
    fn generate() -> anyhow::Result<Self> {
        Ok(Self {
            api_key: format!("ig_{}", random_hex(24)),
            admin_email: ADMIN_EMAIL.to_owned(),
            admin_password: random_hex(12),
            encryption_key: SecretSealer::generate_key(KEY_ID)?,
        })
    }
}

/// Random bytes in hexadecimal.
pub(crate) fn random_hex(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    rand::rng().fill_bytes(&mut random);
    hex::encode(random)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn secrets_are_generated_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(&folder.path().join("new")).unwrap();
        let (first, generated) = data.secrets().unwrap();
        assert!(generated);
        assert_eq!(data.secrets().unwrap(), (first, false));
        let mode = fs::metadata(data.secrets_file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
