//! Turns due delayed and recurring deliveries into delivery commands.

use std::process::ExitCode;

fn main() -> ExitCode {
    ig_service::main(ig_scheduler::PROCESS, ig_scheduler::run)
}
