//! A connection as stored.

use std::str::FromStr;

use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_core::job::{ConnectionGrant, DataConnection, TableAccess, TableScope};
use ig_core::ports::StoreError;
use ig_core::secret::{MASK, Secret};
use mongodb::bson::{self, Document};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ConnectionAddress, ShownConnection};
use crate::error::unreadable;
use crate::field::{date, timestamp, unsigned};
use crate::secret_sealer::{SecretError, SecretSealer};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConnectionDocument {
    #[serde(rename = "_id")]
    pub(super) name: String,
    /// The address, sealed as a whole.
    url: String,
    /// The address with its password masked: lists need no key, and show a connection whose key is lost.
    address: String,
    tables: Vec<TableDocument>,
    pub(super) grants: Vec<GrantDocument>,
    pub(super) revision: i64,
    created_at: bson::DateTime,
    updated_at: bson::DateTime,
}

/// A table is shared only where it says so: a column that is missing grants nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TableDocument {
    table: String,
    tenant_column: Option<String>,
    shared: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GrantDocument {
    pub(super) org_id: i64,
    pub(super) is_default: bool,
}

impl ConnectionDocument {
    /// A connection at no revision yet, with its address sealed.
    pub(super) fn new(connection: &DataConnection, secrets: &SecretSealer) -> Result<Self, StoreError> {
        let DataConnection {
            name,
            url,
            tables,
            grants,
            revision: _,
            created_at,
            updated_at,
        } = connection;
        let sealed = secrets.seal(url.expose(), &owner(name.as_str()));
        Ok(Self {
            name: name.to_string(),
            url: sealed.map_err(|error| refused(&error))?,
            address: ConnectionAddress::parse(url.expose()).map_or_else(|_| MASK.to_owned(), |address| address.masked()),
            tables: tables.iter().map(TableDocument::new).collect(),
            grants: grants.iter().map(GrantDocument::new).collect(),
            revision: 0,
            created_at: date(*created_at),
            updated_at: date(*updated_at),
        })
    }

    pub(super) fn at_revision(&self, revision: i64) -> Self {
        Self {
            revision,
            ..self.clone()
        }
    }

    /// The connection without one organisation's grant, changed now.
    pub(super) fn without_grant_of(&self, OrgId(org): OrgId, revision: i64) -> Self {
        let mut document = self.at_revision(revision);
        document.grants.retain(|grant| grant.org_id != org);
        document.updated_at = bson::DateTime::now();
        document
    }

    /// The connection as the audit log shows it.
    pub(super) fn audited(&self) -> Value {
        let Self {
            name,
            url: _,
            address,
            tables,
            grants,
            revision,
            created_at: _,
            updated_at: _,
        } = self;
        let tables: Vec<_> = tables
            .iter()
            .map(|table| json!({"table": table.table, "tenantColumn": table.tenant_column, "shared": table.shared}))
            .collect();
        let grants: Vec<_> = grants
            .iter()
            .map(|grant| json!({"orgId": grant.org_id, "isDefault": grant.is_default}))
            .collect();
        json!({"name": name, "url": address, "tables": tables, "grants": grants, "revision": revision})
    }

    /// The connection with its address opened.
    pub(super) fn open(&self, secrets: &SecretSealer) -> Result<DataConnection, StoreError> {
        let opened = secrets.open(&self.url, &owner(&self.name));
        let url = opened.map_err(|error| refused(&error))?;
        let connection = DataConnection::new(
            parsed("_id", &self.name)?,
            Secret::new(url),
            self.tables()?,
            self.grants(),
            unsigned(self.revision),
            timestamp(self.created_at),
            timestamp(self.updated_at),
        );
        connection.map_err(|faults| StoreError::Refused(format!("the stored connection {}: {faults}", self.name)))
    }

    fn tables(&self) -> Result<Vec<TableAccess>, StoreError> {
        self.tables.iter().map(TableDocument::read).collect()
    }

    fn grants(&self) -> Vec<ConnectionGrant> {
        self.grants.iter().map(GrantDocument::read).collect()
    }
}

impl TryFrom<ConnectionDocument> for ShownConnection {
    type Error = StoreError;

    fn try_from(document: ConnectionDocument) -> Result<Self, StoreError> {
        Ok(Self {
            name: parsed("_id", &document.name)?,
            tables: document.tables()?,
            grants: document.grants(),
            revision: unsigned(document.revision),
            created_at: timestamp(document.created_at),
            updated_at: timestamp(document.updated_at),
            address: document.address,
        })
    }
}

impl TableDocument {
    fn new(access: &TableAccess) -> Self {
        let (tenant_column, shared) = match &access.scope {
            TableScope::Shared => (None, true),
            TableScope::Tenant { column } => (Some(column.to_string()), false),
        };
        Self {
            table: access.table.to_string(),
            tenant_column,
            shared,
        }
    }

    fn read(&self) -> Result<TableAccess, StoreError> {
        let scope = match (&self.tenant_column, self.shared) {
            (None, true) => TableScope::Shared,
            (Some(column), false) => TableScope::Tenant {
                column: parsed("tables.tenantColumn", column)?,
            },
            (None, false) | (Some(_), true) => return Err(unreadable("tables.shared")),
        };
        Ok(TableAccess {
            table: parsed("tables.table", &self.table)?,
            scope,
        })
    }
}

impl GrantDocument {
    fn new(grant: &ConnectionGrant) -> Self {
        let ConnectionGrant { org_id, is_default } = grant;
        Self {
            org_id: org_id.0,
            is_default: *is_default,
        }
    }

    fn read(&self) -> ConnectionGrant {
        ConnectionGrant {
            org_id: OrgId(self.org_id),
            is_default: self.is_default,
        }
    }
}

/// A stored connection's address, sealed under the first key.
pub(crate) fn resealed_address(stored: &Document, secrets: &SecretSealer) -> Result<String, StoreError> {
    let name = stored.get_str("_id").map_err(|_| unreadable("_id"))?;
    let sealed = stored.get_str("url").map_err(|_| unreadable("url"))?;
    let url = secrets.open(sealed, &owner(name)).map_err(|error| refused(&error))?;
    secrets.seal(&url, &owner(name)).map_err(|error| refused(&error))
}

/// The owner that the address is sealed for.
fn owner(name: &str) -> String {
    format!("connection {name}")
}

fn refused(error: &SecretError) -> StoreError {
    StoreError::Refused(error.to_string())
}

fn parsed<T: FromStr<Err = Faults>>(field: &'static str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| unreadable(field))
}
