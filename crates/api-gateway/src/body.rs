//! Request bodies: read within limits, then validated against their schema with all faults reported at once.

use axum::body::HttpBody as _;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use bytes::Bytes;
use ig_documents::SecretBinding;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::ApiError;
use crate::gateway::AppState;

mod read;
mod schema;

pub(crate) use schema::CompiledSchema;

/// A document that clients send, validated against the schema in the API description.
pub(crate) trait Validated: DeserializeOwned {
    /// The compiled schema.
    fn compiled_schema() -> &'static CompiledSchema;

    /// Which secrets are sent to which addresses.
    const SECRET_BINDINGS: &'static [SecretBinding] = &[];

    /// Removes stored fields that a patch makes meaningless.
    fn drop_dependents(_stored: &mut Value, _patch: &Value) {}
}

/// Ties a document to its compiled schema.
macro_rules! validated {
    ($document:ty) => {
        impl $crate::body::Validated for $document {
            $crate::body::compiled_schema!($document);
        }
    };
}
pub(crate) use validated;

/// Ties a document of configuration to its compiled schema.
macro_rules! configuration {
    ($document:ty) => {
        impl $crate::body::Validated for $document {
            const SECRET_BINDINGS: &'static [ig_documents::SecretBinding] =
                <$document as ig_documents::ResourceDocument>::SECRET_BINDINGS;

            fn drop_dependents(stored: &mut serde_json::Value, patch: &serde_json::Value) {
                <$document as ig_documents::ResourceDocument>::drop_dependents(stored, patch);
            }

            $crate::body::compiled_schema!($document);
        }
    };
}
pub(crate) use configuration;

macro_rules! compiled_schema {
    ($document:ty) => {
        fn compiled_schema() -> &'static $crate::body::CompiledSchema {
            static SCHEMA: std::sync::LazyLock<$crate::body::CompiledSchema> =
                std::sync::LazyLock::new($crate::body::CompiledSchema::compile::<$document>);
            &SCHEMA
        }
    };
}
pub(crate) use compiled_schema;

/// A JSON body.
#[derive(Debug)]
pub(crate) struct JsonBody {
    /// The bytes as received.
    pub bytes: Bytes,
    /// The parsed value.
    pub value: Value,
}

impl JsonBody {
    async fn read(request: Request, app: &AppState, limit: usize) -> Result<Self, ApiError> {
        let bytes = read::within_limits(request, app.http(), limit).await?;
        let value =
            ig_core::json::parse_unique(&bytes).map_err(|error| ApiError::fault("", format!("is not valid JSON: {error}")))?;
        Ok(Self { bytes, value })
    }

    /// Parses the body as a document.
    pub(crate) fn document<T: Validated>(self) -> Result<T, ApiError> {
        document(self.value)
    }
}

/// Parses a value as a document, or reports every fault of its shape.
pub(crate) fn document<T: Validated>(value: Value) -> Result<T, ApiError> {
    T::compiled_schema().check(&value)?;
    // The schema is generated from the same type, so a fault that only serde finds has no place to report.
    serde_json::from_value(value).map_err(|error| ApiError::fault("", error.to_string()))
}

impl FromRequest<AppState> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, ApiError> {
        Self::read(request, app, app.http().body_limit_bytes).await
    }
}

/// The body limit in bytes for callers that have not authenticated.
const MAX_UNAUTHENTICATED_BYTES: usize = 4 * 1024;

/// The body of an unauthenticated request: JSON, and small.
#[derive(Debug)]
pub(crate) struct UnauthenticatedBody(pub JsonBody);

impl FromRequest<AppState> for UnauthenticatedBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, ApiError> {
        let limit = MAX_UNAUTHENTICATED_BYTES.min(app.http().body_limit_bytes);
        JsonBody::read(request, app, limit).await.map(Self)
    }
}

/// An optional body.
impl OptionalFromRequest<AppState> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &AppState) -> Result<Option<Self>, ApiError> {
        if request.body().is_end_stream() {
            return Ok(None);
        }
        <Self as FromRequest<AppState>>::from_request(request, app).await.map(Some)
    }
}
