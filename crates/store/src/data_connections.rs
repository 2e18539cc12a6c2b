//! Named connections to hospitals' databases, which administrators make and grant to organisations.

mod address;
mod document;
mod error;
mod write;

use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::job::{ConnectionGrant, ConnectionName, DataConnection, TableAccess};
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

pub use address::ConnectionAddress;
pub(crate) use document::resealed_address;
pub use error::ConnectionError;

use document::ConnectionDocument;

use crate::database::{Database, Documents};
use crate::names::DATA_CONNECTIONS;
use crate::page::{Listed, Page, add_search};

/// The counter that every change raises.
pub(crate) const DATA_CONNECTIONS_COUNTER: &str = "dataConnections";

/// A connection as people see it.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownConnection {
    /// Its name.
    pub name: ConnectionName,
    /// The database's address, its password masked.
    pub address: String,
    /// The tables that jobs may read.
    pub tables: Vec<TableAccess>,
    /// The organisations that may use it.
    pub grants: Vec<ConnectionGrant>,
    /// The revision, raised by every change.
    pub revision: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The repository of connections.
#[derive(Debug, Clone)]
pub struct DataConnections {
    database: Database,
}

impl DataConnections {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    fn rows<T: Send + Sync + 'static>(&self) -> Documents<T> {
        self.database.collection(DATA_CONNECTIONS)
    }

    /// Reads one connection, its password masked.
    pub async fn get(&self, name: &ConnectionName) -> Result<Option<ShownConnection>, StoreError> {
        let found = self.find(doc! { "_id": name.as_str() }).await?;
        found.into_iter().next().map(ShownConnection::try_from).transpose()
    }

    /// Reads one connection with its password; [`StoreError::Refused`] if the key of the password is not configured.
    pub async fn open(&self, name: &ConnectionName) -> Result<Option<DataConnection>, StoreError> {
        let found = self.find(doc! { "_id": name.as_str() }).await?;
        let found = found.first();
        found.map(|found| found.open(self.database.secrets())).transpose()
    }

    /// The connection of an organisation's jobs, with its password: the one with this name if it is granted to the organisation,
    /// or the organisation's default.
    pub async fn open_granted(&self, org: OrgId, name: Option<&ConnectionName>) -> Result<Option<DataConnection>, StoreError> {
        let mut filter = granted_to(org);
        if let Some(name) = name {
            filter.insert("_id", name.as_str());
        }
        let is_meant = |found: &&ConnectionDocument| {
            let mut grants = found.grants.iter();
            grants.any(|grant| grant.org_id == org.0 && (name.is_some() || grant.is_default))
        };
        let found = self.find(filter).await?;
        let found = found.iter().find(is_meant);
        found.map(|found| found.open(self.database.secrets())).transpose()
    }

    /// Lists connections by name, their passwords masked.
    pub async fn list(&self, search: Option<&str>, page: Page) -> Result<Listed<ShownConnection>, StoreError> {
        let mut filter = Document::new();
        add_search(&mut filter, search, &["_id", "address"]);
        self.page(filter, page).await
    }

    /// Lists the connections that an organisation may use by name, their passwords masked.
    pub async fn list_granted(&self, org: OrgId, page: Page) -> Result<Listed<ShownConnection>, StoreError> {
        self.page(granted_to(org), page).await
    }

    /// Whether an organisation may use any connection.
    pub(crate) async fn is_granted_any(&self, org: OrgId) -> Result<bool, StoreError> {
        let rows = self.rows::<Document>();
        let found = rows.find_one(granted_to(org)).projection(doc! { "_id": 1 });
        Ok(self.database.within(found).await?.is_some())
    }

    async fn find(&self, filter: Document) -> Result<Vec<ConnectionDocument>, StoreError> {
        let rows = self.rows::<ConnectionDocument>();
        self.database.all(rows.find(filter).sort(doc! { "_id": 1 })).await
    }

    async fn page(&self, filter: Document, page: Page) -> Result<Listed<ShownConnection>, StoreError> {
        let order = doc! { "_id": 1 };
        let listed = self
            .database
            .page::<ConnectionDocument>(DATA_CONNECTIONS, filter, order, None, page)
            .await?;
        listed.try_map(ShownConnection::try_from)
    }
}

fn granted_to(org: OrgId) -> Document {
    doc! { "grants.orgId": org.0 }
}
