//! Values of every type arrive without loss.

use ig_sources::SqlConnection;
use ig_testkit::mysql::{self, TestQueue};
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

use super::{WIDE, connection, query};

/// Column type, inserted value, and the JSON text of what is read.
const VALUES: &[(&str, &str, &str)] = &[
    ("TINYINT", "-128", "-128"),
    ("TINYINT UNSIGNED", "255", "255"),
    ("BOOLEAN", "TRUE", "1"),
    ("SMALLINT", "-32768", "-32768"),
    ("MEDIUMINT", "8388607", "8388607"),
    ("INT(8) ZEROFILL", "42", "42"),
    ("BIGINT", "-9223372036854775808", "-9223372036854775808"),
    ("BIGINT", "9007199254740993", "9007199254740993"),
    ("BIGINT UNSIGNED", "18446744073709551615", "18446744073709551615"),
    (
        "DECIMAL(65,30)",
        "'12345678901234567890123456789012345.123456789012345678901234567890'",
        "12345678901234567890123456789012345.123456789012345678901234567890",
    ),
    ("DECIMAL(10,2)", "-0.5", "-0.50"),
    ("DECIMAL(10,2) ZEROFILL", "7.5", "7.50"),
    ("DECIMAL(10,0)", "0", "0"),
    ("FLOAT", "0.1", "0.1"),
    ("FLOAT", "3e-38", "3e-38"),
    ("DOUBLE", "0.1", "0.1"),
    ("DOUBLE", "1.7976931348623157e308", "1.7976931348623157e+308"),
    ("DOUBLE", "-2.5", "-2.5"),
    ("DATE", "'2026-02-28'", "\"2026-02-28\""),
    ("DATE", "'0000-00-00'", "null"),
    ("DATE", "'2026-05-00'", "\"2026-05-00\""),
    ("DATE", "'9999-12-31'", "\"9999-12-31\""),
    ("DATETIME", "'2026-02-28 23:59:59'", "\"2026-02-28T23:59:59\""),
    ("DATETIME", "'0000-00-00'", "null"),
    (
        "DATETIME(6)",
        "'2026-02-28 00:00:00.000001'",
        "\"2026-02-28T00:00:00.000001\"",
    ),
    ("DATETIME(3)", "'2026-02-28 00:00:00'", "\"2026-02-28T00:00:00.000\""),
    ("TIMESTAMP NULL", "'2026-02-28 23:59:59'", "\"2026-02-28T23:59:59+00:00\""),
    (
        "TIMESTAMP(3) NULL",
        "'2026-02-28 12:00:00.5'",
        "\"2026-02-28T12:00:00.500+00:00\"",
    ),
    ("TIME", "'-838:59:59'", "\"-838:59:59\""),
    ("TIME(2)", "'01:02:03.45'", "\"01:02:03.45\""),
    ("YEAR", "2026", "2026"),
    ("CHAR(5)", "'a'", "\"a\""),
    ("VARCHAR(20)", "'ä😀\"'", "\"ä😀\\\"\""),
    ("VARCHAR(20) CHARACTER SET latin1", "'é'", "\"é\""),
    ("LONGTEXT", "''", "\"\""),
    ("ENUM('a','b')", "'b'", "\"b\""),
    ("SET('a','b','c')", "'a,c'", "\"a,c\""),
    ("BLOB", "x'00ff'", "\"AP8=\""),
    ("VARBINARY(10)", "'text'", "\"dGV4dA==\""),
    ("BINARY(3)", "x'01'", "\"AQAA\""),
    ("BIT(1)", "b'1'", "1"),
    ("BIT(64)", "0xffffffffffffffff", "18446744073709551615"),
    // MariaDB's JSON is a text to its clients.
    ("JSON", "'{\"a\": 1}'", "\"{\\\"a\\\": 1}\""),
    (
        "POINT",
        "ST_GeomFromText('POINT(0 0)')",
        "\"AAAAAAEBAAAAAAAAAAAAAAAAAAAAAAAAAA==\"",
    ),
    ("INT", "NULL", "null"),
];

async fn read(queue: &TestQueue, connection: &SqlConnection, sql: &str) -> Json {
    let fetched = connection
        .fetch(&query(sql, &queue.name), &WIDE, &CancellationToken::new())
        .await;
    let mut records = fetched.unwrap_or_else(|error| panic!("{sql}: {error}")).records;
    records.pop().unwrap().shift_remove("v").unwrap()
}

#[tokio::test]
async fn values_of_every_type_arrive_without_loss() {
    let queue = mysql::database().await;
    let connection = connection(&queue);
    let mut session = queue.conn().await;
    for setting in ["sql_mode = ''", "time_zone = '+00:00'"] {
        mysql_async::prelude::Queryable::query_drop(&mut session, format!("SET SESSION {setting}"))
            .await
            .unwrap();
    }
    for (column, value, expected) in VALUES {
        for statement in [
            format!("CREATE OR REPLACE TABLE countries (v {column}) CHARACTER SET utf8mb4"),
            format!("INSERT INTO countries VALUES ({value})"),
        ] {
            let done = mysql_async::prelude::Queryable::query_drop(&mut session, &statement).await;
            done.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        let read = read(&queue, &connection, "SELECT v FROM countries").await;
        assert_eq!(read.to_string(), *expected, "{column} {value}");
    }
}

#[tokio::test]
async fn timestamps_are_written_in_the_output_zone_and_local_times_as_they_stand() {
    let queue = mysql::database().await;
    queue.execute("CREATE TABLE countries (v TIMESTAMP NULL, d DATETIME)").await;
    queue.execute("SET time_zone = '+00:00'").await;
    queue
        .execute("INSERT INTO countries VALUES (FROM_UNIXTIME(1774747800), '2026-03-29 02:30:00')")
        .await;
    let at = |zone: &str| connection(&queue).with_output_zone(zone.parse().unwrap());
    let stamp = "SELECT v FROM countries";
    // Berlin's clocks change at 01:00 UTC on this day.
    assert_eq!(read(&queue, &at("UTC"), stamp).await, "2026-03-29T01:30:00+00:00");
    assert_eq!(read(&queue, &at("Europe/Berlin"), stamp).await, "2026-03-29T03:30:00+02:00");
    assert_eq!(read(&queue, &at("Asia/Kolkata"), stamp).await, "2026-03-29T07:00:00+05:30");
    assert_eq!(
        read(&queue, &at("Europe/Berlin"), "SELECT d AS v FROM countries").await,
        "2026-03-29T02:30:00"
    );
}

#[tokio::test]
async fn aggregates_and_computed_values_keep_their_digits() {
    let queue = mysql::database().await;
    let connection = connection(&queue);
    for (expression, expected) in [
        ("CAST('0.30' AS DECIMAL(10,2)) + CAST('0.40' AS DECIMAL(10,2))", "0.70"),
        ("SUM(x.n)", "18446744073709551616"),
        ("18446744073709551615 + 0", "18446744073709551615"),
        ("AVG(x.n)", "9223372036854775808.0000"),
        ("CONCAT('a', NULL)", "null"),
        ("1 = 1", "1"),
        ("{{config.tenantId}}", "\"7\""),
    ] {
        let sql = format!(
            "SELECT {expression} AS v FROM (SELECT 9223372036854775808 AS n UNION ALL SELECT 9223372036854775808) x LIMIT 1"
        );
        assert_eq!(read(&queue, &connection, &sql).await.to_string(), expected, "{expression}");
    }
}
