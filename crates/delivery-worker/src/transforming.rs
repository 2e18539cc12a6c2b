//! The worker's transformer: a pool of script workers, and the lookup tables behind a cache.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use ig_core::alert::{Alert, Severity};
use ig_core::clock::{Clock, SystemClock};
use ig_core::ports::Alerts as _;
use ig_service::{Context, Fate};
use ig_store::{LookupUse, MongoLookups, Store};
use ig_transform::script::{Disabled, ScriptPool};
use ig_transform::{CacheLimits, LookupCache, Transformer, Usage};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::alerting::Alerting;
use crate::config::Config;

/// How often the counts of lookups are written down.
const USAGE_INTERVAL: Duration = Duration::from_secs(30);

/// Starts the pool and the cache.
pub(crate) fn start(
    config: &Config,
    context: &Context,
    store: &Store,
    alerting: Alerting,
) -> anyhow::Result<(Transformer, Arc<LookupCache>)> {
    let pool = ScriptPool::start(config.scripts.pool()).context("section scripts")?;
    let stop = context.stopping().clone();
    let disabled = pool.disabled();
    context.spawn("alerts of scripts", Fate::RunsUntilShutdown, async move {
        stop.run_until_cancelled(raise_disabled(disabled, alerting)).await;
    });
    let lookups = Arc::new(LookupCache::new(Arc::new(store.lookups()), CacheLimits::default()));
    let counting = count_usage(Arc::clone(&lookups), store.lookups());
    let stop = context.stopping().clone();
    context.spawn("lookup usage", Fate::RunsUntilShutdown, async move {
        stop.run_until_cancelled(counting).await;
    });
    let transformer = Transformer::new(Arc::new(pool), Arc::clone(&lookups) as Arc<dyn ig_core::ports::Lookups>);
    Ok((transformer, lookups))
}

async fn raise_disabled(mut disabled: Receiver<Disabled>, alerting: Alerting) {
    loop {
        match disabled.recv().await {
            Ok(script) => alerting.raise(&alert(&script)).await,
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "scripts were disabled faster than alerts are raised"),
            Err(RecvError::Closed) => return,
        }
    }
}

fn alert(script: &Disabled) -> Alert {
    Alert {
        org_id: Some(script.org),
        kind: "script-disabled".to_owned(),
        key: script.hash.to_string(),
        severity: Severity::Critical,
        message: format!(
            "A script had to be stopped {} times and is not run for {} minutes. Its deliveries wait meanwhile; correct it and they are made.",
            script.stops,
            script.cool_down.as_secs() / 60
        ),
        at: SystemClock.now(),
    }
}

async fn count_usage(cache: Arc<LookupCache>, lookups: MongoLookups) {
    loop {
        tokio::time::sleep(USAGE_INTERVAL).await;
        let usage = by_table(cache.drain_usage());
        if let Err(error) = lookups.record_usage(&usage).await {
            tracing::warn!(%error, "the use of lookup rows could not be counted");
        }
    }
}

/// What was counted by key, by table.
fn by_table(usage: Vec<Usage>) -> Vec<LookupUse> {
    let day = SystemClock.now().date_naive();
    let mut tables = HashMap::new();
    for Usage {
        org_id,
        key,
        mapped,
        unmapped,
        entity: _,
    } in usage
    {
        let table = tables.entry((org_id, key.lookup_type)).or_insert((0, 0));
        *table = (table.0 + mapped, table.1 + unmapped);
    }
    let uses = tables
        .into_iter()
        .map(|((org_id, lookup_type), (resolved, unmapped))| LookupUse {
            org_id,
            lookup_type,
            resolved,
            unmapped,
            day,
        });
    uses.collect()
}
