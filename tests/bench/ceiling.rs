//! The machine's own ceiling: a bare client that posts, alone and beside a bare driver that inserts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use ig_testkit::mongo::TestDatabase;
use ig_testkit::receiver::Receiver;
use mongodb::bson::{Document, doc};
use mongodb::options::{Acknowledgment, WriteConcern};

const CONNECTIONS: usize = 64;
const DURATION: Duration = Duration::from_secs(4);
/// Stand-ins for the collections that record a delivery, with the bytes of text in a document of each.
const DOCUMENTS: [(&str, usize); 3] = [("ceiling_logs", 3_000), ("ceiling_traces", 500), ("ceiling_audit", 250)];

/// A bare hyper client.
#[derive(Clone)]
pub(crate) struct Poster(Client<HttpConnector, Full<Bytes>>);

impl Poster {
    /// A client with a connection pool.
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Posts a body and reads the response.
    pub(crate) async fn post(&self, url: &str, headers: &[(&str, &str)], body: Bytes) -> anyhow::Result<(StatusCode, Bytes)> {
        let answer = self.send(Method::POST, url, headers, body).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }

    /// Sends a request and returns the response with its body unread.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> anyhow::Result<Response<Incoming>> {
        let request = Request::builder().method(method).uri(url);
        let mut request = request.header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Ok(self.0.request(request.body(Full::new(body))?).await?)
    }
}

/// Posts per second of a bare client with 64 connections.
pub(crate) async fn bare(receiver: &Receiver) -> anyhow::Result<f64> {
    let counts = Arc::new(Counts::default());
    let began = Instant::now();
    posting(receiver, &counts, u64::MAX).await?;
    Ok(counts.posted.load(Relaxed) as f64 / began.elapsed().as_secs_f64())
}

/// Posts per second of a bare client while a bare driver inserts a delivery's documents for each post: the slower of the two decides.
pub(crate) async fn composite(receiver: &Receiver, mongo: &TestDatabase) -> anyhow::Result<f64> {
    let counts = Arc::new(Counts::default());
    let began = Instant::now();
    let (inserted, posted) = tokio::join!(insert_as_posted(mongo, &counts), posting(receiver, &counts, LEAD));
    inserted.and(posted)?;
    Ok(counts.inserted.load(Relaxed) as f64 / began.elapsed().as_secs_f64())
}

/// How many posts may be ahead of their documents, like the platform's buffer of unrecorded deliveries.
const LEAD: u64 = 2_000;

#[derive(Default)]
struct Counts {
    posted: AtomicU64,
    inserted: AtomicU64,
    done: AtomicBool,
}

async fn posting(receiver: &Receiver, counts: &Counts, lead: u64) -> anyhow::Result<()> {
    let (poster, url) = (Poster::new(), receiver.url("/ceiling"));
    let body = Bytes::from(vec![b'x'; 1024]);
    let began = Instant::now();
    let lanes = (0..CONNECTIONS).map(|_| async {
        while began.elapsed() < DURATION {
            if counts.posted.load(Relaxed) - counts.inserted.load(Relaxed) >= lead {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            poster.post(&url, &[], body.clone()).await?;
            counts.posted.fetch_add(1, Relaxed);
        }
        anyhow::Ok(())
    });
    let posted = futures::future::try_join_all(lanes).await;
    counts.done.store(true, Relaxed);
    posted.map(|_| ())
}

/// Inserts a delivery's documents for each post: a log with both payloads, a trace and an audit entry.
async fn insert_as_posted(mongo: &TestDatabase, counts: &Counts) -> anyhow::Result<()> {
    let database = mongo.open().await;
    let concern = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
    while !counts.done.load(Relaxed) || counts.inserted.load(Relaxed) < counts.posted.load(Relaxed) {
        let due = (counts.posted.load(Relaxed) - counts.inserted.load(Relaxed)).min(500);
        if due == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        }
        let groups = DOCUMENTS.map(|(name, size)| {
            let document = doc! {"orgId": 1, "payload": "x".repeat(size)};
            let group = vec![document; usize::try_from(due).unwrap_or(0)];
            let collection = database.collection::<Document>(name);
            let concern = concern.clone();
            async move { collection.insert_many(group).ordered(false).write_concern(concern).await }
        });
        futures::future::try_join_all(groups).await?;
        counts.inserted.fetch_add(due, Relaxed);
    }
    Ok(())
}
