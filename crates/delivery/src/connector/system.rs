//! The machine's name resolution without a thread for each look-up.
//!
//! The C library's resolver blocks a thread for each name while a name server stays silent, so a tenant who owns a zone with silent servers
//! could take every thread. This resolver reads the same files and asks the same servers. Each look-up is asynchronous, ends within
//! [`LOOKUP_TIMEOUT`], and [`ZoneLimiter`] bounds how many run for one zone.

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
use super::zone_limiter::ZoneLimiter;

/// The longest look-up of one name.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one server may take before it, or the next one, is asked.
const SERVER_TIMEOUT: Duration = Duration::from_secs(2);
/// Answers are cached as long as their zone says, up to these limits.
const MAX_POSITIVE_TTL: Duration = Duration::from_mins(1);
const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(5);
/// Time between two checks whether the files have changed.
const RELOAD_INTERVAL: Duration = Duration::from_secs(2);
/// The C library's default where no server is named.
const DEFAULT_SERVER: &str = "\nnameserver 127.0.0.1\n";

/// The files that configure name resolution.
#[derive(Debug, Clone)]
pub struct ResolverFiles {
    /// Static addresses, as in `hosts(5)`.
    pub hosts: PathBuf,
    /// Servers, search domains and options, as in `resolv.conf(5)`.
    pub resolv_conf: PathBuf,
    /// The port that the servers listen on.
    pub port: u16,
}

impl Default for ResolverFiles {
    fn default() -> Self {
        Self {
            hosts: "/etc/hosts".into(),
            resolv_conf: "/etc/resolv.conf".into(),
            port: 53,
        }
    }
}

/// The machine's resolver; it follows its files as they change.
#[derive(Default)]
pub struct SystemResolver {
    files: ResolverFiles,
    loaded: Mutex<Option<Loaded>>,
    zone_limiter: ZoneLimiter,
}

/// The files' content when they were last read.
struct Loaded {
    checked_at: Instant,
    modified_at: [Option<SystemTime>; 2],
    sources: Arc<NameSources>,
}

struct NameSources {
    hosts: Hosts,
    resolver: Result<TokioResolver, String>,
}

impl SystemResolver {
    /// A resolver that reads other files than the machine's.
    pub fn with_files(files: ResolverFiles) -> Self {
        Self {
            files,
            ..Self::default()
        }
    }

    /// The files' current content. The files are small, and checked once per [`RELOAD_INTERVAL`].
    fn sources(&self) -> Arc<NameSources> {
        let mut loaded = self.loaded.lock();
        if let Some(loaded) = loaded.as_ref().filter(|loaded| loaded.checked_at.elapsed() < RELOAD_INTERVAL) {
            return Arc::clone(&loaded.sources);
        }
        let modified_at = [&self.files.hosts, &self.files.resolv_conf].map(|file| modified_at(file));
        let sources = match loaded.take() {
            Some(loaded) if loaded.modified_at == modified_at => loaded.sources,
            _ => Arc::new(NameSources::load(&self.files)),
        };
        *loaded = Some(Loaded {
            checked_at: Instant::now(),
            modified_at,
            sources: Arc::clone(&sources),
        });
        sources
    }
}

impl NameSources {
    fn load(files: &ResolverFiles) -> Self {
        let mut hosts = Hosts::default();
        let read = File::open(&files.hosts).and_then(|file| hosts.read_hosts_conf(file));
        if let Err(error) = read {
            tracing::warn!(%error, file = %files.hosts.display(), "names of hosts cannot be read");
        }
        let resolver = build_resolver(files);
        if let Err(error) = &resolver {
            tracing::error!(error, file = %files.resolv_conf.display(), "names cannot be resolved");
        }
        Self { hosts, resolver }
    }

    /// A name's addresses in the hosts file, if it is listed there.
    fn static_addresses(&self, name: &Name) -> Vec<IpAddr> {
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

fn build_resolver(files: &ResolverFiles) -> Result<TokioResolver, String> {
    let text = fs::read_to_string(&files.resolv_conf).unwrap_or_default();
    let (mut config, options) = parse_resolv_conf(&text)
        .or_else(|_| parse_resolv_conf(text + DEFAULT_SERVER))
        .map_err(|error| error.to_string())?;
    for server in &mut config.name_servers {
        for connection in &mut server.connections {
            connection.port = files.port;
        }
    }
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = limited_options(options);
    builder.build().map_err(|error| error.to_string())
}

fn limited_options(mut options: ResolverOpts) -> ResolverOpts {
    options.timeout = options.timeout.min(SERVER_TIMEOUT);
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.use_hosts_file = ResolveHosts::Never;
    options.positive_max_ttl = Some(MAX_POSITIVE_TTL);
    options.negative_max_ttl = Some(MAX_NEGATIVE_TTL);
    options
}

fn modified_at(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|file| file.modified()).ok()
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let parsed_name = Name::from_ascii(name).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let sources = self.sources();
        let known = sources.static_addresses(&parsed_name);
        if !known.is_empty() {
            return Ok(known);
        }
        let _permit = self.zone_limiter.try_acquire(name).ok_or(io::ErrorKind::ResourceBusy)?;
        let resolver = sources.resolver.as_ref().map_err(|error| io::Error::other(error.clone()))?;
        let found = tokio::time::timeout(LOOKUP_TIMEOUT, resolver.lookup_ip(parsed_name)).await?;
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
