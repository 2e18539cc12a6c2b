//! All adapters, one line each.

use std::sync::Arc;
use std::time::Duration;

use ig_core::ports::{EventSource, PushedEvents, SourceError};

use crate::config::SourcesConfig;
use crate::mysql::MySqlSource;
use crate::push::PushSource;

/// What sources need from the process that opens them.
#[derive(Debug, Clone)]
pub struct SourceDependencies<P> {
    /// The store of pushed events.
    pub pushed: P,
}

/// A source and how to read it.
#[derive(Clone)]
pub struct RegisteredSource {
    /// The source.
    pub source: Arc<dyn EventSource>,
    /// The longest pause between two reads.
    pub poll_interval: Duration,
    /// How long a gap in its positions is watched.
    pub gap_watch: Duration,
}

/// Opens every configured source, without contacting any. The error names the wrong setting.
pub fn open<P: PushedEvents + 'static>(
    config: &SourcesConfig,
    dependencies: SourceDependencies<P>,
) -> Result<Vec<RegisteredSource>, SourceError> {
    let adapters = [Some(open_push(config, dependencies.pushed)), open_mysql(config)?];
    Ok(adapters.into_iter().flatten().collect())
}

fn open_push<P: PushedEvents + 'static>(config: &SourcesConfig, events: P) -> RegisteredSource {
    RegisteredSource {
        source: Arc::new(PushSource::new(events)),
        poll_interval: config.push.poll_interval(),
        gap_watch: config.push.gap_watch(),
    }
}

fn open_mysql(config: &SourcesConfig) -> Result<Option<RegisteredSource>, SourceError> {
    if config.mysql.url.is_none() {
        return Ok(None);
    }
    Ok(Some(RegisteredSource {
        source: Arc::new(MySqlSource::new(&config.mysql)?),
        poll_interval: config.mysql.poll_interval(),
        gap_watch: config.mysql.gap_watch(),
    }))
}
