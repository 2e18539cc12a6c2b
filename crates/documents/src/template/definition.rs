//! The definition of a template: some fields of the resource that it creates.

use ig_core::fault::{Faults, InputPath};
use ig_core::integration::MAX_DEPTH;
use ig_core::template::Direction;
use serde_json::{Map, Value};
use utoipa::PartialSchema as _;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{RefOr, Schema};

use crate::merge::merged;
use crate::{InboundDocument, JobDocument, OutboundDocument};

/// The fields that hold secrets, at any depth.
const SECRETS: [&str; 6] = ["apiKey", "token", "password", "clientSecret", "secrets", "connectionString"];
/// Fields that the gateway writes, or that make no sense in a copy.
const NOT_ITS_OWN: [&str; 8] = [
    "id",
    "orgId",
    "direction",
    "tenantId",
    "hold",
    "revision",
    "createdAt",
    "updatedAt",
];
const LARGEST: usize = 256 * 1024;

/// Everything that a definition must not hold, by place. Only applying the template checks the whole resource.
pub fn check_definition(direction: Direction, definition: &Map<String, Value>) -> Result<(), Faults> {
    let mut faults = Faults::default();
    if Value::from(definition.clone()).to_string().len() > LARGEST {
        return Err(Faults::single("", "must be at most 256 KiB of JSON"));
    }
    let fields = fields(direction);
    let whole = InputPath::new("");
    for (name, value) in definition {
        let place = whole.field(name);
        if NOT_ITS_OWN.contains(&name.as_str()) {
            faults.add_at(&place, "belongs to a resource, and not to a template of one");
        } else if !fields.contains(name) {
            faults.add_at(&place, format!("is no field of the direction {}", direction.as_str()));
        } else {
            refuse_secrets(name, value, &place, 0, &mut faults);
        }
    }
    faults.into_result(())
}

/// A resource's document: the template's fields, with the given ones applied as a merge patch.
pub fn filled(definition: Map<String, Value>, given: Value) -> Value {
    merged(Value::from(definition), given)
}

fn refuse_secrets(name: &str, value: &Value, place: &InputPath<'_>, depth: usize, faults: &mut Faults) {
    if depth > MAX_DEPTH {
        faults.add_at(place, format!("must not nest deeper than {MAX_DEPTH}"));
        return;
    }
    let holds_something = !matches!(value, Value::Null);
    if SECRETS.contains(&name) && holds_something {
        faults.add_at(
            place,
            "is a secret, and a template holds none: give it when the template is applied",
        );
        return;
    }
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                refuse_secrets(name, value, &place.field(name), depth + 1, faults);
            }
        }
        // Arrays hold mappings, whose names tenants choose; they are not searched.
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The names of a resource's fields, from its `OpenAPI` schema.
fn fields(direction: Direction) -> Vec<String> {
    let schema = match direction {
        Direction::Outbound => OutboundDocument::schema(),
        Direction::Inbound => InboundDocument::schema(),
        Direction::Scheduled => JobDocument::schema(),
    };
    match schema {
        RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::new(utoipa::openapi::Type::Object) => {
            object.properties.keys().cloned().collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(direction: Direction, definition: Value) -> Vec<String> {
        let Value::Object(definition) = definition else {
            return vec!["no object".to_owned()];
        };
        let faults = check_definition(direction, &definition).err().unwrap_or_default();
        faults.list().iter().map(|fault| fault.pointer.clone()).collect()
    }

    #[test]
    fn a_template_definition_holds_known_fields_and_no_secrets() {
        let fine = json!({
            "targetUrl": "https://a.example/", "outgoingAuthType": "API_KEY",
            "outgoingAuthConfig": {"headerName": "X-Key", "apiKey": null},
            "fieldMappings": [{"sourceField": "token", "targetField": "password"}],
        });
        assert!(places(Direction::Outbound, fine).is_empty());
        let faulty = json!({
            "id": "x", "eventTypes": [], "outgoingAuthConfig": {"apiKey": "k"}, "signing": {"enabled": true, "secrets": ["whsec_"]},
        });
        let mut found = places(Direction::Outbound, faulty);
        found.sort();
        assert_eq!(
            found,
            ["/eventTypes", "/id", "/outgoingAuthConfig/apiKey", "/signing/secrets"]
        );
    }

    #[test]
    fn template_fields_differ_by_direction() {
        assert_eq!(
            places(Direction::Inbound, json!({"type": "a", "eventType": "b"})),
            ["/eventType"]
        );
        let job = json!({"schedule": {}, "dataSource": {"connectionString": "mongodb://u:p@h"}, "type": "a"});
        assert_eq!(places(Direction::Scheduled, job), ["/dataSource/connectionString"]);
    }
}
