//! The first signal asks, the second insists.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Stop;
use crate::tasks::{Fate, Tasks};

/// Turns SIGTERM and SIGINT into a stop; a second one ends the process at once.
pub(super) fn listen(stop: &Stop) {
    let tasks = Tasks::new("host", stop.clone(), tokio_util::sync::CancellationToken::new());
    let (Ok(term), Ok(int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        tracing::error!("signals cannot be received, only SIGKILL will end this process");
        return;
    };
    tasks.spawn("signals", Fate::Finishes, follow(term, int, stop.clone()));
}

async fn follow(mut term: Signal, mut int: Signal, stop: Stop) {
    next(&mut term, &mut int).await;
    tracing::info!("shutdown requested");
    stop.request();
    next(&mut term, &mut int).await;
    tracing::warn!("second signal, aborting");
    abort();
}

async fn next(term: &mut Signal, int: &mut Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

// Whoever signals twice wants no drain and no flush.
#[allow(clippy::disallowed_methods)]
fn abort() -> ! {
    std::process::exit(1)
}
