//! Connections to databases, as administrators send and read them, and as organisations see those that they may use.

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_core::job::{ConnectionGrant, ConnectionName, DataConnection, TableAccess, TableScope};
use ig_core::secret::Secret;
use ig_documents::text::{collect_faults, org_id, prefix_faults};
use ig_store::ShownConnection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Stamp;
use super::listing::listing;
use crate::body::validated;

/// A named connection to a MySQL database, with the tables that scheduled jobs may read and the organisations that may use it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = DataConnection)]
pub(crate) struct DataConnectionDocument {
    /// Its identifier: the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub id: Option<String>,
    /// The name that jobs use: up to 64 lower-case letters, digits and hyphens, beginning with a letter; required to create one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The database's address, `mysql://user:password@host:3306/database`. Reads mask the password, and the address sent back exactly
    /// as it was read keeps the stored password.
    #[schema(max_length = 2048)]
    pub url: String,
    /// The tables that jobs may read; every other table is refused.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub tables: Vec<TableAccessDocument>,
    /// The organisations that may use it.
    #[serde(default)]
    #[schema(max_items = 10_000)]
    pub grants: Vec<GrantDocument>,
    /// Increases with every change. In a PUT it guards against lost updates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only, value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only, value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
}
validated!(DataConnectionDocument);

/// A table that jobs may read, and the rows of it that a tenant may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = DataConnectionTable)]
pub(crate) struct TableAccessDocument {
    /// The table, with its schema where that is not the connection's own: `bills` or `billing.bills`.
    pub table: String,
    /// The column that holds the number of the organisation or of one of its units; required unless the table is shared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_column: Option<String>,
    /// Whether every tenant may read all rows: the table holds nothing that belongs to a tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared: Option<bool>,
}

/// An organisation that may use a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = DataConnectionGrant)]
pub(crate) struct GrantDocument {
    /// The organisation.
    pub org_id: i64,
    /// Whether its jobs use this connection where they name none; an organisation has one default at most.
    pub is_default: Option<bool>,
}

/// A connection that an organisation may use. Its address is the administrators' business.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GrantedConnection {
    /// The name, for `dataSource.connection`.
    name: String,
    /// The tables that jobs may read.
    tables: Vec<TableAccessDocument>,
    /// Whether jobs use it where they name none.
    is_default: bool,
}

listing! {
    /// A page of connections.
    DataConnectionList { data_connections: DataConnectionDocument }
}

listing! {
    /// A page of the connections that an organisation may use.
    GrantedConnectionList { data_connections: GrantedConnection }
}

/// Without the address, which may hold a password.
impl std::fmt::Debug for DataConnectionDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataConnectionDocument")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl DataConnectionDocument {
    /// The name, which a document must give on creation.
    pub(crate) fn named(&self) -> Result<ConnectionName, Faults> {
        let name = self.name.as_deref().ok_or_else(|| Faults::single("/name", "is required"))?;
        prefix_faults("/name", name.parse())
    }

    /// The domain's connection with this name and address, or everything that is wrong with the document.
    pub(crate) fn into_connection(self, name: ConnectionName, url: Secret, stamp: Stamp) -> Result<DataConnection, Faults> {
        let Self {
            id,
            name: given,
            url: _,
            tables,
            grants,
            revision: _,
            created_at: _,
            updated_at: _,
        } = self;
        let faults = &mut Faults::default();
        for (pointer, given) in [("/id", id), ("/name", given)] {
            if given.is_some_and(|given| given != name.as_str()) {
                faults.add(pointer, "cannot be changed");
            }
        }
        let tables: Vec<_> = tables
            .into_iter()
            .enumerate()
            .filter_map(|(at, access)| collect_faults(faults, &format!("/tables/{at}"), access.into_domain()))
            .collect();
        let grants: Vec<_> = grants
            .into_iter()
            .enumerate()
            .filter_map(|(at, grant)| collect_faults(faults, &format!("/grants/{at}"), grant.into_domain()))
            .collect();
        // The positions of the lists are those of the document only as long as nothing was left out.
        std::mem::take(faults).into_result(())?;
        DataConnection::new(name, url, tables, grants, 0, stamp.created_at, stamp.updated_at)
    }
}

impl TableAccessDocument {
    fn into_domain(self) -> Result<TableAccess, Faults> {
        let Self {
            table,
            tenant_column,
            shared,
        } = self;
        let faults = &mut Faults::default();
        let table = collect_faults(faults, "/table", table.parse());
        let scope = match (tenant_column, shared.unwrap_or(false)) {
            (None, true) => Some(TableScope::Shared),
            (Some(column), false) => {
                let column = collect_faults(faults, "/tenantColumn", column.parse());
                column.map(|column| TableScope::Tenant { column })
            }
            (None, false) => {
                faults.add("/tenantColumn", "is required, unless shared is true");
                None
            }
            (Some(_), true) => {
                faults.add("/shared", "must not be true beside tenantColumn");
                None
            }
        };
        match (table, scope) {
            (Some(table), Some(scope)) => Ok(TableAccess { table, scope }),
            _ => Err(std::mem::take(faults)),
        }
    }

    fn shown(access: TableAccess) -> Self {
        let TableAccess { table, scope } = access;
        let (tenant_column, shared) = match scope {
            TableScope::Shared => (None, Some(true)),
            TableScope::Tenant { column } => (Some(column.to_string()), None),
        };
        Self {
            table: table.to_string(),
            tenant_column,
            shared,
        }
    }
}

impl GrantDocument {
    fn into_domain(self) -> Result<ConnectionGrant, Faults> {
        Ok(ConnectionGrant {
            org_id: prefix_faults("/orgId", org_id(self.org_id))?,
            is_default: self.is_default.unwrap_or(false),
        })
    }

    fn shown(grant: ConnectionGrant) -> Self {
        let ConnectionGrant { org_id, is_default } = grant;
        Self {
            org_id: org_id.0,
            is_default: Some(is_default),
        }
    }
}

impl GrantedConnection {
    /// A connection as one of its organisations sees it.
    pub(crate) fn of(connection: ShownConnection, org: OrgId) -> Self {
        let ShownConnection {
            name, tables, grants, ..
        } = connection;
        Self {
            name: name.to_string(),
            tables: tables.into_iter().map(TableAccessDocument::shown).collect(),
            is_default: grants.iter().any(|grant| grant.org_id == org && grant.is_default),
        }
    }
}

impl From<ShownConnection> for DataConnectionDocument {
    fn from(connection: ShownConnection) -> Self {
        let ShownConnection {
            name,
            address,
            tables,
            grants,
            revision,
            created_at,
            updated_at,
        } = connection;
        Self {
            id: Some(name.to_string()),
            name: Some(name.to_string()),
            url: address,
            tables: tables.into_iter().map(TableAccessDocument::shown).collect(),
            grants: grants.into_iter().map(GrantDocument::shown).collect(),
            revision: Some(revision),
            created_at: Some(created_at),
            updated_at: Some(updated_at),
        }
    }
}
