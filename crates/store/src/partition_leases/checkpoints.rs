//! Storing checkpoints: one round trip for all of them, and a second only if some were refused.

use std::collections::{BTreeMap, HashMap};

use ig_core::lease::{Checkpoint, WorkerId};
use ig_core::partition::PartitionId;
use ig_core::ports::StoreError;
use mongodb::bson::{self, Document, doc};
use serde::Deserialize;

use super::MongoLeases;
use super::document::{OwnedDocument, field};
use crate::database::durable;
use crate::field::{long, unsigned};
use crate::names::LEASES;
use crate::stored::read_document;

/// The server's reply to a bulk update, which is a success even if some updates failed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Updated {
    n: i64,
    #[serde(default)]
    write_errors: Vec<Document>,
    write_concern_error: Option<Document>,
}

impl MongoLeases {
    /// The driver offers bulk writes for MongoDB 8 only, so the command is spelled out.
    pub(super) async fn save_checkpoints(
        &self,
        worker: &WorkerId,
        checkpoints: &[Checkpoint],
    ) -> Result<Vec<Checkpoint>, StoreError> {
        let updates = updates(worker, checkpoints);
        if updates.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = updates.len();
        let write_concern = bson::serialize_to_bson(&durable()).map_err(|error| StoreError::Refused(error.to_string()))?;
        let command = doc! { "update": LEASES, "updates": updates, "ordered": false, "writeConcern": write_concern };
        let answer = self.database.within(self.database.driver().run_command(command)).await?;
        let updated: Updated = read_document(&answer).map_err(|error| StoreError::Refused(error.to_string()))?;
        if !updated.write_errors.is_empty() || updated.write_concern_error.is_some() {
            return Err(StoreError::Unavailable("not every checkpoint was written durably".to_owned()));
        }
        if usize::try_from(updated.n).is_ok_and(|matched| matched == wanted) {
            return Ok(Vec::new());
        }
        self.refused(worker, checkpoints).await
    }

    /// The checkpoints whose partition the worker no longer owns under that epoch. It never will again, so a later read is exact.
    async fn refused(&self, worker: &WorkerId, checkpoints: &[Checkpoint]) -> Result<Vec<Checkpoint>, StoreError> {
        let numbers: Vec<_> = checkpoints.iter().map(|checkpoint| number(checkpoint.partition)).collect();
        let leases = self.leases::<OwnedDocument>();
        let find = leases
            .find(doc! { "_id": { "$in": numbers } })
            .projection(doc! { "owner": 1, "epoch": 1 });
        let mut epochs = HashMap::new();
        for lease in self.database.all(find).await? {
            if lease.owner.as_ref() == Some(&worker.0) {
                epochs.insert(lease.partition()?, unsigned(lease.epoch));
            }
        }
        let refused = checkpoints
            .iter()
            .filter(|checkpoint| epochs.get(&checkpoint.partition) != Some(&checkpoint.epoch));
        Ok(refused.cloned().collect())
    }
}

/// One update for each partition and epoch.
fn updates(worker: &WorkerId, checkpoints: &[Checkpoint]) -> Vec<Document> {
    let mut positions: BTreeMap<(PartitionId, u64), Document> = BTreeMap::new();
    for Checkpoint {
        partition,
        epoch,
        source,
        position,
    } in checkpoints
    {
        let fields = positions.entry((*partition, *epoch)).or_default();
        let path = format!("checkpoints.{}", field(source));
        let highest = fields
            .get_i64(&path)
            .map_or(*position, |known| unsigned(known).max(*position));
        fields.insert(path, long(highest));
    }
    let updates = positions.into_iter().map(|((partition, epoch), fields)| {
        doc! { "q": { "_id": number(partition), "owner": &worker.0, "epoch": long(epoch) }, "u": { "$max": fields } }
    });
    updates.collect()
}

fn number(partition: PartitionId) -> i32 {
    i32::from(partition.number())
}
