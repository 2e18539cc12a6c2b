//! The job-runner process, and the workers that run its scripts.

use std::process::ExitCode;

use ig_transform::script;

fn main() -> ExitCode {
    if script::is_worker() {
        return script::worker_main();
    }
    ig_service::main(ig_job_runner::PROCESS, ig_job_runner::run)
}
