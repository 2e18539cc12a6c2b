//! A context in which a script can change no built-in and reach nothing of the host.

use std::rc::Rc;

use boa_engine::context::ContextBuilder;
use boa_engine::module::IdleModuleLoader;
use boa_engine::object::builtins::JsFunction;
use boa_engine::{Context, JsError, JsResult, JsValue, Source, js_string};

use super::clock::HeldClock;
use super::hooks::Hooks;
use super::jobs::Jobs;
use super::state::State;
use super::{console, natives};
use crate::script::ScriptFault;
use crate::script::limits::{MAX_LOOP_ITERATIONS, MAX_RECURSION, MAX_VM_STACK};
use crate::script::wire::Failure;
use crate::script::worker::engine::LookupService;

/// Freezes every object that a script can reach.
const FREEZE: &str = include_str!("freeze.js");

/// A frozen context and the host's handles on it.
pub(super) struct Sandbox {
    pub(super) context: Context,
    pub(super) state: Rc<State>,
    pub(super) jobs: Rc<Jobs>,
    pub(super) clock: Rc<HeldClock>,
}

impl Sandbox {
    pub(super) fn new(lookups: Rc<dyn LookupService>) -> Result<Self, Failure> {
        let (jobs, clock) = (Rc::<Jobs>::default(), Rc::<HeldClock>::default());
        let (context, state) = build(lookups, jobs.clone(), clock.clone()).map_err(|error| unusable(&error))?;
        Ok(Self {
            context,
            state,
            jobs,
            clock,
        })
    }
}

fn build(lookups: Rc<dyn LookupService>, jobs: Rc<Jobs>, clock: Rc<HeldClock>) -> JsResult<(Context, Rc<State>)> {
    let builder = ContextBuilder::new()
        .host_hooks(Rc::new(Hooks))
        .clock(clock)
        .job_executor(jobs);
    let mut context = builder.module_loader(Rc::new(IdleModuleLoader)).build()?;
    let state = Rc::new(State::new(lookups, stringify(&mut context)?));
    context.insert_data(state.clone());
    console::install(&mut context)?;
    natives::install(&mut context)?;
    context.eval(Source::from_bytes(FREEZE))?;
    set_limits(&mut context);
    Ok((context, state))
}

fn set_limits(context: &mut Context) {
    let limits = context.runtime_limits_mut();
    limits.set_loop_iteration_limit(MAX_LOOP_ITERATIONS);
    limits.set_recursion_limit(MAX_RECURSION);
    limits.set_stack_size_limit(MAX_VM_STACK);
}

fn stringify(context: &mut Context) -> JsResult<JsFunction> {
    let json = context.intrinsics().objects().json();
    let function = json.get(js_string!("stringify"), context)?;
    function
        .as_function()
        .ok_or_else(|| JsError::from_opaque(JsValue::undefined()))
}

fn unusable(error: &JsError) -> Failure {
    Failure::new(
        ScriptFault::Unavailable,
        format!("the script engine could not be prepared: {error}"),
    )
}
