//! The messages between pool and worker for one call.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::worker::Worker;
use crate::script::call::{Call, Script, ScriptKind};
use crate::script::error::{ScriptError, ScriptFault};
use crate::script::limits::MAX_DEADLINE;
use crate::script::outcome::{ScriptOutcome, ScriptValue};
use crate::script::wire::{Request, Response, RunHead, RunReport};

/// How long a worker may take to end a run whose lookup failed.
const GRACE: Duration = Duration::from_millis(100);
/// The resolution of processor time.
const TICK: Duration = Duration::from_millis(10);

/// How an exchange ended.
pub(super) enum ExchangeEnd<T> {
    /// The worker responded. The stop of a run at one of the engine's limits is a strike against the script.
    Completed {
        result: Result<T, ScriptError>,
        /// The worker is to be replaced.
        recycle: bool,
        strike: bool,
    },
    /// The worker was late and has to be killed. That is a strike against the script, unless the run waited for us.
    Overdue { error: ScriptError, strike: bool },
    /// The worker died.
    Lost { loading: bool },
}

/// Whether a source is a script.
pub(super) async fn check(worker: &mut Worker, source: &str, kind: ScriptKind, deadline: Duration) -> ExchangeEnd<()> {
    compile(worker, &Request::Check { kind }, source, deadline).await
}

/// Loads a script, unless it is loaded already.
pub(super) async fn load(worker: &mut Worker, key: &Arc<str>, script: &Script, deadline: Duration) -> ExchangeEnd<()> {
    if worker.has_loaded(key) {
        return completed(Ok(()));
    }
    let request = Request::Load {
        script: key.to_string(),
        language: script.language(),
    };
    let end = compile(worker, &request, script.source(), deadline).await;
    if matches!(end, ExchangeEnd::Completed { result: Ok(()), .. }) {
        worker.mark_loaded(key.clone());
    }
    end
}

async fn compile(worker: &mut Worker, request: &Request, source: &str, deadline: Duration) -> ExchangeEnd<()> {
    let exchange = async {
        worker.send(request, source.as_bytes()).await?;
        worker.receive().await
    };
    match timeout_at(Instant::now() + deadline, exchange).await {
        Ok(Ok((response, _))) => compiled(response),
        Ok(Err(_)) => ExchangeEnd::Lost { loading: true },
        Err(_) => {
            let error = ScriptError::new(ScriptFault::Timeout, "the source took too long to compile");
            ExchangeEnd::Overdue { error, strike: true }
        }
    }
}

fn compiled(response: Response) -> ExchangeEnd<()> {
    let result = match response {
        Response::Compiled => Ok(()),
        Response::Failed { failure, .. } => Err(failure.into_error(Vec::new())),
        _ => return ExchangeEnd::Lost { loading: true },
    };
    completed(result)
}

/// A response without consequences for worker or script.
fn completed<T>(result: Result<T, ScriptError>) -> ExchangeEnd<T> {
    ExchangeEnd::Completed {
        result,
        recycle: false,
        strike: false,
    }
}

/// Runs a script.
pub(super) async fn run(
    worker: &mut Worker,
    key: &Arc<str>,
    call: &Call<'_>,
    load_deadline: Duration,
) -> ExchangeEnd<ScriptOutcome> {
    let mut end = try_run(worker, key, call, load_deadline).await;
    if end.is_none() {
        // The worker had evicted the script.
        worker.mark_evicted(key);
        end = try_run(worker, key, call, load_deadline).await;
    }
    end.unwrap_or(ExchangeEnd::Lost { loading: true })
}

/// `None` when the worker has not loaded the script.
async fn try_run(
    worker: &mut Worker,
    key: &Arc<str>,
    call: &Call<'_>,
    load_deadline: Duration,
) -> Option<ExchangeEnd<ScriptOutcome>> {
    match load(worker, key, call.script, load_deadline).await {
        ExchangeEnd::Completed { result: Ok(()), .. } => {}
        ExchangeEnd::Completed { result: Err(error), .. } => return Some(completed(Err(error))),
        ExchangeEnd::Overdue { error, strike } => return Some(ExchangeEnd::Overdue { error, strike }),
        ExchangeEnd::Lost { loading } => return Some(ExchangeEnd::Lost { loading }),
    }
    let limit = call.deadline.min(MAX_DEADLINE);
    let run = Run {
        call,
        start: Instant::now(),
        limit,
        next_check: Instant::now() + limit,
        processor_time_before: worker.processor_time(),
        lookup_error: None,
    };
    run.finish(worker, key).await
}

struct Run<'a> {
    call: &'a Call<'a>,
    start: Instant,
    limit: Duration,
    /// When it is next decided whether the run has to end.
    next_check: Instant,
    /// The processor time that the worker had spent before.
    processor_time_before: Option<Duration>,
    /// Why a lookup failed.
    lookup_error: Option<ScriptError>,
}

