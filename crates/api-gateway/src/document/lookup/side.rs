//! One side of a lookup row, its source or its target.

use ig_core::fault::Faults;
use ig_core::lookup::LookupSide;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::{Object, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::Fields;

/// One side of a row: its identifier and further fields.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SideDocument {
    /// The value itself, as text.
    pub id: String,
    /// Further fields.
    #[serde(flatten)]
    pub fields: Fields,
}

impl SideDocument {
    /// The domain's side, or what is wrong with it.
    pub(crate) fn validate(self) -> Result<LookupSide, Faults> {
        LookupSide::checked(&self.id, self.fields)
    }
}

impl PartialSchema for SideDocument {
    fn schema() -> RefOr<Schema> {
        let plain = [Type::String, Type::Number, Type::Boolean].map(Object::with_type);
        let plain = plain.into_iter().fold(OneOfBuilder::new(), OneOfBuilder::item);
        let id = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("The value itself, as text"));
        ObjectBuilder::new()
            .description(Some(
                "The value, and further fields such as key or name: texts, numbers, true or false",
            ))
            .property("id", id)
            .required("id")
            .additional_properties(Some(AdditionalProperties::from(RefOr::T(Schema::OneOf(plain.build())))))
            .into()
    }
}

impl ToSchema for SideDocument {
    fn name() -> std::borrow::Cow<'static, str> {
        "LookupSide".into()
    }
}
