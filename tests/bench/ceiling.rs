//! What the machine itself can do: a bare client posting, alone and beside a bare driver that inserts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use ig_testkit::mongo::TestDatabase;
use ig_testkit::receiver::Receiver;
use mongodb::bson::{Document, doc};

const CONNECTIONS: usize = 64;
const DURATION: Duration = Duration::from_secs(4);

/// A bare hyper client.
#[derive(Clone)]
pub(crate) struct Poster(Client<HttpConnector, Full<Bytes>>);

impl Poster {
    /// A client with a pool.
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Posts and reads the answer.
    pub(crate) async fn post(&self, url: &str, headers: &[(&str, &str)], body: Bytes) -> anyhow::Result<(StatusCode, Bytes)> {
        let mut request = Request::post(url).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.0.request(request.body(Full::new(body))?).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }
}

/// Posts a second of a bare client at 64 connections.
pub(crate) async fn bare(receiver: &Receiver) -> anyhow::Result<f64> {
    let done = Arc::new(AtomicBool::new(false));
    posting(receiver, &done).await
}

/// Posts a second of a bare client while a bare driver inserts `documents` of 1.5 KiB in all for each post.
pub(crate) async fn composite(receiver: &Receiver, mongo: &TestDatabase) -> anyhow::Result<f64> {
    let posted = Arc::new(AtomicU64::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let inserting = insert_as_posted(mongo, Arc::clone(&posted), Arc::clone(&done));
    let posting = posting_paced(receiver, Arc::clone(&posted), &done);
    let (inserted, rate) = tokio::join!(inserting, posting);
    inserted?;
    rate
}

async fn posting(receiver: &Receiver, done: &Arc<AtomicBool>) -> anyhow::Result<f64> {
    posting_paced(receiver, Arc::new(AtomicU64::new(0)), done).await
}

async fn posting_paced(receiver: &Receiver, posted: Arc<AtomicU64>, done: &Arc<AtomicBool>) -> anyhow::Result<f64> {
    let (poster, url) = (Poster::new(), receiver.url("/ceiling"));
    let body = Bytes::from(vec![b'x'; 1024]);
    let began = Instant::now();
    let lanes = (0..CONNECTIONS).map(|_| async {
        while began.elapsed() < DURATION {
            poster.post(&url, &[], body.clone()).await?;
            posted.fetch_add(1, Relaxed);
        }
        anyhow::Ok(())
    });
    futures::future::try_join_all(lanes).await?;
    done.store(true, Relaxed);
    Ok(posted.load(Relaxed) as f64 / began.elapsed().as_secs_f64())
}

/// Inserts what a delivery writes: a log with both payloads, a trace and an audit entry, as many as were posted.
async fn insert_as_posted(mongo: &TestDatabase, posted: Arc<AtomicU64>, done: Arc<AtomicBool>) -> anyhow::Result<()> {
    let database = mongo.open().await;
    let sizes = [("ceiling_logs", 3_000), ("ceiling_traces", 500), ("ceiling_audit", 250)];
    let mut inserted = 0;
    while !done.load(Relaxed) || inserted < posted.load(Relaxed) {
        let due = (posted.load(Relaxed) - inserted).min(500);
        if due == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        }
        for (name, size) in sizes {
            let document = doc! {"orgId": 1, "payload": "x".repeat(size)};
            let group = vec![document; usize::try_from(due)?];
            database
                .collection::<Document>(name)
                .insert_many(group)
                .ordered(false)
                .await?;
        }
        inserted += due;
    }
    Ok(())
}
