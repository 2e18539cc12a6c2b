//! The handle that every repository holds: collections, one deadline for every operation, one mapping of errors.

use std::fmt;
use std::future::IntoFuture;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{self, BoxFuture, Either};
use futures::{FutureExt, TryStreamExt};
use ig_core::ports::StoreError;
use mongodb::action::{Action, Find, FindOne, FindOneAndDelete, FindOneAndUpdate};
use mongodb::bson::{Document, RawDocumentBuf};
use mongodb::error::{Error, ErrorKind, InsertManyError};
use mongodb::options::{ClientOptions, ReadConcern, TransactionOptions, UpdateModifications, WriteConcern};
use mongodb::{Client, ClientSession, Collection, Cursor};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::availability::{Availability, AvailabilityProbe};
use crate::config::MongoConfig;
use crate::error::{DUPLICATE_KEY, store_error};
use crate::page::{Listed, Page};
use crate::secret_sealer::SecretSealer;
use crate::stored::{DriverResult, Stored};

/// Histogram, seconds, by [`LABEL_OPERATION`] and [`LABEL_COLLECTION`]: how long an operation took.
const OPERATION_DURATION: &str = "db_client_operation_duration_seconds";
/// Label: the operation.
const LABEL_OPERATION: &str = "db_operation_name";
/// Label: its collection.
const LABEL_COLLECTION: &str = "db_collection_name";

/// Hides a driver type behind one that declares itself `Send` and `Sync`. Otherwise the compiler would search the
/// driver's hundreds of types for each future that holds one, which is half of this crate's compile time.
trait Opaque<T>: Send + Sync {
    fn driver(&self) -> &T;
}

impl<T: Send + Sync> Opaque<T> for T {
    fn driver(&self) -> &T {
        self
    }
}

/// A collection of the driver: writes use the driver's types, reads return [`Stored`].
pub(crate) struct Documents<T: Send + Sync + 'static>(Arc<dyn Opaque<Both<T>>>);

struct Both<T: Send + Sync> {
    written: Collection<T>,
    read: Collection<Stored<T>>,
}

impl<T: Send + Sync + 'static> Deref for Documents<T> {
    type Target = Collection<T>;

    fn deref(&self) -> &Collection<T> {
        &self.0.as_ref().driver().written
    }
}

impl<T: Send + Sync + 'static> Documents<T> {
    fn read(&self) -> &Collection<Stored<T>> {
        &self.0.as_ref().driver().read
    }

    pub(crate) fn find(&self, filter: Document) -> Find<'_, Stored<T>> {
        self.read().find(filter)
    }

    pub(crate) fn find_one(&self, filter: Document) -> FindOne<'_, Stored<T>>
    where
        T: DeserializeOwned,
    {
        self.read().find_one(filter)
    }

    pub(crate) fn find_one_and_update(
        &self,
        filter: Document,
        update: impl Into<UpdateModifications>,
    ) -> FindOneAndUpdate<'_, Stored<T>>
    where
        T: DeserializeOwned,
    {
        self.read().find_one_and_update(filter, update)
    }

    pub(crate) fn find_one_and_delete(&self, filter: Document) -> FindOneAndDelete<'_, Stored<T>>
    where
        T: DeserializeOwned,
    {
        self.read().find_one_and_delete(filter)
    }
}

/// The driver's database with what this crate adds to every use of it.
#[derive(Clone)]
pub(crate) struct Database {
    driver: Arc<dyn Opaque<mongodb::Database>>,
    secrets: SecretSealer,
    operation_timeout: Duration,
    availability: Availability,
    probe: Arc<AvailabilityProbe>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("name", &self.driver().name())
            .finish_non_exhaustive()
    }
}

