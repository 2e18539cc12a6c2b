//! Limits of rows and bytes.

use ig_sources::{Completeness, Excess, FetchLimits, SqlError};
use ig_testkit::mysql::{self, TestQueue};

use super::cancelling::Observer;
use super::{WIDE, fetch_within};

async fn database() -> TestQueue {
    let queue = mysql::database().await;
    queue
        .execute("CREATE TABLE countries (code INT PRIMARY KEY, name LONGTEXT)")
        .await;
    queue
        .execute("INSERT INTO countries SELECT seq, REPEAT('x', 1000) FROM seq_1_to_200")
        .await;
    queue
}

const ALL: &str = "SELECT code, name FROM countries ORDER BY code";

#[tokio::test]
async fn rows_beyond_the_cap_are_an_error_for_a_job_and_a_part_for_a_test() {
    let queue = database().await;
    let mut observer = Observer::of(&queue).await;
    let refuse = FetchLimits { rows: 10, ..WIDE };
    assert_eq!(
        fetch_within(&queue, ALL, &refuse).await.unwrap_err(),
        SqlError::TooManyRows { cap: 10 }
    );
    let truncate = FetchLimits {
        excess: Excess::Truncate,
        ..refuse
    };
    let fetched = fetch_within(&queue, ALL, &truncate).await.unwrap();
    assert_eq!((fetched.records.len(), fetched.completeness), (10, Completeness::Truncated));
    assert_eq!(fetched.records[9]["code"], 10);
    observer.wait_until_idle().await;
}

#[tokio::test]
async fn rows_up_to_the_cap_are_complete() {
    let queue = database().await;
    for (sql, rows) in [
        (ALL.to_owned(), 200),
        (format!("{ALL} LIMIT 7"), 7),
        (format!("{ALL} LIMIT 10"), 10),
        (format!("{ALL} LIMIT 195, 10"), 5),
        (format!("{ALL} LIMIT 18446744073709551615 OFFSET 198"), 2),
        (format!("({ALL} LIMIT 3) LIMIT 50"), 3),
        (format!("{ALL} LIMIT 0"), 0),
    ] {
        let limits = FetchLimits {
            rows: rows.max(1),
            ..WIDE
        };
        let fetched = fetch_within(&queue, &sql, &limits).await.unwrap();
        assert_eq!(
            (fetched.records.len(), fetched.completeness),
            (rows, Completeness::Complete),
            "{sql}"
        );
    }
    let refused = fetch_within(&queue, &format!("{ALL} LIMIT 11"), &FetchLimits { rows: 10, ..WIDE }).await;
    assert_eq!(refused.unwrap_err(), SqlError::TooManyRows { cap: 10 });
}

#[tokio::test]
async fn server_sends_no_more_rows_than_the_cap_and_one() {
    let queue = database().await;
    let sql = "SELECT a.code * 1000 + b.code AS n FROM countries a, countries b UNION ALL SELECT code FROM countries";
    let truncate = FetchLimits {
        rows: 5,
        excess: Excess::Truncate,
        ..WIDE
    };
    let fetched = fetch_within(&queue, sql, &truncate).await.unwrap();
    assert_eq!((fetched.records.len(), fetched.completeness), (5, Completeness::Truncated));
}

#[tokio::test]
async fn bytes_beyond_the_cap_are_an_error_for_a_job_and_a_part_for_a_test() {
    let queue = database().await;
    let mut observer = Observer::of(&queue).await;
    let refuse = FetchLimits { bytes: 5_500, ..WIDE };
    assert_eq!(
        fetch_within(&queue, ALL, &refuse).await.unwrap_err(),
        SqlError::TooManyBytes { cap: 5_500 }
    );
    let truncate = FetchLimits {
        excess: Excess::Truncate,
        ..refuse
    };
    let fetched = fetch_within(&queue, ALL, &truncate).await.unwrap();
    assert_eq!((fetched.records.len(), fetched.completeness), (5, Completeness::Truncated));
    assert_eq!(fetched.bytes, 5 * (1_000 + 8 + "codename".len()));
    observer.wait_until_idle().await;
}

#[tokio::test]
async fn row_larger_than_the_cap_is_not_read_into_memory() {
    let queue = database().await;
    queue
        .execute("UPDATE countries SET name = REPEAT('y', 8 * 1024 * 1024) WHERE code = 3")
        .await;
    let mut observer = Observer::of(&queue).await;
    let refuse = FetchLimits { bytes: 100_000, ..WIDE };
    assert_eq!(
        fetch_within(&queue, ALL, &refuse).await.unwrap_err(),
        SqlError::TooManyBytes { cap: 100_000 }
    );
    let truncate = FetchLimits {
        excess: Excess::Truncate,
        ..refuse
    };
    let fetched = fetch_within(&queue, ALL, &truncate).await.unwrap();
    assert_eq!((fetched.records.len(), fetched.completeness), (2, Completeness::Truncated));
    observer.wait_until_idle().await;
}
