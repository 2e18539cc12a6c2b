//! `igctl sources rewind`.

use std::process::ExitCode;

use anyhow::bail;
use ig_core::id::SourceId;
use ig_core::ports::PartitionLeases as _;
use ig_store::{SecretSealer, Store};

use crate::arguments::RewindArguments;
use crate::output;
use crate::runtime::run;
use crate::settings::Settings;
use crate::stack_config::StackConfig;

/// Rewinds a source to a row. Workers may run meanwhile: they release their partitions and reacquire them at the new position.
pub(crate) fn rewind(arguments: &RewindArguments) -> anyhow::Result<ExitCode> {
    let config = StackConfig::load(&Settings::from_process())?.api_gateway;
    let secrets = SecretSealer::new(&config.secrets)?;
    let RewindArguments { source, to, anew } = arguments;
    let source = SourceId::new(source);
    run(async {
        let leases = Store::connect(&config.mongodb, secrets).await?.partition_leases();
        let Some(marks) = leases.source_marks(&source).await? else {
            bail!("no worker has ever read a source {source}: give the name of one of the sections of [sources]");
        };
        if *anew {
            leases.start_generation(&source, *to).await?;
        } else {
            leases.rewind(&source, *to).await?;
        }
        let what = if *anew {
            "Its rows are new events, whatever ids they have."
        } else {
            "Events that are as they were are not delivered again."
        };
        output::line(format!(
            "{source} is read again from behind row {to}; it had been read up to row {}. {what}",
            marks.highest_read
        ));
        Ok(ExitCode::SUCCESS)
    })
}
