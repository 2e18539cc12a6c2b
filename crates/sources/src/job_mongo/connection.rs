//! What a connection string may say, and the little of it that is used.

use std::path::PathBuf;
use std::time::Duration;

use ig_core::fault::Faults;
use ig_core::job::FetchError;
use ig_core::secret::Secret;
use mongodb::Client;
use mongodb::options::{
    AuthMechanism, ClientOptions, ConnectionString, Credential, HostInfo, ReadPreference, SelectionCriteria, ServerAddress,
    ServerMonitoringMode, Tls,
};

use super::SELECTION_TIMEOUT;
use super::host::Host;

/// The most hosts of a deployment: a replica set has at most 50 members.
pub(super) const MAX_HOSTS: usize = 50;
/// The name that a database's own logs show.
const APP_NAME: &str = "integration-gateway-job";
/// A fetch ends long before a second check of its server would be due.
const HEARTBEAT: Duration = Duration::from_mins(10);

/// Options that would open a hole, in lower case: certificates that are not verified, files of this machine, other ways
/// out, properties of mechanisms that fetch credentials from elsewhere, and answers that grow when they are unpacked.
const REFUSED_OPTIONS: [&str; 14] = [
    "tlsinsecure",
    "tlsallowinvalidcertificates",
    "tlsallowinvalidhostnames",
    "tlscafile",
    "tlscertificatekeyfile",
    "tlscertificatekeyfilepassword",
    "proxyhost",
    "proxyport",
    "proxyusername",
    "proxypassword",
    "authmechanismproperties",
    "loadbalanced",
    "compressors",
    "zlibcompressionlevel",
];

/// The mechanisms that need nothing but the user name and the password of the string.
const ALLOWED_MECHANISMS: [&str; 3] = ["SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN"];

const MALFORMED: &str =
    "must be a connection string such as mongodb://user:password@host/, with percent-encoded user name and password";

/// Checks a connection string as far as that is possible without resolving names. Faults never quote it.
pub fn check_connection(connection: &Secret) -> Result<(), Faults> {
    parse(connection).map(drop)
}

fn parse(connection: &Secret) -> Result<ConnectionString, Faults> {
    let text = connection.expose();
    let mut faults = check_options(text);
    let parsed = ConnectionString::parse(text);
    match &parsed {
        Ok(parsed) => check_parsed(parsed, &mut faults),
        // The driver's message may quote a part of a password that was not encoded.
        Err(_) if faults.is_empty() => faults.add("", MALFORMED),
        Err(_) => {}
    }
    match parsed {
        Ok(parsed) => faults.into_result(parsed),
        Err(_) => Err(faults),
    }
}

fn check_options(text: &str) -> Faults {
    let mut faults = Faults::default();
    let options = text.split_once('?').map_or("", |(_, options)| options);
    for option in options.split('&') {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let lower = name.to_ascii_lowercase();
        if let Some(refused) = REFUSED_OPTIONS.iter().find(|refused| **refused == lower) {
            faults.add("", format!("must not have the option {refused}"));
        }
        if lower == "authmechanism" && !ALLOWED_MECHANISMS.contains(&value) {
            faults.add("", "must authenticate with SCRAM-SHA-256, SCRAM-SHA-1 or PLAIN");
        }
    }
    faults
}

/// Checks what the driver made of the string, which is what counts.
fn check_parsed(parsed: &ConnectionString, faults: &mut Faults) {
    if let HostInfo::HostIdentifiers(hosts) = &parsed.host_info {
        check_hosts(hosts, faults);
    }
    if parsed.direct_connection == Some(true) && !has_one_host(parsed) {
        faults.add("", "must name one host with directConnection");
    }
    let mechanism = parsed
        .credential
        .as_ref()
        .and_then(|credential| credential.mechanism.as_ref());
    let is_tls = matches!(parsed.tls, Some(Tls::Enabled(_)));
    match mechanism {
        Some(AuthMechanism::Plain) if !is_tls => {
            faults.add("", "must turn TLS on with PLAIN, which sends the password as it is");
        }
        None | Some(AuthMechanism::Plain | AuthMechanism::ScramSha1 | AuthMechanism::ScramSha256) => {}
        Some(_) if faults.is_empty() => faults.add("", "must authenticate with SCRAM-SHA-256, SCRAM-SHA-1 or PLAIN"),
        Some(_) => {}
    }
}

