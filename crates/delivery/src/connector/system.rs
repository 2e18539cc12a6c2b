//! The machine's names, looked up without a thread.
//!
//! The C library's resolver blocks a thread for each name, for as long as a name server stays silent; a tenant who owns a zone that
//! nobody answers for could take all threads that others need. This one reads the same files, asks the same servers, and waits for
//! each name by itself, no longer than [`LONGEST`] and for no more than so many of one zone.

use std::fs::{self, File};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use hickory_resolver::config::{LookupIpStrategy, ResolveHosts, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::system_conf::parse_resolv_conf;
use hickory_resolver::{Hosts, TokioResolver};
use parking_lot::Mutex;

use super::resolve::Resolve;
use super::zones::Zones;

/// How long a name may take.
const LONGEST: Duration = Duration::from_secs(5);
/// How long a server may take to answer before it, or another one, is asked again.
const ONE_ANSWER: Duration = Duration::from_secs(2);
/// An address is remembered as long as its zone says, but not longer than this; that there is none, not longer than that.
const REMEMBERED: Duration = Duration::from_mins(1);
const NONE_REMEMBERED: Duration = Duration::from_secs(5);
/// Between two looks whether the files have changed.
const LOOK: Duration = Duration::from_secs(2);
/// What the C library asks where no server is named.
const USUAL_SERVER: &str = "\nnameserver 127.0.0.1\n";

/// The files that say what names mean.
#[derive(Debug, Clone)]
pub struct NameFiles {
    /// Names with their addresses, as in `hosts(5)`.
    pub hosts: PathBuf,
    /// Servers, search domains and options, as in `resolv.conf(5)`.
    pub resolv_conf: PathBuf,
    /// The port that servers listen on.
    pub port: u16,
}

impl Default for NameFiles {
    fn default() -> Self {
        Self {
            hosts: "/etc/hosts".into(),
            resolv_conf: "/etc/resolv.conf".into(),
            port: 53,
        }
    }
}

/// The machine's resolver. It follows its files as they change.
#[derive(Default)]
pub struct SystemResolver {
    files: NameFiles,
    read: Mutex<Option<Read>>,
    zones: Zones,
}

/// What the files said when they were read.
struct Read {
    looked_at: Instant,
    changed_at: [Option<SystemTime>; 2],
    names: Arc<Names>,
}

struct Names {
    hosts: Hosts,
    servers: Result<TokioResolver, String>,
}

impl SystemResolver {
    /// A resolver that reads other files than the machine's.
    pub fn reading(files: NameFiles) -> Self {
        Self {
            files,
            ..Self::default()
        }
    }

    /// What the files say; they are small, and looked at once in a while.
    fn names(&self) -> Arc<Names> {
        let mut read = self.read.lock();
        if let Some(read) = read.as_ref().filter(|read| read.looked_at.elapsed() < LOOK) {
            return Arc::clone(&read.names);
        }
        let changed_at = [&self.files.hosts, &self.files.resolv_conf].map(|file| changed_at(file));
        let names = match read.take() {
            Some(read) if read.changed_at == changed_at => read.names,
            _ => Arc::new(Names::read(&self.files)),
        };
        *read = Some(Read {
            looked_at: Instant::now(),
            changed_at,
            names: Arc::clone(&names),
        });
        names
    }
}

impl Names {
    fn read(files: &NameFiles) -> Self {
        let mut hosts = Hosts::default();
        let read = File::open(&files.hosts).and_then(|file| hosts.read_hosts_conf(file));
        if let Err(error) = read {
            tracing::warn!(%error, file = %files.hosts.display(), "names of hosts cannot be read");
        }
        let servers = servers(files);
        if let Err(error) = &servers {
            tracing::error!(error, file = %files.resolv_conf.display(), "names cannot be resolved");
        }
        Self { hosts, servers }
    }

    /// What the file of hosts says of a name; nothing where it does not name it.
    fn host(&self, name: &Name) -> Vec<IpAddr> {
        let of = |kind| self.hosts.lookup_static_host(&Query::query(name.clone(), kind));
        let found = [RecordType::A, RecordType::AAAA].into_iter().filter_map(of);
        found
            .flat_map(|lookup| {
                lookup
                    .answers()
                    .iter()
                    .filter_map(|record| record.data.ip_addr())
                    .collect::<Vec<_>>()
            })
            .collect()
    }
}

fn servers(files: &NameFiles) -> Result<TokioResolver, String> {
    let text = fs::read_to_string(&files.resolv_conf).unwrap_or_default();
    let (mut config, options) = parse_resolv_conf(&text)
        .or_else(|_| parse_resolv_conf(text + USUAL_SERVER))
        .map_err(|error| error.to_string())?;
    for server in &mut config.name_servers {
        for connection in &mut server.connections {
            connection.port = files.port;
        }
    }
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = bounded(options);
    builder.build().map_err(|error| error.to_string())
}

fn bounded(mut options: ResolverOpts) -> ResolverOpts {
    options.timeout = options.timeout.min(ONE_ANSWER);
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.use_hosts_file = ResolveHosts::Never;
    options.positive_max_ttl = Some(REMEMBERED);
    options.negative_max_ttl = Some(NONE_REMEMBERED);
    options
}

fn changed_at(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|file| file.modified()).ok()
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let asked = Name::from_ascii(name).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let names = self.names();
        let known = names.host(&asked);
        if !known.is_empty() {
            return Ok(known);
        }
        let _under_way = self.zones.enter(name).ok_or(io::ErrorKind::ResourceBusy)?;
        let servers = names.servers.as_ref().map_err(|error| io::Error::other(error.clone()))?;
        let found = tokio::time::timeout(LONGEST, servers.lookup_ip(asked)).await?;
        Ok(found.map_err(io::Error::other)?.iter().collect())
    }
}

impl std::fmt::Debug for SystemResolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SystemResolver")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}
