//! The system as deployed: each service is a process of its own, on real databases.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use ig_testkit::mongo::TestDatabase;
use ig_testkit::mysql::TestQueue;
use rustix::process::{Pid, Signal, kill_process};

use crate::api::Api;

const STARTING: Duration = Duration::from_secs(30);
const KEY: &str = "key-of-the-tests-0123456789abcdef";

/// A process of the system.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    admin: u16,
    environment: BTreeMap<String, String>,
    output: File,
}

impl Process {
    /// Starts a service's binary and waits until it is ready.
    pub(crate) async fn start(name: &'static str, admin: u16, environment: &BTreeMap<String, String>) -> Self {
        let process = Self::spawn(name, admin, environment.clone());
        process.wait_until_ready().await;
        process
    }

    /// Starts a service's binary without waiting for it.
    pub(crate) fn spawn(name: &'static str, admin: u16, environment: BTreeMap<String, String>) -> Self {
        let output = tempfile::tempfile().expect("a file for what it says");
        let child = spawn(name, admin, &environment, &output);
        Self {
            name,
            child,
            admin,
            environment,
            output,
        }
    }

    /// Restarts an ended process with the same settings and ports.
    pub(crate) async fn start_again(&mut self) {
        self.child = spawn(self.name, self.admin, &self.environment, &self.output);
        self.wait_until_ready().await;
    }

