//! Templates, as clients send and read them.

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::{OrgId, TemplateId};
use ig_core::template::{Direction, Template};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::checks::Checks;
use crate::choice::same;
use crate::identity::check_identity;
use crate::resource::{ResourceDocument, Stamp};
use crate::text::{collect_faults, line, name};

mod definition;

pub use definition::{check_definition, filled};

/// A template: a partial integration without secrets.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Template)]
pub struct TemplateDocument {
    /// The identifier: 24 hexadecimal digits, or the name of a built-in template.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub id: Option<String>,
    /// The organisation that it belongs to; absent for a built-in template.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub org_id: Option<i64>,
    /// Whether the template is built in and cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub built_in: Option<bool>,
    /// Display name.
    pub name: String,
    /// What the template is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A category, such as `messaging`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The kind of resource that it creates.
    pub direction: DirectionName,
    /// Some fields of such a resource; applying the template adds the credentials.
    #[serde(with = "crate::json_text")]
    #[schema(value_type = Object)]
    pub definition: Map<String, Value>,
    /// The revision of the last change. In a PUT or PATCH it guards against lost updates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
}

/// The kind of resource that a template creates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = Direction)]
pub enum DirectionName {
    /// An outbound integration.
    Outbound,
    /// An inbound integration.
    Inbound,
    /// A scheduled job.
    Scheduled,
}
same!(
    DirectionName = Direction {
        Outbound,
        Inbound,
        Scheduled
    }
);

impl ResourceDocument for TemplateDocument {
    type Item = Template;

    fn from_item(item: Template) -> Result<Self, Faults> {
        Ok(item.into())
    }

    fn into_item(self, org: OrgId, id: TemplateId, stamp: Stamp, checks: &dyn Checks) -> Result<Template, Faults> {
        self.into_domain(org, id, stamp, checks)
    }

    fn revision(&mut self) -> &mut Option<u64> {
        &mut self.revision
    }
}

impl TemplateDocument {
    /// The domain's template, or everything that is wrong with the document.
    fn into_domain(self, org_id: OrgId, id: TemplateId, stamp: Stamp, checks: &dyn Checks) -> Result<Template, Faults> {
        let Self {
            id: given_id,
            org_id: given_org,
            built_in,
            name: shown,
            description,
            category,
            direction,
            definition,
            revision: _,
            created_at: _,
            updated_at: _,
        } = self;
        let mut faults = Faults::default();
        check_identity(&mut faults, (given_id, &id.to_string()), (given_org, org_id));
        if built_in == Some(true) {
            faults.add("/builtIn", "cannot be chosen");
        }
        let direction = direction.into();
        collect_faults(&mut faults, "/definition", checks.template(direction, &definition));
        let template = Template {
            id,
            org_id,
            name: collect_faults(&mut faults, "/name", name(&shown, 200)).unwrap_or_default(),
            description: description.and_then(|text| collect_faults(&mut faults, "/description", line(&text, 1000))),
            category: category.and_then(|text| collect_faults(&mut faults, "/category", line(&text, 100))),
            direction,
            definition,
            revision: 0,
            created_at: stamp.created_at,
            updated_at: stamp.updated_at,
        };
        faults.into_result(template)
    }
}

impl From<Template> for TemplateDocument {
    fn from(template: Template) -> Self {
        let Template {
            id,
            org_id,
            name,
            description,
            category,
            direction,
            definition,
            revision,
            created_at,
            updated_at,
        } = template;
        Self {
            id: Some(id.to_string()),
            org_id: Some(org_id.0),
            built_in: Some(false),
            name,
            description,
            category,
            direction: direction.into(),
            definition,
            revision: Some(revision),
            created_at: Some(created_at),
            updated_at: Some(updated_at),
        }
    }
}
