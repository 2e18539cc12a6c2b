//! Notifies people of failures, once for each.

use std::process::ExitCode;

fn main() -> ExitCode {
    ig_service::main(ig_alerter::PROCESS, ig_alerter::run)
}
