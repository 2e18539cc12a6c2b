//! `igctl config check`.

use std::process::ExitCode;

use crate::say;
use crate::settings::Settings;
use crate::six::Six;

/// Prints what is in force in each of the services, or everything that is wrong.
pub(crate) fn main() -> anyhow::Result<ExitCode> {
    let six = Six::load(&Settings::of_process())?;
    say::line(ig_service::masked(&six).trim_end());
    Ok(ExitCode::SUCCESS)
}
