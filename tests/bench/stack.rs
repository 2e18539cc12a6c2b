//! The whole system in a process of its own: the release build of `igctl up`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http::{Method, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use ig_testkit::mongo::TestDatabase;
use ig_testkit::mysql::TestQueue;
use serde_json::{Value, json};

use crate::report::Report;

/// A running system with private databases.
pub(crate) struct Stack {
    /// The hospital's queue.
    pub queue: TestQueue,
    /// The platform's database.
    pub mongo: TestDatabase,
    api: crate::ceiling::Poster,
    http: String,
    key: String,
    child: Child,
    folder: tempfile::TempDir,
}

impl Stack {
    /// Starts the system and waits until it is ready.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let queue = ig_testkit::mysql::database().await;
        let mongo = ig_testkit::mongo::database();
        let folder = tempfile::tempdir()?;
        let child = spawn(&mongo, &queue, folder.path())?;
        let ready = wait_for(&folder.path().join("ready.json")).await?;
        let text = |key: &str| ready[key].as_str().unwrap_or_default().to_owned();
        let (http, key) = (text("http"), text("apiKey"));
        let api = crate::ceiling::Poster::new();
        Ok(Self {
            queue,
            mongo,
            api,
            http,
            key,
            child,
            folder,
        })
    }

    /// The address of the HTTP edge.
    pub(crate) fn address(&self) -> SocketAddr {
        let address = self.http.trim_start_matches("http://").parse();
        address.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// A key with all rights.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Restarts the system on the same databases, and returns how long the start took.
    pub(crate) async fn start_again(&mut self) -> anyhow::Result<Duration> {
        self.stop();
        let ready_file = self.folder.path().join("ready.json");
        std::fs::remove_file(&ready_file)?;
        let began = Instant::now();
        self.child = spawn(&self.mongo, &self.queue, self.folder.path())?;
        let ready = wait_for(&ready_file).await?;
        for (field, kept) in [("http", &mut self.http), ("apiKey", &mut self.key)] {
            ready[field].as_str().unwrap_or_default().clone_into(kept);
        }
        Ok(began.elapsed())
    }

    /// Stops the system; its databases stay.
    pub(crate) fn stop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }

    /// Sends a POST to the API.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.exchange(Method::POST, path, body.to_string().into()).await
    }

    /// Sends a PATCH to the API.
    pub(crate) async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.exchange(Method::PATCH, path, body.to_string().into()).await
    }

    /// Sends a PUT to the API.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.exchange(Method::PUT, path, body.to_string().into()).await
    }

    /// Sends a GET to the API.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.exchange(Method::GET, path, Bytes::new()).await
    }

    async fn exchange(&self, method: Method, path: &str, body: Bytes) -> anyhow::Result<Value> {
        let answer = self.send(method.clone(), path, body).await?;
        let status = answer.status();
        let answer = answer.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&answer);
        ensure!(status.is_success(), "{method} {path}: {status} {text}");
        Ok(serde_json::from_slice(&answer)?)
    }

    /// Reads a long response chunk by chunk, and sums the results of `each`.
    pub(crate) async fn stream(&self, path: &str, mut each: impl FnMut(&[u8]) -> usize) -> anyhow::Result<usize> {
        let mut body = self.send(Method::GET, path, Bytes::new()).await?.into_body();
        let mut sum = 0;
        while let Some(frame) = body.frame().await {
            sum += frame?.data_ref().map_or(0, |part| each(part));
        }
        Ok(sum)
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> anyhow::Result<Response<Incoming>> {
        let url = format!("{}/api/v1{path}", self.http);
        self.api.send(method, &url, &[("x-api-key", &self.key)], body).await
    }

    /// Creates tenants 1 to `count`.
    pub(crate) async fn tenants(&self, count: i64) -> anyhow::Result<()> {
        for org in 1..=count {
            self.post("/admin/orgs", &json!({"orgId": org, "name": format!("Hospital {org}")}))
                .await?;
        }
        Ok(())
    }

    /// Creates an integration with a small mapping.
    pub(crate) async fn integration(&self, org: i64, event_type: &str, url: &str) -> anyhow::Result<()> {
        let body = json!({
            "name": event_type, "eventType": event_type, "targetUrl": url, "logLevel": "FULL", "signing": {"enabled": true},
            "fieldMappings": [
                {"sourceField": "n", "targetField": "n"},
                {"sourceField": "patient.name", "targetField": "name", "transform": "trim"},
                {"sourceField": "patient.code", "targetField": "codes.primary", "transform": "upper"},
                {"sourceField": "notes", "targetField": "text"},
            ],
            "staticFields": [{"key": "source", "value": "bench"}],
        });
        self.post(&format!("/outbound-integrations?orgId={org}"), &body).await?;
        Ok(())
    }

    /// Creates an integration with a script.
    pub(crate) async fn scripted(&self, org: i64, event_type: &str, url: &str, script: &str) -> anyhow::Result<()> {
        let body = json!({
            "name": event_type, "eventType": event_type, "targetUrl": url, "logLevel": "FULL", "signing": {"enabled": true},
            "transformationMode": "SCRIPT", "transformScript": script,
        });
        self.post(&format!("/outbound-integrations?orgId={org}"), &body).await?;
        Ok(())
    }

    /// The system's resident memory in MiB.
    pub(crate) fn memory_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0.0);
        kib / 1024.0
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(mongo: &TestDatabase, queue: &TestQueue, folder: &std::path::Path) -> anyhow::Result<Child> {
    command(mongo, queue, folder).spawn().context("igctl; `make bench` builds it")
}

