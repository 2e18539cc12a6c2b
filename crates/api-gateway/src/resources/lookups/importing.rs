//! Imports: receives a file, checks it as a whole, and then writes it in the background with visible progress.

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use chrono::Utc;
use http::HeaderMap;
use ig_core::id::{ImportId, LookupType, OrgId, Rid};
use ig_core::lookup::{ImportMode, ImportStatus, LookupDraft};
use ig_core::ports::StoreError;
use ig_service::TaskKind;
use ig_store::{LookupError, LookupImport};
use tokio::sync::mpsc;

use super::checking::{CheckedFile, check};
use super::columns::FileScope;
use super::failure_message;
use super::file::{self, Format, ReadControl};
use super::upload::receive;
use crate::config::HttpConfig;
use crate::document::{ImportEntry, ImportReport};
use crate::error::{ApiError, Detail, ErrorCode};
use crate::gateway::Gateway;
use crate::tenant_shares::{Share, Shares};

/// The most imports in progress at one gateway. An organisation has at most two of them.
const MAX_IMPORTS: usize = 3;
/// How many files of the largest size may be stored at once. An upload in progress counts with the bytes received so far.
const MAX_FILES: usize = 8;
/// The rows in one batch.
const BATCH_ROWS: usize = 1_000;
/// How long the state of an import is available.
const RETENTION: Duration = Duration::from_hours(7 * 24);

/// The options of an import.
#[derive(Debug, Clone)]
pub(crate) struct ImportOptions {
    /// The format of the file.
    pub format: Format,
    /// How to treat the existing rows.
    pub mode: ImportMode,
    /// The type of rows without a type.
    pub lookup_type: Option<LookupType>,
    /// The unit of rows without a unit; a replacing import replaces only this tenant's rows.
    pub tenant: Option<Option<Rid>>,
    /// Whether to check the file without importing it.
    pub is_dry_run: bool,
}

/// The result of starting an import.
#[derive(Debug)]
pub(crate) enum ImportStart {
    /// The file was checked only.
    Checked(ImportReport),
    /// The import is running.
    Running(ImportEntry),
}

/// The capacity of one gateway for imports.
#[derive(Debug)]
pub(crate) struct ImportSlots {
    /// The bytes of stored files.
    files: Arc<Shares>,
    /// The imports in progress.
    running: Arc<Shares>,
}

impl ImportSlots {
    /// Capacity for [`MAX_FILES`] files of the largest size.
    pub(crate) fn new(config: &HttpConfig) -> Self {
        Self {
            files: Shares::new(config.import_limit_bytes.saturating_mul(MAX_FILES)),
            running: Shares::new(MAX_IMPORTS),
        }
    }

    /// An organisation's import slot, free again when dropped.
    fn acquire_slot(&self, org: OrgId) -> Result<Share, ApiError> {
        let slot = self.running.of(org);
        if slot.grow(1) {
            return Ok(slot);
        }
        Err(ApiError::unavailable(
            "Other imports are under way here, please try again in a moment",
        ))
    }
}

/// Receives and checks a file, and starts its import unless the request is a dry run.
pub(crate) async fn start_import(
    gateway: &Gateway,
    org: OrgId,
    options: ImportOptions,
    headers: &HeaderMap,
    body: Body,
) -> Result<ImportStart, ApiError> {
    let slots = gateway.import_slots();
    // Refuses early, before the client uploads in vain. The slot itself is taken after the upload, however slow that is.
    drop(slots.acquire_slot(org)?);
    let kept_bytes = slots.files.of(org);
    let file = receive(headers, body, gateway.http(), &kept_bytes).await?;
    let slot = slots.acquire_slot(org)?;
    let scope = FileScope {
        org,
        lookup_type: options.lookup_type.clone(),
        tenant: options.tenant,
    };
    let units = units(gateway, org).await?;
    check_named_unit(&units, options.tenant)?;
    let (file, checked) = check_file(file, &options, &scope, units).await?;
    if options.is_dry_run {
        return Ok(ImportStart::Checked(checked.report()));
    }
    if !checked.is_valid() {
        return Err(validation_error(checked.report()));
    }
    let import = create_import(gateway, org, options.mode, checked.rows).await?;
    let entry = ImportEntry::from(import.clone());
    let job = ImportJob {
        gateway: gateway.clone(),
        import,
        file,
        options,
        scope,
        checked,
    };
    gateway.context().spawn("lookup import", TaskKind::OneShot, async move {
        job.run().await;
        drop((slot, kept_bytes));
    });
    Ok(ImportStart::Running(entry))
}

async fn units(gateway: &Gateway, org: OrgId) -> Result<BTreeSet<Rid>, ApiError> {
    gateway.feed().wait_until_current().await?;
    let configuration = gateway.feed().configuration();
    Ok(configuration.org(org).map(|org| org.units().collect()).unwrap_or_default())
}

fn check_named_unit(units: &BTreeSet<Rid>, tenant: Option<Option<Rid>>) -> Result<(), ApiError> {
    if tenant.flatten().is_some_and(|rid| !units.contains(&rid)) {
        let message = "must be the organisation, or the rid of one of its units";
        return Err(ApiError::parameter("tenantId", message));
    }
    Ok(())
}

async fn check_file(
    file: File,
    options: &ImportOptions,
    scope: &FileScope,
    units: BTreeSet<Rid>,
) -> Result<(File, CheckedFile), ApiError> {
    let (format, mode, scope) = (options.format, options.mode, scope.clone());
    let work = tokio::task::spawn_blocking(move || {
        let checked = check(&file, format, &scope, mode, &units);
        (file, checked)
    });
    // A panic in the workbook library must not end the process.
    work.await.map_err(|_panic| {
        tracing::error!("reading an upload panicked");
        ApiError::fault("", "cannot be read; save the file anew")
    })
}

