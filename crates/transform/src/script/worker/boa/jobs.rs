//! The promise jobs of one run.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::pin;
use std::rc::Rc;
use std::task::{self, Waker};

use boa_engine::job::{Job, JobExecutor, NativeAsyncJob};
use boa_engine::{Context, JsResult};

use super::state::State;
use crate::script::ScriptFault;
use crate::script::limits::MAX_JOBS;
use crate::script::wire::Failure;

/// Runs the jobs in their order, up to the limit on their number.
#[derive(Default)]
pub(super) struct Jobs {
    queued: RefCell<VecDeque<Job>>,
    ran: Cell<u64>,
}

impl Jobs {
    /// Drops the queued jobs: no job of one run may run in the next.
    pub(super) fn clear(&self) {
        self.queued.borrow_mut().clear();
        self.ran.set(0);
    }

    /// Whether no job is queued.
    pub(super) fn is_empty(&self) -> bool {
        self.queued.borrow().is_empty()
    }

    fn count(&self, context: &Context) -> JsResult<()> {
        self.ran.set(self.ran.get() + 1);
        if self.ran.get() <= MAX_JOBS {
            return Ok(());
        }
        let message = format!("the script went through more than {MAX_JOBS} steps of promises");
        Err(State::of(context).end(Failure::new(ScriptFault::Limit, message)))
    }
}

impl JobExecutor for Jobs {
    fn enqueue_job(self: Rc<Self>, job: Job, _: &mut Context) {
        self.queued.borrow_mut().push_back(job);
    }

    fn run_jobs(self: Rc<Self>, context: &mut Context) -> JsResult<()> {
        loop {
            let Some(job) = self.queued.borrow_mut().pop_front() else {
                return Ok(());
            };
            self.count(context)?;
            match job {
                Job::PromiseJob(job) => drop(job.call(context)?),
                Job::AsyncJob(job) => poll(job, context)?,
                // Timers and clean-ups do not exist in scripts.
                _ => {}
            }
        }
    }
}

/// The engine's own asynchronous jobs (a refused `import()`) are ready at once; none waits for anything outside.
fn poll(job: NativeAsyncJob, context: &mut Context) -> JsResult<()> {
    let context = RefCell::new(context);
    let future = pin!(job.call(&context));
    match future.poll(&mut task::Context::from_waker(Waker::noop())) {
        task::Poll::Ready(end) => end.map(drop),
        task::Poll::Pending => Ok(()),
    }
}
