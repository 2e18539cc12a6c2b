//! Rights of the connection's user.

use ig_core::secret::Secret;
use ig_sources::{RightsFault, SqlConnection};
use ig_testkit::mysql;
use ig_testkit::servers::Mariadb;

/// A user per grant; roles and global rights would disturb other tests, so the server is the test's own.
#[tokio::test]
async fn only_a_user_that_may_read_and_nothing_else_is_accepted() {
    let server = Mariadb::start().await;
    let queue = mysql::database_on(&server.url()).await;
    let schema = &queue.name;
    for statement in [
        "CREATE TABLE bills (id INT, amount INT)".to_owned(),
        "CREATE FUNCTION age() RETURNS INT DETERMINISTIC RETURN 1".to_owned(),
        "CREATE ROLE writer".to_owned(),
        format!("GRANT INSERT ON {schema}.* TO writer"),
    ] {
        queue.execute(&statement).await;
    }
    for (at, (grant, expected)) in [
        ("SELECT ON {db}.*", None),
        ("SELECT ON {db}.bills", None),
        ("SELECT (id) ON {db}.bills", None),
        ("SELECT, SHOW VIEW ON {db}.*", None),
        ("EXECUTE ON FUNCTION {db}.age", None),
        ("EXECUTE ON *.*", Some("EXECUTE on *.*")),
        ("FILE ON *.*", Some("FILE on *.*")),
        ("SUPER ON *.*", Some("SUPER on *.*")),
        ("ALL PRIVILEGES ON *.*", Some("ALL PRIVILEGES on *.*")),
        ("ALL PRIVILEGES ON {db}.*", Some("ALL PRIVILEGES on `{db}`.*")),
        ("SELECT, INSERT ON {db}.*", Some("INSERT on `{db}`.*")),
        ("SELECT (id), UPDATE (amount) ON {db}.bills", Some("UPDATE on `{db}`.`bills`")),
        ("SELECT, LOCK TABLES ON {db}.*", Some("LOCK TABLES on `{db}`.*")),
        ("writer", Some("the role `writer`")),
    ]
    .into_iter()
    .enumerate()
    {
        let (user, grant) = (format!("u{at}"), grant.replace("{db}", schema));
        queue
            .execute(&format!("CREATE USER {user}@'127.0.0.1' IDENTIFIED BY 'marker'"))
            .await;
        queue.execute(&format!("GRANT {grant} TO {user}@'127.0.0.1'")).await;
        if expected.is_some() {
            // Without a right on the database, a user could not even name it in the address.
            queue
                .execute(&format!("GRANT SELECT ON {schema}.* TO {user}@'127.0.0.1'"))
                .await;
        }
        let rights = check(&queue.url.replace("root@", &format!("{user}:marker@"))).await;
        match (expected, rights) {
            (None, Ok(())) => {}
            (Some(expected), Err(RightsFault::Excessive { grants, fix })) => {
                assert_eq!(grants, [expected.replace("{db}", schema)], "{grant}");
                assert!(
                    fix.contains("CREATE USER") && fix.contains(&format!("GRANT SELECT ON `{schema}`.*")),
                    "{fix}"
                );
            }
            (expected, rights) => panic!("{grant}: {expected:?} {rights:?}"),
        }
    }
}

async fn check(url: &str) -> Result<(), RightsFault> {
    let rights = SqlConnection::new(&Secret::new(url)).unwrap().check_rights().await;
    assert!(!format!("{rights:?}").contains("marker"));
    rights
}

#[tokio::test]
async fn root_and_users_with_grant_option_are_refused() {
    let queue = mysql::database().await;
    let Err(RightsFault::Excessive { grants, .. }) = check(&queue.url).await else {
        panic!("root may do everything");
    };
    assert!(grants.iter().any(|grant| grant == "GRANT OPTION on *.*"), "{grants:?}");
}

#[tokio::test]
async fn rights_that_cannot_be_read_are_no_rights_to_use() {
    let url = format!("mysql://u:marker@127.0.0.1:{}/d", ig_testkit::free_port());
    assert!(matches!(check(&url).await, Err(RightsFault::Unknown(_))));
}
