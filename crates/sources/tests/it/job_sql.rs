//! Queries of scheduled jobs: what the guard refuses, which rows the others return, and how they are run.

mod cancelling;
mod fetching;
mod hostile;
mod isolation;
mod limits;
mod property;
mod rights;
mod values;

use std::convert::Infallible;
use std::time::Duration;

use ig_core::fault::Faults;
use ig_core::job::{TableAccess, TableScope, Variable};
use ig_core::secret::Secret;
use ig_sources::{BoundQuery, CheckedQuery, Excess, FetchLimits, Fetched, SqlConnection, SqlError};
use ig_testkit::mysql::TestQueue;
use tokio_util::sync::CancellationToken;

/// Limits that no test reaches by accident.
const WIDE: FetchLimits = FetchLimits {
    rows: 10_000,
    bytes: 16 * 1024 * 1024,
    deadline: Duration::from_mins(5),
    excess: Excess::Refuse,
};

fn shared(table: &str) -> TableAccess {
    TableAccess {
        table: table.parse().unwrap(),
        scope: TableScope::Shared,
    }
}

fn scoped(table: &str, column: &str) -> TableAccess {
    TableAccess {
        table: table.parse().unwrap(),
        scope: TableScope::Tenant {
            column: column.parse().unwrap(),
        },
    }
}

/// The tables of the tests: `secrets` and `u_entity` exist, too, and are not among them.
fn tables() -> Vec<TableAccess> {
    vec![
        scoped("bills", "entity_rid"),
        scoped("patients", "entity_rid"),
        scoped("wards", "clinic"),
        shared("countries"),
    ]
}

fn check(sql: &str, schema: &str) -> Result<CheckedQuery, Faults> {
    CheckedQuery::parse(&sql.parse()?, &tables(), Some(schema))
}

fn value_of(variable: &Variable) -> String {
    match variable {
        Variable::TenantId => "7".to_owned(),
        Variable::Today => "2026-02-01".to_owned(),
        Variable::Yesterday => "2026-01-31".to_owned(),
        Variable::Env(_) => "it's \\ a \"test\" -- ; /*! */ {{date.now()}}".to_owned(),
        other => panic!("{other:?}"),
    }
}

fn bind(checked: &CheckedQuery, tenants: &[i64]) -> BoundQuery {
    let Ok(bound) = checked.bind(tenants, |variable| Ok::<_, Infallible>(value_of(variable)));
    bound
}

/// A query without tables of a tenant, or with those of tenant 7.
fn query(sql: &str, schema: &str) -> BoundQuery {
    let checked = check(sql, schema).unwrap_or_else(|faults| panic!("{sql}: {faults}"));
    bind(&checked, &[7])
}

fn connection(queue: &TestQueue) -> SqlConnection {
    SqlConnection::new(&Secret::new(&queue.url)).unwrap()
}

async fn fetch_within(queue: &TestQueue, sql: &str, limits: &FetchLimits) -> Result<Fetched, SqlError> {
    let query = query(sql, &queue.name);
    connection(queue).fetch(&query, limits, &CancellationToken::new()).await
}

async fn fetch(queue: &TestQueue, sql: &str) -> Result<Fetched, SqlError> {
    fetch_within(queue, sql, &WIDE).await
}