fn has_one_host(parsed: &ConnectionString) -> bool {
    matches!(&parsed.host_info, HostInfo::HostIdentifiers(hosts) if hosts.len() == 1)
}

fn check_hosts(hosts: &[ServerAddress], faults: &mut Faults) {
    if hosts.len() > MAX_HOSTS {
        faults.add("", format!("must have at most {MAX_HOSTS} hosts"));
    }
    if hosts.iter().any(|host| Host::of(host).is_none()) {
        faults.add("", "must name hosts, not sockets of this machine");
    }
}

/// A tenant's deployment: all that is used of a connection string.
#[derive(Debug)]
pub(super) struct Deployment {
    /// The hosts of the string, or those that its `mongodb+srv` name stands for.
    pub(super) seeds: Vec<Host>,
    pub(super) is_tls: bool,
    /// Whether only the host of the string is wanted, and no other member of its replica set.
    pub(super) is_direct: bool,
    pub(super) replica_set: Option<String>,
    credential: Option<Credential>,
}

impl Deployment {
    /// Checks a connection string, and asks DNS for the hosts of a `mongodb+srv` name.
    pub(super) async fn resolve(connection: &Secret) -> Result<Self, FetchError> {
        let refused = |faults: Faults| {
            let messages: Vec<_> = faults.list().iter().map(|fault| fault.message.as_str()).collect();
            FetchError::Refused(format!("The connection string {}.", messages.join(", and ")))
        };
        let parsed = parse(connection).map_err(refused)?;
        let unresolved = |_| FetchError::Unavailable("The mongodb+srv name was not resolved.".to_owned());
        let options = ClientOptions::parse(used_parts(parsed)).await.map_err(unresolved)?;
        Self::of(options)
    }

    fn of(options: ClientOptions) -> Result<Self, FetchError> {
        let refused = |reason: &str| Err(FetchError::Refused(reason.to_owned()));
        // DNS can turn this on behind a mongodb+srv name.
        if options.load_balanced == Some(true) {
            return refused("The database is behind a load balancer of MongoDB, which is not supported.");
        }
        let seeds: Option<Vec<_>> = options.hosts.iter().map(Host::of).collect();
        match seeds {
            Some(seeds) if seeds.len() <= MAX_HOSTS => Ok(Self {
                seeds,
                is_tls: matches!(options.tls, Some(Tls::Enabled(_))),
                is_direct: options.direct_connection == Some(true),
                replica_set: options.repl_set_name,
                credential: options.credential,
            }),
            _ => refused("The mongodb+srv name stands for no hosts, or for too many."),
        }
    }

    /// A client whose only server is at this socket.
    pub(super) fn client(&self, socket: PathBuf) -> Result<Client, FetchError> {
        let mut options = ClientOptions::builder()
            .hosts(vec![ServerAddress::Unix { path: socket }])
            .build();
        options.app_name = Some(APP_NAME.to_owned());
        options.direct_connection = Some(true);
        options.repl_set_name.clone_from(&self.replica_set);
        options.credential.clone_from(&self.credential);
        options.max_pool_size = Some(1);
        options.max_connecting = Some(1);
        options.connect_timeout = Some(SELECTION_TIMEOUT);
        options.server_selection_timeout = Some(SELECTION_TIMEOUT);
        options.heartbeat_freq = Some(HEARTBEAT);
        options.server_monitoring_mode = Some(ServerMonitoringMode::Poll);
        options.retry_reads = Some(false);
        options.retry_writes = Some(false);
        let secondary = ReadPreference::SecondaryPreferred { options: None };
        options.selection_criteria = Some(SelectionCriteria::ReadPreference(secondary));
        Client::with_options(options).map_err(|_| FetchError::Refused("The credentials cannot be used.".to_owned()))
    }
}

/// The parts of a string that are used. The driver would refuse some others that change nothing here, such as a time limit
/// of sockets.
fn used_parts(parsed: ConnectionString) -> ConnectionString {
    let mut used = ConnectionString::default();
    used.host_info = parsed.host_info;
    used.credential = parsed.credential;
    used.default_database = parsed.default_database;
    used.tls = parsed.tls;
    used.direct_connection = parsed.direct_connection;
    used.replica_set = parsed.replica_set;
    used.srv_service_name = parsed.srv_service_name;
    used
}

#[cfg(test)]
mod tests;
