//! The file that announces a ready stack and its addresses.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

/// The addresses and credentials that a user, a test or a benchmark needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ready {
    pub(crate) http: String,
    pub(crate) api_key: String,
    pub(crate) admin_email: String,
    pub(crate) admin_password: String,
    pub(crate) mongodb_uri: String,
    pub(crate) mysql_url: Option<String>,
}

impl Ready {
    /// Writes the file atomically, readable by its owner alone: it contains credentials.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec(self)?;
        write_private(path, &text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Replaces a file atomically by one that only its owner can read.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension(format!("{}.tmp", std::process::id()));
    // An existing draft may be readable by others or be a symbolic link: it is never written to.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn private_file_does_not_follow_a_symlink_at_its_draft() {
        let folder = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (folder.path().join("ready.json"), folder.path().join("elsewhere"));
        fs::write(&elsewhere, "theirs").unwrap();
        symlink(&elsewhere, path.with_extension(format!("{}.tmp", std::process::id()))).unwrap();
        write_private(&path, b"ours").unwrap();
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "theirs");
        assert_eq!(fs::read_to_string(&path).unwrap(), "ours");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