impl Database {
    pub(crate) async fn open(config: &MongoConfig, secrets: SecretSealer) -> Result<Self, StoreError> {
        let mut options = ClientOptions::parse(&config.uri).await.map_err(|error| store_error(&error))?;
        options.app_name.get_or_insert_with(|| "integration-gateway".to_owned());
        options.max_pool_size = Some(config.max_pool_size);
        options.server_selection_timeout = Some(config.server_selection_timeout());
        options.connect_timeout = Some(config.connect_timeout());
        options.read_concern = Some(ReadConcern::majority());
        options.write_concern = Some(durable());
        let probe = Arc::new(AvailabilityProbe::new(&options));
        let client = Client::with_options(options).map_err(|error| store_error(&error))?;
        Ok(Self {
            driver: Arc::new(client.database(&config.database)),
            secrets,
            operation_timeout: config.operation_timeout(),
            availability: Availability::default(),
            probe,
        })
    }

    pub(crate) fn driver(&self) -> &mongodb::Database {
        self.driver.as_ref().driver()
    }

    pub(crate) fn secrets(&self) -> &SecretSealer {
        &self.secrets
    }

    /// Whether the database is available, as last probed.
    pub(crate) fn availability(&self) -> &Availability {
        &self.availability
    }

    /// The probe that decides whether the database is available.
    pub(crate) fn probe(&self) -> &AvailabilityProbe {
        &self.probe
    }

    pub(crate) fn collection<T: Send + Sync + 'static>(&self, name: &str) -> Documents<T> {
        Documents(Arc::new(Both {
            written: self.driver().collection(name),
            read: self.driver().collection(name),
        }))
    }

    /// The same, where documents are read as stored; [`Stored`] is for documents that are decoded into a type.
    pub(crate) fn raw_documents(&self, name: &str) -> Collection<RawDocumentBuf> {
        self.driver().collection(name)
    }

    /// Awaits an operation until the configured timeout, or until the database is found unavailable: the driver itself
    /// waits for ever on a server that froze.
    pub(crate) fn within<'a, T, F>(&self, operation: F) -> BoxFuture<'a, Result<T::Read, StoreError>>
    where
        T: DriverResult + 'a,
        F: IntoFuture<Output = Result<T, Error>>,
        F::IntoFuture: Send + 'a,
    {
        checked(self.raw(operation))
    }

    /// [`Self::within`] for callers that look into the driver's error.
    pub(crate) fn raw<'a, T, F>(&self, operation: F) -> BoxFuture<'a, Result<Result<T, Error>, StoreError>>
    where
        T: 'a,
        F: IntoFuture<Output = Result<T, Error>>,
        F::IntoFuture: Send + 'a,
    {
        bounded(
            self.operation_timeout,
            self.availability.clone(),
            operation.into_future().boxed(),
        )
    }

    /// The next document of a cursor.
    pub(crate) fn next<'a, T>(&self, cursor: &'a mut Cursor<Stored<T>>) -> BoxFuture<'a, Result<Option<T>, StoreError>>
    where
        T: DeserializeOwned + Send + Sync + 'a,
    {
        self.within(cursor.try_next())
    }

    /// All documents that a query finds.
    pub(crate) fn all<'a, T, F>(&self, find: F) -> BoxFuture<'a, Result<Vec<T::Read>, StoreError>>
    where
        T: DriverResult + DeserializeOwned + Send + Sync + 'a,
        T::Read: Send,
        F: IntoFuture<Output = Result<Cursor<T>, Error>>,
        F::IntoFuture: Send + 'a,
    {
        self.within(collected(find.into_future().boxed()))
    }

    /// Inserts documents whose ids follow from their content: one that exists already counts as written.
    pub(crate) async fn insert_once<T>(&self, collection: &'static str, documents: Vec<T>) -> Result<(), StoreError>
    where
        T: Serialize + Send + Sync,
    {
        if documents.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        let target = self.driver().collection::<T>(collection);
        let inserted = self.raw(target.insert_many(&documents).ordered(false)).await?;
        metrics::histogram!(OPERATION_DURATION, LABEL_OPERATION => "insert", LABEL_COLLECTION => collection)
            .record(began.elapsed());
        match inserted {
            Err(error) if !all_are_duplicates(&error) => Err(store_error(&error)),
            _ => Ok(()),
        }
    }

    /// Runs a transaction with snapshot reads, and retries it after a conflict; the caller interprets the error that ended it.
    pub(crate) async fn transact<C, T, F>(&self, context: C, attempt: F) -> Result<Result<T, Error>, StoreError>
    where
        C: Send,
        T: Send,
        F: for<'a> FnMut(&'a mut ClientSession, &'a mut C) -> BoxFuture<'a, Result<T, Error>> + Send,
    {
        let mut session = self.within(self.driver().client().start_session()).await?;
        let transaction = session.start_transaction().with_options(snapshot_transaction());
        self.raw(transaction.and_run(context, attempt)).await
    }

    /// One page of the documents that a filter finds, in a stable order, and their total.
    pub(crate) async fn page<T>(
        &self,
        collection: &str,
        filter: Document,
        order: Document,
        without: Option<Document>,
        page: Page,
    ) -> Result<Listed<T>, StoreError>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let target = self.collection::<T>(collection);
        let find = target
            .find(filter.clone())
            .sort(order)
            .skip(page.skip())
            .limit(i64::from(page.limit.max(1)));
        let find = find.optional(without, Find::projection);
        let (items, total) = tokio::try_join!(self.all(find), self.within(target.count_documents(filter)))?;
        Ok(Listed::counted(items, total))
    }
}