impl Run<'_> {
    async fn finish(mut self, worker: &mut Worker, key: &Arc<str>) -> Option<ExchangeEnd<ScriptOutcome>> {
        match self.exchange(worker, key).await {
            Ok(Ok((response, body))) => self.responded(response, body),
            Ok(Err(_)) => Some(ExchangeEnd::Lost { loading: false }),
            Err(_) => Some(self.overdue()),
        }
    }

    fn deadline(&self) -> Instant {
        let grace = if self.lookup_error.is_some() { GRACE } else { Duration::ZERO };
        self.next_check + grace
    }

    /// On an overloaded machine the clock alone would fail scripts that do nothing wrong: a run goes on until its worker has had its limit
    /// in processor time, up to a multiple of the limit by the clock.
    fn is_starved(&mut self, worker: &Worker) -> bool {
        let spent = worker.processor_time().zip(self.processor_time_before);
        let spent = spent.map(|(now, before)| now.saturating_sub(before));
        let left = spent.and_then(|spent| self.limit.checked_sub(spent + TICK));
        let last = self.start + self.limit * worker.subpool().starvation_factor();
        let now = Instant::now();
        match left {
            Some(left) if self.lookup_error.is_none() && now < last => {
                self.next_check = (now + left.max(TICK)).min(last);
                true
            }
            _ => false,
        }
    }

    async fn exchange(
        &mut self,
        worker: &mut Worker,
        key: &Arc<str>,
    ) -> Result<io::Result<(Response, Bytes)>, tokio::time::error::Elapsed> {
        let request = Request::Run(self.head(key));
        let sent = timeout_at(self.deadline(), worker.send(&request, self.call.payload)).await?;
        if let Err(error) = sent {
            return Ok(Err(error));
        }
        loop {
            let received = match timeout_at(self.deadline(), worker.receive()).await {
                Err(_) if self.is_starved(worker) => continue,
                received => received?,
            };
            match received {
                Ok((Response::Lookup { kind, value }, _)) => {
                    let (request, body) = self.look_up(&kind, &value).await;
                    if let Err(error) = worker.send(&request, &body).await {
                        return Ok(Err(error));
                    }
                }
                end => return Ok(end),
            }
        }
    }

    async fn look_up(&mut self, kind: &str, value: &str) -> (Request, Vec<u8>) {
        let began = Instant::now();
        let error = match timeout_at(self.deadline(), self.call.lookups.lookup(kind, value)).await {
            Ok(Ok(Some(found))) => return (Request::LookupResult { found: true }, found.to_string().into_bytes()),
            Ok(Ok(None)) => return (Request::LookupResult { found: false }, Vec::new()),
            Ok(Err(message)) => ScriptError::unavailable(format!("a lookup could not be answered: {message}")),
            // One lookup took most of the time: it is not the script that is slow.
            Err(_) if began.elapsed() * 2 > self.limit => ScriptError::unavailable("a lookup was not answered in time"),
            Err(_) => self.timeout(),
        };
        self.lookup_error.get_or_insert(error);
        (Request::LookupFailed, Vec::new())
    }

    fn responded(self, response: Response, body: Bytes) -> Option<ExchangeEnd<ScriptOutcome>> {
        let (value, report) = match response {
            Response::Output(report) => (Ok(ScriptValue::Output(body)), report),
            Response::Skipped(report) => (Ok(ScriptValue::Skipped), report),
            Response::Truth { holds, report } => (Ok(ScriptValue::Bool(holds)), report),
            Response::Failed { failure, report } => (Err(failure), report),
            Response::NotLoaded => return None,
            Response::Ready | Response::Compiled | Response::Lookup { .. } => return Some(ExchangeEnd::Lost { loading: false }),
        };
        let RunReport {
            console,
            micros,
            stopped,
            recycle,
        } = report;
        let strike = stopped && self.lookup_error.is_none();
        let result = match (self.lookup_error, value) {
            (Some(error), _) => Err(ScriptError { console, ..error }),
            (None, Err(failure)) => Err(failure.into_error(console)),
            (None, Ok(value)) => Ok(ScriptOutcome {
                value,
                console,
                duration: Duration::from_micros(micros),
            }),
        };
        Some(ExchangeEnd::Completed { result, recycle, strike })
    }

    fn overdue(self) -> ExchangeEnd<ScriptOutcome> {
        let strike = self.lookup_error.is_none();
        let timeout = self.timeout();
        let error = self.lookup_error.unwrap_or(timeout);
        ExchangeEnd::Overdue { error, strike }
    }

    fn timeout(&self) -> ScriptError {
        let message = format!("the script did not end within {} ms", self.limit.as_millis());
        ScriptError::new(ScriptFault::Timeout, message)
    }

    fn head(&self, key: &Arc<str>) -> RunHead {
        let context = self.call.context;
        RunHead {
            script: key.to_string(),
            org: context.org.0,
            event_type: context.event_type.clone(),
            tenant_id: context.tenant_id,
            integration_id: context.integration_id.clone(),
            now: context.now.timestamp_millis(),
        }
    }
}
