//! Runs tenants' rules, scripts and schemas in the gateway: for validation on saving, for previews of whole integrations, and for pushed
//! events.

use std::sync::Arc;

use anyhow::Context as _;
use ig_core::clock::SystemClock;
use ig_core::configuration::Change;
use ig_core::ports::Lookups;
use ig_service::{Context, TaskKind};
use ig_store::Store;
use ig_transform::script::{ScriptEngine, ScriptPool, ScriptsConfig};
use ig_transform::{CacheLimits, LookupCache, PayloadSchemas, Transformer, raise_disabled_alerts};

use crate::feed::{ConfigFeed, FeedUpdate};
use ig_peers::AlertClient;

/// Starts the pool of script workers, and the cache of lookup rows, which follows the configuration.
pub(crate) fn start(
    scripts: &ScriptsConfig,
    context: &Context,
    store: &Store,
    feed: &Arc<ConfigFeed>,
    alerting: AlertClient,
) -> anyhow::Result<(Transformer, Arc<PayloadSchemas>)> {
    let pool = ScriptPool::start(scripts.pool()).context("section scripts")?;
    let disabled = pool.disabled();
    let pool: Arc<dyn ScriptEngine> = Arc::new(pool);
    let schemas = Arc::new(PayloadSchemas::new(Arc::clone(&pool)));
    let (known, stop) = (Arc::clone(&schemas), context.stopping().clone());
    context.spawn("alerts of scripts", TaskKind::RunsUntilShutdown, async move {
        stop.run_until_cancelled(raise_disabled_alerts(disabled, &known, &alerting, &SystemClock))
            .await;
    });
    let lookups = Arc::new(LookupCache::new(Arc::new(store.lookups()), CacheLimits::default()));
    let following = invalidate_on_change(Arc::clone(&lookups), Arc::clone(feed));
    let stop = context.stopping().clone();
    context.spawn("lookup cache", TaskKind::RunsUntilShutdown, async move {
        stop.run_until_cancelled(following).await;
    });
    Ok((Transformer::new(pool, lookups as Arc<dyn Lookups>), schemas))
}

/// Drops cached tables when they change.
async fn invalidate_on_change(lookups: Arc<LookupCache>, feed: Arc<ConfigFeed>) {
    let mut revision = feed.revision();
    let mut known_revision = None;
    while revision.changed().await.is_ok() {
        loop {
            match feed.update_for(known_revision) {
                FeedUpdate::Nothing => break,
                FeedUpdate::Snapshot(configuration) => {
                    lookups.invalidate_all();
                    known_revision = Some(configuration.revision());
                }
                FeedUpdate::Changes(changes) => {
                    for revised in &changes {
                        match &revised.change {
                            Change::LookupsChanged(org, lookup_type) => lookups.invalidate(*org, Some(lookup_type)),
                            Change::DeleteOrganization(org) => lookups.invalidate(*org, None),
                            _ => {}
                        }
                    }
                    known_revision = changes.last().map(|revised| revised.revision).or(known_revision);
                }
            }
        }
    }
}
