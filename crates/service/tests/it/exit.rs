//! How a process ends, seen from outside: this test binary starts itself as the process.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, ExitCode, Stdio},
    time::Duration,
};

use ig_service::{Context, Fate, Process, config::GrpcConfig, grpc::channel};
use rustix::process::{Pid, Signal, kill_process};
use tonic_health::pb::health_check_response::ServingStatus;

use crate::{collector::Collector, fixture::Config, grpc::health};

const PROCESS: Process = Process {
    name: "test",
    version: "0",
    known_sections: &[],
};

fn say(line: &str) {
    writeln!(std::io::stdout(), "> {line}").expect("somebody reads");
}

/// Serves gRPC; one task takes in until it is stopped, and then waits for a file, as if for an answer.
async fn run(config: Config, context: Context) -> anyhow::Result<()> {
    anyhow::ensure!(config.work.batch != 13, "batches of 13 bring bad luck");
    let address = context.serve_grpc(&config.grpc, Collector::services().0).await?;
    tracing::info_span!("work").in_scope(|| tracing::info!("a line of work"));
    let (stopping, awaited) = (context.stopping().clone(), config.work.names.join(","));
    context.spawn("intake", Fate::RunsUntilShutdown, async move {
        say(&format!("{address}"));
        stopping.cancelled().await;
        say("intake stopped");
        while !Path::new(&awaited).exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        say("in flight finished");
    });
    Ok(())
}

#[test]
#[ignore = "it is the process that the other tests start"]
fn process() {
    let code = ig_service::main(PROCESS, run);
    assert_eq!(code, ExitCode::SUCCESS);
}

struct Started {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Started {
    fn new(variables: &[(&str, &str)]) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this binary"))
            .args(["exit::process", "--exact", "--ignored", "--nocapture"])
            .env("IG__GRPC__LISTEN", "127.0.0.1:0")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let lines = BufReader::new(process.stdout.take().expect("piped"));
        Self { process, lines }
    }

    /// The next line that the process itself said.
    fn hear(&mut self) -> String {
        let mut line = String::new();
        while self.lines.read_line(&mut line).expect("readable") > 0 {
            if let Some((_, said)) = line.trim_end().split_once("> ") {
                return said.to_owned();
            }
            line.clear();
        }
        panic!("it ended without a word: {}", self.errors());
    }

    fn signal(&self) {
        let id = Pid::from_raw(i32::try_from(self.process.id()).expect("a small number")).expect("a process");
        kill_process(id, Signal::TERM).expect("alive");
    }

    fn code(&mut self) -> Option<i32> {
        self.process.wait().expect("ended").code()
    }

    fn errors(&mut self) -> String {
        let mut text = String::new();
        self.process
            .stderr
            .take()
            .expect("piped")
            .read_to_string(&mut text)
            .expect("readable");
        text
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended, as it should.
        let _ = self.process.kill();
    }
}

async fn serving(address: SocketAddr) -> Option<ServingStatus> {
    health(channel(&address.to_string(), &GrpcConfig::default()).expect("a channel"))
        .await
        .ok()
}

/// gRPC stays open, and says so as soon as it has heard of the stop.
async fn says_not_to_come(grpc: SocketAddr) {
    loop {
        match serving(grpc).await {
            Some(ServingStatus::NotServing) => return,
            Some(_) => tokio::task::yield_now().await,
            None => panic!("gRPC was closed before what is in flight had finished"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_stops_intake_then_waits_for_what_is_in_flight_then_closes_grpc() {
    let directory = tempfile::tempdir().expect("a directory");
    let answer = directory.path().join("answer");
    let mut started = Started::new(&[("IG__WORK__NAMES", &answer.display().to_string())]);
    let grpc: SocketAddr = started.hear().parse().expect("an address");
    assert!(serving(grpc).await.is_some());
    started.signal();
    assert_eq!(started.hear(), "intake stopped");
    says_not_to_come(grpc).await;
    std::fs::write(&answer, "").expect("written");
    assert_eq!(started.hear(), "in flight finished");
    assert_eq!(started.code(), Some(0), "{}", started.errors());
    assert_eq!(serving(grpc).await, None);
}

#[test]
fn a_second_signal_ends_it_at_once_with_a_failure() {
    let mut started = Started::new(&[("IG__WORK__NAMES", "/nonexistent/answer")]);
    started.hear();
    started.signal();
    assert_eq!(started.hear(), "intake stopped");
    started.signal();
    assert_eq!(started.code(), Some(1));
}

#[test]
fn a_spent_grace_ends_it_with_a_failure_that_names_the_task() {
    let mut started = Started::new(&[
        ("IG__WORK__NAMES", "/nonexistent/answer"),
        ("IG__SHUTDOWN__GRACE_SECONDS", "0"),
    ]);
    started.hear();
    started.signal();
    assert_ne!(started.code(), Some(0));
    assert!(started.errors().contains("\"tasks\":\"intake\""));
}

#[test]
fn a_service_that_cannot_start_says_why_and_fails() {
    let mut started = Started::new(&[("IG__WORK__BATCH", "13")]);
    assert_ne!(started.code(), Some(0));
    assert!(started.errors().contains("batches of 13 bring bad luck"));
}

#[test]
fn a_faulty_configuration_is_told_in_full_before_anything_starts() {
    let mut started = Started::new(&[("IG__WORK__BATCH", "many"), ("IG__ADMIN__LISTEN", "nowhere")]);
    assert_ne!(started.code(), Some(0));
    let errors = started.errors();
    assert!(
        errors.contains("IG__WORK__BATCH") && errors.contains("IG__ADMIN__LISTEN"),
        "{errors}"
    );
}

#[test]
fn log_lines_are_json_with_trace_and_span_ids_though_nothing_is_exported() {
    let mut started = Started::new(&[("IG__WORK__NAMES", "/")]);
    started.hear();
    started.signal();
    assert_eq!(started.code(), Some(0));
    let errors = started.errors();
    let line = errors.lines().find(|line| line.contains("a line of work")).expect("logged");
    let line: serde_json::Value = serde_json::from_str(line).expect("one JSON object");
    assert_eq!(line["message"], "a line of work");
    assert_eq!(line["span"]["name"], "work");
    assert_eq!(line["trace_id"].as_str().map(str::len), Some(32));
    assert_eq!(line["span_id"].as_str().map(str::len), Some(16));
}
