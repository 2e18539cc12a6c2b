//! How a query is run: its session, and the errors of servers.

use std::time::Duration;

use ig_core::secret::Secret;
use ig_sources::{SqlConnection, SqlError};
use ig_testkit::mysql;
use ig_testkit::servers::Mariadb;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::cancelling::Observer;
use super::{WIDE, connection, fetch, query};

async fn fetch_at(url: &str, sql: &str, deadline: Duration) -> Result<ig_sources::Fetched, SqlError> {
    let connection = SqlConnection::new(&Secret::new(url)).unwrap();
    let limits = ig_sources::FetchLimits { deadline, ..WIDE };
    let query = query(sql, connection.schema());
    connection.fetch(&query, &limits, &CancellationToken::new()).await
}

#[tokio::test]
async fn query_means_the_same_whatever_the_modes_of_the_server() {
    let server = Mariadb::start().await;
    let queue = mysql::database_on(&server.url()).await;
    queue.execute("CREATE TABLE countries (code CHAR(2), name VARCHAR(20))").await;
    queue
        .execute("INSERT INTO countries VALUES ('IN', 'a_b'), ('DE', 'axb')")
        .await;
    queue
        .execute(
            "SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,PAD_CHAR_TO_FULL_LENGTH,STRICT_ALL_TABLES'",
        )
        .await;
    queue
        .execute("SET GLOBAL time_zone = '-05:00', GLOBAL group_concat_max_len = 10")
        .await;
    let sql = r#"SELECT "code" AS text, 'it\'s \\' AS escaped, 1 / 0 AS none, TIMEDIFF(NOW(), UTC_TIMESTAMP()) AS offset,
                 GROUP_CONCAT(code ORDER BY code SEPARATOR ' and then ') AS joined, COUNT(*) AS n
                 FROM countries WHERE name LIKE 'a\_b' OR code = "DE""#;
    let fetched = fetch(&queue, sql).await.unwrap();
    let expected = json!({
        "text": "code", "escaped": "it's \\", "none": null, "offset": "00:00:00", "joined": "DE and then IN", "n": 2,
    });
    assert_eq!(serde_json::Value::Object(fetched.records[0].clone()), expected);
}

#[tokio::test]
async fn query_cannot_write_even_where_reading_would() {
    let queue = mysql::database().await;
    queue.execute("CREATE TABLE log (id INT)").await;
    queue
        .execute("CREATE FUNCTION wipe() RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO log VALUES (1); RETURN 1; END")
        .await;
    queue.execute("CREATE VIEW countries AS SELECT wipe() AS code").await;
    let error = fetch(&queue, "SELECT code FROM countries").await.unwrap_err();
    assert!(matches!(&error, SqlError::Refused { code: 1792, .. }), "{error:?}");
}

#[tokio::test]
async fn errors_of_the_server_name_the_column_or_table() {
    let queue = mysql::database().await;
    queue.execute("CREATE TABLE countries (code CHAR(2))").await;
    for (sql, code, part) in [
        ("SELECT nonesuch FROM countries", 1054, "nonesuch"),
        ("SELECT * FROM bills", 1146, "bills"),
        ("SELECT code FROM countries a, countries b", 1052, "code"),
        ("SELECT code FROM countries UNION SELECT 1, 2", 1222, "number of columns"),
        ("SELECT JSON_OVERLAPS(1)", 1582, "JSON_OVERLAPS"),
    ] {
        let error = fetch(&queue, sql).await.unwrap_err();
        assert!(
            matches!(&error, SqlError::Refused { code: found, .. } if *found == code),
            "{sql}: {error:?}"
        );
        assert!(
            error.to_string().to_lowercase().contains(&part.to_lowercase()),
            "{sql}: {error}"
        );
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn columns_of_one_name_are_refused_until_they_have_aliases() {
    let queue = mysql::database().await;
    let error = fetch(&queue, "SELECT 1 AS id, 2 AS id").await.unwrap_err();
    assert_eq!(error, SqlError::DuplicateColumn { name: "id".to_owned() });
    let fetched = fetch(&queue, "SELECT 1 AS id, 2 AS other, COUNT(*), 'a'").await.unwrap();
    let names: Vec<_> = fetched.records[0].keys().map(String::as_str).collect();
    assert_eq!(names, ["id", "other", "COUNT(*)", "a"]);
}

#[tokio::test]
async fn closed_port_is_unavailable_and_a_wrong_password_is_not() {
    let port = ig_testkit::free_port();
    let error = fetch_at(&format!("mysql://u:marker@127.0.0.1:{port}/d"), "SELECT 1", WIDE.deadline).await;
    let error = error.unwrap_err();
    assert!(error.is_retryable() && !error.to_string().contains("marker"), "{error}");

    let queue = mysql::database().await;
    let user = &queue.name[..20];
    queue
        .execute(&format!("CREATE USER {user}@'127.0.0.1' IDENTIFIED BY 'right'"))
        .await;
    let url = queue.url.replace("root@", &format!("{user}:marker@"));
    let error = fetch_at(&url, "SELECT 1", WIDE.deadline).await.unwrap_err();
    queue.execute(&format!("DROP USER {user}@'127.0.0.1'")).await;
    assert!(matches!(&error, SqlError::Refused { code: 1045, .. }), "{error:?}");
    assert!(
        !format!("{error} {error:?}").contains("marker") && !error.to_string().contains(user),
        "{error}"
    );
}

#[tokio::test]
async fn hanging_server_is_left_at_the_deadline() {
    let server = Mariadb::start().await;
    let queue = mysql::database_on(&server.url()).await;
    server.freeze();
    let outcome = fetch_at(&queue.url, "SELECT 1", Duration::from_millis(200)).await;
    server.thaw();
    assert_eq!(
        outcome.unwrap_err(),
        SqlError::TimedOut {
            after: Duration::from_millis(200)
        }
    );
}

#[tokio::test]
async fn connection_is_closed_after_each_query() {
    let queue = mysql::database().await;
    let mut observer = Observer::of(&queue).await;
    let connection = connection(&queue);
    for sql in ["SELECT 1", "SELECT nonesuch"] {
        drop(
            connection
                .fetch(&query(sql, &queue.name), &WIDE, &CancellationToken::new())
                .await,
        );
        observer.wait_until_idle().await;
    }
}
