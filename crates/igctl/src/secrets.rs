//! `igctl secrets rotate`.

mod account;

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use ig_store::{SecretBox, SecretsTally, Store};

use crate::arguments::RotateArguments;
use crate::runtime::run;
use crate::say;
use crate::settings::Settings;
use crate::six::Six;
use account::Account;

/// One pass finds what services wrote during the one before; it takes more only where one of them still seals under another key.
const MOST_PASSES: u32 = 5;

/// Seals every stored secret under the first of the configured keys, or tells what there is to do.
pub(crate) fn rotate(arguments: &RotateArguments) -> anyhow::Result<ExitCode> {
    let config = Six::load(&Settings::of_process())?.api_gateway;
    let secrets = SecretBox::new(&config.secrets)?;
    let keys = Account::new(&secrets);
    run(async {
        let store = Store::connect(&config.mongodb, secrets.clone()).await?;
        if arguments.dry_run {
            let found = store.configuration().count_secrets().await?;
            return told(&keys, &found).map(|()| ExitCode::SUCCESS);
        }
        rotated(&store, &keys).await
    })
}

async fn rotated(store: &Store, keys: &Account) -> anyhow::Result<ExitCode> {
    for _ in 0..MOST_PASSES {
        let found = store
            .configuration()
            .renew_secrets()
            .await
            .context("begin again: what is done stays done")?;
        told(keys, &found)?;
        if keys.is_settled(&found) {
            say::line(keys.conclusion());
            return Ok(ExitCode::SUCCESS);
        }
    }
    bail!(
        "secrets are still being sealed under other keys: let every service have {} first, then begin again",
        keys.first()
    )
}

fn told(keys: &Account, found: &[SecretsTally]) -> anyhow::Result<()> {
    for tally in found {
        say::line(keys.line(tally));
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
