//! What is said to a worker for one call.

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
use crate::script::wire::{Ended, Reply, Request, RunHead};

/// What a worker that was told to end a run may take for it.
const GRACE: Duration = Duration::from_millis(100);
/// Processor time is told in steps of this.
const TICK: Duration = Duration::from_millis(10);

/// How a talk ended.
pub(super) enum End<T> {
    /// With an answer; a worn worker is to be replaced. It is a strike against the script when the engine had to stop it.
    Answered {
        answer: Result<T, ScriptError>,
        worn: bool,
        strike: bool,
    },
    /// Too late: the worker has to be killed. It is a strike against the script unless it waited for us.
    Overdue { answer: ScriptError, strike: bool },
    /// The worker died.
    Lost { loading: bool },
}

/// Whether a source is a script.
pub(super) async fn check(worker: &mut Worker, source: &str, kind: ScriptKind, deadline: Duration) -> End<()> {
    compile(worker, &Request::Check { kind }, source, deadline).await
}

/// Makes a script ready, if it is not.
pub(super) async fn load(worker: &mut Worker, key: &Arc<str>, script: &Script, deadline: Duration) -> End<()> {
    if worker.has(key) {
        return spoken(Ok(()));
    }
    let request = Request::Load {
        script: key.to_string(),
        language: script.language(),
    };
    let end = compile(worker, &request, script.source(), deadline).await;
    if matches!(end, End::Answered { answer: Ok(()), .. }) {
        worker.remember(key.clone());
    }
    end
}

async fn compile(worker: &mut Worker, request: &Request, source: &str, deadline: Duration) -> End<()> {
    let talk = async {
        worker.send(request, source.as_bytes()).await?;
        worker.receive().await
    };
    match timeout_at(Instant::now() + deadline, talk).await {
        Ok(Ok((reply, _))) => compiled(reply),
        Ok(Err(_)) => End::Lost { loading: true },
        Err(_) => {
            let answer = ScriptError::new(ScriptFault::Timeout, "the source took too long to compile");
            End::Overdue { answer, strike: true }
        }
    }
}

fn compiled(reply: Reply) -> End<()> {
    let answer = match reply {
        Reply::Fine => Ok(()),
        Reply::Failed { failure, .. } => Err(failure.into_error(Vec::new())),
        _ => return End::Lost { loading: true },
    };
    spoken(answer)
}

/// An answer that nothing else follows from.
fn spoken<T>(answer: Result<T, ScriptError>) -> End<T> {
    End::Answered {
        answer,
        worn: false,
        strike: false,
    }
}

/// Runs a script.
pub(super) async fn run(worker: &mut Worker, key: &Arc<str>, call: &Call<'_>, load_deadline: Duration) -> End<ScriptOutcome> {
    let mut end = once(worker, key, call, load_deadline).await;
    if end.is_none() {
        // The worker had let the script go.
        worker.forget(key);
        end = once(worker, key, call, load_deadline).await;
    }
    end.unwrap_or(End::Lost { loading: true })
}

/// `None` when the worker has not got the script.
async fn once(worker: &mut Worker, key: &Arc<str>, call: &Call<'_>, load_deadline: Duration) -> Option<End<ScriptOutcome>> {
    match load(worker, key, call.script, load_deadline).await {
        End::Answered { answer: Ok(()), .. } => {}
        End::Answered { answer: Err(error), .. } => return Some(spoken(Err(error))),
        End::Overdue { answer, strike } => return Some(End::Overdue { answer, strike }),
        End::Lost { loading } => return Some(End::Lost { loading }),
    }
    let limit = call.deadline.min(MAX_DEADLINE);
    let run = Run {
        call,
        start: Instant::now(),
        limit,
        until: Instant::now() + limit,
        spent_before: worker.processor_time(),
        trouble: None,
    };
    run.finish(worker, key).await
}

struct Run<'a> {
    call: &'a Call<'a>,
    start: Instant,
    limit: Duration,
    /// When it is looked whether it has to end.
    until: Instant,
    /// What its worker had spent of a processor before.
    spent_before: Option<Duration>,
    /// Why a lookup was not answered.
    trouble: Option<ScriptError>,
}

