//! The format of stored configuration, and how documents of format 1 become documents of the current format.
//!
//! Format 1 had its own names and shapes for what `ig-documents` describes now. Secrets stay sealed as they are.

use ig_core::ports::StoreError;
use ig_documents::SecretPlace;
use mongodb::bson::{Bson, Document, doc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::stored_document::{ItemSealer, SEALED, serialized};
use crate::error::unreadable;
use crate::field::json;

/// The format that this version writes.
pub(crate) const FORMAT: i32 = 2;

/// A document's format.
pub(crate) fn of(stored: &Document) -> i32 {
    stored.get_i32("format").unwrap_or(1)
}

/// Removes fields that are null: an absent field says the same, and free JSON that is null would be text.
pub(crate) fn drop_nulls(stored: &mut Document) {
    let nulls: Vec<String> = stored
        .iter()
        .filter(|(_, value)| **value == Bson::Null)
        .map(|(field, _)| field.clone())
        .collect();
    for field in nulls {
        stored.remove(field);
    }
    for (_, value) in stored.iter_mut() {
        drop_nulls_within(value);
    }
}

fn drop_nulls_within(value: &mut Bson) {
    match value {
        Bson::Document(document) => drop_nulls(document),
        Bson::Array(list) => list.iter_mut().for_each(drop_nulls_within),
        _ => {}
    }
}

/// What all kinds of integrations have in common: signing, headers and credentials.
pub(crate) fn upgrade_target(stored: &mut Document, sealer: &ItemSealer<'_>) -> Result<(), StoreError> {
    drop_nulls(stored);
    let secrets = stored.remove("signingSecrets");
    let mut signing = doc! { "enabled": secrets.is_some() };
    signing.extend(secrets.map(|secrets| ("secrets".to_owned(), secrets)));
    stored.insert("signing", signing);
    let mut headers = Vec::new();
    for header in list(stored.remove("headers")) {
        let Bson::Array(header) = header else { continue };
        let texts: Vec<&str> = header.iter().filter_map(Bson::as_str).collect();
        let [name, value] = texts[..] else { continue };
        let sealed = sealer.seal_at(value, SecretPlace::Header(name))?;
        headers.push(entry(name, sealed));
    }
    let sealed = entries(stored.remove("sealedHeaders"));
    headers.extend(sealed.map(|(name, value)| entry(&name, format!("{SEALED}{value}"))));
    stored.insert("customHeaders", headers);
    if let Ok(credentials) = stored.get_document_mut("outgoingAuthConfig")
        && let Some(headers) = credentials.remove("headers")
    {
        credentials.insert(
            "headers",
            entries(Some(headers))
                .map(|(name, value)| entry(&name, value))
                .collect::<Vec<_>>(),
        );
    }
    Ok(())
}

/// The recovery of an open breaker.
pub(crate) fn upgrade_breaker(stored: &mut Document) {
    if let Some(seconds) = stored.remove("probeAfterSeconds") {
        stored.insert("breaker", doc! { "probeAfterSeconds": seconds });
    }
}

/// Moves the fields of a nested transformation beside it, each name with a prefix if there is one.
pub(crate) fn upgrade_transformation(stored: &mut Document, field: &str, prefix: &str) {
    let Some(Bson::Document(transformation)) = stored.remove(field) else {
        return;
    };
    for (name, value) in transformation {
        stored.insert(prefixed(prefix, &name), value);
    }
}

fn prefixed(prefix: &str, name: &str) -> String {
    let mut letters = name.chars();
    match (prefix, letters.next()) {
        ("", _) | (_, None) => name.to_owned(),
        (prefix, Some(first)) => format!("{prefix}{}{}", first.to_ascii_uppercase(), letters.as_str()),
    }
}

/// The actions of an integration, whose targets and transformations were nested.
pub(crate) fn upgrade_actions(stored: &mut Document) {
    let Ok(actions) = stored.get_array_mut("actions") else {
        return;
    };
    for action in actions {
        let Bson::Document(action) = action else { continue };
        upgrade_transformation(action, "transformation", "");
        if let Some(Bson::Document(target)) = action.remove("target") {
            action.extend(target);
        }
    }
}

/// A field that was JSON text and is a document of its own now.
pub(crate) fn upgrade_text<T: DeserializeOwned + Serialize>(
    stored: &mut Document,
    field: &'static str,
) -> Result<(), StoreError> {
    let Some(Bson::String(text)) = stored.remove(field) else {
        return Ok(());
    };
    let parsed: T = serde_json::from_value(json(field, &text)?).map_err(|_| unreadable(field))?;
    stored.insert(field, serialized(&parsed)?);
    Ok(())
}

fn list(value: Option<Bson>) -> Vec<Bson> {
    match value {
        Some(Bson::Array(list)) => list,
        _ => Vec::new(),
    }
}

/// Headers, which were documents with a name and a value.
fn entries(headers: Option<Bson>) -> impl Iterator<Item = (String, String)> {
    list(headers).into_iter().filter_map(|header| {
        let header = header.as_document()?;
        let text = |field| header.get_str(field).ok().map(str::to_owned);
        Some((text("name")?, text("value")?))
    })
}

fn entry(name: &str, value: String) -> Bson {
    Bson::Array(vec![name.into(), value.into()])
}
