//! The local stack in one process with its script workers, and operator commands.

use std::process::ExitCode;

use ig_transform::script;

fn main() -> ExitCode {
    if script::is_worker() {
        return script::worker_main();
    }
    igctl::main()
}