/// The error for a faulty file, with the row and column of each fault.
fn validation_error(report: ImportReport) -> ApiError {
    let mut error = ApiError::new(ErrorCode::ValidationError, "The file cannot be imported; nothing was changed");
    if report.further_errors > 0 {
        error.message = format!("{}; there are {} further faults", error.message, report.further_errors);
    }
    let details = report.errors.into_iter().map(|fault| {
        let column = fault.column.unwrap_or_default();
        let column_text = if column.is_empty() {
            String::new()
        } else {
            format!(", column {column}")
        };
        Detail {
            pointer: Some(format!("/{}/{}", fault.row, column.replace('~', "~0").replace('/', "~1"))),
            parameter: None,
            message: format!("Row {}{column_text}: {}", fault.row, fault.message),
        }
    });
    error.details = details.collect();
    error
}

async fn create_import(gateway: &Gateway, org: OrgId, mode: ImportMode, total: u64) -> Result<LookupImport, ApiError> {
    let stamp = super::creation_stamp();
    let import = LookupImport {
        id: ImportId(crate::resources::new_id(stamp.created_at.timestamp())),
        org_id: org,
        mode,
        status: ImportStatus::Running,
        total,
        done: 0,
        written: ig_store::WriteCounts::default(),
        removed: 0,
        error: None,
        created_at: stamp.created_at,
        updated_at: stamp.updated_at,
        expires_at: stamp.created_at + RETENTION,
    };
    gateway.store().lookup_imports().begin(&import).await?;
    Ok(import)
}

/// A running import.
struct ImportJob {
    gateway: Gateway,
    import: LookupImport,
    file: File,
    options: ImportOptions,
    scope: FileScope,
    checked: CheckedFile,
}

impl ImportJob {
    async fn run(mut self) {
        let outcome = self.write().await;
        self.import.status = match &outcome {
            Ok(()) => ImportStatus::Succeeded,
            Err(_) => ImportStatus::Failed,
        };
        self.import.error = outcome.err().map(|error| failure_message(&error));
        self.gateway.feed().poll_now();
        if let Err(error) = self.save_progress().await {
            tracing::warn!(%error, import = %self.import.id, "how an import ended cannot be told");
        }
    }

    async fn write(&mut self) -> Result<(), LookupError> {
        match self.options.mode {
            ImportMode::Upsert => self.merge().await,
            ImportMode::Replace => self.replace().await,
        }
    }

    async fn merge(&mut self) -> Result<(), LookupError> {
        let tables = self.checked.tables.iter().cloned().collect();
        let merging = self.gateway.store().lookups().merge(self.import.org_id, tables).await?;
        let mut batches = self.batches()?;
        while let Some(drafts) = batches.recv().await {
            self.import.written += merging.step(&drafts, Utc::now()).await?;
            self.gateway.feed().poll_now();
            self.add_progress(drafts.len()).await?;
        }
        self.check_complete()
    }

    async fn replace(&mut self) -> Result<(), LookupError> {
        let mut staged = self.gateway.store().lookups().stage(self.import.org_id);
        let mut batches = self.batches()?;
        while let Some(drafts) = batches.recv().await {
            staged.add(&drafts, Utc::now()).await?;
            self.add_progress(drafts.len()).await?;
        }
        self.check_complete()?;
        let mut types = self.checked.types();
        types.extend(self.options.lookup_type.clone());
        let replaced = staged.activate_in_place_of(&types, self.options.tenant).await?;
        self.import.written.created = replaced.created;
        self.import.removed = replaced.removed;
        Ok(())
    }

    /// The file's rows in batches. A separate thread reads them no faster than they are written.
    fn batches(&self) -> Result<mpsc::Receiver<Vec<LookupDraft>>, StoreError> {
        let file = self.file.try_clone();
        let file = file.map_err(|error| StoreError::Refused(format!("an upload that was kept cannot be read: {error}")))?;
        let (format, scope) = (self.options.format, self.scope.clone());
        let (sender, batches) = mpsc::channel(2);
        tokio::task::spawn_blocking(move || {
            let mut batch = Vec::with_capacity(BATCH_ROWS);
            let read = file::read(&file, format, &scope, |_, result| {
                batch.extend(result.ok());
                let is_full = batch.len() >= BATCH_ROWS;
                if is_full
                    && sender
                        .blocking_send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH_ROWS)))
                        .is_err()
                {
                    return ReadControl::Stop;
                }
                ReadControl::Continue
            });
            if read.is_ok() && !batch.is_empty() {
                // A closed channel means that the writer has failed, and it reports that itself.
                let _ = sender.blocking_send(batch);
            }
        });
        Ok(batches)
    }

    /// Checks that the import wrote exactly the rows that were checked.
    fn check_complete(&self) -> Result<(), LookupError> {
        if self.import.done == self.checked.rows {
            return Ok(());
        }
        Err(StoreError::Refused("an upload that was kept was read differently the second time".to_owned()).into())
    }

    async fn add_progress(&mut self, rows: usize) -> Result<(), StoreError> {
        self.import.done += rows as u64;
        self.save_progress().await
    }

    async fn save_progress(&mut self) -> Result<(), StoreError> {
        self.import.updated_at = super::creation_stamp().updated_at;
        self.gateway.store().lookup_imports().update(&self.import).await
    }
}
