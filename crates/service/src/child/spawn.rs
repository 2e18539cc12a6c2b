//! A thread a child: Linux ties "kill it when its parent dies" to the thread that spawned it, so that thread has to stay.

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

use super::{Child, Command, output::Tail};

/// How long the output of an ended child is read on.
const LAST_WORDS: Duration = Duration::from_millis(500);

type Started = io::Result<(u32, OwnedFd)>;

pub(super) fn start(command: Command) -> io::Result<Child> {
    let program = command.program.clone();
    let output = Tail::default();
    let (exit_sender, exit) = watch::channel(None);
    let (started_sender, started) = mpsc::sync_channel(1);
    let tail = output.clone();
    let thread = thread::Builder::new().name("child".to_owned());
    thread.spawn(move || live(&command, &tail, &started_sender, &exit_sender))?;
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

/// Spawns the child and stays until it has ended.
fn live(command: &Command, tail: &Tail, started: &mpsc::SyncSender<Started>, exit: &watch::Sender<Option<ExitStatus>>) {
    let (reading, read) = mpsc::channel();
    let spawned = spawn(command).and_then(|mut process| {
        tail.follow(process.stdout.take(), reading.clone())?;
        tail.follow(process.stderr.take(), reading)?;
        let handle = handle(&process)?;
        Ok((process, handle))
    });
    match spawned {
        Ok((mut process, handle)) => {
            // Nobody may be waiting any more; the child is waited for all the same.
            let _ = started.send(Ok((process.id(), handle)));
            let status = process.wait().ok();
            // Its last words come before the news of its end; a grandchild that keeps the pipe open may not hold it up.
            let _ = read.recv_timeout(LAST_WORDS);
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
    // A group of its own: a Ctrl-C in the terminal is ours to handle, in our order.
    spawn.process_group(0);
    die_with_us(&mut spawn);
    spawn.spawn()
}

// SAFETY: the closure runs between fork and exec and makes one system call: it neither allocates nor locks.
#[allow(unsafe_code)]
fn die_with_us(spawn: &mut Spawn) {
    unsafe {
        spawn.pre_exec(|| set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from));
    }
}

fn handle(process: &Process) -> io::Result<OwnedFd> {
    let id = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
    let id = id.ok_or_else(|| io::Error::other("a process without a number"))?;
    Ok(pidfd_open(id, PidfdFlags::empty())?)
}
