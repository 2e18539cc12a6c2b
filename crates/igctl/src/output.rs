//! Output for people at a terminal; logs go elsewhere.

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

/// Prints a line. A closed pipe is not an error.
pub(crate) fn line(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints why the command failed, on the error stream.
pub(crate) fn failure(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "igctl: {error:#}");
    ExitCode::FAILURE
}
