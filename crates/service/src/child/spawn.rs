//! One thread per child: Linux ties the parent-death signal to the spawning thread, so that thread has to stay alive.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child as Process, Command as Spawn, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::{
    fd::OwnedFd,
    process::{Pid, PidfdFlags, Signal, pidfd_open, set_parent_process_death_signal},
};
use tokio::sync::watch;

use super::{Child, Command, output::OutputTail};

/// How long to keep reading the output of an exited child.
const OUTPUT_GRACE: Duration = Duration::from_millis(500);

type Started = io::Result<(u32, OwnedFd)>;

pub(super) fn start(command: Command) -> io::Result<Child> {
    let program = command.program.clone();
    let output = OutputTail::default();
    let (exit_sender, exit) = watch::channel(None);
    let (started_sender, started) = mpsc::sync_channel(1);
    let tail = output.clone();
    let thread = thread::Builder::new().name("child".to_owned());
    thread.spawn(move || run_child(&command, &tail, &started_sender, &exit_sender))?;
    let (id, handle) = started
        .recv()
        .unwrap_or_else(|_| Err(io::Error::other("its thread has died")))?;
    Ok(Child {
        program,
        id,
        handle,
        output,
        exit,
    })
}

/// Spawns the child and stays until it has exited.
fn run_child(
    command: &Command,
    tail: &OutputTail,
    started: &mpsc::SyncSender<Started>,
    exit: &watch::Sender<Option<ExitStatus>>,
) {
    let (reading, read) = mpsc::channel();
    let spawned = spawn(command).and_then(|mut process| {
        tail.follow(process.stdout.take(), reading.clone())?;
        tail.follow(process.stderr.take(), reading)?;
        let handle = open_pidfd(&process)?;
        Ok((process, handle))
    });
    match spawned {
        Ok((mut process, handle)) => {
            // The receiver may be gone; the thread still waits for the child.
            let _ = started.send(Ok((process.id(), handle)));
            let status = process.wait().ok();
            // Publish the exit after the last output, but do not wait for a grandchild that keeps the pipe open.
            let _ = read.recv_timeout(OUTPUT_GRACE);
            exit.send_replace(status);
        }
        Err(error) => {
            let _ = started.send(Err(error));
        }
    }
}

fn spawn(command: &Command) -> io::Result<Process> {
    let mut spawn = Spawn::new(&command.program);
    spawn
        .args(&command.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // Its own process group: a Ctrl-C in the terminal reaches this process alone, which stops children in order.
    spawn.process_group(0);
    kill_with_parent(&mut spawn);
    spawn.spawn()
}

// SAFETY: the closure runs between fork and exec and makes one system call: it neither allocates nor locks.
#[allow(unsafe_code)]
fn kill_with_parent(spawn: &mut Spawn) {
    unsafe {
        spawn.pre_exec(|| set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from));
    }
}

fn open_pidfd(process: &Process) -> io::Result<OwnedFd> {
    let id = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
    let id = id.ok_or_else(|| io::Error::other("a process without a number"))?;
    Ok(pidfd_open(id, PidfdFlags::empty())?)
}
