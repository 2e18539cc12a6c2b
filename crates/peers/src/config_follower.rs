//! Follows the configuration that api-gateway streams.
//!
//! While the gateway is away, the last configuration stays in force; once it is back, the stream resumes from the last revision.

use std::time::Duration;

use ig_core::configuration::{Change, Configuration, RevisedChange};
use ig_proto::v1;
use ig_proto::v1::config_service_client::ConfigServiceClient;
use ig_proto::v1::watch_response::Step;
use ig_service::grpc::Client;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status, Streaming};

/// A stream older than this is opened anew; a heartbeat arrives each second.
const MAX_STREAM_AGE: Duration = Duration::from_hours(1);
/// A stream that is silent for this long is dead.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause before a stream is opened anew.
const RECONNECT_DELAY: Duration = Duration::from_millis(250);

/// The configuration that a service has in force.
pub trait FollowedConfiguration: Send + Sync {
    /// The last revision in force.
    fn revision(&self) -> u64;

    /// Whether the service uses this change; others are passed over.
    fn uses(&self, change: &Change) -> bool;

    /// Replaces the whole configuration by a snapshot.
    fn replace(&self, configuration: Configuration);

    /// Applies changes.
    fn apply(&self, changes: Vec<RevisedChange>);

    /// Notes that everything up to a revision was sent: a change that was passed over or could not be parsed has one too.
    fn reach(&self, revision: u64);
}

/// Keeps a service's configuration up to date.
pub struct ConfigFollower<F> {
    client: ConfigServiceClient<Client>,
    live: F,
    incoming: Option<Configuration>,
    failures: u32,
}

impl<F> std::fmt::Debug for ConfigFollower<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfigFollower")
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

impl<F: FollowedConfiguration> ConfigFollower<F> {
    /// A follower without a configuration.
    pub fn new(client: Client, live: F) -> Self {
        let client = ConfigServiceClient::new(client).max_decoding_message_size(64 * 1024 * 1024);
        Self {
            client,
            live,
            incoming: None,
            failures: 0,
        }
    }

    /// Follows until `stop` fires; calls `in_force` each time a configuration has come into force.
    pub async fn run(mut self, stop: CancellationToken, in_force: impl Fn()) {
        loop {
            let ended = tokio::select! {
                () = stop.cancelled() => return,
                ended = self.follow(&in_force) => ended,
            };
            if let Err(status) = ended {
                self.report_failure(&status);
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(RECONNECT_DELAY) => {}
            }
        }
    }

    /// Services start in any order, so the first failure to reach the gateway is not logged.
    fn report_failure(&mut self, status: &Status) {
        self.failures += 1;
        if self.failures == 2 {
            tracing::warn!(%status, "configuration cannot be followed; trying again");
        }
    }

    async fn follow(&mut self, in_force: &impl Fn()) -> Result<(), Status> {
        self.incoming = None;
        let mut request = Request::new(v1::WatchRequest {
            resume_from_revision: self.live.revision(),
        });
        request.set_timeout(MAX_STREAM_AGE);
        let mut stream = self.client.watch(request).await?.into_inner();
        while let Some(step) = next_step(&mut stream).await? {
            self.failures = 0;
            if self.apply_step(step) {
                in_force();
            }
        }
        Ok(())
    }

    /// Applies one step of the stream; returns whether a configuration is in force after it.
    fn apply_step(&mut self, step: Step) -> bool {
        match step {
            Step::SnapshotBegin(begin) => self.incoming = Some(Configuration::at(begin.revision)),
            Step::SnapshotPart(part) => self.add_part(part),
            Step::SnapshotEnd(_) => return self.incoming.take().map(|whole| self.live.replace(whole)).is_some(),
            Step::Changes(changes) => {
                self.apply(changes.changes);
                return true;
            }
            Step::Heartbeat(beat) => self.live.reach(beat.revision),
        }
        false
    }

    fn apply(&self, changes: Vec<v1::RevisedChange>) {
        let sent = changes.iter().map(|change| change.revision).max();
        let parsed = changes.into_iter().filter_map(parse_change);
        self.live
            .apply(parsed.filter(|revised| self.live.uses(&revised.change)).collect());
        if let Some(revision) = sent {
            self.live.reach(revision);
        }
    }

    fn add_part(&mut self, part: v1::SnapshotPart) {
        let Some(configuration) = &mut self.incoming else {
            return;
        };
        for item in part.items {
            match Change::try_from(item) {
                Ok(change) if self.live.uses(&change) => configuration.put(change),
                Ok(_) => {}
                Err(error) => report_invalid(&error),
            }
        }
    }
}

async fn next_step(stream: &mut Streaming<v1::WatchResponse>) -> Result<Option<Step>, Status> {
    let message = tokio::time::timeout(SILENCE_TIMEOUT, stream.message());
    let message = message
        .await
        .map_err(|_| Status::unavailable("the configuration stream fell silent"))??;
    Ok(message.and_then(|response| response.step))
}

/// One invalid item does not keep other tenants' items from coming into force.
fn parse_change(change: v1::RevisedChange) -> Option<RevisedChange> {
    RevisedChange::try_from(change).inspect_err(report_invalid).ok()
}

fn report_invalid(error: &ig_proto::InvalidMessage) {
    tracing::error!(%error, "a configured item cannot be understood and is left out");
}
