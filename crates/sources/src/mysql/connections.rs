//! Connections that cannot write, cannot wait for ever, and are replaced when they break.

use std::time::Duration;

use ig_core::ports::SourceError;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Error, Opts, OptsBuilder, Pool, PoolConstraints, PoolOpts, Row, ServerError, Value};
use parking_lot::Mutex;
use tokio::time::timeout;

use super::NAME;
use crate::config::{MySqlConfig, TimeZone};
use crate::metrics;

/// How long a connection that nobody uses stays open.
const IDLE: Duration = Duration::from_mins(1);

/// Why a statement was not answered.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server is away, or did not answer in time.
    Away(String),
    /// The server refused.
    Refused(ServerError),
}

/// A pool of its own for one source.
#[derive(Debug)]
pub(super) struct Connections {
    opts: Opts,
    connect_timeout: Duration,
    statement_timeout: Duration,
    current: Mutex<Current>,
}

#[derive(Debug, Clone)]
struct Current {
    pool: Pool,
    generation: u64,
}

impl Connections {
    /// Connects when it is first asked to read.
    pub(super) fn new(config: &MySqlConfig) -> Result<Self, SourceError> {
        let opts = opts(config)?;
        let pool = Pool::new(opts.clone());
        Ok(Self {
            opts,
            connect_timeout: config.connect_timeout(),
            statement_timeout: config.statement_timeout(),
            current: Mutex::new(Current { pool, generation: 0 }),
        })
    }

    /// Runs a prepared statement and hands over its rows as they arrive; after an error some may have been handed over.
    pub(super) async fn read(&self, sql: &str, parameters: Vec<Value>, each: impl FnMut(Row) + Send) -> Result<(), Failure> {
        let current = self.current.lock().clone();
        let read = self.read_with(&current.pool, sql, parameters, each).await;
        metrics::connections(NAME, &current.pool);
        if let Err(Failure::Away(_)) = read {
            self.replace(current.generation);
        }
        read
    }

    async fn read_with(
        &self,
        pool: &Pool,
        sql: &str,
        parameters: Vec<Value>,
        each: impl FnMut(Row) + Send,
    ) -> Result<(), Failure> {
        let connecting = timeout(self.connect_timeout, pool.get_conn()).await;
        let mut conn = connecting.map_err(|_| late("a connection", self.connect_timeout))??;
        let reading = timeout(self.statement_timeout, async {
            conn.exec_iter(sql, parameters).await?.for_each_and_drop(each).await
        });
        let answer = reading.await;
        Ok(answer.map_err(|_| late("an answer", self.statement_timeout))??)
    }

    /// Throws the pool away, once for all who saw it fail; its connections are closed when the last of them lets go.
    fn replace(&self, failed: u64) {
        let mut current = self.current.lock();
        if current.generation == failed {
            *current = Current {
                pool: Pool::new(self.opts.clone()),
                generation: failed + 1,
            };
            metrics::pool_replaced(NAME);
        }
    }
}

fn late(what: &str, after: Duration) -> Failure {
    metrics::timed_out(NAME);
    Failure::Away(format!("the MySQL server did not give {what} within {after:?}"))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Server(refusal) => Self::Refused(refusal),
            other @ (Error::Driver(_) | Error::Io(_) | Error::Other(_) | Error::Url(_)) => Self::Away(other.to_string()),
        }
    }
}

fn opts(config: &MySqlConfig) -> Result<Opts, SourceError> {
    let misconfigured = |problem: &str| SourceError::Misconfigured(format!("sources.mysql.{problem}"));
    let url = config.url.as_ref().ok_or_else(|| misconfigured("url is not set"))?;
    let given = Opts::from_url(url.expose()).map_err(|_| misconfigured("url is not the address of a MySQL database"))?;
    let constraints = PoolConstraints::new(0, config.pool_max).ok_or_else(|| misconfigured("pool_max must be at least 1"))?;
    let pool = PoolOpts::default()
        .with_constraints(constraints)
        // At the driver's default of 0 a connection beyond the lower bound is closed as soon as it is given back.
        .with_inactive_connection_ttl(IDLE)
        .with_abs_conn_ttl(Some(config.connection_max_age()))
        // Nothing in a session is ever changed, and a reset would forget the prepared statements.
        .with_reset_connection(false);
    let opts = OptsBuilder::from_opts(given)
        .pool_opts(pool)
        // The path that the server gives for its socket may be another server's where the address is a tunnel's.
        .prefer_socket(false)
        .tcp_keepalive(Some(Duration::from_secs(30)))
        .setup(session(config.time_zone, config.statement_timeout()));
    Ok(opts.into())
}

/// Reads only, times in UTC unless the database's own zone is wanted, and the server itself ends what nobody waits for any more: MariaDB heeds the first comment, in
/// seconds, MySQL the second, in milliseconds.
fn session(zone: Option<TimeZone>, statement_timeout: Duration) -> Vec<String> {
    let (seconds, milliseconds) = (statement_timeout.as_secs_f64(), statement_timeout.as_millis());
    let limits = format!("/*M!100100 , max_statement_time = {seconds} */ /*!50708 , max_execution_time = {milliseconds} */");
    let zone = match zone {
        Some(TimeZone::Session) => "@@global.time_zone",
        Some(TimeZone::Named(_)) | None => "'+00:00'",
    };
    vec![
        "SET SESSION TRANSACTION READ ONLY".to_owned(),
        format!("SET SESSION time_zone = {zone} {limits}"),
    ]
}
