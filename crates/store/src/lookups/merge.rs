//! Merging many rows step by step: each step is visible, and announced, as soon as it is written.

use futures::FutureExt;
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::lookup::{LookupDraft, LookupTable};
use ig_core::ports::StoreError;
use mongodb::bson;
use mongodb::error::{Error, ErrorKind};

use super::MongoLookups;
use super::change::row_filters;
use super::document::RowDocument;
use super::error::{LookupError, refusal};
use super::plan::{BulkOutcome, ExistingRows, WriteCounts, WritePlan, bulk_outcome};
use super::tables::Generations;
use crate::database::durable;
use crate::error::{DUPLICATE_KEY, store_error};
use crate::names::LOOKUPS;

/// Attempts at a step that conflicts with other changes.
const MAX_ATTEMPTS: u32 = 5;

/// Tables that are being merged into.
///
/// The rows of a step are not written in the transaction that announces them: with a thousand rows, it would delay
/// every other change of configuration. If a step is interrupted, its rows stay unannounced until the next one. Each
/// row is correct by itself, so until then a cache keeps the previous row.
#[derive(Debug)]
pub struct MergingLookups {
    lookups: MongoLookups,
    org: OrgId,
    generations: Generations,
}

impl MongoLookups {
    /// Opens tables to merge into; a missing table starts empty.
    pub async fn merge(&self, org: OrgId, tables: Vec<LookupTable>) -> Result<MergingLookups, LookupError> {
        let opened = self.database.transact((self, org, &tables), |session, (this, org, tables)| {
            this.open_in(session, *org, tables).boxed()
        });
        let generations = opened.await?.map_err(|error| refusal(&error))?;
        Ok(MergingLookups {
            lookups: self.clone(),
            org,
            generations,
        })
    }
}

impl MergingLookups {
    /// Writes drafts and announces them.
    pub async fn step(&self, drafts: &[LookupDraft], at: Timestamp) -> Result<WriteCounts, LookupError> {
        let touched = self.target_generations(drafts);
        let mut first = None;
        for _ in 0..MAX_ATTEMPTS {
            let plan = self.plan(drafts, &touched, at).await?;
            let done = self.write(&plan).await?;
            let written = *first.get_or_insert(plan.written);
            if done == BulkOutcome::Done {
                self.announce(&touched).await?;
                return Ok(written);
            }
        }
        Err(StoreError::Unavailable("others keep changing the same rows".to_owned()).into())
    }

    fn target_generations(&self, drafts: &[LookupDraft]) -> Generations {
        let tables = super::change::tables_of(drafts);
        let known = tables.into_iter().filter_map(|table| {
            let generation = self.generations.get(&table).copied()?;
            Some((table, generation))
        });
        known.collect()
    }

    async fn plan(&self, drafts: &[LookupDraft], touched: &Generations, at: Timestamp) -> Result<WritePlan, StoreError> {
        let database = &self.lookups.database;
        let mut existing = ExistingRows::default();
        for filter in row_filters(self.org, drafts, touched) {
            let rows = database.collection::<RowDocument>(LOOKUPS);
            let found = database.all(rows.find(filter)).await?;
            for row in found {
                existing.add(row);
            }
        }
        Ok(WritePlan::of(self.org, drafts, touched, existing, at))
    }

    async fn write(&self, plan: &WritePlan) -> Result<BulkOutcome, StoreError> {
        let database = &self.lookups.database;
        let mut done = BulkOutcome::Done;
        if let Some(mut command) = plan.update_command() {
            let concern = bson::serialize_to_bson(&durable());
            command.insert(
                "writeConcern",
                concern.map_err(|error| StoreError::Refused(error.to_string()))?,
            );
            done = bulk_outcome(&database.within(database.driver().run_command(command)).await?)?;
        }
        if !plan.inserts.is_empty() {
            let rows = database.collection::<RowDocument>(LOOKUPS);
            match database.raw(rows.insert_many(&plan.inserts).ordered(false)).await? {
                Ok(_) => {}
                Err(error) if all_are_duplicates(&error) => done = BulkOutcome::Duplicate,
                Err(error) => return Err(store_error(&error)),
            }
        }
        Ok(done)
    }

    async fn announce(&self, touched: &Generations) -> Result<(), LookupError> {
        let announced = self
            .lookups
            .database
            .transact((&self.lookups, self.org, touched), |session, (lookups, org, touched)| {
                lookups.announce_in(session, *org, touched).boxed()
            });
        announced.await?.map_err(|error| refusal(&error))
    }
}

fn all_are_duplicates(error: &Error) -> bool {
    match error.kind.as_ref() {
        ErrorKind::InsertMany(many) => {
            many.write_concern_error.is_none() && many.write_errors.iter().flatten().all(|error| error.code == DUPLICATE_KEY)
        }
        _ => false,
    }
}
