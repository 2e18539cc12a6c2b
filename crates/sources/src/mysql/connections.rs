//! Read-only connections with timeouts, replaced when they break.

use std::time::Duration;

use ig_core::ports::SourceError;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Error, Opts, OptsBuilder, Pool, PoolConstraints, PoolOpts, Row, ServerError, Value};
use parking_lot::Mutex;
use tokio::time::timeout;

use super::NAME;
use crate::config::{MySqlConfig, TimeZone};
use crate::metrics;

/// How long an unused connection stays open.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// Why a statement failed.
#[derive(Debug)]
pub(super) enum StatementError {
    /// The server is unavailable, or did not answer in time.
    Unavailable(String),
    /// The server refused the statement.
    Refused(ServerError),
}

/// The connection pool of one source.
#[derive(Debug)]
pub(super) struct Connections {
    opts: Opts,
    connect_timeout: Duration,
    statement_timeout: Duration,
    current: Mutex<CurrentPool>,
}

#[derive(Debug, Clone)]
struct CurrentPool {
    pool: Pool,
    generation: u64,
}

impl Connections {
    /// Connects on the first read.
    pub(super) fn new(config: &MySqlConfig) -> Result<Self, SourceError> {
        let opts = connection_opts(config)?;
        let pool = Pool::new(opts.clone());
        Ok(Self {
            opts,
            connect_timeout: config.connect_timeout(),
            statement_timeout: config.statement_timeout(),
            current: Mutex::new(CurrentPool { pool, generation: 0 }),
        })
    }

    /// Runs a prepared statement and passes on its rows as they arrive; some may have been passed on before an error.
    pub(super) async fn read(
        &self,
        sql: &str,
        parameters: Vec<Value>,
        on_row: impl FnMut(Row) + Send,
    ) -> Result<(), StatementError> {
        let current = self.current.lock().clone();
        let read = self.read_with(&current.pool, sql, parameters, on_row).await;
        metrics::set_connections(NAME, &current.pool);
        if let Err(StatementError::Unavailable(_)) = read {
            self.replace_pool(current.generation);
        }
        read
    }

    async fn read_with(
        &self,
        pool: &Pool,
        sql: &str,
        parameters: Vec<Value>,
        on_row: impl FnMut(Row) + Send,
    ) -> Result<(), StatementError> {
        let connecting = timeout(self.connect_timeout, pool.get_conn()).await;
        let mut conn = connecting.map_err(|_| timed_out("a connection", self.connect_timeout))??;
        let reading = timeout(self.statement_timeout, async {
            conn.exec_iter(sql, parameters).await?.for_each_and_drop(on_row).await
        });
        let answer = reading.await;
        Ok(answer.map_err(|_| timed_out("an answer", self.statement_timeout))??)
    }

    /// Replaces a failed pool once, however many reads report it. The old connections close when the last read drops its pool.
    fn replace_pool(&self, failed_generation: u64) {
        let mut current = self.current.lock();
        if current.generation == failed_generation {
            *current = CurrentPool {
                pool: Pool::new(self.opts.clone()),
                generation: failed_generation + 1,
            };
            metrics::count_replaced_pool(NAME);
        }
    }
}

fn timed_out(what: &str, after: Duration) -> StatementError {
    metrics::count_timeout(NAME);
    StatementError::Unavailable(format!("the MySQL server did not give {what} within {after:?}"))
}

impl From<Error> for StatementError {
    fn from(error: Error) -> Self {
        match error {
            Error::Server(refusal) => Self::Refused(refusal),
            other @ (Error::Driver(_) | Error::Io(_) | Error::Other(_) | Error::Url(_)) => Self::Unavailable(other.to_string()),
        }
    }
}

fn connection_opts(config: &MySqlConfig) -> Result<Opts, SourceError> {
    let misconfigured = |problem: &str| SourceError::Misconfigured(format!("sources.mysql.{problem}"));
    let url = config.url.as_ref().ok_or_else(|| misconfigured("url is not set"))?;
    let given = Opts::from_url(url.expose()).map_err(|_| misconfigured("url is not the address of a MySQL database"))?;
    let constraints = PoolConstraints::new(0, config.pool_max).ok_or_else(|| misconfigured("pool_max must be at least 1"))?;
    let pool = PoolOpts::default()
        .with_constraints(constraints)
        // At the driver's default of 0 a returned connection beyond the lower bound is closed at once.
        .with_inactive_connection_ttl(IDLE_TIMEOUT)
        .with_abs_conn_ttl(Some(config.connection_max_age()))
        // Sessions never change, and a reset would drop the prepared statements.
        .with_reset_connection(false);
    let opts = OptsBuilder::from_opts(given)
        .pool_opts(pool)
        // Behind a tunnel, the socket path that the server reports may be another server's.
        .prefer_socket(false)
        .tcp_keepalive(Some(Duration::from_secs(30)))
        .setup(session_setup(config.time_zone, config.statement_timeout()));
    Ok(opts.into())
}

/// Read-only, times in UTC unless the database's own zone is configured, and a server-side limit that ends abandoned statements. MariaDB
/// reads the first comment, in seconds; MySQL the second, in milliseconds.
fn session_setup(zone: Option<TimeZone>, statement_timeout: Duration) -> Vec<String> {
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
