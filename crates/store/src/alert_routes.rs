//! Routes and quiet hours: one document for each organisation, and one for the platform.

mod document;

use ig_core::alert::Routing;
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use mongodb::bson::doc;

use document::RoutingDocument;

use crate::alerts::Alerts;
use crate::database::Database;
use crate::error::{is_duplicate, store_error};
use crate::field::long;
use crate::names::ALERT_ROUTES;

/// Routes and quiet hours with their revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredRouting {
    /// The routes and quiet hours.
    pub routing: Routing,
    /// Rises with every change; 0 where nothing was ever stored.
    pub revision: u64,
}

/// The routes and quiet hours of all organisations and of the platform.
#[derive(Debug, Clone)]
pub struct AlertRoutes {
    database: Database,
}

impl AlertRoutes {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Reads those of an organisation, or of the platform.
    pub async fn get(&self, org: Option<OrgId>) -> Result<StoredRouting, StoreError> {
        let routes = self.database.collection::<RoutingDocument>(ALERT_ROUTES);
        let found = self.database.within(routes.find_one(doc! { "_id": key(org) })).await?;
        found.map_or_else(|| Ok(StoredRouting::default()), StoredRouting::try_from)
    }

    /// Replaces those of an organisation, or of the platform, under the revision that was read; false where they changed since. They are in
    /// force for open incidents at once.
    pub async fn put(&self, org: Option<OrgId>, routing: &Routing, expected: u64, now: Timestamp) -> Result<bool, StoreError> {
        let stored = self.replace(org, routing, expected, now).await?;
        if stored {
            Alerts::new(self.database.clone()).look_again(org, now).await?;
        }
        Ok(stored)
    }

    async fn replace(&self, org: Option<OrgId>, routing: &Routing, expected: u64, now: Timestamp) -> Result<bool, StoreError> {
        let document = RoutingDocument::new(key(org), org, routing, expected + 1, now);
        let routes = self.database.collection::<RoutingDocument>(ALERT_ROUTES);
        if expected > 0 {
            let unchanged = doc! { "_id": key(org), "revision": long(expected) };
            let replaced = self.database.within(routes.replace_one(unchanged, document)).await?;
            return Ok(replaced.matched_count > 0);
        }
        match self.database.raw(routes.insert_one(document)).await? {
            Ok(_) => Ok(true),
            Err(error) if is_duplicate(&error) => Ok(false),
            Err(error) => Err(store_error(&error)),
        }
    }
}

fn key(org: Option<OrgId>) -> String {
    org.map_or_else(|| "platform".to_owned(), |org| org.to_string())
}
