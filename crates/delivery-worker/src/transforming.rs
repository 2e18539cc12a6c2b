//! The worker's transformer: a pool of script workers, and the lookup tables behind a cache.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use ig_core::alert::{Alert, Severity};
use ig_core::clock::{Clock, SystemClock};
use ig_core::id::EventType;
use ig_core::ports::Alerts as _;
use ig_service::{Context, Fate};
use ig_store::{LookupUse, MongoLookups, Store};
use ig_transform::script::{Disabled, ScriptEngine, ScriptPool};
use ig_transform::{CacheLimits, LookupCache, PayloadSchemas, Transformer, Usage};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::alerting::Alerting;
use crate::config::Config;

/// How often the counts of lookups are written down.
const USAGE_INTERVAL: Duration = Duration::from_secs(30);

/// What runs tenants' rules, scripts and schemas.
pub(crate) struct Transforming {
    /// Shapes payloads.
    pub transformer: Transformer,
    /// The lookup tables that it reads.
    pub lookups: Arc<LookupCache>,
    /// Holds payloads against schemas.
    pub schemas: Arc<PayloadSchemas>,
}

/// Starts the pool and the cache.
pub(crate) fn start(config: &Config, context: &Context, store: &Store, alerting: Alerting) -> anyhow::Result<Transforming> {
    let pool = ScriptPool::start(config.scripts.pool()).context("section scripts")?;
    let stop = context.stopping().clone();
    let disabled = pool.disabled();
    let pool: Arc<dyn ScriptEngine> = Arc::new(pool);
    let schemas = Arc::new(PayloadSchemas::new(Arc::clone(&pool)));
    let known = Arc::clone(&schemas);
    context.spawn("alerts of scripts", Fate::RunsUntilShutdown, async move {
        stop.run_until_cancelled(raise_disabled(disabled, &known, alerting)).await;
    });
    let lookups = Arc::new(LookupCache::new(Arc::new(store.lookups()), CacheLimits::default()));
    let counting = count_usage(Arc::clone(&lookups), store.lookups());
    let stop = context.stopping().clone();
    context.spawn("lookup usage", Fate::RunsUntilShutdown, async move {
        stop.run_until_cancelled(counting).await;
    });
    let transformer = Transformer::new(pool, Arc::clone(&lookups) as Arc<dyn ig_core::ports::Lookups>);
    Ok(Transforming {
        transformer,
        lookups,
        schemas,
    })
}

async fn raise_disabled(mut disabled: Receiver<Disabled>, schemas: &PayloadSchemas, alerting: Alerting) {
    loop {
        match disabled.recv().await {
            Ok(disabled) => {
                let event_type = schemas.event_type_of(disabled.org, &disabled.hash);
                alerting.raise(&alert(&disabled, event_type)).await;
            }
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "scripts were disabled faster than alerts are raised"),
            Err(RecvError::Closed) => return,
        }
    }
}

/// What people are told; `schema_of` is the event type where it is a schema that was disabled.
fn alert(disabled: &Disabled, schema_of: Option<EventType>) -> Alert {
    let (stops, minutes) = (disabled.stops, disabled.cool_down.as_secs() / 60);
    let (kind, key, message) = match schema_of {
        Some(event_type) => (
            "schema-disabled",
            event_type.to_string(),
            format!(
                "Holding payloads against the schema of event type {event_type} had to be stopped {stops} times and is not done for {minutes} minutes. Its events wait meanwhile; make the schema simpler and they go on."
            ),
        ),
        None => (
            "script-disabled",
            disabled.hash.to_string(),
            format!(
                "A script had to be stopped {stops} times and is not run for {minutes} minutes. Its deliveries wait meanwhile; correct it and they are made."
            ),
        ),
    };
    Alert {
        org_id: Some(disabled.org),
        kind: kind.to_owned(),
        key,
        severity: Severity::Critical,
        message,
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
