//! Secrets that are made once and kept, so that a restart on the same data works.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ig_store::SecretBox;
use rand::RngCore as _;
use serde::{Deserialize, Serialize};

use crate::ready_file::write_private;

const FILE: &str = "secrets.json";
const KEY_ID: &str = "local";
const ADMIN_EMAIL: &str = "admin@localhost";

/// What was generated for a data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Kept {
    pub(crate) api_key: String,
    pub(crate) admin_email: String,
    pub(crate) admin_password: String,
    pub(crate) encryption_key: String,
}

/// The data directory of a local stack.
#[derive(Debug, Clone)]
pub(crate) struct DataDirectory(PathBuf);

impl DataDirectory {
    /// Opens it, making it where it is missing.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.with_context(|| format!("cannot make the data directory {} (--data-dir)", path.display()))?;
        let path = path
            .canonicalize()
            .with_context(|| format!("cannot find {}", path.display()))?;
        Ok(Self(path))
    }

    /// A path within it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Where the kept secrets are.
    pub(crate) fn secrets_file(&self) -> PathBuf {
        self.join(FILE)
    }

    /// The kept secrets, and whether they were generated now.
    pub(crate) fn secrets(&self) -> anyhow::Result<(Kept, bool)> {
        let path = self.secrets_file();
        if path.exists() {
            return read(&path)
                .with_context(|| format!("cannot read the kept secrets in {}", path.display()))
                .map(|kept| (kept, false));
        }
        let kept = Kept::generate()?;
        write_private(&path, &serde_json::to_vec_pretty(&kept)?).with_context(|| format!("cannot write {}", path.display()))?;
        Ok((kept, true))
    }
}

fn read(path: &Path) -> anyhow::Result<Kept> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

impl Kept {
    fn generate() -> anyhow::Result<Self> {
        Ok(Self {
            api_key: format!("ig_{}", random_hex(24)),
            admin_email: ADMIN_EMAIL.to_owned(),
            admin_password: random_hex(12),
            encryption_key: SecretBox::generate_key(KEY_ID)?,
        })
    }
}

/// So many bytes that nobody can guess, in hexadecimal.
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
    fn secrets_are_made_once_and_only_their_owner_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(&folder.path().join("new")).unwrap();
        let (first, generated) = data.secrets().unwrap();
        assert!(generated);
        assert_eq!(data.secrets().unwrap(), (first, false));
        let mode = fs::metadata(data.secrets_file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
