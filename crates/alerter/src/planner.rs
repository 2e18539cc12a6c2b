//! Decides who is told of which incidents, as they become due.
//!
//! Any number of processes may look at the same incident: each looks at what is stored and stores what follows, under the version that it
//! read, so only one of them succeeds.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use ig_core::alert::{Rules, plan};
use ig_core::clock::{Clock, Timestamp};
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use ig_store::{AlertRoutes, Alerts, DueIncident, NotificationChannels, Silences, Store};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The poll interval: other processes store reports too.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Delay after a database error.
const ERROR_DELAY: Duration = Duration::from_secs(5);
/// Incidents per read.
const BATCH: u16 = 500;
/// Incidents that are worked on at a time.
const CONCURRENCY: usize = 16;

/// Looks at incidents.
pub(crate) struct Planner {
    alerts: Alerts,
    routes: AlertRoutes,
    silences: Silences,
    channels: NotificationChannels,
    quiet: Duration,
    clock: Arc<dyn Clock>,
    news: Arc<Notify>,
    notices: Arc<Notify>,
}

impl Planner {
    /// Looks again when `news` says so, and notifies `notices` when a notice is due.
    pub(crate) fn new(store: &Store, quiet: Duration, clock: Arc<dyn Clock>, news: Arc<Notify>, notices: Arc<Notify>) -> Self {
        Self {
            alerts: store.alerts(),
            routes: store.alert_routes(),
            silences: store.silences(),
            channels: store.notification_channels(),
            quiet,
            clock,
            news,
            notices,
        }
    }

    /// Looks at what is due until `stop`.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let pause = match self.pass().await {
                Ok(true) => continue,
                Ok(false) => POLL_INTERVAL,
                Err(error) => {
                    tracing::warn!(%error, "incidents cannot be looked at; trying again");
                    ERROR_DELAY
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.news.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Looks at one batch of due incidents; returns whether that changed any.
    pub(crate) async fn pass(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let due = self.alerts.due(now, BATCH).await?;
        if due.is_empty() {
            return Ok(false);
        }
        let rules = self.rules(&due, now).await?;
        let looks = due.into_iter().filter_map(|due| {
            let rules = rules.get(&due.incident.alert.org_id)?.clone();
            Some(self.try_look(due, rules, now))
        });
        let looked: Vec<bool> = stream::iter(looks).buffer_unordered(CONCURRENCY).try_collect().await?;
        Ok(looked.contains(&true))
    }

    /// The rules of all organisations that have something due.
    async fn rules(&self, due: &[DueIncident], now: Timestamp) -> Result<BTreeMap<Option<OrgId>, Arc<Rules>>, StoreError> {
        let mut rules = BTreeMap::new();
        for due in due {
            let org = due.incident.alert.org_id;
            if let Entry::Vacant(unknown) = rules.entry(org) {
                unknown.insert(Arc::new(self.rules_of(org, now).await?));
            }
        }
        Ok(rules)
    }

    /// What cannot be read holds nothing back: people hear of trouble then through all channels, and in spite of silences.
    async fn rules_of(&self, org: Option<OrgId>, now: Timestamp) -> Result<Rules, StoreError> {
        let routing = self.routes.get(org).await.map(|stored| stored.routing);
        Ok(Rules {
            routing: or_none(org, routing)?,
            silences: or_none(org, self.silences.in_force(org, now).await)?,
            channels: self.channels.active(org).await?,
            quiet: self.quiet,
        })
    }

    /// Looks at one incident. One that the database refuses holds up no other.
    async fn try_look(&self, due: DueIncident, rules: Arc<Rules>, now: Timestamp) -> Result<bool, StoreError> {
        let id = due.incident.id.clone();
        match self.look(due, rules, now).await {
            Err(StoreError::Refused(error)) => {
                tracing::warn!(error, ig.incident.id = %id, "what follows from an incident cannot be stored");
                Ok(false)
            }
            looked => looked,
        }
    }

    async fn look(&self, due: DueIncident, rules: Arc<Rules>, now: Timestamp) -> Result<bool, StoreError> {
        let plan = plan(&due.incident, &rules, now);
        // Where another process was faster, the incident is still due if there is anything left to do.
        if plan.ends {
            return self.alerts.end_quiet(&due, now).await;
        }
        let stored = self.alerts.apply(&due, &plan).await?;
        if stored && !plan.notices.is_empty() {
            self.notices.notify_one();
        }
        Ok(stored)
    }
}

fn or_none<T: Default>(org: Option<OrgId>, read: Result<T, StoreError>) -> Result<T, StoreError> {
    match read {
        Err(StoreError::Refused(error)) => {
            tracing::warn!(ig.org.id = org.map(|org| org.0), error, "the rules of alerts cannot be read");
            Ok(T::default())
        }
        read => read,
    }
}
