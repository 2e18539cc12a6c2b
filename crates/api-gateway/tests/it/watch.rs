//! The configuration feed.

use std::sync::Arc;
use std::time::Duration;

use ig_core::configuration::{Change, Configuration, RevisedChange};
use ig_core::id::OrgId;
use ig_proto::v1::config_service_client::ConfigServiceClient;
use ig_proto::v1::watch_response::Step;
use ig_proto::v1::{WatchRequest, WatchResponse};
use ig_testkit::mongo::database_on;
use ig_testkit::servers::Mongo;
use serde_json::json;
use tonic::Streaming;

use crate::api::{Api, integration_with, minimal_integration};

/// A worker, reduced to its side of the feed.
struct Watcher {
    stream: Streaming<WatchResponse>,
    configuration: Configuration,
    snapshots: usize,
}

impl Watcher {
    async fn of(api: &Api, configuration: Configuration) -> Self {
        let mut client = ConfigServiceClient::connect(format!("http://{}", api.at.grpc)).await.unwrap();
        let resume_from_revision = configuration.revision();
        let stream = client
            .watch(WatchRequest { resume_from_revision })
            .await
            .unwrap()
            .into_inner();
        Self {
            stream,
            configuration,
            snapshots: 0,
        }
    }

    async fn step(&mut self) -> Step {
        let next = tokio::time::timeout(Duration::from_secs(30), self.stream.message()).await;
        next.expect("a sign of life").unwrap().expect("no end").step.expect("a step")
    }

    async fn take(&mut self) {
        match self.step().await {
            Step::SnapshotBegin(begin) => self.configuration = Configuration::at(begin.revision),
            Step::SnapshotPart(part) => part
                .items
                .into_iter()
                .for_each(|item| self.configuration.put(Change::try_from(item).unwrap())),
            Step::SnapshotEnd(_) => self.snapshots += 1,
            Step::Changes(changes) => {
                changes
                    .changes
                    .into_iter()
                    .for_each(|change| self.configuration.apply(RevisedChange::try_from(change).unwrap()));
            }
            Step::Heartbeat(beat) => self.configuration.advance_to(beat.revision),
        }
    }

    async fn snapshot(&mut self) {
        while self.snapshots == 0 {
            self.take().await;
        }
    }

    async fn until(&mut self, holds: impl Fn(&Configuration) -> bool) {
        while !holds(&self.configuration) {
            self.take().await;
        }
    }
}

fn count(configuration: &Configuration) -> usize {
    configuration.integrations().count()
}

#[tokio::test]
async fn watcher_receives_a_snapshot_and_then_each_change() {
    let api = Api::start().await;
    api.org(10).await;
    let id = api
        .integration(10, integration_with(json!({"signing": {"enabled": true}})))
        .await;
    let mut watcher = Watcher::of(&api, Configuration::default()).await;
    watcher.snapshot().await;
    watcher.until(|configuration| count(configuration) == 1).await;
    api.integration(10, minimal_integration()).await;
    watcher.until(|configuration| count(configuration) == 2).await;
    assert_eq!(api.delete(&format!("/outbound-integrations/{id}?orgId=10")).await.status, 204);
    watcher.until(|configuration| count(configuration) == 1).await;
    assert_eq!(watcher.snapshots, 1);
}

#[tokio::test]
async fn watcher_gets_no_templates_and_the_revisions_that_they_led_to() {
    let api = Api::start().await;
    api.org(10).await;
    let template = |name: &str| json!({"name": name, "direction": "OUTBOUND", "definition": {"eventType": "lab"}});
    let made = api.post("/templates?orgId=10", template("before")).await;
    assert_eq!(made.status, 201, "{made:?}");
    let mut watcher = Watcher::of(&api, Configuration::default()).await;
    watcher.snapshot().await;
    let made = api.post("/templates?orgId=10", template("after")).await;
    let revision = made.json["revision"].as_u64().unwrap();
    watcher.until(|configuration| configuration.revision() >= revision).await;
    api.integration(10, minimal_integration()).await;
    watcher.until(|configuration| count(configuration) == 1).await;
    let is_template = |item: Change| matches!(item, Change::PutTemplate(_));
    assert_eq!(
        watcher.configuration.items().filter(|item| is_template(item.clone())).count(),
        0
    );
}

#[tokio::test]
async fn watcher_of_an_empty_configuration_receives_a_snapshot_and_then_heartbeats() {
    let api = Api::start().await;
    let mut watcher = Watcher::of(&api, Configuration::default()).await;
    watcher.snapshot().await;
    assert!(matches!(watcher.step().await, Step::Heartbeat(_)));
}

#[tokio::test]
async fn watcher_resumes_after_a_gateway_restart() {
    let api = Api::start().await;
    api.org(10).await;
    api.integration(10, minimal_integration()).await;
    let mut watcher = Watcher::of(&api, Configuration::default()).await;
    watcher.until(|configuration| count(configuration) == 1).await;
    api.stop().await;
    let again = api.replica().await;
    again.integration(10, minimal_integration()).await;
    let mut resumed = Watcher::of(&again, watcher.configuration).await;
    resumed.until(|configuration| count(configuration) == 2).await;
    assert_eq!(resumed.snapshots, 0, "changes alone were sent");
}

#[tokio::test]
async fn watchers_receive_changes_made_through_another_gateway() {
    let one = Api::start().await;
    let other = one.replica().await;
    let mut watcher = Watcher::of(&other, Configuration::default()).await;
    watcher.snapshot().await;
    one.org(10).await;
    watcher.until(|configuration| configuration.org(OrgId(10)).is_some()).await;
    assert_eq!(other.get("/outbound-integrations?orgId=10").await.status, 200);
}

#[tokio::test]
async fn large_snapshot_arrives_in_parts_and_replaces_a_foreign_revision() {
    let api = Api::start().await;
    api.org(10).await;
    for number in 0..520 {
        api.unit(10, 1_000 + number).await;
    }
    let mut watcher = Watcher::of(&api, Configuration::at(1_000_000)).await;
    let mut parts = Vec::new();
    loop {
        match watcher.step().await {
            Step::SnapshotBegin(_) | Step::Heartbeat(_) => {}
            Step::SnapshotPart(part) => parts.push(part.items.len()),
            Step::SnapshotEnd(_) => break,
            Step::Changes(changes) => panic!("{changes:?}"),
        }
    }
    assert_eq!((parts.len(), parts.iter().sum::<usize>()), (2, 521));
}

#[tokio::test]
async fn gateway_cut_off_from_its_database_never_rewinds_a_watcher() {
    let server = Mongo::start().await;
    let api = Api::start_on(Arc::new(database_on(&server.uri()))).await;
    api.org(10).await;
    let mut first = Watcher::of(&api, Configuration::default()).await;
    first.until(|configuration| configuration.org(OrgId(10)).is_some()).await;
    let known = first.configuration.revision();
    server.freeze();
    // The watcher's revision comes from a gateway that has seen one more commit.
    let mut ahead = Watcher::of(&api, Configuration::at(known + 1)).await;
    for _ in 0..4 {
        let step = ahead.step().await;
        assert!(matches!(step, Step::Heartbeat(_)), "{step:?}");
    }
    // No such commit exists, so the watcher's revision belongs to another database.
    server.thaw();
    ahead.snapshot().await;
    assert_eq!(ahead.configuration.revision(), known);
}
