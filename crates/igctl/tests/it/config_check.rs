//! `igctl config check`.

use crate::fixture::{igctl, output};

#[test]
fn config_check_prints_toml_without_secrets() {
    let mut command = igctl(&["config", "check"]);
    command
        .env("IG__GRPC__TOKEN", "s3cret-token")
        .env("IG__MONGODB__URI", "mongodb://ada:s3cret-password@db.example");
    let shown = output(&mut command);
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    assert!(!text.contains("s3cret"), "{text}");
    let table: toml::Table = text.parse().expect("TOML");
    let services: Vec<_> = table.keys().map(String::as_str).collect();
    assert_eq!(
        services,
        [
            "alerter",
            "api_gateway",
            "delivery_worker",
            "dlq_retrier",
            "job_runner",
            "scheduler"
        ]
    );
    assert_eq!(table["scheduler"]["grpc"]["listen"].as_str(), Some("127.0.0.1:5002"));
    assert!(text.contains("db.example"), "{text}");
}

#[test]
fn config_check_reports_each_fault_once() {
    let mut command = igctl(&["config", "check"]);
    command
        .env("IG__GRPC__DEADLINE_MS", "0")
        .env("IG__NO__SUCH_KEY", "1")
        .env("IG__WORKER__LEASE_SECONDS", "soon");
    let refused = output(&mut command);
    let stderr = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    for key in ["grpc.deadline_ms", "no.such_key", "worker.lease_seconds"] {
        assert_eq!(stderr.matches(&format!("  {key}: ")).count(), 1, "{key} in {stderr}");
    }
}
