//! What a person at the terminal reads; logs go elsewhere.

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

/// One line of output. A reader that has gone away is no reason to stop.
pub(crate) fn line(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Why the command failed, on the error stream.
pub(crate) fn failure(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "igctl: {error:#}");
    ExitCode::FAILURE
}
