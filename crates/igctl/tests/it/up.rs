//! `igctl up`.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use ig_testkit::eventually;
use serde_json::{Value, json};

use crate::fixture::{RunningStack, igctl, is_alive, output};

pub(crate) async fn ready(up: &mut RunningStack, folder: &Path) -> Value {
    let file = folder.join("ready.json");
    eventually("the ready file", async || {
        assert!(up.is_running(), "igctl ended before it was ready: {:?}", up.lines());
        file.exists()
    })
    .await;
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    serde_json::from_slice(&fs::read(&file).unwrap()).expect("it appears whole")
}

fn status(ready: &Value, path: &str) -> String {
    let url = format!("{}{path}", ready["http"].as_str().unwrap());
    let key = format!("X-API-Key: {}", ready["apiKey"].as_str().unwrap());
    let curl = Command::new("curl")
        .args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", &key, &url])
        .output();
    String::from_utf8(curl.expect("curl").stdout).unwrap()
}

/// The response of the demo's outside API to a call through the gateway.
fn booked(ready: &Value) -> Value {
    let ready_field = |field: &str| ready[field].as_str().unwrap_or_default().to_owned();
    let mut curl = Command::new("curl");
    curl.args(["-s", "-H", "content-type: application/json", "-d", r#"{"patient": "Grace"}"#]);
    curl.arg("-H").arg(format!("x-api-key: {}", ready_field("apiKey")));
    curl.arg(format!("{}/api/v1/integrations/booking?orgId=9001", ready_field("http")));
    serde_json::from_slice(&curl.output().expect("curl").stdout).unwrap_or_default()
}

#[tokio::test]
async fn stack_delivers_demo_events_and_restarts_on_the_same_data() {
    let folder = tempfile::tempdir().unwrap();
    let mut up = RunningStack::start(folder.path(), &["--demo"]);
    let first = ready(&mut up, folder.path()).await;
    let keys: Vec<_> = first.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        ["http", "apiKey", "adminEmail", "adminPassword", "mongodbUri", "mysqlUrl"]
    );
    assert_eq!(first["mysqlUrl"], Value::Null);
    for place in ["/signed", "/mapped", "/everything"] {
        eventually("a delivery to each of the integrations", async || {
            up.lines()
                .iter()
                .any(|line| line.starts_with("delivery ") && line.contains(place))
        })
        .await;
    }
    assert_eq!(status(&first, "/api/v1/logs?orgId=9001"), "200");
    assert_eq!(booked(&first), json!({"number": 1, "patient": "GRACE"}));
    let children = up.children();
    assert!(
        children.len() > 1,
        "the database server, and workers for scripts: {children:?}"
    );
    assert_eq!(up.stop().code(), Some(0));
    for child in children {
        assert!(!is_alive(child), "a process outlived the stack");
    }

    fs::remove_file(folder.path().join("ready.json")).unwrap();
    let mut up = RunningStack::start(folder.path(), &[]);
    let again = ready(&mut up, folder.path()).await;
    assert_eq!(
        (&again["apiKey"], &again["adminPassword"]),
        (&first["apiKey"], &first["adminPassword"])
    );
    assert!(
        !up.lines().iter().any(|line| line.contains(first["apiKey"].as_str().unwrap())),
        "a secret is printed once"
    );
    assert_eq!(
        status(&again, "/api/v1/admin/orgs/9001?orgId=9001"),
        "200",
        "what was stored is still there and readable"
    );
    assert_eq!(up.stop().code(), Some(0));
}

#[test]
fn http_port_error_suggests_another_address() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = output(igctl(&["up", "--http", &address, "--data-dir"]).arg(folder.path()));
    let stderr = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success());
    assert!(stderr.contains(&address) && stderr.contains("--http"), "{stderr}");
}
