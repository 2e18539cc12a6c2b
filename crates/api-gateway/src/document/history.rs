//! The history of changes: who changed what, and the state before and after.

use ig_core::access::Actor;
use ig_core::clock::Timestamp;
use ig_core::fault::InputPath;
use ig_core::history::Version;
use ig_core::secret::MASK;
use ig_store::AuditEntry;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::listing::listing;

/// The author of a change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Actor)]
pub(crate) struct ActorEntry {
    /// USER, `API_KEY` or SYSTEM.
    kind: &'static str,
    /// The author's identifier.
    id: String,
    /// A person's e-mail address, or the name of a key or of a service.
    name: String,
}

/// One difference between two versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Difference {
    /// The JSON pointer to the field.
    pointer: String,
    /// The value before; absent where the field did not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    /// The value after; absent where the field does not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
}

/// One version of a resource.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VersionEntry {
    /// The revision that created this version.
    revision: u64,
    /// CREATE, UPDATE or DELETE.
    action: &'static str,
    /// Who made the change.
    actor: ActorEntry,
    /// When the change was made.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// One version of a resource, with its document and its differences from another version.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VersionDetail {
    #[serde(flatten)]
    version: VersionEntry,
    /// The document; absent for a DELETE. Secrets are masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Value>,
    /// The revision that it is compared with; absent for the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    compared_with: Option<u64>,
    /// The differences between the two versions.
    changes: Vec<Difference>,
}

listing! {
    /// A page of versions.
    VersionList { versions: VersionEntry }
}

/// One entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditLogEntry {
    /// The entry's identifier.
    id: String,
    /// The organisation that owns the resource; null for the platform's own.
    org_id: Option<i64>,
    /// The kind of resource, such as `OUTBOUND_INTEGRATION` or USER.
    kind: &'static str,
    /// The resource's identifier.
    item_id: String,
    /// CREATE, UPDATE or DELETE.
    action: &'static str,
    /// Who made the change.
    actor: ActorEntry,
    /// When the change was made.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The revision of the configuration that the change produced.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
}

/// One entry of the audit log, with the document before and after.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditLogDetail {
    #[serde(flatten)]
    entry: AuditLogEntry,
    /// The document before; absent for a CREATE. Secrets are masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    /// The document after; absent for a DELETE. Secrets are masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
    /// The differences between the two documents.
    changes: Vec<Difference>,
}

listing! {
    /// A page of the audit log.
    AuditLogList { audit_logs: AuditLogEntry }
}

/// The most differences that a response lists one by one.
const MAX_DIFFERENCES: usize = 500;
/// The longest field name that a pointer may hold, in bytes.
const MAX_NAME_BYTES: usize = 500;

/// A document in two renderings: with its secrets, and masked.
#[derive(Debug, Clone)]
pub(crate) struct Renderings {
    /// With secrets; for comparison only.
    pub full: Value,
    /// Masked; for responses.
    pub masked: Value,
}

impl VersionDetail {
    /// A version, with its differences from the version it is compared with.
    pub(crate) fn new(version: Version, renderings: Option<Renderings>, other: Option<(u64, Option<Renderings>)>) -> Self {
        let (compared_with, before) = other.map_or((None, None), |(revision, renderings)| (Some(revision), renderings));
        Self {
            version: version.into(),
            changes: differences(before.as_ref(), renderings.as_ref()),
            document: renderings.map(|renderings| renderings.masked),
            compared_with,
        }
    }
}

impl AuditLogDetail {
    /// An entry with the documents before and after the change.
    pub(crate) fn new(entry: AuditEntry, before: Option<Renderings>, after: Option<Renderings>) -> Self {
        Self {
            entry: entry.into(),
            changes: differences(before.as_ref(), after.as_ref()),
            before: before.map(|renderings| renderings.masked),
            after: after.map(|renderings| renderings.masked),
        }
    }
}

/// The differences between two documents: compared with their secrets, shown without.
pub(crate) fn differences(before: Option<&Renderings>, after: Option<&Renderings>) -> Vec<Difference> {
    let mut pointers = Vec::new();
    collect_differences(
        before.map(|renderings| &renderings.full),
        after.map(|renderings| &renderings.full),
        &InputPath::new(""),
        &mut pointers,
    );
    let value_in = |renderings: Option<&Renderings>, pointer: &str| {
        let renderings = renderings?;
        renderings.full.pointer(pointer)?;
        Some(renderings.masked.pointer(pointer).cloned().unwrap_or_else(|| MASK.into()))
    };
    let differences = pointers.into_iter().map(|pointer| Difference {
        before: value_in(before, &pointer),
        after: value_in(after, &pointer),
        pointer,
    });
    differences.collect()
}

