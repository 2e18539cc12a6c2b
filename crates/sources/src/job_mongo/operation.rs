//! One aggregation on one server, and its end on the server.

use std::future::Future;
use std::time::Duration;

use ig_core::job::{BsonStyle, Collecting, FetchError, FetchLimits, Fetched, RecordCollector};
use mongodb::bson::{Document, RawDocumentBuf, doc};
use mongodb::error::Error;
use mongodb::{Client, ClientSession};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::driver_error::fetch_error;
use super::{ExternalQuery, OPERATION_TIMEOUT, check_stages, documents};

/// How long the end of an operation on the server is waited for; its own time limit ends it in any case.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);
/// No fetch has more time; a longer deadline might overflow the clock.
const LONGEST_FETCH: Duration = Duration::from_hours(1);
/// How long the driver may take to end its tasks.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A checked aggregation with its limits; its time runs from its creation.
#[derive(Debug)]
pub(super) struct Operation {
    database: String,
    collection: String,
    stages: Vec<Document>,
    style: BsonStyle,
    limits: FetchLimits,
    until: Instant,
}

impl Operation {
    pub(super) fn new(query: &ExternalQuery<'_>, limits: FetchLimits) -> Result<Self, FetchError> {
        let ExternalQuery {
            connection: _,
            database,
            collection,
            pipeline,
            style,
        } = *query;
        check_stages(pipeline)?;
        for name in [database, collection] {
            if name.is_empty() || name.contains(['$', '\0']) {
                return Err(FetchError::Refused(format!(
                    "{name:?} is no name of a database or collection."
                )));
            }
        }
        let mut stages = pipeline.iter().map(documents::stage).collect::<Result<Vec<_>, _>>()?;
        stages.push(doc! { "$limit": limits.requested_rows() });
        Ok(Self {
            database: database.to_owned(),
            collection: collection.to_owned(),
            stages,
            style,
            limits,
            until: Instant::now() + limits.deadline.min(LONGEST_FETCH),
        })
    }

    /// Runs it, and ends it on the server if it did not end by itself.
    pub(super) async fn run(&self, client: &Client, cancel: &CancellationToken) -> Result<Fetched, FetchError> {
        let time = self.until.saturating_duration_since(Instant::now()).min(OPERATION_TIMEOUT);
        // For a server, 0 means no limit, and it counts in milliseconds.
        if time < Duration::from_millis(1) {
            return Err(self.timed_out());
        }
        let until = Instant::now() + time;
        let begin = async { client.start_session().await.map_err(|error| self.error(&error)) };
        let mut session = self.unless_stopped(until, cancel, begin).await?;
        let id = session.id().clone();
        let outcome = self
            .unless_stopped(until, cancel, self.drain(client, &mut session, time))
            .await;
        drop(session);
        if is_open(&outcome) {
            kill(client, id).await;
        }
        outcome
    }

    /// The first of the work, the cancellation and the time limit.
    async fn unless_stopped<T>(
        &self,
        until: Instant,
        cancel: &CancellationToken,
        work: impl Future<Output = Result<T, FetchError>>,
    ) -> Result<T, FetchError> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(FetchError::Cancelled),
            done = work => done,
            () = sleep_until(until) => Err(self.timed_out()),
        }
    }

    async fn drain(&self, client: &Client, session: &mut ClientSession, time: Duration) -> Result<Fetched, FetchError> {
        let collection = client.database(&self.database).collection::<Document>(&self.collection);
        let aggregate = collection
            .aggregate(self.stages.clone())
            .max_time(time)
            .allow_disk_use(false)
            .session(&mut *session)
            .with_type::<RawDocumentBuf>();
        let mut cursor = aggregate.await.map_err(|error| self.error(&error))?;
        let mut records = RecordCollector::new(self.limits);
        while let Some(document) = cursor.next(session).await {
            let document = document.map_err(|error| self.error(&error))?;
            if records.push(documents::record(&document, self.style)?)? == Collecting::Ends {
                break;
            }
        }
        Ok(records.finish())
    }

    fn error(&self, error: &Error) -> FetchError {
        fetch_error(error, self.timed_out())
    }

    fn timed_out(&self) -> FetchError {
        FetchError::TimedOut(self.limits.deadline.min(OPERATION_TIMEOUT))
    }
}

/// Whether the operation or its cursor may still be open on the server.
fn is_open(outcome: &Result<Fetched, FetchError>) -> bool {
    match outcome {
        Ok(fetched) => fetched.is_truncated,
        Err(FetchError::Cancelled | FetchError::TimedOut(_) | FetchError::TooLarge { .. }) => true,
        Err(FetchError::Refused(_) | FetchError::Unavailable(_)) => false,
    }
}

/// Ends everything that runs in a session. A user may end sessions of their own without further rights.
async fn kill(client: &Client, session: Document) {
    let admin = client.database("admin");
    let killed = timeout(KILL_TIMEOUT, admin.run_command(doc! { "killSessions": [session] })).await;
    if !matches!(killed, Ok(Ok(_))) {
        tracing::debug!("the operation of a job was not ended on the server; its time limit ends it");
    }
}

/// Ends the driver's tasks.
pub(super) async fn close(client: Client) {
    let closed = timeout(CLOSE_TIMEOUT, client.shutdown().immediate(true)).await;
    if closed.is_err() {
        tracing::debug!("the database driver has not ended its tasks yet");
    }
}
