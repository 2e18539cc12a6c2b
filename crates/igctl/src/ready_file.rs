//! The file that tells whoever waits that everything is ready, and where.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

/// What a newcomer, a test or a benchmark needs to know.
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
    /// Written whole or not at all, and readable by its owner alone: it holds credentials.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec(self)?;
        write_private(path, &text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Replaces a file at once by one that its owner alone can read.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&draft, path)
}