    /// Waits until `/readyz` reports ready.
    pub(crate) async fn wait_until_ready(&self) {
        let deadline = tokio::time::Instant::now() + STARTING;
        while self.probe("/readyz").await != Some(200) {
            let in_time = tokio::time::Instant::now() < deadline;
            assert!(in_time, "{} is not ready; it said:\n{}", self.name, self.said());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The response status of a path on the admin port, if it responds.
    pub(crate) async fn probe(&self, path: &str) -> Option<u16> {
        Api::status_of(&format!("http://127.0.0.1:{}{path}", self.admin)).await
    }

    /// The live child processes.
    pub(crate) fn children(&self) -> Vec<i32> {
        let path = format!("/proc/{}/task", self.child.id());
        let threads = std::fs::read_dir(path).into_iter().flatten().flatten();
        let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
        let lists: Vec<_> = lists.collect();
        let children = lists.iter().flat_map(|list| list.split_whitespace());
        children.filter_map(|child| child.parse().ok()).collect()
    }

    /// Everything that the process has written so far.
    pub(crate) fn said(&self) -> String {
        let length = self.output.metadata().expect("a file has a length").len();
        let mut bytes = vec![0; usize::try_from(length).expect("it fits")];
        self.output.read_exact_at(&mut bytes, 0).expect("what is written can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The metrics in the format of Prometheus.
    pub(crate) async fn metrics(&self) -> String {
        Api::text_of(&format!("http://127.0.0.1:{}/metrics", self.admin)).await
    }

    /// The number of partitions that it reports to hold, if it is a worker.
    pub(crate) async fn partitions(&self) -> u32 {
        let metrics = self.metrics().await;
        let line = metrics.lines().find(|line| line.starts_with("ig_partitions_held "));
        line.and_then(|line| line.rsplit(' ').next())
            .and_then(|count| count.parse().ok())
            .unwrap_or(0)
    }

    /// Kills the process immediately.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ended");
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Waits for the process to end.
    pub(crate) async fn ended(&mut self) -> std::process::ExitStatus {
        let deadline = tokio::time::Instant::now() + STARTING;
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status;
            }
            assert!(tokio::time::Instant::now() < deadline, "{} did not end", self.name);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::env::var_os("IG_TEST_LOGS").is_some() {
            let _ = writeln!(std::io::stderr(), "{} said:\n{}", self.name, self.said());
        }
    }
}

fn spawn(name: &'static str, admin: u16, environment: &BTreeMap<String, String>, output: &File) -> Child {
    let output = || output.try_clone().expect("a file that is open");
    let mut command = Command::new(binary(name));
    command
        .env_clear()
        .envs(environment)
        .env("IG__ADMIN__LISTEN", format!("127.0.0.1:{admin}"))
        .stdout(output())
        .stderr(output());
    command
        .spawn()
        .unwrap_or_else(|error| panic!("{} cannot be started: {error}; `make test` builds it", binary(name).display()))
}

/// The path of a binary, next to the folder of this test's binary.
pub(crate) fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let folder = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("tests run in target/<profile>/deps");
    folder.join(name)
}

/// A gateway with its databases, to which tests add workers.
pub(crate) struct Stack {
    /// The gateway's API, with an administrator's key.
    pub(crate) api: Api,
    /// The gateway.
    pub(crate) gateway: Process,
    environment: BTreeMap<String, String>,
    worker_grpc: u16,
}

impl Stack {
    /// Starts a gateway on a database. Deliveries may go to loopback.
    pub(crate) async fn start(mongo: &TestDatabase) -> Self {
        Self::start_with(mongo, &[]).await
    }

    /// Starts a gateway with further settings, which its workers share.
    pub(crate) async fn start_with(mongo: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        let (http, grpc, worker_grpc) = (port(), port(), port());
        let mut environment = base(mongo, grpc);
        environment.insert("IG__SERVICES__DELIVERY_WORKER".to_owned(), format!("127.0.0.1:{worker_grpc}"));
        environment.insert("IG__HTTP__DRAIN_MS".to_owned(), "0".to_owned());
        environment.insert("IG__HTTP__LISTEN".to_owned(), format!("127.0.0.1:{http}"));
        environment.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let mut own = environment.clone();
        own.insert("IG__GRPC__LISTEN".to_owned(), format!("127.0.0.1:{grpc}"));
        let gateway = Process::start("ig-api-gateway", port(), &own).await;
        let api = Api::new(format!("http://127.0.0.1:{http}"), KEY);
        Self {
            api,
            gateway,
            environment,
            worker_grpc,
        }
    }

    /// Starts a gateway on a database with further settings, without waiting for it.
    pub(crate) fn spawn_gateway(mongo: &TestDatabase, settings: &[(&str, &str)]) -> Process {
        let mut environment = base(mongo, port());
        environment.insert("IG__GRPC__LISTEN".to_owned(), "127.0.0.1:0".to_owned());
        environment.insert("IG__HTTP__LISTEN".to_owned(), "127.0.0.1:0".to_owned());
        environment.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        Process::spawn("ig-api-gateway", port(), environment)
    }

    /// Starts another gateway on the same database with further settings, and returns a client of it.
    pub(crate) async fn gateway_beside(&self, settings: &[(&str, &str)]) -> (Process, Api) {
        let (http, grpc) = (port(), port());
        let mut environment = self.environment.clone();
        environment.insert("IG__HTTP__LISTEN".to_owned(), format!("127.0.0.1:{http}"));
        environment.insert("IG__GRPC__LISTEN".to_owned(), format!("127.0.0.1:{grpc}"));
        environment.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let gateway = Process::start("ig-api-gateway", port(), &environment).await;
        (gateway, Api::new(format!("http://127.0.0.1:{http}"), KEY))
    }

    /// Starts a worker that reads a queue from its first row.
    pub(crate) async fn worker(&self, queue: &TestQueue) -> Process {
        self.worker_with(queue, &[]).await
    }

    /// The address at which the gateway expects the worker that executes orders.
    pub(crate) fn worker_grpc(&self) -> String {
        format!("127.0.0.1:{}", self.worker_grpc)
    }

    /// Starts a worker with further settings.
    pub(crate) async fn worker_with(&self, queue: &TestQueue, settings: &[(&str, &str)]) -> Process {
        let worker = self.spawn_worker(&queue.url, settings);
        worker.wait_until_ready().await;
        worker
    }

    /// Starts a worker without waiting for it.
    pub(crate) fn spawn_worker(&self, mysql_url: &str, settings: &[(&str, &str)]) -> Process {
        let source = [
            ("IG__SOURCES__MYSQL__URL", mysql_url),
            ("IG__SOURCES__MYSQL__START", "beginning"),
        ];
        let all: Vec<_> = source.into_iter().chain(settings.iter().copied()).collect();
        self.spawn_service("ig-delivery-worker", &all)
    }

    /// The settings that all processes share, for a test's own programs.
    pub(crate) fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// Starts any service with its own settings, without waiting for it.
    pub(crate) fn spawn_service(&self, name: &'static str, settings: &[(&str, &str)]) -> Process {
        let mut environment = self.environment.clone();
        environment.insert("IG__GRPC__LISTEN".to_owned(), "127.0.0.1:0".to_owned());
        environment.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        Process::spawn(name, port(), environment)
    }
}

fn base(mongo: &TestDatabase, gateway_grpc: u16) -> BTreeMap<String, String> {
    let settings = [
        ("IG__MONGODB__URI", mongo.uri.clone()),
        ("IG__MONGODB__DATABASE", mongo.name.clone()),
        (
            "IG__SECRETS__KEYS",
            "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned(),
        ),
        ("IG__BOOTSTRAP__API_KEY", KEY.to_owned()),
        ("IG__SERVICES__API_GATEWAY", format!("127.0.0.1:{gateway_grpc}")),
        ("IG__SECURITY__EGRESS__ALLOW", "127.0.0.0/8".to_owned()),
        ("IG__TELEMETRY__LOG", "info".to_owned()),
        // Tests need no limit of requests.
        ("IG__RATE_LIMIT__GLOBAL_PER_MINUTE", "0".to_owned()),
        ("IG__RATE_LIMIT__ORG_PER_MINUTE", "0".to_owned()),
        ("IG__RATE_LIMIT__ORG_RUNTIME_PER_MINUTE", "0".to_owned()),
    ];
    settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// A free port on loopback.
pub(crate) fn port() -> u16 {
    ig_testkit::port::free_port()
}
