//! The local stack in one process, and operator commands.

use std::process::ExitCode;

fn main() -> ExitCode {
    igctl::main()
}