fn command(mongo: &TestDatabase, queue: &TestQueue, folder: &std::path::Path) -> Command {
    let mut command = Command::new(igctl());
    command
        .args([
            "up",
            "--http",
            "127.0.0.1:0",
            "--mongodb-uri",
            &mongo.uri,
            "--mysql-url",
            &queue.url,
        ])
        .args([
            "--data-dir".into(),
            folder.join("data"),
            "--ready-file".into(),
            folder.join("ready.json"),
        ])
        .env("IG__MONGODB__DATABASE", &mongo.name)
        .env("IG__SECURITY__EGRESS__ALLOW", "127.0.0.0/8")
        .env("IG__SOURCES__MYSQL__START", "beginning")
        .env("IG__RATE_LIMIT__GLOBAL_PER_MINUTE", "0")
        .env("IG__RATE_LIMIT__ORG_PER_MINUTE", "0")
        .env("IG__RATE_LIMIT__ORG_RUNTIME_PER_MINUTE", "0")
        .env(
            "IG__TELEMETRY__LOG",
            std::env::var("IG_BENCH_LOG").unwrap_or_else(|_| "warn".to_owned()),
        )
        .stdout(Stdio::null());
    command
}

/// The release binary, beside the folder of this benchmark's own binary.
fn igctl() -> PathBuf {
    let bench = std::env::current_exe().unwrap_or_default();
    bench
        .ancestors()
        .nth(2)
        .map(|folder| folder.join("igctl"))
        .unwrap_or_default()
}

async fn wait_for(ready_file: &std::path::Path) -> anyhow::Result<Value> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while Instant::now() < deadline {
        if let Ok(text) = std::fs::read_to_string(ready_file) {
            return Ok(serde_json::from_str(&text)?);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    anyhow::bail!("the system did not become ready within 30 s")
}

/// The time from the start of the process to the ready file, with all six services in one process.
pub(crate) async fn start_time(report: &mut Report) -> anyhow::Result<()> {
    let mut seconds = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..crate::RUNS {
        let began = Instant::now();
        let stack = Stack::start().await?;
        seconds.push(began.elapsed().as_secs_f64());
        memory.push(stack.memory_mib());
    }
    report.add(
        "start to ready, six services in one process",
        crate::median(seconds),
        "s",
        "<= 1 a service",
    );
    report.add(
        "memory when idle, six services in one process",
        crate::median(memory),
        "MiB",
        "<= 40 a service",
    );
    Ok(())
}
