//! Runs scheduled integrations: fetch, transform, order the delivery.

use std::process::ExitCode;

fn main() -> ExitCode {
    ig_service::main(ig_job_runner::PROCESS, ig_job_runner::run)
}
