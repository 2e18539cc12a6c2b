//! `igctl secrets rotate`.

mod key_report;

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use ig_store::{SecretSealer, SecretsTally, Store};

use crate::arguments::RotateArguments;
use crate::output;
use crate::runtime::run;
use crate::settings::Settings;
use crate::stack_config::StackConfig;
use key_report::KeyReport;

/// The second pass finds secrets written during the first; more are needed only while a service still seals under another key.
const MAX_PASSES: u32 = 5;

/// Seals every stored secret under the first configured key, or only counts them.
pub(crate) fn rotate(arguments: &RotateArguments) -> anyhow::Result<ExitCode> {
    let config = StackConfig::load(&Settings::from_process())?.api_gateway;
    let secrets = SecretSealer::new(&config.secrets)?;
    let keys = KeyReport::new(&secrets);
    run(async {
        let store = Store::connect(&config.mongodb, secrets.clone()).await?;
        if arguments.dry_run {
            let found = store.configuration().count_secrets().await?;
            return report(&keys, &found).map(|()| ExitCode::SUCCESS);
        }
        rotate_until_settled(&store, &keys).await
    })
}

async fn rotate_until_settled(store: &Store, keys: &KeyReport) -> anyhow::Result<ExitCode> {
    for _ in 0..MAX_PASSES {
        let found = store
            .configuration()
            .renew_secrets()
            .await
            .context("begin again: what is done stays done")?;
        report(keys, &found)?;
        if keys.is_settled(&found) {
            output::line(keys.conclusion());
            return Ok(ExitCode::SUCCESS);
        }
    }
    bail!(
        "secrets are still being sealed under other keys: let every service have {} first, then begin again",
        keys.first()
    )
}

fn report(keys: &KeyReport, found: &[SecretsTally]) -> anyhow::Result<()> {
    for tally in found {
        output::line(keys.line(tally));
    }
    let faulty: u64 = found.iter().map(|tally| tally.faulty).sum();
    if faulty == 0 {
        return Ok(());
    }
    let faults = found.iter().flat_map(|tally| &tally.faults);
    let lines: Vec<_> = faults.map(|fault| format!("\n  {fault}")).collect();
    bail!(
        "{faulty} document(s) have secrets that do not open, so no key may be taken out{}",
        lines.concat()
    )
}
