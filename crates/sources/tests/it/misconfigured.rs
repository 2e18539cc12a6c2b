//! Errors name the wrong setting.

use ig_core::ports::{EventSource as _, SourceError};
use ig_core::secret::Secret;
use ig_sources::MySqlConfig;
use ig_testkit::mysql::{self, QueueRow};

use crate::{open, positions, settings};

async fn problem(config: &MySqlConfig) -> String {
    match open(config).read_after(0, 10).await {
        Err(SourceError::Misconfigured(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn wrong_columns_are_named_with_their_keys_and_right_ones_are_not() {
    let queue = mysql::database().await;
    let mut config = settings(&queue);
    config.columns.payload = "body".to_owned();
    config.columns.traceparent = Some("tp".to_owned());
    let problem = problem(&config).await;
    for part in [
        "`notification_queue`",
        "sources.mysql.columns.payload = \"body\"",
        "sources.mysql.columns.traceparent = \"tp\"",
    ] {
        assert!(problem.contains(part), "{problem}");
    }
    assert!(!problem.contains("columns.id"), "{problem}");
}

#[tokio::test]
async fn missing_table_or_database_is_named_with_its_key() {
    let queue = mysql::database().await;
    let mut config = settings(&queue);
    config.table = "nowhere".to_owned();
    assert!(problem(&config).await.starts_with("sources.mysql.table names `nowhere`"));
    config.url = Some(Secret::new(queue.url.replace(&queue.name, "no_such_database")));
    assert!(problem(&config).await.starts_with("sources.mysql.url names a database"));
}

#[tokio::test]
async fn unauthorised_user_is_distinguished_from_an_unavailable_server() {
    let queue = mysql::database().await;
    let user = &queue.name[..20];
    queue
        .execute(&format!("CREATE USER {user}@'127.0.0.1' IDENTIFIED BY 'right'"))
        .await;
    let with_password = |password: &str| MySqlConfig {
        url: Some(Secret::new(queue.url.replace("root@", &format!("{user}:{password}@")))),
        ..settings(&queue)
    };
    let refused = problem(&with_password("wrong")).await;
    assert!(
        refused.contains("sources.mysql.url") && !refused.contains("wrong"),
        "{refused}"
    );
    queue
        .execute(&format!("GRANT SELECT ON {}.u_entity TO {user}@'127.0.0.1'", queue.name))
        .await;
    assert!(
        problem(&with_password("right"))
            .await
            .contains("may not select from `notification_queue`")
    );
    queue.execute(&format!("DROP USER {user}@'127.0.0.1'")).await;
}

#[tokio::test]
async fn non_numeric_id_is_reported_and_not_read_in_a_wrong_order() {
    let queue = mysql::database().await;
    queue.insert(QueueRow::new(7, "order")).await;
    let mut config = settings(&queue);
    config.columns.id = "created_at".to_owned();
    assert!(
        problem(&config)
            .await
            .starts_with("sources.mysql.columns.id must name an integer column")
    );
}

#[tokio::test]
async fn session_cannot_write_even_where_reading_would() {
    let queue = mysql::database().await;
    queue.insert(QueueRow::new(7, "order")).await;
    queue
        .execute("CREATE FUNCTION wipe() RETURNS INT MODIFIES SQL DATA BEGIN DELETE FROM notification_queue; RETURN 1; END")
        .await;
    queue
        .execute("CREATE VIEW trap AS SELECT n.*, wipe() AS tp FROM u_entity e JOIN notification_queue n ON n.id = e.rid")
        .await;
    queue.entity(1, None).await;
    let mut config = settings(&queue);
    config.table = "trap".to_owned();
    config.columns.traceparent = Some("tp".to_owned());
    assert_eq!(
        problem(&config).await.split(" (").next(),
        Some("sources.mysql.table names `trap`, and reading it would write")
    );
    assert_eq!(positions(&open(&settings(&queue)).read_after(0, 10).await.unwrap()), [1]);
}

#[tokio::test]
async fn misconfigured_source_recovers_once_the_cause_is_corrected() {
    let queue = mysql::database().await;
    queue.execute("RENAME TABLE notification_queue TO elsewhere").await;
    let source = open(&settings(&queue));
    assert!(matches!(source.head().await, Err(SourceError::Misconfigured(_))));
    queue.execute("RENAME TABLE elsewhere TO notification_queue").await;
    assert_eq!(source.head().await, Ok(0));
}
