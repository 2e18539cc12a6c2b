//! A pool whose workers are this test binary, run with a single test: the entry of workers.

use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use ig_core::id::OrgId;
use ig_transform::script::{
    Call, MAX_DEADLINE, PoolSettings, Purpose, RunContext, Script, ScriptEngine as _, ScriptError, ScriptKind, ScriptLookups,
    ScriptOutcome, ScriptPool, ScriptValue,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// The entry of workers. As a test, without the environment variable of a worker, it does nothing.
#[test]
fn worker_entry() {
    if ig_transform::script::is_worker() {
        ig_transform::script::worker_main();
    }
}

/// The time of all runs, also of those in Node.
pub(crate) const NOW: &str = "2024-03-10T12:30:00.000Z";

pub(crate) fn settings() -> PoolSettings {
    PoolSettings {
        arguments: ["script::rig::worker_entry", "--exact"].map(Into::into).into(),
        workers: 3,
        acquire_timeout: Duration::from_secs(30),
        load_deadline: Duration::from_secs(10),
        ..PoolSettings::default()
    }
}

/// A pool, and a tenant that uses it.
#[derive(Clone)]
pub(crate) struct Rig {
    pub(crate) pool: ScriptPool,
    pub(crate) org: OrgId,
    pub(crate) deadline: Duration,
    pub(crate) purpose: Purpose,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(settings())
    }

    pub(crate) fn with(settings: PoolSettings) -> Self {
        Self {
            pool: ScriptPool::start(settings).unwrap(),
            org: OrgId(7),
            deadline: MAX_DEADLINE,
            purpose: Purpose::Live,
        }
    }

    /// The same tenant on trial.
    pub(crate) fn on_trial(&self) -> Self {
        let purpose = Purpose::Trial;
        Self { purpose, ..self.clone() }
    }

    /// The process ids of the workers.
    pub(crate) fn workers(&self) -> Vec<Pid> {
        self.pool.workers().into_iter().filter_map(pid).collect()
    }

    pub(crate) fn of(&self, org: i64) -> Self {
        let org = OrgId(org);
        Self { org, ..self.clone() }
    }

    pub(crate) async fn run(&self, source: &str, payload: &Value) -> Result<ScriptOutcome, ScriptError> {
        self.run_script(&Script::new(source, ScriptKind::Transform), payload, &Tables)
            .await
    }

    pub(crate) async fn run_script(
        &self,
        script: &Script,
        payload: &Value,
        lookups: &dyn ScriptLookups,
    ) -> Result<ScriptOutcome, ScriptError> {
        let context = RunContext {
            event_type: "patient-updated".to_owned(),
            org: self.org,
            tenant_id: 12,
            integration_id: "65f0c0ffee0000000000abcd".to_owned(),
            now: NOW.parse::<DateTime<_>>().unwrap(),
        };
        let payload = payload.to_string();
        let (deadline, purpose) = (self.deadline, self.purpose);
        let call = Call::new(script, payload.as_bytes(), &context, lookups);
        let call = Call {
            deadline,
            purpose,
            ..call
        };
        self.pool.run(call).await
    }

    /// What a script returns for `{}`.
    pub(crate) async fn output(&self, source: &str) -> Value {
        output(
            &self
                .run(source, &json!({}))
                .await
                .unwrap_or_else(|error| panic!("{source}: {error}")),
        )
    }

    /// The error of a script for `{}`.
    pub(crate) async fn error(&self, source: &str) -> ScriptError {
        self.run(source, &json!({})).await.expect_err(source)
    }

    pub(crate) async fn holds(&self, condition: &str, payload: &Value) -> Result<bool, ScriptError> {
        let script = Script::new(condition, ScriptKind::Expression);
        match self.run_script(&script, payload, &Tables).await?.value {
            ScriptValue::Bool(holds) => Ok(holds),
            other => panic!("{condition}: {other:?}"),
        }
    }
}

pub(crate) fn output(outcome: &ScriptOutcome) -> Value {
    match &outcome.value {
        ScriptValue::Output(json) => serde_json::from_slice(json).unwrap(),
        ScriptValue::Skipped => json!("skipped"),
        other @ ScriptValue::Bool(_) => panic!("{other:?}"),
    }
}

fn pid(id: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(id).ok()?)
}

/// The threads of a process.
pub(crate) fn threads(process: Pid) -> Vec<Pid> {
    let listed = std::fs::read_dir(format!("/proc/{process}/task"))
        .into_iter()
        .flatten()
        .flatten();
    listed
        .filter_map(|thread| pid(thread.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// Stops a process and waits until none of its threads runs, since a signal takes time on a busy machine.
pub(crate) async fn stop(process: Pid) {
    signal(process, Signal::STOP, 'T').await;
}

/// Kills a process and waits until none of its threads is left.
pub(crate) async fn kill(process: Pid) {
    signal(process, Signal::KILL, 'Z').await;
}

async fn signal(process: Pid, signal: Signal, state: char) {
    // It may be gone already.
    let _ = kill_process(process, signal);
    let is_running = |thread: Pid| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/task/{thread}/stat")).unwrap_or_default();
        stat.rsplit_once(')')
            .is_some_and(|(_, rest)| !rest.trim_start().starts_with(state))
    };
    while threads(process).into_iter().any(is_running) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Two lookup tables.
pub(crate) struct Tables;

#[async_trait]
impl ScriptLookups for Tables {
    async fn lookup(&self, kind: &str, value: &str) -> Result<Option<Value>, String> {
        Ok(match (kind, value) {
            ("gender", "M") => Some(json!("male")),
            ("gender", "F") => Some(json!("female")),
            ("lab", "GLU") => Some(json!({"loinc": "2345-7", "name": "Glucose"})),
            _ => None,
        })
    }
}
