//! A worker confines itself, then answers one request after the other.

use std::fs::File;
use std::io;
use std::rc::Rc;
use std::thread;
use std::time::Instant;

use super::boa::BoaEngine;
use super::confine;
use super::engine::{Engine as _, RunResult, Value};
use super::schema::LoadedSchema;
use super::script_cache::ScriptCache;
use super::service_socket::ServiceSocket;
use crate::script::call::Language;
use crate::script::limits::WORKER_STACK;
use crate::script::wire::{Failure, Request, Response, RunHead, RunReport};

/// Serves until the socket closes.
pub(super) fn serve() -> io::Result<()> {
    confine::prefer_as_oom_victim();
    let statm = File::open("/proc/self/statm")?;
    let thread = thread::Builder::new().stack_size(WORKER_STACK);
    let result = thread.spawn(move || answer_requests(statm))?.join();
    result.unwrap_or_else(|_| Err(io::Error::other("the engine panicked")))
}

fn answer_requests(statm: File) -> io::Result<()> {
    let socket = Rc::new(ServiceSocket::from_stdin()?);
    let scripts = ScriptCache::new(statm);
    confine::before_scripts()?;
    let mut worker = Worker {
        engine: BoaEngine::new(socket.clone()),
        scripts,
    };
    socket.send(&Response::Ready, b"")?;
    worker.engine.prepare();
    loop {
        let (request, body) = socket.receive()?;
        // The run follows its load at once, and its time counts.
        let run_follows = matches!(request, Request::Load { .. });
        let (response, body) = worker.handle(request, &body);
        socket.send(&response, &body)?;
        if !run_follows && socket.is_idle() {
            worker.engine.prepare();
        }
    }
}

struct Worker {
    engine: BoaEngine,
    scripts: ScriptCache,
}

impl Worker {
    fn handle(&mut self, request: Request, body: &[u8]) -> (Response, Vec<u8>) {
        match request {
            Request::Check { kind } => compile_response(text(body).and_then(|source| self.engine.check(source, kind))),
            Request::Load { script, language } => compile_response(self.load(script, language, body)),
            Request::Run(head) => self.run(&head, body),
            // No run waits for it.
            Request::LookupResult { .. } | Request::LookupFailed => (Response::NotLoaded, Vec::new()),
        }
    }

    fn load(&mut self, script: String, language: Language, body: &[u8]) -> Result<(), Failure> {
        let source = text(body)?;
        let loaded = match language {
            Language::JavaScript(kind) => self.engine.load(source, kind)?,
            Language::JsonSchema => Box::new(LoadedSchema::of(source)),
        };
        self.scripts.insert(script, loaded);
        Ok(())
    }

    fn run(&mut self, head: &RunHead, payload: &[u8]) -> (Response, Vec<u8>) {
        let Some(script) = self.scripts.get(&head.script) else {
            return (Response::NotLoaded, Vec::new());
        };
        let began = Instant::now();
        let RunResult { value, console } = script.run(head, payload);
        let micros = began.elapsed().as_micros().try_into().unwrap_or(u64::MAX);
        let stopped = script.is_poisoned();
        let recycle = self.scripts.evict_after_run(&head.script, &mut self.engine);
        let report = RunReport {
            console,
            micros,
            stopped,
            recycle,
        };
        match value {
            Ok(Value::Output(json)) => (Response::Output(report), json.into_bytes()),
            Ok(Value::Skipped) => (Response::Skipped(report), Vec::new()),
            Ok(Value::Truth(holds)) => (Response::Truth { holds, report }, Vec::new()),
            Err(failure) => (Response::Failed { failure, report }, Vec::new()),
        }
    }
}

fn text(body: &[u8]) -> Result<&str, Failure> {
    std::str::from_utf8(body).map_err(|_| Failure::new(crate::script::ScriptFault::Syntax, "the source is not UTF-8"))
}

fn compile_response(result: Result<(), Failure>) -> (Response, Vec<u8>) {
    let response = match result {
        Ok(()) => Response::Compiled,
        Err(failure) => Response::Failed {
            failure,
            report: RunReport::default(),
        },
    };
    (response, Vec::new())
}
