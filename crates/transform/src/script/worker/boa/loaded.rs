//! A compiled script in its context, and its runs.

use std::rc::Rc;

use boa_engine::builtins::promise::PromiseState;
use boa_engine::job::JobExecutor as _;
use boa_engine::object::builtins::JsPromise;
use boa_engine::{JsError, JsValue, Script};

use super::sandbox::Sandbox;
use super::source::LINES_BEFORE;
use super::{failure, input, json};
use crate::script::ScriptFault;
use crate::script::call::ScriptKind;
use crate::script::limits::{MAX_DEPTH, MAX_OUTPUT_BYTES, depth};
use crate::script::wire::{Failure, RunHead};
use crate::script::worker::engine::{LoadedScript, RunResult, Value};
use crate::script::worker::number_digits::{AmbiguousNumbers, NumberDigits};

/// A compiled script. Each run evaluates it again, so that no state of its functions outlives the run.
pub(super) struct BoaScript {
    sandbox: Sandbox,
    script: Script,
    kind: ScriptKind,
    poisoned: bool,
}

impl BoaScript {
    pub(super) fn new(sandbox: Sandbox, script: Script, kind: ScriptKind) -> Self {
        Self {
            sandbox,
            script,
            kind,
            poisoned: false,
        }
    }

    fn value(&mut self, head: &RunHead, payload: &[u8]) -> Result<Value, Failure> {
        let payload = input::payload(payload)?;
        let digits = NumberDigits::of(&payload);
        let payload = json::value(&payload, &mut self.sandbox.context);
        let returned = self.call(head, payload).map_err(|error| self.failed(&error))?;
        let settled = self.settled(returned)?;
        match self.kind {
            ScriptKind::Expression => Ok(Value::Truth(settled.to_boolean())),
            ScriptKind::Transform if settled.is_null() => Ok(Value::Skipped),
            ScriptKind::Transform => self.output(&settled, &digits).map(Value::Output),
        }
    }

    fn call(&mut self, head: &RunHead, payload: JsValue) -> Result<JsValue, JsError> {
        let context = &mut self.sandbox.context;
        let context_object = input::context(head, context);
        let function = self.script.evaluate(context)?;
        let function = function
            .as_function()
            .ok_or_else(|| JsError::from_opaque(JsValue::undefined()))?;
        let returned = function.call(&JsValue::undefined(), &[payload, context_object.into()], context)?;
        if !self.sandbox.jobs.is_empty() {
            Rc::clone(&self.sandbox.jobs).run_jobs(context)?;
        }
        Ok(returned)
    }

    /// The value that a promise settled to; all jobs have run.
    fn settled(&mut self, returned: JsValue) -> Result<JsValue, Failure> {
        let promise = returned.as_object().and_then(|object| JsPromise::from_object(object).ok());
        match promise.map(|promise| promise.state()) {
            None => Ok(returned),
            Some(PromiseState::Fulfilled(value)) => Ok(value),
            Some(PromiseState::Rejected(reason)) => Err(self.failed(&JsError::from_opaque(reason))),
            Some(PromiseState::Pending) => Err(self.stuck()),
        }
    }

    /// Boa reports nothing when an async function meets a limit after its first `await`: its promise stays pending.
    fn stuck(&mut self) -> Failure {
        self.poisoned = true;
        let message = "the script awaits something that never comes, or a loop or recursion after an await went beyond its limit";
        self.sandbox.state.failure().unwrap_or_else(|| error(message))
    }

    fn output(&mut self, value: &JsValue, digits: &NumberDigits) -> Result<String, Failure> {
        if value.is_undefined() {
            return Err(error(
                "the script returned nothing: return the payload, or null to skip the delivery",
            ));
        }
        let stringify = self.sandbox.state.stringify.clone();
        let json = stringify.call(&JsValue::undefined(), std::slice::from_ref(value), &mut self.sandbox.context);
        let json = json.map_err(|error| self.failed(&error))?;
        let json = json
            .as_string()
            .ok_or_else(|| error("the script returned what JSON has no form for"))?;
        let limit = |message| Failure::new(ScriptFault::Limit, message);
        if json.len() > MAX_OUTPUT_BYTES {
            return Err(limit(format!("the script returned more than {MAX_OUTPUT_BYTES} bytes")));
        }
        let json = digits.restore(json.to_std_string_lossy()).map_err(|ambiguous| {
            let AmbiguousNumbers { one, other } = ambiguous;
            error(&format!(
                "{one} and {other} of the payload are one number to a script, which returned it: have them sent as texts"
            ))
        })?;
        if json.len() > MAX_OUTPUT_BYTES {
            return Err(limit(format!("the script returned more than {MAX_OUTPUT_BYTES} bytes")));
        }
        if depth(json.as_bytes()) > MAX_DEPTH {
            return Err(limit(format!("what the script returned nests more than {MAX_DEPTH} levels")));
        }
        Ok(json)
    }

    /// After an error of the engine itself the context is not used again.
    fn failed(&mut self, error: &JsError) -> Failure {
        let failure = failure::of_run(error, LINES_BEFORE, &mut self.sandbox.context);
        self.poisoned |= error.as_engine().is_some() || self.sandbox.state.failure().is_some();
        failure
    }
}

impl LoadedScript for BoaScript {
    fn run(&mut self, head: &RunHead, payload: &[u8]) -> RunResult {
        self.sandbox.state.begin();
        self.sandbox.clock.set(head.now);
        let value = self.value(head, payload);
        self.sandbox.jobs.clear();
        self.sandbox.context.clear_kept_objects();
        let console = self.sandbox.state.console.take().into_lines();
        RunResult { value, console }
    }

    fn is_poisoned(&self) -> bool {
        self.poisoned
    }
}

fn error(message: &str) -> Failure {
    Failure::new(ScriptFault::Error, message)
}
