//! A receiver's record and planned answers.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use super::answer::Answer;
use super::record::ReceivedRequest;

#[derive(Debug)]
pub(super) struct State {
    /// `None` if requests are only counted.
    recorded: Option<Mutex<Vec<ReceivedRequest>>>,
    count: AtomicU64,
    plan: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    scripts: HashMap<String, VecDeque<Answer>>,
    always: HashMap<String, Answer>,
    otherwise: Answer,
}

impl State {
    pub(super) fn recording() -> Self {
        Self {
            recorded: Some(Mutex::default()),
            ..Self::counting()
        }
    }

    pub(super) fn counting() -> Self {
        Self {
            recorded: None,
            count: AtomicU64::new(0),
            plan: Mutex::default(),
        }
    }

    pub(super) fn is_recording(&self) -> bool {
        self.recorded.is_some()
    }

    /// Records a request before its answer.
    pub(super) fn record(&self, request: ReceivedRequest) {
        if let Some(recorded) = &self.recorded {
            recorded.lock().push(request);
        }
        self.increment();
    }

    pub(super) fn increment(&self) {
        self.count.fetch_add(1, Relaxed);
    }

    pub(super) fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    pub(super) fn requests(&self) -> Vec<ReceivedRequest> {
        self.recorded
            .as_ref()
            .map(|recorded| recorded.lock().clone())
            .unwrap_or_default()
    }

    pub(super) fn forget(&self) {
        if let Some(recorded) = &self.recorded {
            recorded.lock().clear();
        }
        self.count.store(0, Relaxed);
    }

    pub(super) fn script(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        self.plan.lock().scripts.entry(path.to_owned()).or_default().extend(answers);
    }

    pub(super) fn always(&self, path: &str, answer: Answer) {
        self.plan.lock().always.insert(path.to_owned(), answer);
    }

    pub(super) fn otherwise(&self, answer: Answer) {
        self.plan.lock().otherwise = answer;
    }

    /// The answer to the next request to a path.
    pub(super) fn next_answer(&self, path: &str) -> Answer {
        let mut plan = self.plan.lock();
        let scripted = plan.scripts.get_mut(path).and_then(VecDeque::pop_front);
        scripted.unwrap_or_else(|| plan.always.get(path).unwrap_or(&plan.otherwise).clone())
    }
}
