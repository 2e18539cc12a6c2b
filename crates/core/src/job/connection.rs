//! Named connections to hospitals' databases, which SQL jobs read. ADMIN makes them and grants them to organisations.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;

use crate::clock::Timestamp;
use crate::fault::Faults;
use crate::id::OrgId;
use crate::secret::Secret;

/// The longest name of a connection, schema, table or column, in characters; MySQL has the same limit.
const MAX_NAME_CHARS: usize = 64;
/// The most tables of a connection.
const MAX_TABLES: usize = 500;
/// The most organisations that a connection is granted to.
const MAX_GRANTS: usize = 10_000;
/// Schemas of the server itself: they name users, grants and the tables of everybody.
const SYSTEM_SCHEMAS: [&str; 6] = [
    "information_schema",
    "mysql",
    "performance_schema",
    "sys",
    "ndbinfo",
    "mysql_innodb_cluster_metadata",
];

/// The name of a connection: lower-case letters, digits and hyphens, beginning with a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionName(SmolStr);

/// The name of a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnName(SmolStr);

/// The name of a table, with its schema where that is not the connection's own: `bills` or `billing.bills`. Case matters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    schema: Option<SmolStr>,
    table: SmolStr,
}

/// Which rows of a table a tenant may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableScope {
    /// All rows: the table holds nothing that belongs to a tenant, such as a list of countries.
    Shared,
    /// The rows whose column holds the number of the tenant or of one of its units.
    Tenant {
        /// The column with the tenant's number.
        column: ColumnName,
    },
}

/// A table that jobs may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableAccess {
    /// The table.
    pub table: TableName,
    /// The rows that a tenant may read.
    pub scope: TableScope,
}

/// An organisation that may use a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionGrant {
    /// The organisation.
    pub org_id: OrgId,
    /// Whether its jobs use this connection where they name none.
    pub is_default: bool,
}

/// A named connection to a database, with the tables that jobs may read.
#[derive(Debug, Clone, PartialEq)]
pub struct DataConnection {
    /// Its name, unique on the platform.
    pub name: ConnectionName,
    /// The database's address, which contains a password.
    pub url: Secret,
    /// The tables that jobs may read; every other table is refused.
    pub tables: Vec<TableAccess>,
    /// The organisations that may use it.
    pub grants: Vec<ConnectionGrant>,
    /// The configuration revision that last changed it.
    pub revision: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl DataConnection {
    /// A connection with checked lists; the faults are at `/url`, `/tables/N/table` and `/grants/N/orgId`.
    pub fn new(
        name: ConnectionName,
        url: Secret,
        tables: Vec<TableAccess>,
        grants: Vec<ConnectionGrant>,
        revision: u64,
        created_at: Timestamp,
        updated_at: Timestamp,
    ) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        check_url(&url, &mut faults);
        check_tables(&tables, &mut faults);
        check_grants(&grants, &mut faults);
        faults.into_result(Self {
            name,
            url,
            tables,
            grants,
            revision,
            created_at,
            updated_at,
        })
    }

    /// The grant of an organisation, if it may use the connection.
    pub fn grant_of(&self, org: OrgId) -> Option<&ConnectionGrant> {
        self.grants.iter().find(|grant| grant.org_id == org)
    }
}

/// The driver checks the rest of the address when the connection is opened.
fn check_url(url: &Secret, faults: &mut Faults) {
    if !url.expose().starts_with("mysql://") {
        faults.add("/url", "must be mysql://user:password@host:3306/database");
    }
}

fn check_tables(tables: &[TableAccess], faults: &mut Faults) {
    if tables.len() > MAX_TABLES {
        faults.add("/tables", format!("must be at most {MAX_TABLES} tables"));
        return;
    }
    let mut seen = HashSet::new();
    for (at, access) in tables.iter().enumerate() {
        if !seen.insert(&access.table) {
            faults.add(
                format!("/tables/{at}/table"),
                format!("names `{}` a second time", access.table),
            );
        }
    }
}

fn check_grants(grants: &[ConnectionGrant], faults: &mut Faults) {
    if grants.len() > MAX_GRANTS {
        faults.add("/grants", format!("must be at most {MAX_GRANTS} organisations"));
        return;
    }
    let mut seen = HashSet::new();
    for (at, grant) in grants.iter().enumerate() {
        if !seen.insert(grant.org_id) {
            let message = format!("names the organisation {} a second time", grant.org_id);
            faults.add(format!("/grants/{at}/orgId"), message);
        }
    }
}

impl ConnectionName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ConnectionName {
    type Err = Faults;

    fn from_str(text: &str) -> Result<Self, Faults> {
        let begins_well = text.starts_with(|first: char| first.is_ascii_lowercase());
        let is_slug = text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if begins_well && is_slug && text.len() <= MAX_NAME_CHARS {
            return Ok(Self(text.into()));
        }
        let message = format!("must be up to {MAX_NAME_CHARS} lower-case letters, digits and hyphens, beginning with a letter");
        Err(Faults::single("", message))
    }
}

