//! A system with job-runners, a database of bills and a receiver.

use std::time::Duration;

use http::Method;
use ig_testkit::mongo::TestDatabase;
use ig_testkit::mysql::TestQueue;
use ig_testkit::receiver::Receiver;
use ig_testkit::wait::eventually_within;
use mysql_async::prelude::Queryable as _;
use serde_json::{Value, json};

use crate::setup::ORG;
use crate::stack::{Process, Stack, port};

/// How long a run may take on a slow machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
/// A unit of the organisation.
pub(super) const UNIT: i64 = 64_801;
/// Another organisation, whose rows are in the same tables.
pub(super) const OTHER_ORG: i64 = 649;

/// A gateway, a worker, job-runners, a hospital's database and a receiver.
pub(super) struct Jobs {
    pub(super) stack: Stack,
    pub(super) runners: Vec<Process>,
    pub(super) queue: TestQueue,
    pub(super) receiver: Receiver,
    _worker: Process,
    _retrier: Process,
    _mongo: TestDatabase,
}

impl Jobs {
    /// Starts everything, with this many runners and further settings for them.
    pub(super) async fn start(runners: usize, settings: &[(&str, &str)]) -> Self {
        let mongo = ig_testkit::mongo::database();
        let queue = ig_testkit::mysql::database().await;
        let (runner, retrier) = (format!("127.0.0.1:{}", port()), format!("127.0.0.1:{}", port()));
        let shared = [
            ("IG__SERVICES__JOB_RUNNER", runner.as_str()),
            ("IG__SERVICES__DLQ_RETRIER", retrier.as_str()),
        ];
        let stack = Stack::start_with(&mongo, &shared).await;
        for org in [ORG, OTHER_ORG] {
            stack.api.org(org).await;
        }
        stack.api.unit(ORG, UNIT).await;
        let at = stack.worker_grpc();
        let worker = stack.worker_with(&queue, &[("IG__GRPC__LISTEN", &at)]).await;
        let retrier_process = stack.spawn_service("ig-dlq-retrier", &[("IG__GRPC__LISTEN", &retrier)]);
        let mut processes = Vec::new();
        for number in 0..runners {
            // The gateway knows the address of the first.
            let listen = if number == 0 { runner.as_str() } else { "127.0.0.1:0" };
            let mut own = vec![("IG__GRPC__LISTEN", listen), ("IG__SCRIPTS__WORKERS", "1")];
            own.extend_from_slice(settings);
            let process = stack.spawn_service("ig-job-runner", &own);
            process.wait_until_ready().await;
            processes.push(process);
        }
        retrier_process.wait_until_ready().await;
        let jobs = Self {
            stack,
            runners: processes,
            queue,
            receiver: Receiver::start(),
            _worker: worker,
            _retrier: retrier_process,
            _mongo: mongo,
        };
        jobs.connect_bills().await;
        jobs
    }

    /// Creates the table of bills, its reader, and the connection that the organisations use.
    async fn connect_bills(&self) {
        self.queue
            .execute(
                "CREATE TABLE bills (id BIGINT PRIMARY KEY AUTO_INCREMENT, entity_rid BIGINT NOT NULL, amount DECIMAL(20,2) NOT NULL, \
                 patient VARCHAR(50) NOT NULL, created_on DATE NOT NULL)",
            )
            .await;
        let url = self.reader_url().await;
        let connection = json!({
            "name": "his",
            "url": url,
            "tables": [{"table": "bills", "tenantColumn": "entity_rid"}],
            "grants": [{"orgId": ORG, "isDefault": true}, {"orgId": OTHER_ORG, "isDefault": true}],
        });
        let made = self
            .stack
            .api
            .call(Method::POST, "/admin/data-connections", Some(&connection))
            .await;
        assert_eq!(made.status, 201, "{made:?}");
    }

    /// The address of the database for a user who may only read it.
    async fn reader_url(&self) -> String {
        let mut conn = self.queue.conn().await;
        let schema: Option<String> = conn.query_first("SELECT DATABASE()").await.expect("a database");
        let schema = schema.expect("a database");
        let user = format!("r{}", &schema[schema.len().saturating_sub(20)..]);
        conn.query_drop(format!("CREATE OR REPLACE USER '{user}'@'%' IDENTIFIED BY 'reads'"))
            .await
            .expect("a user");
        conn.query_drop(format!("GRANT SELECT ON `{schema}`.* TO '{user}'@'%'"))
            .await
            .expect("a grant");
        let (_, host) = self.queue.url.rsplit_once('@').expect("an address with a user");
        format!("mysql://{user}:reads@{host}")
    }

    /// Adds a bill of an entity.
    pub(super) async fn bill(&self, entity: i64, amount: &str, day: &str) {
        let sql = format!("INSERT INTO bills (entity_rid, amount, patient, created_on) VALUES ({entity}, {amount}, 'P', {day})");
        self.queue.execute(&sql).await;
    }

    /// Creates a job, with fields on top of one that sends all bills once a year, and returns its identifier.
    pub(super) async fn job(&self, org: i64, path: &str, more: Value) -> String {
        let mut job = json!({
            "name": "Bills",
            "schedule": {"type": "CRON", "expression": "0 0 1 1 *"},
            "dataSource": {"type": "SQL", "query": "SELECT id, amount FROM bills ORDER BY id"},
            "targetUrl": self.receiver.url(path),
        });
        for (name, value) in more.as_object().expect("fields") {
            job[name] = value.clone();
        }
        let made = self.stack.api.post(&format!("/scheduled-jobs?orgId={org}"), &job).await;
        made["id"].as_str().expect("an identifier").to_owned()
    }

    /// Runs a job by hand and returns the identifier of its log.
    pub(super) async fn run(&self, org: i64, job: &str) -> String {
        let path = format!("/scheduled-jobs/{job}/run?orgId={org}");
        let started = std::cell::RefCell::new(None);
        // A runner may not know the job yet.
        eventually_within(PATIENCE, "the job is run", async || {
            let answer = self.stack.api.call(Method::POST, &path, None).await;
            let is_started = answer.status == 202;
            *started.borrow_mut() = Some(answer);
            is_started
        })
        .await;
        let answer = started.into_inner().expect("an answer");
        answer.body["logId"].as_str().expect("an identifier").to_owned()
    }

    /// The log of a run that has ended.
    pub(super) async fn ended(&self, org: i64, log: &str) -> Value {
        let path = format!("/scheduled-job-logs/{log}?orgId={org}");
        eventually_within(PATIENCE, "the run ends", async || {
            self.stack.api.get(&path).await["status"] != "RUNNING"
        })
        .await;
        self.stack.api.get(&path).await
    }

    /// The logs of an organisation's runs.
    pub(super) async fn logs(&self, org: i64, query: &str) -> Vec<Value> {
        let listed = self
            .stack
            .api
            .get(&format!("/scheduled-job-logs?orgId={org}&limit=500{query}"))
            .await;
        let plural = listed.as_object().expect("a list").values().find_map(Value::as_array);
        plural.expect("logs").clone()
    }
}
