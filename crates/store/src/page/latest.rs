//! Pages of large collections, listed by time.
//!
//! A query whose bounds span a million entries costs a million, even if it returns the latest fifty: not every server
//! walks an index from its end. So such a list is walked in spans of time, newest first, until the page is full, and
//! counted not much further.

use std::time::Duration;

use futures::FutureExt as _;
use ig_core::clock::Timestamp;
use ig_core::ports::StoreError;
use mongodb::Collection;
use mongodb::action::{Action as _, Find};
use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::error::{Error, ErrorKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::lookback::{Lookback, Span};
use super::{Listed, Page};
use crate::database::{Database, collected};
use crate::error::store_error;
use crate::field::{long, unsigned};
use crate::stored::Stored;

/// The initial deadline for counting a span; a span that exceeds it is too long.
const FIRST_TIMEOUT: Duration = Duration::from_millis(25);
/// The server's code for an operation that exceeded its time limit.
const MAX_TIME_MS_EXPIRED: i32 = 50;

/// The time that a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SortTime {
    /// Lies in the past when a document is written.
    Past(&'static str),
    /// May lie in the future.
    Any(&'static str),
}

impl SortTime {
    /// The time of creation.
    pub(crate) const CREATED: Self = Self::Past("createdAt");

    fn field(self) -> &'static str {
        match self {
            Self::Past(field) | Self::Any(field) => field,
        }
    }

    /// Newest first.
    pub(crate) fn order(self) -> Document {
        doc! { self.field(): -1, "_id": -1 }
    }

    fn lookback(self, Period { start, end }: Period) -> Lookback {
        let millis = |at: Timestamp| at.timestamp_millis();
        let (floor, to) = (start.map_or(0, millis), end.map(millis));
        let now = DateTime::now().timestamp_millis();
        match self {
            Self::Past(_) => Lookback::new(floor, to, now),
            Self::Any(_) => Lookback::from_ahead(floor, to, now),
        }
    }
}

/// The period of a search; a bound that is `None` is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) start: Option<Timestamp>,
    pub(crate) end: Option<Timestamp>,
}

/// A search for documents with a time, which an index has after its other fields.
#[derive(Debug, Clone)]
pub(crate) struct TimedSearch {
    pub(crate) collection: &'static str,
    /// The conditions, without the time.
    pub(crate) query: Document,
    /// The fields of the conditions that precede the time in the index.
    pub(crate) keys: &'static [&'static str],
    pub(crate) time: SortTime,
    pub(crate) period: Period,
    /// Fields to leave out of each document.
    pub(crate) without: Option<Document>,
}

impl Database {
    /// One page of the documents search, newest first. The total is exact if at most a few hundred items follow the
    /// page, and a lower bound otherwise.
    pub(crate) async fn latest<T>(&self, search: TimedSearch, page: Page) -> Result<Listed<T>, StoreError>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let mut back = search.time.lookback(search.period);
        let (limit, count_limit) = (page.size(), page.count_limit());
        let target = self.collection::<Document>(search.collection);
        let (mut items, mut total, mut timeout) = (Vec::new(), 0_u64, FIRST_TIMEOUT);
        while let Some(span) = back.current() {
            let found = search.span_pipeline(span);
            let Some(count) = self.count_quickly(&target, &found, timeout).await? else {
                // A server that is slow at everything gets more time as well.
                timeout *= 2;
                back.shorten();
                continue;
            };
            let missing = limit.saturating_sub(items.len() as u64);
            let skip = page.skip().saturating_sub(total);
            if missing > 0 && count > skip {
                let ids = self
                    .all(
                        target
                            .aggregate(search.slice_ids(found, skip, missing))
                            .with_type::<Stored<IdDocument>>(),
                    )
                    .await?;
                items.extend(self.load_by_ids::<T>(&search, ids).await?);
            }
            total = total.saturating_add(count);
            back.advance();
            if total >= count_limit && back.current().is_some() {
                return Ok(Listed {
                    items,
                    total,
                    is_exact: false,
                });
            }
        }
        Ok(Listed::counted(items, total))
    }

    /// Loads the documents by their ids: the fields to leave out are inside arrays, and not every server's aggregation
    /// can exclude those.
    async fn load_by_ids<T>(&self, search: &TimedSearch, ids: Vec<IdDocument>) -> Result<Vec<T>, StoreError>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let ids: Vec<Bson> = ids.into_iter().map(|IdDocument { id }| id).collect();
        let target = self.collection::<T>(search.collection);
        let find = target.find(doc! { "_id": { "$in": ids } }).sort(search.time.order());
        self.all(find.optional(search.without.clone(), Find::projection)).await
    }

    /// The count, or `None` if it takes too long.
    async fn count_quickly(
        &self,
        target: &Collection<Document>,
        found: &[Document],
        timeout: Duration,
    ) -> Result<Option<u64>, StoreError> {
        let mut pipeline = found.to_vec();
        pipeline.push(doc! { "$count": "count" });
        let counting = target
            .aggregate(pipeline)
            .max_time(timeout)
            .with_type::<Stored<CountDocument>>();
        let counted = self
            .raw(collected::<Stored<CountDocument>>(counting.into_future().boxed()))
            .await?;
        match counted {
            Ok(counts) => Ok(Some(counts.first().map_or(0, |count| unsigned(count.count)))),
            Err(error) if exceeded_time_limit(&error) => Ok(None),
            Err(error) => Err(store_error(&error)),
        }
    }
}

#[derive(Debug, Deserialize)]
struct CountDocument {
    count: i64,
}

#[derive(Debug, Deserialize)]
struct IdDocument {
    #[serde(rename = "_id")]
    id: Bson,
}

impl TimedSearch {
    /// The pipeline for a span, newest first.
    ///
    /// A server takes bounds from an index if the first stage names the fields of that index and no others. All other
    /// conditions follow the sort, so that they are applied only within the span.
    fn span_pipeline(&self, Span { from, to }: Span) -> Vec<Document> {
        let mut period = doc! { "$gte": DateTime::from_millis(from) };
        if let Some(to) = to {
            period.insert("$lt", DateTime::from_millis(to));
        }
        let is_key = |name: &str| self.keys.contains(&name);
        let (mut bounds, rest): (Document, Document) = self.query.clone().into_iter().partition(|(name, _)| is_key(name));
        bounds.insert(self.time.field(), period);
        let mut stages = vec![doc! { "$match": bounds }];
        if !rest.is_empty() {
            stages.extend([self.sort_stage(), doc! { "$match": rest }]);
        }
        stages
    }

    /// The ids of a slice of the documents found.
    fn slice_ids(&self, mut found: Vec<Document>, skip: u64, limit: u64) -> Vec<Document> {
        if found.len() == 1 {
            found.push(self.sort_stage());
        }
        found.extend([
            doc! { "$skip": long(skip) },
            doc! { "$limit": long(limit) },
            doc! { "$project": { "_id": 1 } },
        ]);
        found
    }

    fn sort_stage(&self) -> Document {
        doc! { "$sort": self.time.order() }
    }
}

fn exceeded_time_limit(error: &Error) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Command(command) if command.code == MAX_TIME_MS_EXPIRED)
}
