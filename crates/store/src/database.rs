//! The handle that every repository holds: collections, one deadline for every operation, one mapping of errors.

use std::future::IntoFuture;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use futures::future::BoxFuture;
use ig_core::ports::StoreError;
use mongodb::action::{Action, Find};
use mongodb::bson::Document;
use mongodb::error::{Error, ErrorKind, InsertManyError};
use mongodb::options::{ClientOptions, ReadConcern, TransactionOptions, WriteConcern};
use mongodb::{Client, ClientSession, Collection, Cursor};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::MongoConfig;
use crate::error::{DUPLICATE_KEY, store_error};
use crate::page::{Listed, Page};
use crate::secret_box::SecretBox;

/// Histogram, seconds, by [`LABEL_OPERATION`] and [`LABEL_COLLECTION`]: how long an operation took.
const OPERATION_DURATION: &str = "db_client_operation_duration_seconds";
/// Label: what was done.
const LABEL_OPERATION: &str = "db_operation_name";
/// Label: to which collection.
const LABEL_COLLECTION: &str = "db_collection_name";

/// The driver's database with what this crate adds to every use of it.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    driver: mongodb::Database,
    secrets: SecretBox,
    patience: Duration,
}

impl Database {
    pub(crate) async fn open(config: &MongoConfig, secrets: SecretBox) -> Result<Self, StoreError> {
        let mut options = ClientOptions::parse(&config.uri).await.map_err(|error| store_error(&error))?;
        options.app_name.get_or_insert_with(|| "integration-gateway".to_owned());
        options.max_pool_size = Some(config.max_pool_size);
        options.server_selection_timeout = Some(config.server_selection_timeout());
        options.connect_timeout = Some(config.connect_timeout());
        options.read_concern = Some(ReadConcern::majority());
        options.write_concern = Some(durable());
        let client = Client::with_options(options).map_err(|error| store_error(&error))?;
        Ok(Self {
            driver: client.database(&config.database),
            secrets,
            patience: config.operation_timeout(),
        })
    }

    pub(crate) fn driver(&self) -> &mongodb::Database {
        &self.driver
    }

    pub(crate) fn secrets(&self) -> &SecretBox {
        &self.secrets
    }

    /// The same database, for whoever opens and seals with a box of their own.
    pub(crate) fn with_secrets(&self, secrets: SecretBox) -> Self {
        Self { secrets, ..self.clone() }
    }

    pub(crate) fn collection<T: Send + Sync>(&self, name: &str) -> Collection<T> {
        self.driver.collection(name)
    }

    /// Waits for an operation no longer than configured: the driver itself waits for ever on a server that froze.
    pub(crate) async fn within<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        F: IntoFuture<Output = Result<T, Error>>,
    {
        self.raw(operation).await?.map_err(|error| store_error(&error))
    }

    /// [`Self::within`] for callers that look into the driver's error.
    pub(crate) async fn raw<T, F>(&self, operation: F) -> Result<Result<T, Error>, StoreError>
    where
        F: IntoFuture<Output = Result<T, Error>>,
    {
        tokio::time::timeout(self.patience, operation.into_future())
            .await
            .map_err(|_| StoreError::Unavailable(format!("no answer within {} ms", self.patience.as_millis())))
    }

    /// Everything that a query finds.
    pub(crate) async fn all<T, F>(&self, find: F) -> Result<Vec<T>, StoreError>
    where
        T: DeserializeOwned + Send + Sync,
        F: IntoFuture<Output = Result<Cursor<T>, Error>>,
    {
        self.within(async move { find.await?.try_collect().await }).await
    }

    /// Inserts documents whose ids say what they are: one that is there already counts as written.
    pub(crate) async fn insert_once<T>(&self, collection: &'static str, documents: Vec<T>) -> Result<(), StoreError>
    where
        T: Serialize + Send + Sync,
    {
        if documents.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        let target = self.collection::<T>(collection);
        let inserted = self.raw(target.insert_many(&documents).ordered(false)).await?;
        metrics::histogram!(OPERATION_DURATION, LABEL_OPERATION => "insert", LABEL_COLLECTION => collection)
            .record(began.elapsed());
        match inserted {
            Err(error) if !all_were_there(&error) => Err(store_error(&error)),
            _ => Ok(()),
        }
    }

    /// Runs a transaction that reads one state of the database throughout, again where another was in its way; what ended it is the
    /// caller's to understand.
    pub(crate) async fn transact<C, T, F>(&self, context: C, attempt: F) -> Result<Result<T, Error>, StoreError>
    where
        C: Send,
        F: for<'a> FnMut(&'a mut ClientSession, &'a mut C) -> BoxFuture<'a, Result<T, Error>> + Send,
    {
        let mut session = self.within(self.driver.client().start_session()).await?;
        let transaction = session.start_transaction().with_options(snapshot_transaction());
        self.raw(transaction.and_run(context, attempt)).await
    }

    /// One page of what a filter finds, in a stable order, and how much it finds in all.
    pub(crate) async fn page<T>(
        &self,
        collection: &str,
        filter: Document,
        order: Document,
        without: Option<Document>,
        page: Page,
    ) -> Result<Listed<T>, StoreError>
    where
        T: DeserializeOwned + Send + Sync,
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

/// What is acknowledged survives the loss of any one server.
pub(crate) fn durable() -> WriteConcern {
    let mut concern = WriteConcern::majority();
    concern.journal = Some(true);
    concern
}

fn all_were_there(error: &Error) -> bool {
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
