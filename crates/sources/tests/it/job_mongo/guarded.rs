//! The guard is asked about every host, at every connection.

use serde_json::json;

use super::{LIMITS, TestGuard, blocked, fetch, fetch_from, server, with_rows};
use ig_core::job::FetchError;
use ig_sources::GuardRefusal;

#[tokio::test]
async fn external_mongo_connects_only_to_addresses_of_the_guard() {
    let database = with_rows(3).await;
    let guard = TestGuard::leading_to(server(&database));
    let pipeline = json!([{"$sort": {"n": 1}}, {"$project": {"_id": 0}}]);
    let found = fetch(&database, &pipeline, &guard, &LIMITS).await.unwrap();
    assert_eq!(found.records, [json!({"n": 0}), json!({"n": 1}), json!({"n": 2})]);
    let asked = guard.asked();
    // Once to judge the string, once for the question to the server, and at least once for the driver.
    assert!(
        asked.len() >= 3 && asked.iter().all(|host| host == "db.example:27017"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn external_mongo_refuses_a_name_that_turns_private_between_two_connections() {
    let database = with_rows(3).await;
    let address = server(&database);
    for allowed in 0..3 {
        let guard = TestGuard::new(move |_, before| if before < allowed { Ok(vec![address]) } else { Err(blocked()) });
        let found = fetch(&database, &json!([]), &guard, &LIMITS).await;
        assert_eq!(
            found,
            Err(FetchError::Refused("The address is not public.".to_owned())),
            "{allowed}"
        );
        assert_eq!(guard.asked().len(), allowed + 1);
    }
}

#[tokio::test]
async fn external_mongo_refuses_all_hosts_if_one_is_private() {
    let database = with_rows(3).await;
    let address = server(&database);
    let guard = TestGuard::new(move |host, _| {
        if host == "c.example" {
            Err(blocked())
        } else {
            Ok(vec![address])
        }
    });
    let found = fetch_from(
        "mongodb://a.example:1,b.example:2,c.example:3/",
        &database,
        &json!([]),
        &guard,
        &LIMITS,
    )
    .await;
    assert!(matches!(found, Err(FetchError::Refused(_))), "{found:?}");
    assert_eq!(guard.asked(), ["a.example:1", "b.example:2", "c.example:3"]);
}

#[tokio::test]
async fn external_mongo_tries_another_host_if_one_has_no_address() {
    let database = with_rows(3).await;
    let address = server(&database);
    let guard = TestGuard::new(move |host, _| match host {
        "a.example" => Err(GuardRefusal::Unresolved),
        "b.example" => Ok(Vec::new()),
        _ => Ok(vec![address]),
    });
    let found = fetch_from(
        "mongodb://a.example,b.example,c.example/",
        &database,
        &json!([]),
        &guard,
        &LIMITS,
    )
    .await;
    assert_eq!(found.unwrap().records.len(), 3);
    let guard = TestGuard::new(|_, _| Err(GuardRefusal::Unresolved));
    let found = fetch(&database, &json!([]), &guard, &LIMITS).await;
    assert!(matches!(found, Err(FetchError::Unavailable(_))), "{found:?}");
}

#[tokio::test]
async fn external_mongo_asks_nothing_for_a_string_that_opens_a_hole() {
    let database = with_rows(1).await;
    let guard = TestGuard::leading_to(server(&database));
    for connection in [
        "mongodb://db.example/?tls=true&tlsInsecure=true",
        "mongodb://db.example/?tls=true&tlsCAFile=/etc/passwd",
        "mongodb://db.example/?proxyHost=127.0.0.1",
        "mongodb://u:p@db.example/?authMechanism=MONGODB-AWS",
        "mongodb://db.example,%2Ftmp%2Fmongodb-27017.sock/",
        "mongodb://u:marker@/",
    ] {
        let found = fetch_from(connection, &database, &json!([]), &guard, &LIMITS).await;
        let Err(FetchError::Refused(message)) = found else {
            panic!("{connection}: {found:?}");
        };
        assert!(!message.contains("marker"), "{message}");
    }
    assert!(guard.asked().is_empty());
}

#[tokio::test]
async fn external_mongo_never_shows_credentials() {
    let database = with_rows(1).await;
    let guard = TestGuard::leading_to(server(&database));
    let connection = "mongodb://user:marker@db.example/?authSource=admin";
    let found = fetch_from(connection, &database, &json!([]), &guard, &LIMITS).await;
    // A server without access control accepts every user, or none.
    assert!(!format!("{found:?}").contains("marker"), "{found:?}");
}
