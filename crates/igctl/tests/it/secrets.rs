//! `igctl secrets rotate`.

use std::process::Output;
use std::sync::Arc;

use ig_core::configuration::Change;
use ig_core::integration::{Integration, OutgoingAuth};
use ig_core::secret::Secret;
use ig_store::{Expected, MongoConfig, SecretSealer, SecretsConfig, Store};
use ig_testkit::builders;
use ig_testkit::mongo::{TestDatabase, database};

use crate::fixture::{igctl, output};

/// An integration with a secret that is sealed under `key`.
async fn sealed(database: &TestDatabase, key: &str) -> Integration {
    let config = MongoConfig {
        uri: database.uri.clone(),
        database: database.name.clone(),
        ..MongoConfig::default()
    };
    let secrets = SecretSealer::new(&SecretsConfig {
        keys: vec![key.to_owned()],
    });
    let store = Store::connect(&config, secrets.unwrap()).await.unwrap();
    store.migrate().await.unwrap();
    let integration = Integration {
        auth: OutgoingAuth::Bearer { token: Secret::new("s") },
        ..builders::integration(7, "*", "https://a.example/")
    };
    let changes = [
        Change::PutOrganization(builders::organization(7)),
        Change::PutIntegration(Arc::new(integration.clone())),
    ];
    for change in changes {
        store.configuration().commit(change, Expected::New).await.unwrap();
    }
    integration
}

fn rotate(database: &TestDatabase, keys: &[&str], more: &[&str]) -> Output {
    let mut command = igctl(&["secrets", "rotate"]);
    command
        .args(more)
        .env("IG__MONGODB__URI", &database.uri)
        .env("IG__MONGODB__DATABASE", &database.name);
    if !keys.is_empty() {
        command.env("IG__SECRETS__KEYS", keys.join(","));
    }
    output(&mut command)
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What is said of the connections of jobs where there are none.
const NO_CONNECTIONS: &str = "data_connections: 0 document(s) with secrets\n";

#[tokio::test]
async fn secrets_rotate_replaces_a_key_step_by_step() {
    let database = database();
    let (old, new) = (
        SecretSealer::generate_key("old").unwrap(),
        SecretSealer::generate_key("new").unwrap(),
    );
    sealed(&database, &old).await;
    let counted = |key: &str| {
        format!(
            "integration_configs: 1 document(s) with secrets, 1 under {key}\n\
             config_versions: 1 document(s) with secrets, 1 under {key}\n{NO_CONNECTIONS}"
        )
    };
    let planned = stdout(&rotate(&database, &[&new, &old], &["--dry-run"]));
    assert_eq!(planned, counted("old"));
    let done = stdout(&rotate(&database, &[&new, &old], &[]));
    let end = "Everything is sealed under new: secrets.keys needs no longer hold old.\n";
    let sealed = "1 document(s) with secrets, 1 under old, 1 document(s) sealed anew under new\n";
    let first = format!("integration_configs: {sealed}config_versions: {sealed}{NO_CONNECTIONS}");
    assert_eq!(done, format!("{first}{}{end}", counted("new")));
    let again = stdout(&rotate(&database, &[&new, &old], &[]));
    assert_eq!(again, format!("{}{end}", counted("new")));
    let alone = stdout(&rotate(&database, &[&new], &[]));
    assert_eq!(
        alone,
        format!("{}Everything is sealed under new, the only key.\n", counted("new"))
    );
}

#[tokio::test]
async fn secrets_rotate_names_documents_under_an_unknown_key() {
    let database = database();
    let (lost, new) = (
        SecretSealer::generate_key("lost").unwrap(),
        SecretSealer::generate_key("new").unwrap(),
    );
    let integration = sealed(&database, &lost).await;
    for more in [&[][..], &["--dry-run"]] {
        let refused = rotate(&database, &[&new], more);
        let stderr = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1));
        let fault = format!(
            "  integration_configs {}: the secret is sealed with key \"lost\"",
            integration.id
        );
        assert!(stderr.contains("2 document(s)") && stderr.contains(&fault), "{stderr}");
        assert!(!String::from_utf8_lossy(&refused.stdout).contains("Everything"));
    }
}

#[tokio::test]
async fn secrets_rotate_needs_keys() {
    let refused = rotate(&database(), &[], &[]);
    let stderr = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && stderr.contains("secrets.keys is empty"),
        "{stderr}"
    );
}
