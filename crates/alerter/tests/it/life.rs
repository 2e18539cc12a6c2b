//! The life of alerts on a real database, with channels that record what they are told.

mod failures;
mod fake_channels;
mod holding;
mod races;
mod telling;

use std::sync::Arc;
use std::time::Duration;

use ig_alerter::{Alerting, AlertingSettings};
use ig_core::alert::{
    Acknowledgement, Alert, AlertEnd, AlertReport, ChannelId, ChannelSettings, Escalation, Incident, Matcher,
    NotificationChannel, Route, Routing, Severity,
};
use ig_core::clock::{Clock as _, Timestamp};
use ig_core::id::OrgId;
use ig_core::secret::Secret;
use ig_store::{AlertTimes, IncidentFilter, MongoConfig, Page, SecretSealer, SecretsConfig, Store};
use ig_testkit::clock::{HeldClock, moment};
use ig_testkit::mongo;
use ig_testkit::mongo::TestDatabase;

use fake_channels::FakeChannels;

const ORG: Option<OrgId> = Some(OrgId(7));
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// A migrated store whose clock is held, with an alerter that sends through recording channels.
struct Ground {
    store: Store,
    clock: HeldClock,
    channels: Arc<FakeChannels>,
    alerting: Alerting,
    _database: Option<TestDatabase>,
}

fn settings() -> AlertingSettings {
    AlertingSettings {
        times: AlertTimes {
            quiet: 4 * HOUR,
            keep: 24 * HOUR,
        },
        group_interval: 5 * MINUTE,
        console_url: Some("https://gateway.example".to_owned()),
    }
}

/// A time that is far from the server's own clock, by which it deletes expired documents.
fn beginning() -> Timestamp {
    moment(0) + 10 * 365 * 24 * HOUR
}

fn channel_id(number: u8) -> ChannelId {
    ChannelId([number; 12])
}

impl Ground {
    async fn fresh() -> Self {
        let database = mongo::database();
        let config = MongoConfig {
            uri: database.uri.clone(),
            database: database.name.clone(),
            ..MongoConfig::default()
        };
        Self {
            _database: Some(database),
            ..Self::on(&config).await
        }
    }

    async fn on(config: &MongoConfig) -> Self {
        let keys = vec![SecretSealer::generate_key("test").unwrap()];
        let secrets = SecretSealer::new(&SecretsConfig { keys }).unwrap();
        let store = Store::connect(config, secrets).await.unwrap();
        store.migrate().await.unwrap();
        let (clock, channels) = (HeldClock::at(beginning()), Arc::new(FakeChannels::default()));
        let alerting = Alerting::new(&store, settings(), channels.clone(), Arc::new(clock.clone()));
        Self {
            store,
            clock,
            channels,
            alerting,
            _database: None,
        }
    }

    /// Another process with the same database, clock and channels.
    fn another(&self) -> Alerting {
        Alerting::new(&self.store, settings(), self.channels.clone(), Arc::new(self.clock.clone()))
    }

    async fn with_channels(self, numbers: std::ops::RangeInclusive<u8>) -> Self {
        for number in numbers {
            self.put_channel(ORG, number, 60).await;
        }
        self
    }

    async fn put_channel(&self, org: Option<OrgId>, number: u8, max_per_hour: u32) {
        let channel = NotificationChannel {
            id: channel_id(number),
            org_id: org,
            name: format!("channel {number}"),
            is_active: true,
            max_per_hour,
            settings: ChannelSettings::Slack {
                url: Secret::new("https://hooks.example/secret"),
            },
            revision: 1,
            created_at: self.clock.now(),
            updated_at: self.clock.now(),
        };
        assert!(self.store.notification_channels().put(&channel).await.unwrap());
    }

    async fn put_routes(&self, routes: Vec<Route>) {
        let routing = Routing {
            routes,
            ..Routing::default()
        };
        self.put_routing(&routing).await;
    }

    async fn put_routing(&self, routing: &Routing) {
        routing.check().unwrap();
        let routes = self.store.alert_routes();
        let expected = routes.get(ORG).await.unwrap().revision;
        assert!(routes.put(ORG, routing, expected, self.clock.now()).await.unwrap());
    }

    fn alert(&self, key: &str) -> Alert {
        Alert {
            org_id: ORG,
            kind: "circuit-open".to_owned(),
            key: key.to_owned(),
            severity: Severity::Warning,
            message: "The target does not answer.".to_owned(),
            at: self.clock.now(),
        }
    }

    async fn raise(&self, key: &str) -> bool {
        self.alerting.report(&AlertReport::from(self.alert(key))).await.unwrap()
    }

    async fn end(&self, key: &str) -> bool {
        let end = AlertEnd {
            org_id: ORG,
            kind: "circuit-open".to_owned(),
            key: key.to_owned(),
            at: self.clock.now(),
        };
        self.alerting.end(&end).await.unwrap()
    }

    /// Lets time pass and does what is due then.
    async fn after(&self, time: Duration) {
        self.clock.advance(time);
        self.alerting.pass().await.unwrap();
    }

    async fn incidents(&self) -> Vec<Incident> {
        let filter = IncidentFilter::default();
        let listed = self.store.alerts().incidents(ORG, &filter, Page::first(500)).await.unwrap();
        listed.items
    }

    async fn acknowledge(&self, incident: &Incident) {
        let acknowledgement = Acknowledgement {
            by: "Ana".to_owned(),
            note: Some("I look at it".to_owned()),
            at: self.clock.now(),
        };
        let alerts = self.store.alerts();
        let changed = alerts.acknowledge(ORG, &incident.id, &acknowledgement).await.unwrap();
        assert!(changed.is_some());
    }

    /// What a channel was told, as `kind subject`.
    fn told(&self, number: u8) -> Vec<String> {
        self.channels.told(channel_id(number))
    }

    /// What a channel was told after its first notices, regardless of the order of those that were due together.
    fn told_since(&self, number: u8, first: usize) -> Vec<String> {
        let mut told = self.told(number).split_off(first);
        told.sort_unstable();
        told
    }
}

/// A route of everything to channel 1, and after a quarter of an hour to channel 2.
fn escalating() -> Route {
    Route {
        escalations: vec![Escalation {
            after: 15 * MINUTE,
            channels: vec![channel_id(2)],
        }],
        ..Route::new("all", Matcher::default(), vec![channel_id(1)])
    }
}
