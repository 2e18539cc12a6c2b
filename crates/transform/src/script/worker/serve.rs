//! A worker's life: confine itself, then answer one request after the other.

use std::fs::File;
use std::io;
use std::rc::Rc;
use std::thread;
use std::time::Instant;

use super::boa::Boa;
use super::confine;
use super::engine::{Engine as _, Finished, Value};
use super::schema::SchemaRun;
use super::shelf::Shelf;
use super::talk::Talk;
use crate::script::call::Language;
use crate::script::limits::WORKER_STACK;
use crate::script::wire::{Ended, Failure, Reply, Request, RunHead};

/// Serves until the socket closes.
pub(super) fn serve() -> io::Result<()> {
    confine::offer_to_be_killed_first();
    let statm = File::open("/proc/self/statm")?;
    let thread = thread::Builder::new().stack_size(WORKER_STACK);
    let ended = thread.spawn(move || answer(statm))?.join();
    ended.unwrap_or_else(|_| Err(io::Error::other("the engine panicked")))
}

fn answer(statm: File) -> io::Result<()> {
    let talk = Rc::new(Talk::on_standard_input()?);
    let shelf = Shelf::new(statm);
    confine::before_scripts()?;
    let mut worker = Worker {
        engine: Boa::new(talk.clone()),
        shelf,
    };
    talk.send(&Reply::Ready, b"")?;
    worker.engine.prepare();
    loop {
        let (request, body) = talk.receive()?;
        // The run that a load was for comes at once, and its time counts.
        let run_follows = matches!(request, Request::Load { .. });
        let (reply, body) = worker.answer(request, &body);
        talk.send(&reply, &body)?;
        if !run_follows && talk.is_quiet() {
            worker.engine.prepare();
        }
    }
}

struct Worker {
    engine: Boa,
    shelf: Shelf,
}

impl Worker {
    fn answer(&mut self, request: Request, body: &[u8]) -> (Reply, Vec<u8>) {
        match request {
            Request::Check { kind } => verdict(text(body).and_then(|source| self.engine.check(source, kind))),
            Request::Load { script, language } => verdict(self.load(script, language, body)),
            Request::Run(head) => self.run(&head, body),
            // An answer that nobody waits for.
            Request::Answer { .. } | Request::NoAnswer => (Reply::Missing, Vec::new()),
        }
    }

    fn load(&mut self, script: String, language: Language, body: &[u8]) -> Result<(), Failure> {
        let source = text(body)?;
        let loaded = match language {
            Language::JavaScript(kind) => self.engine.load(source, kind)?,
            Language::JsonSchema => Box::new(SchemaRun::of(source)),
        };
        self.shelf.put(script, loaded);
        Ok(())
    }

    fn run(&mut self, head: &RunHead, payload: &[u8]) -> (Reply, Vec<u8>) {
        let Some(script) = self.shelf.get(&head.script) else {
            return (Reply::Missing, Vec::new());
        };
        let began = Instant::now();
        let Finished { value, console } = script.run(head, payload);
        let micros = began.elapsed().as_micros().try_into().unwrap_or(u64::MAX);
        let stopped = script.spoiled();
        let worn = self.shelf.settle(&head.script, &mut self.engine);
        let ended = Ended {
            console,
            micros,
            stopped,
            worn,
        };
        match value {
            Ok(Value::Output(json)) => (Reply::Output(ended), json.into_bytes()),
            Ok(Value::Skipped) => (Reply::Skipped(ended), Vec::new()),
            Ok(Value::Truth(holds)) => (Reply::Truth { holds, ended }, Vec::new()),
            Err(failure) => (Reply::Failed { failure, ended }, Vec::new()),
        }
    }
}

fn text(body: &[u8]) -> Result<&str, Failure> {
    std::str::from_utf8(body).map_err(|_| Failure::new(crate::script::ScriptFault::Syntax, "the source is not UTF-8"))
}

fn verdict(result: Result<(), Failure>) -> (Reply, Vec<u8>) {
    let reply = match result {
        Ok(()) => Reply::Fine,
        Err(failure) => Reply::Failed {
            failure,
            ended: Ended::default(),
        },
    };
    (reply, Vec::new())
}
