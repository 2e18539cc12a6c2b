//! The api-gateway process, and its script workers.

use std::process::ExitCode;

use ig_transform::script;

fn main() -> ExitCode {
    if script::is_worker() {
        return script::worker_main();
    }
    ig_service::main(ig_api_gateway::PROCESS, ig_api_gateway::run)
}
