//! Templates.

use ig_core::id::OrgId;
use ig_core::template::{Direction, Template};

use crate::invalid::{InvalidMessage, Within as _};
use crate::json;
use crate::time::{timestamp_from_wire, timestamp_to_wire};
use crate::v1;

impl From<&Template> for v1::Template {
    fn from(template: &Template) -> Self {
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
            id: id.to_string(),
            org_id: org_id.0,
            name: name.clone(),
            description: description.clone(),
            category: category.clone(),
            direction: direction.as_str().to_owned(),
            definition: json::object_to_wire(definition),
            revision: *revision,
            created_at: Some(timestamp_to_wire(created_at)),
            updated_at: Some(timestamp_to_wire(updated_at)),
        }
    }
}

impl TryFrom<v1::Template> for Template {
    type Error = InvalidMessage;

    fn try_from(message: v1::Template) -> Result<Self, InvalidMessage> {
        let v1::Template {
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
        } = message;
        let direction = Direction::parse(&direction)
            .ok_or_else(|| InvalidMessage::value("must be OUTBOUND, INBOUND or SCHEDULED"))
            .within("direction")?;
        Ok(Self {
            id: id.parse().within("id")?,
            org_id: OrgId(org_id),
            name,
            description,
            category,
            direction,
            definition: json::object_from_wire(&definition).within("definition")?,
            revision,
            created_at: timestamp_from_wire(created_at, "created_at")?,
            updated_at: timestamp_from_wire(updated_at, "updated_at")?,
        })
    }
}