impl Run<'_> {
    async fn finish(mut self, worker: &mut Worker, key: &Arc<str>) -> Option<End<ScriptOutcome>> {
        match self.talk(worker, key).await {
            Ok(Ok((reply, body))) => self.answered(reply, body),
            Ok(Err(_)) => Some(End::Lost { loading: false }),
            Err(_) => Some(self.overdue()),
        }
    }

    fn deadline(&self) -> Instant {
        let grace = if self.trouble.is_some() { GRACE } else { Duration::ZERO };
        self.until + grace
    }

    /// On a machine that has more to do than it can, the clock alone would fail scripts that do nothing wrong: a run goes on while its
    /// worker has not had a processor for the limit, but not for ever.
    fn is_starved(&mut self, worker: &Worker) -> bool {
        let spent = worker.processor_time().zip(self.spent_before);
        let spent = spent.map(|(now, before)| now.saturating_sub(before));
        let left = spent.and_then(|spent| self.limit.checked_sub(spent + TICK));
        let last = self.start + self.limit * worker.room().starved();
        let now = Instant::now();
        match left {
            Some(left) if self.trouble.is_none() && now < last => {
                self.until = (now + left.max(TICK)).min(last);
                true
            }
            _ => false,
        }
    }

    async fn talk(
        &mut self,
        worker: &mut Worker,
        key: &Arc<str>,
    ) -> Result<io::Result<(Reply, Bytes)>, tokio::time::error::Elapsed> {
        let request = Request::Run(self.head(key));
        let sent = timeout_at(self.deadline(), worker.send(&request, self.call.payload)).await?;
        if let Err(error) = sent {
            return Ok(Err(error));
        }
        loop {
            let heard = match timeout_at(self.deadline(), worker.receive()).await {
                Err(_) if self.is_starved(worker) => continue,
                heard => heard?,
            };
            match heard {
                Ok((Reply::Lookup { kind, value }, _)) => {
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
        let asked = Instant::now();
        let trouble = match timeout_at(self.deadline(), self.call.host.lookup(kind, value)).await {
            Ok(Ok(Some(found))) => return (Request::Answer { found: true }, found.to_string().into_bytes()),
            Ok(Ok(None)) => return (Request::Answer { found: false }, Vec::new()),
            Ok(Err(message)) => ScriptError::unavailable(format!("a lookup could not be answered: {message}")),
            // One lookup took most of the time: it is not the script that is slow.
            Err(_) if asked.elapsed() * 2 > self.limit => ScriptError::unavailable("a lookup was not answered in time"),
            Err(_) => self.timeout(),
        };
        self.trouble.get_or_insert(trouble);
        (Request::NoAnswer, Vec::new())
    }

    fn answered(self, reply: Reply, body: Bytes) -> Option<End<ScriptOutcome>> {
        let (value, ended) = match reply {
            Reply::Output(ended) => (Ok(ScriptValue::Output(body)), ended),
            Reply::Skipped(ended) => (Ok(ScriptValue::Skipped), ended),
            Reply::Truth { holds, ended } => (Ok(ScriptValue::Bool(holds)), ended),
            Reply::Failed { failure, ended } => (Err(failure), ended),
            Reply::Missing => return None,
            Reply::Ready | Reply::Fine | Reply::Lookup { .. } => return Some(End::Lost { loading: false }),
        };
        let Ended {
            console,
            micros,
            stopped,
            worn,
        } = ended;
        let strike = stopped && self.trouble.is_none();
        let answer = match (self.trouble, value) {
            (Some(trouble), _) => Err(ScriptError { console, ..trouble }),
            (None, Err(failure)) => Err(failure.into_error(console)),
            (None, Ok(value)) => Ok(ScriptOutcome {
                value,
                console,
                duration: Duration::from_micros(micros),
            }),
        };
        Some(End::Answered { answer, worn, strike })
    }

    fn overdue(self) -> End<ScriptOutcome> {
        let strike = self.trouble.is_none();
        let answer = self.timeout();
        let answer = self.trouble.unwrap_or(answer);
        End::Overdue { answer, strike }
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