/// Collects the places where two values differ. Too many differences, or unreadable names, are reported as one difference of the
/// value that holds them.
fn collect_differences(before: Option<&Value>, after: Option<&Value>, pointer: &InputPath<'_>, pointers: &mut Vec<String>) {
    let count_before = pointers.len();
    let as_one = |pointers: &mut Vec<String>| {
        pointers.truncate(count_before);
        pointers.push(pointer.to_string());
    };
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let gone = old.keys().filter(|key| !new.contains_key(*key));
            for key in new.keys().chain(gone) {
                let (old, new) = (old.get(key), new.get(key));
                if key.len() > MAX_NAME_BYTES && old != new {
                    return as_one(pointers);
                }
                collect_differences(old, new, &pointer.field(key), pointers);
                if pointers.len() - count_before > MAX_DIFFERENCES {
                    return as_one(pointers);
                }
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for at in 0..old.len().max(new.len()) {
                collect_differences(old.get(at), new.get(at), &pointer.at(at), pointers);
                if pointers.len() - count_before > MAX_DIFFERENCES {
                    return as_one(pointers);
                }
            }
        }
        (old, new) if old != new => as_one(pointers),
        _ => {}
    }
}

impl From<Actor> for ActorEntry {
    fn from(actor: Actor) -> Self {
        let Actor { kind, id, name } = actor;
        let kind = kind.as_str();
        Self { kind, id, name }
    }
}

impl From<Version> for VersionEntry {
    fn from(version: Version) -> Self {
        let Version {
            item: _,
            revision,
            action,
            actor,
            at,
            content: _,
        } = version;
        Self {
            revision,
            action: action.as_str(),
            actor: actor.into(),
            at,
        }
    }
}

impl From<AuditEntry> for AuditLogEntry {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry {
            id,
            item,
            action,
            actor,
            at,
            revision,
            before: _,
            after: _,
        } = entry;
        Self {
            id,
            org_id: item.org.map(|org| org.0),
            kind: item.kind.as_str(),
            item_id: item.id,
            action: action.as_str(),
            actor: actor.into(),
            at,
            revision,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn renderings(full: Value, masked: Value) -> Renderings {
        Renderings { full, masked }
    }

    #[test]
    fn differences_are_listed_by_pointer_without_secrets() {
        let before = renderings(
            json!({"a": 1, "b": {"c/d": [1, 2]}, "secret": "one", "gone": true}),
            json!({"a": 1, "b": {"c/d": [1, 2]}, "secret": MASK, "gone": true}),
        );
        let after = renderings(
            json!({"a": 1, "b": {"c/d": [1, 3, 4]}, "secret": "two"}),
            json!({"a": 1, "b": {"c/d": [1, 3, 4]}, "secret": MASK}),
        );
        let found = differences(Some(&before), Some(&after));
        let found: Vec<_> = found
            .iter()
            .map(|found| (found.pointer.as_str(), found.before.clone(), found.after.clone()))
            .collect();
        assert_eq!(
            found,
            [
                ("/b/c~1d/1", Some(json!(2)), Some(json!(3))),
                ("/b/c~1d/2", None, Some(json!(4))),
                ("/secret", Some(json!(MASK)), Some(json!(MASK))),
                ("/gone", Some(json!(true)), None),
            ]
        );
        assert_eq!(differences(Some(&before), Some(&before)), []);
        assert_eq!(differences(None, Some(&before)).len(), 1);
    }

    #[test]
    fn differences_in_too_many_places_are_reported_as_one() {
        let list = |first: usize| (first..first + 10_000).collect::<Vec<_>>();
        let long = "x".repeat(1_000_000);
        let (one, other) = (json!({"few": [1], "many": list(0)}), json!({"few": [2], "many": list(1)}));
        let named = |value: usize| json!({"lies": {&long: vec![value; 1_000]}});
        for (before, after, expected) in [(one, other, vec!["/few/0", "/many"]), (named(1), named(2), vec!["/lies"])] {
            let found = differences(
                Some(&renderings(before.clone(), before)),
                Some(&renderings(after.clone(), after)),
            );
            let pointers: Vec<_> = found.iter().map(|found| found.pointer.as_str()).collect();
            assert_eq!(pointers, expected);
        }
    }
}
