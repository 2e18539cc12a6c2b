//! The two directions of an inbound integration's bodies: the same transformation fields under two prefixes.

use ig_core::fault::Faults;
use ig_core::integration::Transformation;

use crate::checks::Checks;
use crate::transformation::TransformationFields;

/// The request or the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The client's request.
    Request,
    /// The target's response.
    Response,
}

impl Side {
    /// A field's name in this direction: `transformScript` becomes `requestTransformScript`.
    pub fn field(self, name: &str) -> String {
        let prefix = match self {
            Self::Request => "request",
            Self::Response => "response",
        };
        let mut letters = name.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        prefix.chars().chain(first).chain(letters).collect()
    }

    /// The transformation; `None` where the body passes unchanged.
    pub(super) fn into_domain(self, said: TransformationFields, checks: &dyn Checks) -> Result<Option<Transformation>, Faults> {
        if said.is_silent() {
            return Ok(None);
        }
        match said.into_domain(checks) {
            Ok(Transformation::Simple(mapping)) if mapping.is_identity() => Ok(None),
            Ok(transformation) => Ok(Some(transformation)),
            Err(found) => Err(self.placed(&found)),
        }
    }

    fn placed(self, found: &Faults) -> Faults {
        let mut faults = Faults::default();
        for fault in found.list() {
            let place = fault.pointer.trim_start_matches('/');
            let message = fault.message.replace("transformationMode", &self.field("transformationMode"));
            faults.add(format!("/{}", self.field(place)), message);
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Unchecked;

    #[test]
    fn field_names_carry_the_prefix_of_their_side() {
        assert_eq!(Side::Request.field("transformScript"), "requestTransformScript");
        assert_eq!(
            Side::Response.field("fieldMappings/0/sourceField"),
            "responseFieldMappings/0/sourceField"
        );
    }

    #[test]
    fn faults_point_to_the_field_names_of_their_side() {
        let said = TransformationFields {
            script: Some("return payload".to_owned()),
            ..TransformationFields::default()
        };
        let faults = Side::Response.into_domain(said, &Unchecked).unwrap_err();
        assert_eq!(faults.list()[0].pointer, "/responseTransformScript");
        assert!(faults.list()[0].message.contains("responseTransformationMode"));
    }

    #[test]
    fn a_side_without_fields_has_no_transformation() {
        assert_eq!(
            Side::Request.into_domain(TransformationFields::default(), &Unchecked),
            Ok(None)
        );
        let nothing = TransformationFields {
            passthrough: Some(true),
            ..TransformationFields::default()
        };
        assert_eq!(Side::Request.into_domain(nothing, &Unchecked), Ok(None));
    }
}
