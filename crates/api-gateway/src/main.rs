//! The HTTP edge: management API, event push, and the configuration feed for every other service.

use std::process::ExitCode;

fn main() -> ExitCode {
    ig_service::main(ig_api_gateway::PROCESS, ig_api_gateway::run)
}
