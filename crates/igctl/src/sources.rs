//! `igctl sources rewind`.

use std::process::ExitCode;

use anyhow::bail;
use ig_core::id::SourceId;
use ig_core::ports::PartitionLeases as _;
use ig_store::{SecretBox, Store};

use crate::arguments::RewindArguments;
use crate::runtime::run;
use crate::say;
use crate::settings::Settings;
use crate::six::Six;

/// Has a source read again from behind a row. Workers may run meanwhile: they let go of their partitions and take them up from there.
pub(crate) fn rewind(arguments: &RewindArguments) -> anyhow::Result<ExitCode> {
    let config = Six::load(&Settings::of_process())?.api_gateway;
    let secrets = SecretBox::new(&config.secrets)?;
    let RewindArguments { source, to, anew } = arguments;
    let source = SourceId::new(source);
    run(async {
        let leases = Store::connect(&config.mongodb, secrets).await?.partition_leases();
        let Some(marks) = leases.source_marks(&source).await? else {
            bail!("no worker has ever read a source {source}: give the name of one of the sections of [sources]");
        };
        if *anew {
            leases.begin_anew(&source, *to).await?;
        } else {
            leases.rewind(&source, *to).await?;
        }
        let what = if *anew {
            "Its rows are new events, whatever ids they have."
        } else {
            "Events that are as they were are not delivered again."
        };
        say::line(format!(
            "{source} is read again from behind row {to}; it had been read up to row {}. {what}",
            marks.seen
        ));
        Ok(ExitCode::SUCCESS)
    })
}
