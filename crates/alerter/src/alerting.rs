//! The life of alerts in this process: taking reports, deciding who is told, telling them.

use std::sync::Arc;
use std::time::Duration;

use ig_core::alert::{AlertEnd, AlertReport};
use ig_core::clock::Clock;
use ig_core::ports::StoreError;
use ig_service::{Context, TaskKind};
use ig_store::{AlertTimes, Store};
use tokio::sync::Notify;

use crate::channel_run::ChannelRun;
use crate::channel_sender::ChannelSender;
use crate::dispatcher::Dispatcher;
use crate::notifier::Notifier;
use crate::planner::Planner;
use crate::wording::Wording;

/// The times of alerts in this process.
#[derive(Debug, Clone)]
pub struct AlertingSettings {
    /// Quiet time and retention.
    pub times: AlertTimes,
    /// The time between two notices on one channel.
    pub group_interval: Duration,
    /// The console's address, for links.
    pub console_url: Option<String>,
}

/// Takes reports and tells people. Cheap to clone; any number of processes may work on one database.
#[derive(Clone)]
pub struct Alerting {
    notifier: Notifier,
    planner: Arc<Planner>,
    dispatcher: Arc<Dispatcher>,
}

impl Alerting {
    /// Works on a store, and sends through `sender`.
    pub fn new(store: &Store, settings: AlertingSettings, sender: Arc<dyn ChannelSender>, clock: Arc<dyn Clock>) -> Self {
        let AlertingSettings {
            times,
            group_interval,
            console_url,
        } = settings;
        let news = Arc::new(Notify::new());
        let notifier = Notifier::new(store.alerts(), times, clock.clone(), news.clone());
        let notices = Arc::new(Notify::new());
        let run = ChannelRun {
            notices: store.notices(),
            channels: store.notification_channels(),
            wording: Wording::new(store.organizations(), console_url),
            sender,
            notifier: notifier.clone(),
            group_interval,
            clock: clock.clone(),
        };
        Self {
            planner: Arc::new(Planner::new(store, times.quiet, clock.clone(), news, notices.clone())),
            dispatcher: Arc::new(Dispatcher::new(store.notices(), run, clock, notices)),
            notifier,
        }
    }

    /// Stores a report durably; returns whether it is new trouble. People are told afterwards.
    pub async fn report(&self, report: &AlertReport) -> Result<bool, StoreError> {
        self.notifier.report(report).await
    }

    /// Stores durably that trouble has ended; returns whether it was open.
    pub async fn end(&self, end: &AlertEnd) -> Result<bool, StoreError> {
        self.notifier.end(end).await
    }

    /// Does once all that is due now: takes what is owed, decides who is told, and tells them.
    pub async fn pass(&self) -> Result<(), StoreError> {
        while self.notifier.take_owed().await? {}
        while self.planner.pass().await? {}
        self.dispatcher.pass().await
    }

    /// Does that until the shutdown.
    pub fn spawn(&self, context: &Context) {
        let stop = context.stopping();
        let owed = self.notifier.clone().run(stop.clone());
        context.spawn("alerts that are owed", TaskKind::RunsUntilShutdown, owed);
        let (planner, until) = (self.planner.clone(), stop.clone());
        let planning = async move { planner.run(until).await };
        context.spawn("incidents", TaskKind::RunsUntilShutdown, planning);
        let (dispatcher, until) = (self.dispatcher.clone(), stop.clone());
        let dispatching = async move { dispatcher.run(until).await };
        context.spawn("notices", TaskKind::RunsUntilShutdown, dispatching);
    }
}
