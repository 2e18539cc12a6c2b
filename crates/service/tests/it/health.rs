//! Readiness, liveness and the admin port.

use std::{net::SocketAddr, time::Duration};

use ig_service::{
    Process, ServiceHost,
    config::{AdminConfig, LogFormat, ShutdownConfig, TelemetryConfig},
    readiness::Readiness,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::fixture::{until, within};

const PROCESS: Process = Process {
    name: "test",
    version: "0",
    known_sections: &[],
};

async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    (status, body.to_owned())
}

fn host() -> ServiceHost {
    let telemetry = TelemetryConfig {
        format: LogFormat::Text,
        ..TelemetryConfig::default()
    };
    ServiceHost::start(PROCESS, &telemetry, &ShutdownConfig::default()).expect("the first telemetry of this process")
}

#[test]
fn readiness_returns_when_every_hold_is_released() {
    let readiness = Readiness::new();
    let (mongodb, cache) = (readiness.hold("database"), readiness.hold("cache"));
    assert_eq!(readiness.reasons(), ["database", "cache"]);
    mongodb.release();
    assert!(!readiness.is_ready());
    drop(cache);
    assert!(readiness.is_ready());
    mongodb.reacquire();
    mongodb.reacquire();
    assert_eq!(readiness.reasons(), ["database"]);
    mongodb.release();
    assert!(readiness.is_ready());
}

#[tokio::test]
async fn admin_port_serves_probes_and_metrics() {
    let mut host = host();
    let running = host
        .service("service", &AdminConfig::on_port(0), |context| async move {
            Ok(context.readiness().hold("database"))
        })
        .await
        .expect("started");
    let (admin, database) = (running.admin, running.output);
    assert_eq!(get(admin, "/livez").await, (200, "ok\n".to_owned()));
    assert_eq!(get(admin, "/readyz").await, (503, "database\n".to_owned()));
    database.release();
    assert_eq!(get(admin, "/readyz").await, (200, "ok\n".to_owned()));

    let heart = running.context.liveness().watch("poll", Duration::from_millis(1));
    until("the stalled loop is named", || async {
        get(admin, "/livez").await.1.starts_with("poll has stalled")
    })
    .await;
    assert_eq!(get(admin, "/livez").await.0, 503);
    drop(heart);
    assert_eq!(get(admin, "/livez").await.0, 200);

    metrics::histogram!("work_duration_seconds").record(0.02);
    let (_, text) = get(admin, "/metrics").await;
    assert!(text.contains("work_duration_seconds_bucket{le=\"0.025\"} 1"), "{text}");

    host.stop().request();
    within("the drain", host.wait()).await;
    TcpStream::connect(admin).await.expect_err("the admin port is closed");
}

#[tokio::test]
async fn admin_port_error_names_the_number_and_the_key() {
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = taken.local_addr().expect("bound").port();
    let started = host()
        .service("service", &AdminConfig::on_port(port), |_| async { Ok(()) })
        .await;
    let error = started.expect_err("taken").to_string();
    assert!(error.contains(&port.to_string()) && error.contains("admin.listen"), "{error}");
}
