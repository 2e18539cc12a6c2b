//! Child processes become ready, stop on request and do not outlive their parent.

use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    process::{self, Stdio},
    time::Duration,
};

use ig_service::child::{Child, ChildError, Command};
use tokio::net::TcpListener;

use crate::fixture::{PATIENCE, until, within};

fn shell(script: &str) -> Child {
    let arguments = ["-c", script].map(Into::into).into();
    Child::start(Command {
        program: "sh".into(),
        arguments,
    })
    .expect("started")
}

/// An address that refuses connections.
async fn silent() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port")
        .local_addr()
        .expect("bound")
}

#[tokio::test]
async fn child_is_ready_when_its_port_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let mut child = shell("exec sleep 600");
    child
        .wait_for_port(listener.local_addr().expect("bound"), PATIENCE)
        .await
        .expect("it answers");
    let status = within("its end", child.stop(PATIENCE)).await.expect("a status");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15));
}

#[tokio::test]
async fn child_that_exits_early_reports_its_last_output() {
    let mut child = shell("echo 'no such data directory' >&2; exit 3");
    let error = child.wait_for_port(silent().await, PATIENCE).await.expect_err("it ended");
    assert!(matches!(error, ChildError::Exited { .. }), "{error}");
    assert!(error.to_string().contains("no such data directory"), "{error}");
}

#[tokio::test]
async fn child_that_never_answers_times_out() {
    let mut child = shell("exec sleep 600");
    let error = child
        .wait_for_port(silent().await, Duration::from_millis(1))
        .await
        .expect_err("silent");
    assert!(matches!(error, ChildError::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn child_that_ignores_sigterm_is_killed() {
    let directory = tempfile::tempdir().expect("a directory");
    let deaf = directory.path().join("deaf");
    let child = shell(&format!(
        "trap '' TERM; touch {}; while :; do sleep 0.1; done",
        deaf.display()
    ));
    until("the trap is set", || async { deaf.exists() }).await;
    let status = within("its end", child.stop(Duration::from_millis(50)))
        .await
        .expect("a status");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
}

#[tokio::test]
async fn child_error_names_a_missing_program() {
    let missing = Command {
        program: "/nonexistent/server".into(),
        arguments: vec![],
    };
    let error = Child::start(missing).expect_err("not there").to_string();
    assert!(error.contains("/nonexistent/server"), "{error}");
}

/// Whether the process with this id runs; a zombie does not.
fn runs(id: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/stat"));
    status.is_ok_and(|status| !status.contains(") Z "))
}

#[tokio::test]
async fn child_ends_when_it_is_dropped() {
    let child = shell("exec sleep 600");
    let id = child.id();
    assert!(runs(id));
    drop(child);
    until("it has ended", || async { !runs(id) }).await;
}

#[test]
#[ignore = "it is the parent that the next test starts"]
fn parent() {
    let child = shell("exec sleep 600");
    writeln!(std::io::stdout(), "> {}", child.id()).expect("somebody reads");
    std::thread::park();
}

#[tokio::test]
async fn child_does_not_outlive_a_killed_parent() {
    let mut parent = process::Command::new(std::env::current_exe().expect("this binary"))
        .args(["child::parent", "--exact", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let lines = BufReader::new(parent.stdout.take().expect("piped")).lines();
    let line = lines
        .map(|line| line.expect("readable"))
        .find_map(|line| Some(line.split_once("> ")?.1.to_owned()));
    let id: u32 = line.expect("it said the number").parse().expect("a number");
    assert!(runs(id));
    parent.kill().expect("killed");
    parent.wait().expect("ended");
    until("the child has ended too", || async { !runs(id) }).await;
}
