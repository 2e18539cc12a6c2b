//! The writes that apply drafts: inserts of new rows, updates of rows that differ, and none for the rest.

use std::collections::HashMap;

use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::lookup::LookupDraft;
use ig_core::ports::StoreError;
use mongodb::bson::{self, Document, doc, oid::ObjectId};
use serde::Deserialize;

use super::document::{RowDocument, SideDocument};
use super::tables::Generations;
use crate::error::DUPLICATE_KEY;
use crate::field::date;
use crate::names::LOOKUPS;
use crate::stored::read_document;

/// The results of applying drafts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriteCounts {
    /// Rows inserted.
    pub created: u64,
    /// Rows updated.
    pub updated: u64,
    /// Rows that were equal already.
    pub unchanged: u64,
}

impl std::ops::AddAssign for WriteCounts {
    fn add_assign(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
    }
}

/// The writes that apply drafts.
#[derive(Debug, Default)]
pub(super) struct WritePlan {
    pub(super) inserts: Vec<RowDocument>,
    updates: Vec<Document>,
    pub(super) written: WriteCounts,
}

/// The existing rows for these drafts, by generation and source: the active one, or else the latest.
#[derive(Debug, Default)]
pub(super) struct ExistingRows(HashMap<(ObjectId, String), RowDocument>);

impl ExistingRows {
    pub(super) fn add(&mut self, row: RowDocument) {
        let key = (row.generation, row.source.id.clone());
        let rank = |row: &RowDocument| (row.is_active, row.updated_at, row.id);
        match self.0.get(&key) {
            Some(known) if rank(known) >= rank(&row) => {}
            _ => drop(self.0.insert(key, row)),
        }
    }
}

impl WritePlan {
    pub(super) fn of(
        org: OrgId,
        drafts: &[LookupDraft],
        generations: &Generations,
        mut existing: ExistingRows,
        at: Timestamp,
    ) -> Self {
        let mut plan = Self::default();
        for draft in drafts {
            let Some(generation) = generations.get(&draft.table) else {
                continue;
            };
            let wanted = new_row(org, draft, *generation, at);
            match existing.0.remove(&(*generation, wanted.source.id.clone())) {
                None => plan.insert(wanted),
                Some(row) if is_unchanged(&row, &wanted) => plan.written.unchanged += 1,
                Some(row) => plan.update(&row, &wanted),
            }
        }
        plan
    }

    fn insert(&mut self, row: RowDocument) {
        self.inserts.push(row);
        self.written.created += 1;
    }

    fn update(&mut self, row: &RowDocument, wanted: &RowDocument) {
        let side = |side: &SideDocument| bson::serialize_to_bson(side).unwrap_or_default();
        let set = doc! {
            "source": side(&wanted.source),
            "target": side(&wanted.target),
            "isActive": wanted.is_active,
            "updatedAt": wanted.updated_at,
        };
        let change = doc! { "$set": set, "$inc": { "revision": 1_i64 } };
        self.updates.push(doc! { "q": { "_id": row.id }, "u": change });
        self.written.updated += 1;
    }

    /// One command for all updates, if there are any; the driver offers bulk writes for MongoDB 8 only.
    pub(super) fn update_command(&self) -> Option<Document> {
        (!self.updates.is_empty()).then(|| doc! { "update": LOOKUPS, "updates": self.updates.clone(), "ordered": false })
    }
}

/// A new row from a draft.
pub(super) fn new_row(org: OrgId, draft: &LookupDraft, generation: ObjectId, at: Timestamp) -> RowDocument {
    let LookupDraft {
        table,
        source,
        target,
        is_active,
    } = draft;
    RowDocument {
        id: ObjectId::new(),
        org_id: org.0,
        tenant_id: table.tenant_id.map(|rid| rid.0),
        lookup_type: table.lookup_type.to_string(),
        generation,
        source: source.into(),
        target: target.into(),
        is_active: *is_active,
        revision: 1,
        created_at: date(at),
        updated_at: date(at),
    }
}

fn is_unchanged(row: &RowDocument, wanted: &RowDocument) -> bool {
    row.source == wanted.source && row.target == wanted.target && row.is_active == wanted.is_active
}

/// The server's reply to a bulk update, which is a success even if some updates failed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateReply {
    #[serde(default)]
    write_errors: Vec<UpdateError>,
    write_concern_error: Option<Document>,
}

#[derive(Debug, Deserialize)]
struct UpdateError {
    code: i32,
}

/// The result of a bulk update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BulkOutcome {
    /// All were applied.
    Done,
    /// Some would have mapped a value twice.
    Duplicate,
}

pub(super) fn bulk_outcome(answer: &Document) -> Result<BulkOutcome, StoreError> {
    let updated: UpdateReply = read_document(answer).map_err(|error| StoreError::Refused(error.to_string()))?;
    if updated.write_errors.iter().any(|error| error.code == DUPLICATE_KEY) {
        return Ok(BulkOutcome::Duplicate);
    }
    if !updated.write_errors.is_empty() || updated.write_concern_error.is_some() {
        return Err(StoreError::Unavailable("not every row was written durably".to_owned()));
    }
    Ok(BulkOutcome::Done)
}
