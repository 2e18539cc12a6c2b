//! Aggregations in a MongoDB database that a tenant chose.
//!
//! A tenant names the database, and this process, which can reach databases and neighbours, reads from it. The driver
//! resolves names by itself, connects to the hosts that a replica set's answer names, and treats a host that ends in
//! `.sock` as a file of this machine, and none of that can be turned off. So the driver is never given an address:
//!
//! 1. **Of the connection string, four things are used**: hosts, credentials, whether TLS is on, and the name of the
//!    replica set. Options that would weaken TLS, read files of this machine, or fetch credentials from elsewhere are
//!    refused when a job is saved and again at each run ([`check_connection`]). Names behind `mongodb+srv` are treated like
//!    hosts of the string.
//! 2. **One member is chosen by us.** A host is dialled, asked `hello`, and left ([`member_search`]). Hosts that it names
//!    are candidates like the others. A secondary is preferred.
//! 3. **The driver sees one server, at a socket of this process.** [`relay`] listens on a socket without a file, which only
//!    this process may connect to; the driver treats it as its only server, whatever `hello` says about others. For each
//!    connection, the relay dials the member.
//! 4. **Each dial asks the guard.** [`AddressGuard::resolve`] returns judged addresses, and the connection goes to those
//!    and to no others. A name that turns private after an earlier look ends the fetch.
//! 5. **TLS ends in the relay.** It verifies the certificate for the name that the tenant wrote, with the roots of this
//!    process. A relay that left TLS to the driver could not keep that name: the driver verifies what it connects to.
//!
//! The relay also bounds what a hostile server can send, in bytes and in silence.

use std::sync::Arc;
use std::time::Duration;

use ig_core::job::{BsonStyle, DatabaseOwner, FetchError, FetchLimits, Fetched, check_pipeline};
use ig_core::secret::Secret;
use serde_json::Value;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_util::sync::CancellationToken;

mod address_guard;
mod connection;
mod dialer;
mod documents;
mod driver_error;
mod hello;
mod host;
mod member_search;
mod operation;
mod relay;

pub use address_guard::{AddressGuard, GuardRefusal};
pub use connection::check_connection;

use connection::Deployment;
use dialer::Dialer;
use operation::Operation;
use relay::Relay;

/// The time limit for resolving the hosts and choosing a member.
const SELECTION_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest an operation may take, however long the deadline of its fetch is.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(30);

/// An aggregation in a tenant's database.
#[derive(Debug, Clone, Copy)]
pub struct ExternalQuery<'a> {
    /// The connection string.
    pub connection: &'a Secret,
    /// The database.
    pub database: &'a str,
    /// The collection.
    pub collection: &'a str,
    /// The stages, without variables; they may use extended JSON.
    pub pipeline: &'a [Value],
    /// The form of the records.
    pub style: BsonStyle,
}

/// Reads from MongoDB databases of tenants. Each fetch has connections of its own, which it closes.
#[derive(Clone)]
pub struct ExternalMongo {
    tls: TlsConnector,
}

impl std::fmt::Debug for ExternalMongo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExternalMongo").finish_non_exhaustive()
    }
}

impl ExternalMongo {
    /// Uses these roots, and this process's certificate if it has one, with databases that require TLS.
    pub fn new(tls: Arc<ClientConfig>) -> Self {
        Self {
            tls: TlsConnector::from(tls),
        }
    }

    /// Runs an aggregation. On cancellation and at the deadline, the operation is ended on the server as well.
    pub async fn fetch(
        &self,
        query: &ExternalQuery<'_>,
        guard: &dyn AddressGuard,
        limits: &FetchLimits,
        cancel: &CancellationToken,
    ) -> Result<Fetched, FetchError> {
        let operation = Operation::new(query, *limits)?;
        let selected = cancel.run_until_cancelled(self.select(query.connection, guard, limits)).await;
        let (deployment, dialer, member) = selected.ok_or(FetchError::Cancelled)??;
        let relay = Relay::bind()?;
        let client = deployment.client(relay.address())?;
        let outcome = tokio::select! {
            // A refusal of the guard explains why the driver has no connection, so it comes first.
            biased;
            failure = relay.serve(&dialer, &member, limits) => Err(failure),
            fetched = operation.run(&client, cancel) => fetched,
        };
        operation::close(client).await;
        outcome
    }

    async fn select<'g>(
        &self,
        connection: &Secret,
        guard: &'g dyn AddressGuard,
        limits: &FetchLimits,
    ) -> Result<(Deployment, Dialer<'g>, host::Host), FetchError> {
        let limit = SELECTION_TIMEOUT.min(limits.deadline);
        let select = async {
            let deployment = Deployment::resolve(connection).await?;
            let dialer = Dialer::new(guard, deployment.is_tls.then(|| self.tls.clone()));
            let member = member_search::find(&deployment, &dialer, limit).await?;
            Ok((deployment, dialer, member))
        };
        let too_late = |_| FetchError::Unavailable(format!("No host of the database answered within {} s.", limit.as_secs_f64()));
        timeout(limit, select).await.map_err(too_late)?
    }
}

/// Refuses what a pipeline must not do, in one sentence.
fn check_stages(pipeline: &[Value]) -> Result<(), FetchError> {
    let faults = check_pipeline(pipeline, DatabaseOwner::Tenant);
    faults
        .into_result(())
        .map_err(|faults| FetchError::Refused(format!("The pipeline is not allowed: {faults}.")))
}
