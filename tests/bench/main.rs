//! `make bench`: the platform's performance targets, measured on real parts, next to the ceiling of the same run.

#![allow(clippy::print_stdout, reason = "a table for people is what it is for")]

mod ceiling;
mod fairness;
mod hostile;
mod latency;
mod limit;
mod management;
mod mappings;
mod proxy;
mod report;
mod scale;
mod schedules;
mod scripts;
mod stack;
mod throughput;

use std::process::ExitCode;

use ig_transform::script::{is_worker, worker_main};
use report::Report;

/// The allocator of the services.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Every figure is the median of this many runs.
const RUNS: usize = 3;

/// The script pool starts this program again as a worker.
fn main() -> anyhow::Result<ExitCode> {
    if is_worker() {
        return Ok(worker_main());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure())?;
    Ok(ExitCode::SUCCESS)
}

async fn measure() -> anyhow::Result<()> {
    // cargo passes `--bench`; any other argument names a figure to run alone.
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|one| one == name);
    let mut report = Report::begin();
    if wanted("outbound") {
        throughput::outbound(&mut report).await?;
    }
    if wanted("script") {
        throughput::outbound_with_scripts(&mut report).await?;
    }
    if wanted("hostile") {
        fairness::among_hostile_scripts(&mut report).await?;
        hostile::neighbours(&mut report).await?;
    }
    if wanted("fan-out") {
        throughput::fan_out(&mut report).await?;
    }
    if wanted("latency") {
        latency::rows(&mut report).await?;
        latency::pushes(&mut report).await?;
    }
    if wanted("dead-target") {
        fairness::dead_target(&mut report).await?;
    }
    if wanted("backlog") {
        fairness::behind_a_million(&mut report).await?;
    }
    if wanted("schedules") {
        schedules::due_at_once(&mut report).await?;
    }
    if wanted("scale") {
        scale::many_tenants(&mut report).await?;
    }
    if wanted("management") {
        management::beside_a_million(&mut report).await?;
    }
    if wanted("proxy") {
        proxy::beside_nginx(&mut report).await?;
    }
    if wanted("limit") {
        limit::limited(&mut report).await?;
    }
    if wanted("transform") {
        mappings::simple(&mut report)?;
        scripts::through_the_pool(&mut report).await?;
    }
    if wanted("start") {
        stack::start_time(&mut report).await?;
    }
    report.finish()
}

/// The median of some figures.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
