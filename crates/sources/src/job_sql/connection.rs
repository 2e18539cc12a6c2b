//! Connections to a database that jobs read. Each query has one of its own, which is closed after it.

use std::fmt;
use std::time::Duration;

use ig_core::fault::Faults;
use ig_core::job::TableName;
use ig_core::schedule::Zone;
use ig_core::secret::{MASK, Secret};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error, Opts, OptsBuilder};
use tokio::time::timeout;

/// How long ending a query on the server may take.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);
/// How long saying goodbye may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// The smallest limit of a packet, in bytes: room for what the server says before any row.
const MIN_PACKET_BYTES: usize = 64 * 1024;
/// The modes in which queries are written and read: `"` quotes texts, `\` is the escape character of LIKE, `||` is no concatenation, and a
/// division by zero is NULL. The server's own modes may change each of them, and with it the meaning of a checked text.
const SQL_MODE: &str = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION";
/// The longest result of `GROUP_CONCAT`, in bytes; MySQL's own default cuts it at 1,024.
const GROUP_CONCAT_BYTES: u64 = 1024 * 1024;

/// The address of a database that jobs read, and how its times are read.
#[derive(Clone)]
pub struct SqlConnection {
    opts: Opts,
    schema: String,
    session_zone: Option<Zone>,
    output_zone: Zone,
}

/// The driver's options would print the password.
impl fmt::Debug for SqlConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlConnection")
            .field("opts", &MASK)
            .field("schema", &self.schema)
            .field("session_zone", &self.session_zone)
            .field("output_zone", &self.output_zone)
            .finish()
    }
}

impl SqlConnection {
    /// A connection at `mysql://user:password@host:3306/database`, in UTC, without contacting the server. The fault at `/url` does not
    /// repeat it.
    pub fn new(url: &Secret) -> Result<Self, Faults> {
        let wrong = |why: &str| Faults::single("/url", format!("{why}: set it to mysql://user:password@host:3306/database"));
        let given = Opts::from_url(url.expose()).map_err(|_| wrong("is not the address of a MySQL database"))?;
        let schema = given.db_name().filter(|name| !name.is_empty()).map(str::to_owned);
        let schema = schema.ok_or_else(|| wrong("names no database"))?;
        if format!("{schema}.t").parse::<TableName>().is_err() {
            return Err(wrong(
                "names a database of the server itself, or one whose name cannot be quoted",
            ));
        }
        let opts = OptsBuilder::from_opts(given)
            // Behind a tunnel, the socket path that the server reports may be another server's.
            .prefer_socket(false)
            .tcp_keepalive(Some(Duration::from_secs(30)));
        Ok(Self {
            opts: opts.into(),
            schema,
            session_zone: None,
            output_zone: Zone::default(),
        })
    }

    /// Sets the zone in which the server computes, for `NOW()` and the like; the server must know it by name. UTC otherwise.
    #[must_use]
    pub fn in_session_zone(self, zone: Zone) -> Self {
        Self {
            session_zone: Some(zone),
            ..self
        }
    }

    /// Sets the zone in which TIMESTAMP values are written, with their offset. UTC otherwise.
    #[must_use]
    pub fn with_output_zone(self, zone: Zone) -> Self {
        Self {
            output_zone: zone,
            ..self
        }
    }

    /// The database of the address, where tables without a schema are.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The zone in which the server writes TIMESTAMP values.
    pub(super) fn wire_zone(&self) -> Zone {
        self.session_zone.unwrap_or_default()
    }

    /// The zone in which TIMESTAMP values are written.
    pub(super) fn output_zone(&self) -> Zone {
        self.output_zone
    }

    /// Opens a connection that takes packets of at most `max_packet` bytes. It has no limit of time of its own.
    pub(super) async fn open(&self, max_packet: usize) -> Result<Conn, Error> {
        let opts = OptsBuilder::from_opts(self.opts.clone()).max_allowed_packet(Some(max_packet.max(MIN_PACKET_BYTES)));
        Conn::new(opts).await
    }

    /// Begins a read-only transaction in which each statement has this time. MariaDB reads the first comment, in seconds; MySQL the
    /// second, in milliseconds.
    pub(super) async fn begin(&self, conn: &mut Conn, time: Duration) -> Result<(), Error> {
        let time = time.max(Duration::from_millis(1));
        let (seconds, milliseconds) = (time.as_secs_f64(), time.as_millis().min(u32::MAX.into()));
        let zone = self.session_zone.map_or("+00:00", Zone::name);
        conn.query_drop(format!(
            "SET SESSION sql_mode = '{SQL_MODE}', time_zone = '{zone}', group_concat_max_len = {GROUP_CONCAT_BYTES} \
             /*M!100100 , max_statement_time = {seconds} */ /*!50708 , max_execution_time = {milliseconds} */"
        ))
        .await?;
        conn.query_drop("START TRANSACTION READ ONLY").await
    }

    /// Ends a query and its connection on the server, from a second connection: a server that computes does not notice that its client
    /// left, and its own limit of time is checked now and then only. Ending the connection ends the query as `KILL QUERY` does, and also
    /// what a lost network would leave behind.
    pub(super) async fn kill(&self, conn: Conn) {
        let id = conn.id();
        let killing = async {
            let mut killer = self.open(0).await?;
            killer.query_drop(format!("KILL {id}")).await?;
            killer.disconnect().await
        };
        match timeout(KILL_TIMEOUT, killing).await {
            Ok(Ok(())) => {}
            Ok(Err(Error::Server(gone))) if gone.code == code::NO_SUCH_CONNECTION => {}
            Ok(Err(_)) | Err(_) => {
                tracing::warn!(
                    database = self.schema,
                    "a query was not ended on its server, which ends it by its own limit of time"
                );
            }
        }
        close(conn).await;
    }
}

/// Closes a connection, without waiting long.
pub(super) async fn close(conn: Conn) {
    // Whatever the answer, the socket is closed.
    drop(timeout(CLOSE_TIMEOUT, conn.disconnect()).await);
}

mod code {
    /// The connection to end is gone already.
    pub(super) const NO_SUCH_CONNECTION: u16 = 1094;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_connection_shows_no_password_and_refuses_other_addresses() {
        let connection = SqlConnection::new(&Secret::new("mysql://u:marker@h/his")).unwrap();
        assert_eq!(connection.schema(), "his");
        assert!(!format!("{connection:?}").contains("marker"));
        for url in [
            "mysql://u:marker@h",
            "mysql://u:marker@h/",
            "mysql://u:marker@h/mysql",
            "mysql://u:marker@h/Information_Schema",
            "mysql://u:marker@h/a%60b",
            "postgres://u:marker@h/his",
            "mysql://u:marker@h/his?unknown=1",
        ] {
            let faults = SqlConnection::new(&Secret::new(url)).unwrap_err();
            assert_eq!(faults.list()[0].pointer, "/url", "{url}");
            assert!(!faults.to_string().contains("marker"), "{url}");
        }
    }
}
