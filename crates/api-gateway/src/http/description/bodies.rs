//! Request bodies whose content type follows from the method.

use utoipa::openapi::{ContentBuilder, ObjectBuilder, RefOr, Type};

use super::operation::DescribedOperation;

const MERGE_PATCH: &str = "application/merge-patch+json";

/// A PATCH accepts an object (RFC 7396) under either name of its content type.
pub(super) fn complete(described: &mut DescribedOperation<'_>) {
    if described.method != "patch" {
        return;
    }
    let Some(RefOr::T(body)) = described.operation.request_body.as_mut() else {
        return;
    };
    let object = ObjectBuilder::new().schema_type(Type::Object).build();
    let content = ContentBuilder::new().schema(Some(object)).build();
    for kind in ["application/json", MERGE_PATCH] {
        body.content.insert(kind.to_owned(), content.clone().into());
    }
}
