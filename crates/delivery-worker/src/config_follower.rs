//! Follows the configuration that api-gateway streams.
//!
//! While the gateway is away the last configuration stays in force; when it is back the stream resumes from the last revision.

use std::sync::Arc;
use std::time::Duration;

use ig_core::configuration::{Change, Configuration, RevisedChange};
use ig_proto::v1;
use ig_proto::v1::config_service_client::ConfigServiceClient;
use ig_proto::v1::watch_response::Step;
use ig_service::grpc::Client;
use ig_transform::LookupCache;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status, Streaming};

use crate::compiled::LiveConfiguration;

/// A stream that is older than this is opened anew; a heartbeat comes each second.
const LONGEST_STREAM: Duration = Duration::from_hours(1);
/// A stream that says nothing for so long is dead.
const SILENCE: Duration = Duration::from_secs(10);
/// The pause before a stream is opened anew.
const PAUSE: Duration = Duration::from_millis(250);

/// Keeps the live configuration up to date.
pub(crate) struct Follower {
    client: ConfigServiceClient<Client>,
    live: Arc<LiveConfiguration>,
    lookups: Arc<LookupCache>,
    arriving: Option<Configuration>,
    failures: u32,
}

impl Follower {
    /// A follower that has nothing yet.
    pub(crate) fn new(client: Client, live: Arc<LiveConfiguration>, lookups: Arc<LookupCache>) -> Self {
        let client = ConfigServiceClient::new(client).max_decoding_message_size(64 * 1024 * 1024);
        Self {
            client,
            live,
            lookups,
            arriving: None,
            failures: 0,
        }
    }

    /// Follows until told to stop; calls `in_force` whenever a configuration has come into force.
    pub(crate) async fn run(mut self, stop: CancellationToken, in_force: impl Fn()) {
        loop {
            let ended = tokio::select! {
                () = stop.cancelled() => return,
                ended = self.follow(&in_force) => ended,
            };
            if let Err(status) = ended {
                self.complain(&status);
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Services start in any order: a gateway that is not there at the first look is nothing to tell.
    fn complain(&mut self, status: &Status) {
        self.failures += 1;
        if self.failures == 2 {
            tracing::warn!(%status, "configuration cannot be followed; trying again");
        }
    }

    async fn follow(&mut self, in_force: &impl Fn()) -> Result<(), Status> {
        self.arriving = None;
        let mut request = Request::new(v1::WatchRequest {
            resume_from_revision: self.live.revision(),
        });
        request.set_timeout(LONGEST_STREAM);
        let mut stream = self.client.watch(request).await?.into_inner();
        while let Some(step) = next(&mut stream).await? {
            self.failures = 0;
            if self.take(step) {
                in_force();
            }
        }
        Ok(())
    }

    /// Takes a step in; says whether a configuration is in force after it.
    fn take(&mut self, step: Step) -> bool {
        match step {
            Step::SnapshotBegin(begin) => self.arriving = Some(Configuration::at(begin.revision)),
            Step::SnapshotPart(part) => self.take_part(part),
            Step::SnapshotEnd(_) => return self.arriving.take().map(|whole| self.replace(whole)).is_some(),
            Step::Changes(changes) => {
                self.apply(changes.changes.into_iter().filter_map(understood).collect());
                return true;
            }
            Step::Heartbeat(beat) => self.live.reach(beat.revision),
        }
        false
    }

    /// A snapshot tells nothing of lookup rows that changed before it.
    fn replace(&self, configuration: Configuration) {
        self.lookups.invalidate_all();
        self.live.replace(configuration);
    }

    fn apply(&self, changes: Vec<RevisedChange>) {
        for revised in &changes {
            match &revised.change {
                Change::LookupsChanged(org, lookup_type) => self.lookups.invalidate(*org, Some(lookup_type)),
                Change::DeleteOrganization(org) => self.lookups.invalidate(*org, None),
                _ => {}
            }
        }
        self.live.apply(changes);
    }

    fn take_part(&mut self, part: v1::SnapshotPart) {
        let Some(configuration) = &mut self.arriving else {
            return;
        };
        for item in part.items {
            match Change::try_from(item) {
                Ok(change) => configuration.put(change),
                Err(error) => complain(&error),
            }
        }
    }
}

async fn next(stream: &mut Streaming<v1::WatchResponse>) -> Result<Option<Step>, Status> {
    let message = tokio::time::timeout(SILENCE, stream.message());
    let message = message
        .await
        .map_err(|_| Status::unavailable("the configuration stream fell silent"))??;
    Ok(message.and_then(|response| response.step))
}

/// One item that cannot be understood keeps no other tenant's from coming into force.
fn understood(change: v1::RevisedChange) -> Option<RevisedChange> {
    RevisedChange::try_from(change).inspect_err(complain).ok()
}

fn complain(error: &ig_proto::InvalidMessage) {
    tracing::error!(%error, "a configured item cannot be understood and is left out");
}