impl ColumnName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ColumnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ColumnName {
    type Err = Faults;

    fn from_str(text: &str) -> Result<Self, Faults> {
        checked_identifier(text).map(Self)
    }
}

impl TableName {
    /// The schema, unless it is the connection's own.
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The table's name within its schema.
    pub fn table(&self) -> &str {
        &self.table
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.table),
            None => f.write_str(&self.table),
        }
    }
}

impl FromStr for TableName {
    type Err = Faults;

    fn from_str(text: &str) -> Result<Self, Faults> {
        let (schema, table) = text
            .split_once('.')
            .map_or((None, text), |(schema, table)| (Some(schema), table));
        let table = checked_identifier(table)?;
        let schema = schema.map(checked_identifier).transpose()?;
        match schema {
            Some(schema) if is_system_schema(&schema) => Err(Faults::single(
                "",
                format!("is in `{schema}`, a schema of the server itself that jobs never read"),
            )),
            schema => Ok(Self { schema, table }),
        }
    }
}

/// Whether a schema belongs to the server itself, in any spelling of its case.
fn is_system_schema(schema: &str) -> bool {
    SYSTEM_SCHEMAS.iter().any(|system| system.eq_ignore_ascii_case(schema))
}

/// A name that can be quoted in SQL without escaping, in any character set.
fn checked_identifier(text: &str) -> Result<SmolStr, Faults> {
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$' | '-' | ' ');
    let is_padded = text.starts_with(' ') || text.ends_with(' ');
    let length = text.chars().count();
    if (1..=MAX_NAME_CHARS).contains(&length) && !is_padded && text.chars().all(is_plain) {
        return Ok(text.into());
    }
    let message = format!("must be a name of up to {MAX_NAME_CHARS} letters, digits, _, $, - and spaces between them");
    Err(Faults::single("", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant_table(name: &str) -> TableAccess {
        TableAccess {
            table: name.parse().unwrap(),
            scope: TableScope::Tenant {
                column: "entity_rid".parse().unwrap(),
            },
        }
    }

    fn connection(url: &str, tables: Vec<TableAccess>, grants: Vec<ConnectionGrant>) -> Result<DataConnection, Faults> {
        let at = Timestamp::default();
        DataConnection::new("billing-db".parse().unwrap(), Secret::new(url), tables, grants, 1, at, at)
    }

    fn pointers(faults: &Faults) -> Vec<&str> {
        faults.list().iter().map(|fault| fault.pointer.as_str()).collect()
    }

    #[test]
    fn connection_name_is_a_slug() {
        for name in ["a", "billing-db", "his2"] {
            assert_eq!(name.parse::<ConnectionName>().unwrap().as_str(), name);
        }
        let long = "a".repeat(65);
        for name in ["", "2his", "-a", "Billing", "billing db", "a.b", "ä", long.as_str()] {
            assert!(name.parse::<ConnectionName>().is_err(), "{name}");
        }
    }

    #[test]
    fn table_name_may_have_a_schema_but_none_of_the_servers_own() {
        let name: TableName = "billing.bills".parse().unwrap();
        assert_eq!((name.schema(), name.table()), (Some("billing"), "bills"));
        assert_eq!(name.to_string(), "billing.bills");
        assert_eq!("Bills".parse::<TableName>().unwrap().schema(), None);
        for name in [
            "",
            ".",
            "a.",
            ".a",
            "a.b.c",
            "a`b",
            "a'b",
            "a\\b",
            "a\0",
            " a",
            "a ",
            "a;b",
            "mysql.user",
            "MySQL.user",
            "INFORMATION_SCHEMA.TABLES",
            "sys.version",
            "performance_schema.threads",
        ] {
            assert!(name.parse::<TableName>().is_err(), "{name}");
        }
    }

    #[test]
    fn connection_reports_every_fault_by_place() {
        let grant = |org| ConnectionGrant {
            org_id: OrgId(org),
            is_default: true,
        };
        let faults = connection(
            "postgres://u:marker@h/d",
            vec![tenant_table("a"), tenant_table("b"), tenant_table("a")],
            vec![grant(1), grant(1)],
        )
        .unwrap_err();
        assert_eq!(pointers(&faults), ["/url", "/tables/2/table", "/grants/1/orgId"]);
        assert!(!faults.to_string().contains("marker"));
        let many = (0..501).map(|at| tenant_table(&format!("t{at}"))).collect();
        let faults = connection("mysql://u:p@h/d", many, Vec::new()).unwrap_err();
        assert_eq!(pointers(&faults), ["/tables"]);
    }

    #[test]
    fn connection_shows_no_password_and_knows_its_grants() {
        let grant = ConnectionGrant {
            org_id: OrgId(7),
            is_default: false,
        };
        let connection = connection("mysql://u:marker@h/d", vec![tenant_table("a")], vec![grant]).unwrap();
        assert!(!format!("{connection:?}").contains("marker"));
        assert_eq!(connection.grant_of(OrgId(7)), Some(&grant));
        assert_eq!(connection.grant_of(OrgId(8)), None);
    }
}
