//! The first signal starts an orderly shutdown, the second aborts it.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Stop;
use crate::tasks::{TaskKind, Tasks};

/// Turns SIGTERM and SIGINT into a shutdown; a second signal exits at once.
pub(super) fn listen(stop: &Stop) {
    let tasks = Tasks::new("host", stop.clone(), tokio_util::sync::CancellationToken::new());
    let (Ok(term), Ok(int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        tracing::error!("signals cannot be received, only SIGKILL will end this process");
        return;
    };
    tasks.spawn("signals", TaskKind::OneShot, handle(term, int, stop.clone()));
}

async fn handle(mut term: Signal, mut int: Signal, stop: Stop) {
    next_signal(&mut term, &mut int).await;
    tracing::info!("shutdown requested");
    stop.request();
    next_signal(&mut term, &mut int).await;
    tracing::warn!("second signal, aborting");
    abort();
}

async fn next_signal(term: &mut Signal, int: &mut Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

// A second signal skips the drain and the flush on purpose.
#[allow(clippy::disallowed_methods)]
fn abort() -> ! {
    std::process::exit(1)
}
