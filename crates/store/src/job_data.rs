//! Aggregations of jobs over the platform's own database.
//!
//! A tenant writes the pipeline, and the database holds the rows of all tenants. What keeps them apart:
//!
//! 1. **Collections are listed**, each with the field that names a row's organisation, the one that names its unit if it
//!    has one, and the fields that stay here ([`readable_collection`]).
//! 2. **Stages are checked again** by the rule that was asked when the job was saved: none of them reads another
//!    collection, writes, or runs code.
//! 3. **The tenant's rows are selected first**, then a `$limit` that nothing reaches, then the hidden fields are removed,
//!    and only then the tenant's stages run ([`scoped_stages`]). The `$limit` matters: a server merges neighbouring
//!    `$match` stages and orders their conditions as it likes. A condition that fails on certain values would then be
//!    tried on rows of others, and its failure would tell what is in them. No server moves a `$match` before a `$limit`.
//! 4. **The operation is bounded**: rows, bytes, memory and time. When the caller leaves, it ends on the server too.

use std::future::Future;
use std::time::Duration;

use futures::FutureExt as _;
use ig_core::id::{OrgId, Rid};
use ig_core::job::{BsonStyle, Collecting, DatabaseOwner, FetchError, FetchLimits, Fetched, RecordCollector, check_pipeline};
use ig_core::ports::StoreError;
use mongodb::ClientSession;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::{ReadPreference, SelectionCriteria};
use serde_json::Value;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

mod readable_collection;
mod scoped_stages;

use crate::database::Database;
use crate::error::store_error;
use readable_collection::ReadableCollection;

/// The server's code for an operation that exceeded its time limit.
const MAX_TIME_EXPIRED: i32 = 50;
/// No fetch has more time; a longer deadline might overflow the clock.
const LONGEST_FETCH: Duration = Duration::from_hours(1);
/// How long the end of an operation on the server is waited for; its own time limit ends it in any case.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// An aggregation over an organisation's rows.
#[derive(Debug, Clone, Copy)]
pub struct JobQuery<'a> {
    /// The organisation.
    pub org: OrgId,
    /// The unit that the job is set on; `None` reads the rows of the whole organisation.
    pub unit: Option<Rid>,
    /// The collection.
    pub collection: &'a str,
    /// The stages, without variables; they may use extended JSON.
    pub pipeline: &'a [Value],
    /// The form of the records.
    pub style: BsonStyle,
}

/// What jobs read of the platform's own database.
#[derive(Debug, Clone)]
pub struct JobData {
    database: Database,
}

impl JobData {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Runs an aggregation. On cancellation and at the deadline, the operation is ended on the server as well.
    pub async fn aggregate(
        &self,
        query: &JobQuery<'_>,
        limits: &FetchLimits,
        cancel: &CancellationToken,
    ) -> Result<Fetched, FetchError> {
        let collection = ReadableCollection::find(query.collection)?;
        check(query.pipeline)?;
        let operation = Operation {
            database: &self.database,
            collection: collection.name,
            stages: scoped_stages::build(collection, query, limits)?,
            style: query.style,
            limits: *limits,
            until: Instant::now() + limits.deadline.min(LONGEST_FETCH),
        };
        operation.run(cancel).await
    }
}

fn check(pipeline: &[Value]) -> Result<(), FetchError> {
    let faults = check_pipeline(pipeline, DatabaseOwner::Platform);
    faults
        .into_result(())
        .map_err(|faults| FetchError::Refused(format!("The pipeline is not allowed: {faults}.")))
}

struct Operation<'a> {
    database: &'a Database,
    collection: &'static str,
    stages: Vec<Document>,
    style: BsonStyle,
    limits: FetchLimits,
    until: Instant,
}

impl Operation<'_> {
    async fn run(&self, cancel: &CancellationToken) -> Result<Fetched, FetchError> {
        let begin = async {
            self.database
                .driver()
                .client()
                .start_session()
                .await
                .map_err(|error| self.error(&error))
        };
        let mut session = self.unless_stopped(cancel, begin).await?;
        let id = session.id().clone();
        let outcome = self.unless_stopped(cancel, self.drain(&mut session)).await;
        drop(session);
        if is_open(&outcome) {
            self.kill(id).await;
        }
        outcome
    }

    /// The first of the work, the cancellation, the time limit and the loss of the database.
    async fn unless_stopped<T>(
        &self,
        cancel: &CancellationToken,
        work: impl Future<Output = Result<T, FetchError>> + Send,
    ) -> Result<T, FetchError> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(FetchError::Cancelled),
            done = work => done,
            () = sleep_until(self.until) => Err(self.timed_out()),
            lost = self.database.availability().lost() => Err(unavailable(&lost)),
        }
    }

    async fn drain(&self, session: &mut ClientSession) -> Result<Fetched, FetchError> {
        let time = self.until.saturating_duration_since(Instant::now());
        // For a server, 0 means no limit, and it counts in milliseconds.
        if time < Duration::from_millis(1) {
            return Err(self.timed_out());
        }
        let secondary = ReadPreference::SecondaryPreferred { options: None };
        let rows = self.database.raw_documents(self.collection);
        let aggregate = rows
            .aggregate(self.stages.clone())
            .max_time(time)
            .allow_disk_use(false)
            .selection_criteria(SelectionCriteria::ReadPreference(secondary))
            .session(&mut *session)
            .with_type::<RawDocumentBuf>();
        let mut cursor = aggregate.into_future().boxed().await.map_err(|error| self.error(&error))?;
        let mut records = RecordCollector::new(self.limits);
        while let Some(document) = cursor.next(session).boxed().await {
            let document = document.map_err(|error| self.error(&error))?;
            if records.push(record(&document, self.style)?)? == Collecting::Ends {
                break;
            }
        }
        Ok(records.finish())
    }

    /// Ends what runs in the session.
    async fn kill(&self, session: Document) {
        let admin = self.database.driver().client().database("admin");
        let killed = timeout(KILL_TIMEOUT, admin.run_command(doc! { "killSessions": [session] })).await;
        if !matches!(killed, Ok(Ok(_))) {
            tracing::debug!("the operation of a job was not ended on the server; its time limit ends it");
        }
    }

    fn error(&self, error: &Error) -> FetchError {
        match error.kind.as_ref() {
            ErrorKind::Command(command) if command.code == MAX_TIME_EXPIRED => self.timed_out(),
            _ => unavailable(&store_error(error)),
        }
    }

    fn timed_out(&self) -> FetchError {
        FetchError::TimedOut(self.limits.deadline)
    }
}

fn unavailable(error: &StoreError) -> FetchError {
    match error {
        StoreError::Unavailable(_) => FetchError::Unavailable("The platform's database is not available.".to_owned()),
        StoreError::Refused(reason) => FetchError::Refused(format!("The database does not run the pipeline: {reason}.")),
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

fn record(document: &RawDocumentBuf, style: BsonStyle) -> Result<Value, FetchError> {
    let unreadable = |_| FetchError::Unavailable("The database sent a record that is not BSON.".to_owned());
    let document = Document::try_from(document).map_err(unreadable)?;
    Ok(style.convert(Bson::Document(document).into_canonical_extjson()))
}
