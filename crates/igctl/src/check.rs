//! `igctl config check`.

use std::process::ExitCode;

use crate::output;
use crate::settings::Settings;
use crate::stack_config::StackConfig;

/// Prints the effective configuration of each service, or every fault.
pub(crate) fn main() -> anyhow::Result<ExitCode> {
    let config = StackConfig::load(&Settings::from_process())?;
    output::line(ig_service::masked(&config).trim_end());
    Ok(ExitCode::SUCCESS)
}
