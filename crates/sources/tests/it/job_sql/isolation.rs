//! Statements that pass: the right rows, and never one of another tenant.
//!
//! Each statement runs through the guard on a database with the rows of two tenants, for the first of them. As the author wrote it, it
//! runs on a database that has the first tenant's rows alone. Both must answer the same.

use ig_sources::{CheckedQuery, SqlConnection};
use ig_testkit::mysql::{self, TestQueue};
use mysql_async::Value;
use mysql_async::prelude::Queryable as _;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

use super::{WIDE, bind, check, connection};

mod statements;

use statements::{SHARED_ONLY, STATEMENTS};

const TABLES: [&str; 6] = [
    "CREATE TABLE bills (id INT PRIMARY KEY, entity_rid BIGINT, patient_id INT, amount DECIMAL(20,2), kind VARCHAR(80), day DATE, \
     KEY (entity_rid))",
    "CREATE TABLE patients (id INT PRIMARY KEY, entity_rid INT NULL, name VARCHAR(40), data TEXT)",
    "CREATE TABLE wards (id INT PRIMARY KEY, clinic VARCHAR(20), name VARCHAR(40), parent INT NULL)",
    "CREATE TABLE countries (code CHAR(2) PRIMARY KEY, name VARCHAR(40))",
    "CREATE TABLE secrets (id INT PRIMARY KEY, secret VARCHAR(40))",
    "CREATE VIEW nothing AS SELECT 1 AS id",
];

const SHARED_ROWS: [&str; 2] = [
    "INSERT INTO countries VALUES ('IN', 'India'), ('DE', 'Germany')",
    "INSERT INTO secrets VALUES (1, 'marker'), (2, 'marker'), (11, 'marker')",
];

/// Rows of shown values.
type Rows = Vec<Vec<String>>;

/// The rows of tenant 7 and of its unit 701.
const OUR_ROWS: [&str; 3] = [
    "INSERT INTO bills VALUES (1, 7, 11, 100.10, 'LAB', '2026-01-31'), (2, 701, 12, 250.00, 'ROOM', '2026-01-31'), \
     (3, 7, 11, 9007199254740993.25, 'LAB', '2026-02-01'), (4, 701, 13, 0.50, '50%_off', '2026-02-01'), \
     (5, 7, 12, -10.00, 'it''s \\\\ a \"test\" -- ; /*! */ {{date.now()}}', '2026-01-30')",
    "INSERT INTO patients VALUES (11, 7, 'Asha', '{\"city\": \"Pune\", \"n\": 1}'), (12, 701, 'Ravi', '{\"city\": \"Goa\"}'), \
     (13, 701, 'Élodie', NULL)",
    "INSERT INTO wards VALUES (1, '7', 'North', NULL), (2, '701', 'South', 1), (3, '701', 'East', 2)",
];

/// The rows of others: with the same kinds, days and patients, tenant columns that begin with our numbers, and none at all.
const THEIR_ROWS: [&str; 3] = [
    "INSERT INTO bills VALUES (91, 9, 11, 5000.00, 'LAB', '2026-01-31'), (92, 9, 12, 6000.00, 'THEIRS', '2026-02-01'), \
     (93, NULL, 13, 7000.00, 'ROOM', '2026-02-01'), (94, 0, 11, 8000.00, 'LAB', '2026-01-31'), (95, 70, 11, 1.00, 'LAB', '2026-01-31')",
    "INSERT INTO patients VALUES (91, 9, 'Theirs', '{\"city\": \"Pune\"}'), (92, NULL, 'Nobody', NULL)",
    "INSERT INTO wards VALUES (91, '9', 'Theirs', NULL), (92, '7-B', 'Theirs too', 1), (93, '', 'None', 1), (94, '701x', 'West', 2), \
     (95, NULL, 'Void', 1)",
];

async fn database(rows: &[&[&str]]) -> TestQueue {
    let queue = mysql::database().await;
    for statement in TABLES.iter().chain(SHARED_ROWS.iter()).chain(rows.iter().copied().flatten()) {
        queue.execute(statement).await;
    }
    queue
}

