//! Configuration as the version before format 2 stored it: every kind of it with every field, in two versions each.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mongodb::bson::{Document, doc};
use serde_json::Value;

use crate::mongo::TestDatabase;

/// What the earlier version stored.
pub struct EarlierConfiguration {
    /// The key of its secrets.
    pub key: String,
    /// Its documents by collection.
    pub documents: BTreeMap<String, Vec<Document>>,
}

impl EarlierConfiguration {
    /// Reads what was stored.
    ///
    /// # Panics
    /// When the file is damaged.
    pub fn read() -> Self {
        let mut all: BTreeMap<String, Value> =
            serde_json::from_str(include_str!("../fixtures/configuration-format-1.json")).expect("JSON");
        let key = all
            .remove("key")
            .and_then(|key| key.as_str().map(str::to_owned))
            .expect("a key");
        let decoded = |document: &Value| {
            let bytes = STANDARD.decode(document.as_str().expect("text")).expect("base64");
            Document::from_reader(bytes.as_slice()).expect("a document")
        };
        let documents = all.into_iter().map(|(collection, documents)| {
            let documents = documents.as_array().expect("a list");
            (collection, documents.iter().map(decoded).collect())
        });
        let documents = documents.collect();
        Self { key, documents }
    }

    /// The last revision.
    ///
    /// # Panics
    /// When there is none.
    pub fn revision(&self) -> i64 {
        let revisions = self.documents["config_changes"].iter();
        revisions
            .filter_map(|change| change.get_i64("_id").ok())
            .max()
            .expect("changes")
    }

    /// Puts it into an empty database, as the earlier version left it.
    ///
    /// # Panics
    /// When the database refuses it.
    pub async fn insert(&self, database: &TestDatabase) {
        let raw = database.open().await;
        for (collection, documents) in &self.documents {
            let inserted = raw.collection::<Document>(collection).insert_many(documents).await;
            inserted.expect("it is inserted");
        }
        let revision = doc! { "_id": "configuration", "value": self.revision() };
        let inserted = raw.collection::<Document>("counters").insert_one(revision).await;
        inserted.expect("it is inserted");
    }
}

/// How many documents of configuration are not in the current format.
///
/// # Panics
/// When the database does not answer.
pub async fn unwritten(database: &TestDatabase) -> u64 {
    let raw = database.open().await;
    let mut count = 0;
    for collection in [
        "organizations",
        "org_units",
        "event_types",
        "templates",
        "integration_configs",
    ] {
        let items = raw.collection::<Document>(collection);
        count += items.count_documents(doc! { "format": { "$ne": 2 } }).await.expect("a count");
    }
    let versions = raw.collection::<Document>("config_versions");
    let earlier = doc! { "document.format": { "$ne": 2 } };
    count + versions.count_documents(earlier).await.expect("a count")
}
