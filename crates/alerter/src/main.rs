//! Notices what is failing and tells people once.

use std::process::ExitCode;

fn main() -> ExitCode {
    ig_service::main(ig_alerter::PROCESS, ig_alerter::run)
}
