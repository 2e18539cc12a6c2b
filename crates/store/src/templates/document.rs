//! A template as stored.

use ig_core::id::{OrgId, TemplateId};
use ig_core::ports::StoreError;
use ig_core::template::{Direction, Template};
use mongodb::bson::{self, oid::ObjectId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::unreadable;
use crate::field::{date, json, json_text, long, object_id, timestamp, unsigned};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    org_id: i64,
    name: String,
    description: Option<String>,
    category: Option<String>,
    direction: String,
    /// JSON text.
    definition: String,
    revision: i64,
    created_at: bson::DateTime,
    updated_at: bson::DateTime,
}

impl TemplateDocument {
    pub(crate) fn new(template: &Template, revision: u64) -> Self {
        let Template {
            id,
            org_id,
            name,
            description,
            category,
            direction,
            definition,
            revision: _,
            created_at,
            updated_at,
        } = template;
        Self {
            id: object_id(id.0),
            org_id: org_id.0,
            name: name.clone(),
            description: description.clone(),
            category: category.clone(),
            direction: direction.as_str().to_owned(),
            definition: json_text(&Value::from(definition.clone())),
            revision: long(revision),
            created_at: date(*created_at),
            updated_at: date(*updated_at),
        }
    }

    pub(crate) fn read(self) -> Result<Template, StoreError> {
        let Value::Object(definition) = json("definition", &self.definition)? else {
            return Err(unreadable("definition"));
        };
        Ok(Template {
            id: TemplateId(self.id.bytes()),
            org_id: OrgId(self.org_id),
            name: self.name,
            description: self.description,
            category: self.category,
            direction: Direction::parse(&self.direction).ok_or_else(|| unreadable("direction"))?,
            definition,
            revision: unsigned(self.revision),
            created_at: timestamp(self.created_at),
            updated_at: timestamp(self.updated_at),
        })
    }
}
