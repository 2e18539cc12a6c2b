//! First start: creates the collections, the first API key and the first administrator. Whatever exists, or existed and was deleted,
//! stays as people left it.

use std::time::Duration;

use chrono::Utc;
use ig_core::access::{Actor, KeyScope};
use ig_core::ports::StoreError;
use ig_core::secret::Secret;
use ig_service::{Context, TaskKind};
use ig_store::{KeyHash, NewApiKey, Store};

use crate::config::BootstrapConfig;

/// The delay between attempts while the database is unavailable.
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// Creates what is missing once the database answers; the service is not ready before.
pub(crate) fn start(context: &Context, store: Store, config: BootstrapConfig) {
    let hold = context.readiness().hold("the database has not been prepared yet");
    let stopping = context.stopping().clone();
    context.spawn("bootstrap", TaskKind::OneShot, async move {
        let prepared = async {
            let mut is_logged = false;
            while let Err(error) = prepare(&store, &config).await {
                if !std::mem::replace(&mut is_logged, true) {
                    tracing::warn!(%error, "the database cannot be prepared yet");
                }
                tokio::time::sleep(RETRY_DELAY).await;
            }
            hold.release();
        };
        stopping.run_until_cancelled(prepared).await;
    });
}

async fn prepare(store: &Store, config: &BootstrapConfig) -> Result<(), StoreError> {
    store.migrate().await?;
    let BootstrapConfig {
        api_key,
        admin_email,
        admin_password,
    } = config;
    let by = Actor::system("api-gateway");
    if let Some(key) = api_key {
        create_first_key(store, key.expose(), &by).await?;
    }
    if let (Some(email), Some(password)) = (admin_email, admin_password) {
        store
            .users()
            .make_first_admin(email, &Secret::new(password.expose()), &by, Utc::now())
            .await?;
    }
    Ok(())
}

async fn create_first_key(store: &Store, key: &str, by: &Actor) -> Result<(), StoreError> {
    let (keys, hash) = (store.api_keys(), KeyHash::of(key));
    if keys.was_created(&hash).await? {
        return Ok(());
    }
    let name = "bootstrap".to_owned();
    let new = NewApiKey {
        org_id: None,
        name,
        scopes: KeyScope::ALL.to_vec(),
        expires_at: None,
        created_at: Utc::now(),
    };
    match keys.create(&hash, new, by).await {
        // Another gateway that started at the same moment created it first.
        Err(StoreError::Refused(_)) if keys.was_created(&hash).await? => Ok(()),
        made => made.map(drop),
    }
}
