//! `igctl up`: all six services in this process, on loopback.

mod database;
mod initiate;
mod plan;
mod stack;

use std::process::ExitCode;

use ig_service::{Process, ProcessConfig as _, ServiceHost};

use crate::arguments::UpArguments;
use crate::data_directory::DataDirectory;
use crate::demo::Demo;
use database::Database;
use plan::Plan;

const PROCESS: Process = Process {
    name: "igctl",
    version: env!("CARGO_PKG_VERSION"),
    known_sections: &[],
};

/// Runs the stack until the shutdown.
pub(crate) fn main(arguments: UpArguments) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(run(arguments))
}

async fn run(arguments: UpArguments) -> anyhow::Result<ExitCode> {
    let data = DataDirectory::open(&arguments.data_dir)?;
    let demo = if arguments.demo {
        Some(Demo::prepare(arguments.mysql_url.as_deref()).await?)
    } else {
        None
    };
    let plan = Plan::make(&arguments, &data, demo.as_ref())?;
    let config = plan.configure()?;
    let host = ServiceHost::start(PROCESS, config.api_gateway.telemetry(), config.api_gateway.shutdown())?;
    let stop = host.stop().clone();

    let database = Database::start(&plan.database, &stop).await?;
    let running = stack::run(host, config, &plan, demo);
    // The services always end before the database.
    let code = database.supervise(running, &stop).await;
    database.stop().await;
    code
}
