//! Decides when: due delayed and recurring deliveries become delivery orders.

use std::process::ExitCode;

fn main() -> ExitCode {
    ig_service::main(ig_scheduler::PROCESS, ig_scheduler::run)
}