/// An acknowledged write survives the loss of any one server.
pub(crate) fn durable() -> WriteConcern {
    let mut concern = WriteConcern::majority();
    concern.journal = Some(true);
    concern
}

/// Stops an operation at its timeout, or when the database is found unavailable. All operations with one result type
/// share this code.
fn bounded<'a, T: 'a>(
    operation_timeout: Duration,
    availability: Availability,
    operation: BoxFuture<'a, Result<T, Error>>,
) -> BoxFuture<'a, Result<Result<T, Error>, StoreError>> {
    // The timeout starts at the first poll: an operation may be created long before it is awaited.
    let answer = async move { tokio::time::timeout(operation_timeout, operation).await };
    let timed_out = move |_| StoreError::Unavailable(format!("no answer within {} ms", operation_timeout.as_millis()));
    let answer = answer.map(move |answer| answer.map_err(timed_out)).boxed();
    let lost = async move { availability.lost().await }.boxed();
    let first = future::select(lost, answer);
    first
        .map(|first| match first {
            Either::Left((lost, _)) => Err(lost),
            Either::Right((answer, _)) => answer,
        })
        .boxed()
}

fn checked<'a, T>(answer: BoxFuture<'a, Result<Result<T, Error>, StoreError>>) -> BoxFuture<'a, Result<T::Read, StoreError>>
where
    T: DriverResult + 'a,
{
    let read = |answer: Result<Result<T, Error>, StoreError>| answer?.map(T::read).map_err(|error| store_error(&error));
    answer.map(read).boxed()
}

/// All documents of a cursor.
pub(crate) fn collected<'a, T>(find: BoxFuture<'a, Result<Cursor<T>, Error>>) -> BoxFuture<'a, Result<Vec<T::Read>, Error>>
where
    T: DriverResult + DeserializeOwned + Send + Sync + 'a,
    T::Read: Send,
{
    async move { find.await?.map_ok(T::read).try_collect().await }.boxed()
}

fn all_are_duplicates(error: &Error) -> bool {
    match error.kind.as_ref() {
        ErrorKind::InsertMany(InsertManyError {
            write_errors: Some(errors),
            write_concern_error: None,
            ..
        }) => errors.iter().all(|error| error.code == DUPLICATE_KEY),
        _ => false,
    }
}

fn snapshot_transaction() -> TransactionOptions {
    TransactionOptions::builder()
        .read_concern(ReadConcern::snapshot())
        .write_concern(durable())
        .build()
}
