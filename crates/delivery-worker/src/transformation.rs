//! Starts the worker's transformer: a pool of script workers, and a cache of the lookup tables.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use ig_core::clock::{Clock, SystemClock};
use ig_service::{Context, TaskKind};
use ig_store::{LookupUsage, MongoLookups, Store};
use ig_transform::script::{ScriptEngine, ScriptPool};
use ig_transform::{CacheLimits, LookupCache, PayloadSchemas, Transformer, Usage, raise_disabled_alerts};

use crate::config::Config;
use ig_peers::AlertClient;

/// How often the usage of lookups is stored.
const USAGE_INTERVAL: Duration = Duration::from_secs(30);

/// The parts that run tenants' rules, scripts and schemas.
pub(crate) struct TransformComponents {
    /// Transforms payloads.
    pub transformer: Transformer,
    /// The lookup tables it reads.
    pub lookups: Arc<LookupCache>,
    /// Checks payloads against schemas.
    pub schemas: Arc<PayloadSchemas>,
}

/// Starts the pool and the cache.
pub(crate) fn start(
    config: &Config,
    context: &Context,
    store: &Store,
    alerting: AlertClient,
) -> anyhow::Result<TransformComponents> {
    let pool = ScriptPool::start(config.scripts.pool()).context("section scripts")?;
    let stop = context.stopping().clone();
    let disabled = pool.disabled();
    let pool: Arc<dyn ScriptEngine> = Arc::new(pool);
    let schemas = Arc::new(PayloadSchemas::new(Arc::clone(&pool)));
    let known = Arc::clone(&schemas);
    context.spawn("alerts of scripts", TaskKind::RunsUntilShutdown, async move {
        stop.run_until_cancelled(raise_disabled_alerts(disabled, &known, &alerting, &SystemClock))
            .await;
    });
    let lookups = Arc::new(LookupCache::new(Arc::new(store.lookups()), CacheLimits::default()));
    let counting = record_usage(Arc::clone(&lookups), store.lookups());
    let stop = context.stopping().clone();
    context.spawn("lookup usage", TaskKind::RunsUntilShutdown, async move {
        stop.run_until_cancelled(counting).await;
    });
    let transformer = Transformer::new(pool, Arc::clone(&lookups) as Arc<dyn ig_core::ports::Lookups>);
    Ok(TransformComponents {
        transformer,
        lookups,
        schemas,
    })
}

async fn record_usage(cache: Arc<LookupCache>, lookups: MongoLookups) {
    loop {
        tokio::time::sleep(USAGE_INTERVAL).await;
        let usage = sum_by_table(cache.drain_usage());
        if let Err(error) = lookups.record_usage(&usage).await {
            tracing::warn!(%error, "the use of lookup rows could not be counted");
        }
    }
}

/// Sums the usage of keys up by table.
fn sum_by_table(usage: Vec<Usage>) -> Vec<LookupUsage> {
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
        .map(|((org_id, lookup_type), (resolved, unmapped))| LookupUsage {
            org_id,
            lookup_type,
            resolved,
            unmapped,
            day,
        });
    uses.collect()
}
