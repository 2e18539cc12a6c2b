//! Retries dead letters: due ones become delivery commands.

use std::process::ExitCode;

fn main() -> ExitCode {
    ig_service::main(ig_dlq_retrier::PROCESS, ig_dlq_retrier::run)
}
