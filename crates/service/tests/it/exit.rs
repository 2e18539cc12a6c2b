//! How a process exits, seen from outside: this test binary starts itself as the process.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, ExitCode, Stdio},
    time::Duration,
};

use ig_service::{Context, Process, TaskKind, config::GrpcConfig, grpc::channel};
use rustix::process::{Pid, Signal, kill_process};
use tonic_health::pb::health_check_response::ServingStatus;

use crate::{collector::Collector, fixture::Config, grpc::health};

const PROCESS: Process = Process {
    name: "test",
    version: "0",
    known_sections: &[],
};

fn report(line: &str) {
    writeln!(std::io::stdout(), "> {line}").expect("somebody reads");
}

/// Serves gRPC; one task runs until intake stops, then waits for a file as if for a response.
async fn run(config: Config, context: Context) -> anyhow::Result<()> {
    anyhow::ensure!(config.work.batch != 13, "batches of 13 bring bad luck");
    let address = context.serve_grpc(&config.grpc, Collector::services().0).await?;
    tracing::info_span!("work").in_scope(|| tracing::info!("a line of work"));
    let (stopping, awaited) = (context.stopping().clone(), config.work.names.join(","));
    context.spawn("intake", TaskKind::RunsUntilShutdown, async move {
        report(&format!("{address}"));
        stopping.cancelled().await;
        report("intake stopped");
        while !Path::new(&awaited).exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        report("in flight finished");
    });
    Ok(())
}

#[test]
#[ignore = "it is the process that the other tests start"]
fn process() {
    let code = ig_service::main(PROCESS, run);
    assert_eq!(code, ExitCode::SUCCESS);
}

struct TestProcess {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl TestProcess {
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

    /// The next line that [`report`] wrote in the process.
    fn next_line(&mut self) -> String {
        let mut line = String::new();
        while self.lines.read_line(&mut line).expect("readable") > 0 {
            if let Some((_, text)) = line.trim_end().split_once("> ") {
                return text.to_owned();
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

impl Drop for TestProcess {
    fn drop(&mut self) {
        // The process may have exited already.
        let _ = self.process.kill();
    }
}

async fn serving(address: SocketAddr) -> Option<ServingStatus> {
    health(channel(&address.to_string(), &GrpcConfig::default()).expect("a channel"))
        .await
        .ok()
}

/// Waits until the health service reports `NOT_SERVING`; gRPC must stay open meanwhile.
async fn wait_until_not_serving(grpc: SocketAddr) {
    loop {
        match serving(grpc).await {
            Some(ServingStatus::NotServing) => return,
            Some(_) => tokio::task::yield_now().await,
            None => panic!("gRPC was closed before what is in flight had finished"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signal_stops_intake_then_finishes_work_in_flight_then_closes_grpc() {
    let directory = tempfile::tempdir().expect("a directory");
    let answer = directory.path().join("answer");
    let mut process = TestProcess::new(&[("IG__WORK__NAMES", &answer.display().to_string())]);
    let grpc: SocketAddr = process.next_line().parse().expect("an address");
    assert!(serving(grpc).await.is_some());
    process.signal();
    assert_eq!(process.next_line(), "intake stopped");
    wait_until_not_serving(grpc).await;
    std::fs::write(&answer, "").expect("written");
    assert_eq!(process.next_line(), "in flight finished");
    assert_eq!(process.code(), Some(0), "{}", process.errors());
    assert_eq!(serving(grpc).await, None);
}

#[test]
fn second_signal_exits_at_once_with_a_failure() {
    let mut process = TestProcess::new(&[("IG__WORK__NAMES", "/nonexistent/answer")]);
    process.next_line();
    process.signal();
    assert_eq!(process.next_line(), "intake stopped");
    process.signal();
    assert_eq!(process.code(), Some(1));
}

#[test]
fn grace_that_is_over_fails_the_process_and_names_the_task() {
    let mut process = TestProcess::new(&[
        ("IG__WORK__NAMES", "/nonexistent/answer"),
        ("IG__SHUTDOWN__GRACE_SECONDS", "0"),
    ]);
    process.next_line();
    process.signal();
    assert_ne!(process.code(), Some(0));
    assert!(process.errors().contains("\"tasks\":\"intake\""));
}

#[test]
fn service_that_cannot_start_logs_why_and_fails() {
    let mut process = TestProcess::new(&[("IG__WORK__BATCH", "13")]);
    assert_ne!(process.code(), Some(0));
    assert!(process.errors().contains("batches of 13 bring bad luck"));
}

#[test]
fn configuration_faults_are_all_printed_before_anything_starts() {
    let mut process = TestProcess::new(&[("IG__WORK__BATCH", "many"), ("IG__ADMIN__LISTEN", "nowhere")]);
    assert_ne!(process.code(), Some(0));
    let errors = process.errors();
    assert!(
        errors.contains("IG__WORK__BATCH") && errors.contains("IG__ADMIN__LISTEN"),
        "{errors}"
    );
}

#[test]
fn log_lines_are_json_with_trace_and_span_ids_though_nothing_is_exported() {
    let mut process = TestProcess::new(&[("IG__WORK__NAMES", "/")]);
    process.next_line();
    process.signal();
    assert_eq!(process.code(), Some(0));
    let errors = process.errors();
    let line = errors.lines().find(|line| line.contains("a line of work")).expect("logged");
    let line: serde_json::Value = serde_json::from_str(line).expect("one JSON object");
    assert_eq!(line["message"], "a line of work");
    assert_eq!(line["span"]["name"], "work");
    assert_eq!(line["trace_id"].as_str().map(str::len), Some(32));
    assert_eq!(line["span_id"].as_str().map(str::len), Some(16));
}
