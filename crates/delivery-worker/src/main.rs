//! The delivery-worker process.

use std::process::ExitCode;

fn main() -> ExitCode {
    ig_service::main(ig_delivery_worker::PROCESS, ig_delivery_worker::run)
}
