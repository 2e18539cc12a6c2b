//! API keys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{SubsecRound as _, Utc};
use ig_core::access::{Holder, Reach};
use ig_core::id::ApiKeyId;
use ig_store::{ApiKey, KeyHash};

use crate::document::{ApiKeyAsked, ApiKeyEntry};
use crate::error::ApiError;
use crate::gateway::Gateway;

/// The prefix by which people, and scanners for leaked secrets, recognise our keys.
const PREFIX: &str = "igk_";

/// Reads one key.
pub(crate) async fn get(gateway: &Gateway, id: ApiKeyId) -> Result<ApiKey, ApiError> {
    let found = gateway.store().api_keys().get(id).await?;
    found.ok_or_else(|| ApiError::not_found("API key"))
}

/// Creates a key of 256 random bits. Its permissions never exceed its creator's.
pub(crate) async fn create(gateway: &Gateway, request: ApiKeyAsked) -> Result<ApiKeyEntry, ApiError> {
    let new = request.new_key(Utc::now().trunc_subsecs(3))?;
    let given = Holder::Key {
        reach: new.org_id.map_or(Reach::Everything, Reach::Org),
        scopes: new.scopes.clone(),
    };
    gateway.caller().check_grant(&given, new.expires_at)?;
    if let Some(org) = new.org_id {
        gateway.check_named_org("/orgId", org).await?;
    }
    let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
    let created = gateway
        .store()
        .api_keys()
        .create(&KeyHash::of(&text), new, gateway.caller().actor())
        .await?;
    Ok(ApiKeyEntry::with_secret(created, text))
}

/// Revokes a key permanently; revoking it again changes nothing.
pub(crate) async fn revoke(gateway: &Gateway, id: ApiKeyId) -> Result<(), ApiError> {
    get(gateway, id).await?;
    gateway
        .store()
        .api_keys()
        .revoke(id, gateway.caller().actor(), Utc::now())
        .await?;
    gateway.keys().forget_all();
    Ok(())
}