/// The answer of the guarded statement, or why there is none.
async fn try_guarded(queue: &TestQueue, connection: &SqlConnection, sql: &str, tenants: &[i64]) -> Result<Rows, String> {
    let checked = check(sql, &queue.name).map_err(|faults| faults.to_string())?;
    let query = bind(&checked, tenants);
    let fetched = connection.fetch(&query, &WIDE, &CancellationToken::new()).await;
    let fetched = fetched.map_err(|error| format!("{error}\n{}", query.text()))?;
    Ok(fetched
        .records
        .iter()
        .map(|record| record.values().map(shown).collect())
        .collect())
}

async fn guarded(queue: &TestQueue, connection: &SqlConnection, sql: &str, tenants: &[i64]) -> Rows {
    let rows = try_guarded(queue, connection, sql, tenants).await;
    rows.unwrap_or_else(|problem| panic!("{sql}: {problem}"))
}

fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The statement as the author wrote it, with the values of its variables as text.
async fn as_written(queue: &TestQueue, sql: &str) -> Rows {
    let hostile = r#"it\'s \\ a \"test\" -- ; /*! */ {{date.now()}}"#;
    let sql = sql
        .replace("'{{env.KIND}}'", "{{env.KIND}}")
        .replace("{{env.KIND}}", &format!("'{hostile}'"))
        .replace("{{date.today()}}", "2026-02-01")
        .replace("{{date.yesterday()}}", "2026-01-31")
        .replace("{{config.tenantId}}", "7")
        .replace("his.", &format!("{}.", queue.name));
    let mut conn = queue.conn().await;
    conn.query_drop("SET SESSION sql_mode = 'STRICT_TRANS_TABLES', time_zone = '+00:00'")
        .await
        .unwrap();
    let rows: Vec<mysql_async::Row> = conn.query(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.into_iter()
        .map(|row| row.unwrap().into_iter().map(shown_value).collect())
        .collect()
}

fn shown_value(value: Value) -> String {
    match value {
        Value::NULL => "null".to_owned(),
        Value::Bytes(bytes) => String::from_utf8(bytes).unwrap(),
        other => panic!("the text protocol has no {other:?}"),
    }
}

#[tokio::test]
async fn sql_guard_lets_statements_return_the_rows_of_their_tenant_alone() {
    let (mixed, ours) = (database(&[&OUR_ROWS, &THEIR_ROWS]).await, database(&[&OUR_ROWS]).await);
    let connection = connection(&mixed);
    assert!(STATEMENTS.len() >= 40);
    let mut problems = Vec::new();
    for sql in STATEMENTS {
        let (expected, unguarded) = (as_written(&ours, sql).await, as_written(&mixed, sql).await);
        let guarded_sql = sql.replace("his.", &format!("{}.", mixed.name));
        let found = try_guarded(&mixed, &connection, &guarded_sql, &[7, 701]).await;
        if found.as_ref() != Ok(&expected) {
            problems.push(format!("{sql}\n  answers {found:?}\n  and not {expected:?}"));
        }
        if expected.is_empty() || unguarded == expected {
            problems.push(format!("{sql}\n  would not show a leak: {expected:?}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[tokio::test]
async fn sql_guard_lets_statements_read_shared_tables_and_compute() {
    let ours = database(&[&OUR_ROWS]).await;
    let connection = connection(&ours);
    for sql in SHARED_ONLY {
        let expected = as_written(&ours, sql).await;
        assert_eq!(guarded(&ours, &connection, sql, &[]).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn query_of_a_unit_reads_the_rows_of_that_unit() {
    let mixed = database(&[&OUR_ROWS, &THEIR_ROWS]).await;
    let connection = connection(&mixed);
    let ids = "SELECT id FROM bills ORDER BY id";
    let of = async |tenants: &[i64]| guarded(&mixed, &connection, ids, tenants).await.concat().join(" ");
    assert_eq!(of(&[701]).await, "2 4");
    assert_eq!(of(&[7]).await, "1 3 5");
    assert_eq!(of(&[9]).await, "91 92");
    assert_eq!(of(&[0]).await, "94");
    assert_eq!(of(&[]).await, "");
    assert_eq!(of(&[7_777]).await, "");
}

#[tokio::test]
async fn query_of_ten_thousand_units_reads_their_rows() {
    let mixed = database(&[&OUR_ROWS, &THEIR_ROWS]).await;
    let units: Vec<i64> = (7..=8).chain(100..10_100).collect();
    let sql = "SELECT b.id, p.name, w.name AS ward FROM bills b JOIN patients p ON p.id = b.patient_id JOIN bills c ON c.id = b.id \
               JOIN wards w ON w.id = 2 JOIN bills d ON d.id = b.id ORDER BY b.id";
    let rows = guarded(&mixed, &connection(&mixed), sql, &units).await;
    let ids: Vec<_> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(ids, ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn missing_tenant_column_is_an_error_and_never_a_column_of_the_outer_query() {
    let mixed = database(&[&OUR_ROWS, &THEIR_ROWS]).await;
    let tables = [super::scoped("bills", "clinic"), super::shared("wards")];
    let sql = "SELECT w.id FROM wards w WHERE EXISTS (SELECT 1 FROM bills b WHERE b.id > 90)";
    let checked = CheckedQuery::parse(&sql.parse().unwrap(), &tables, Some(&mixed.name)).unwrap();
    let outcome = connection(&mixed)
        .fetch(&bind(&checked, &[7]), &WIDE, &CancellationToken::new())
        .await;
    let error = outcome.expect_err("the column does not exist").to_string();
    assert!(error.contains("clinic") && error.contains("1054"), "{error}");
}

/// A statement that fails for a row of a condition would tell whether another tenant has such a row. Each of these fails for the rows of
/// others, and must not meet them, however a server orders what it evaluates.
#[tokio::test]
async fn errors_do_not_tell_about_the_rows_of_others() {
    let mixed = database(&[&OUR_ROWS, &THEIR_ROWS]).await;
    let (connection, probe) = (
        connection(&mixed),
        "18446744073709551615 + (b.amount BETWEEN 4000 AND 9000) > 0",
    );
    for sql in [
        format!("SELECT id FROM bills b WHERE b.id = 91 AND {probe}"),
        format!("SELECT id FROM bills b WHERE b.id >= 91 AND {probe}"),
        format!("SELECT id FROM bills b WHERE {probe} ORDER BY id LIMIT 1"),
        format!("SELECT c.code FROM countries c JOIN bills b ON b.id = 91 AND {probe}"),
        format!("SELECT c.code FROM countries c LEFT JOIN bills b ON b.id = 91 AND {probe}"),
        format!("SELECT code FROM countries WHERE EXISTS (SELECT 1 FROM bills b WHERE b.id = 91 AND {probe})"),
        format!("SELECT code FROM countries WHERE 91 IN (SELECT b.id FROM bills b WHERE {probe})"),
        format!("SELECT code, (SELECT MAX(b.id) FROM bills b WHERE b.id = 91 AND {probe}) AS n FROM countries"),
        format!("WITH b AS (SELECT * FROM bills) SELECT id FROM b WHERE b.id = 91 AND {probe}"),
        format!("SELECT b.id, COUNT(*) FROM bills b GROUP BY b.id, b.amount HAVING b.id = 91 AND {probe}"),
        format!("SELECT b.id FROM bills a JOIN bills b ON b.id = a.id + 90 WHERE {probe}"),
    ] {
        let found = try_guarded(&mixed, &connection, &sql, &[7, 701]).await;
        assert!(found.is_ok(), "{sql}: {found:?}");
        let theirs = try_guarded(&mixed, &connection, &sql, &[9]).await;
        assert!(
            theirs.is_err() || sql.contains("a.id + 90"),
            "{sql} would not show a leak: {theirs:?}"
        );
    }
}
