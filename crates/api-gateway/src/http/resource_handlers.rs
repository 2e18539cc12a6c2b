//! The handlers that all organisation resources share.

/// Defines the handlers `create`, `read`, `replace`, `patch` and `delete` of one kind of resource, as far as they are named. The texts
/// become part of the API description.
macro_rules! resource_handlers {
    (
        $resource:ty, $document:ident, $tag:tt, $path:tt, $item:tt, $parameter:tt;
        $(create $create:tt;)?
        $(read $read:tt;)?
        $(replace $replace:tt;)?
        $(patch $patch:tt, $fields:tt;)?
        $(delete $delete:tt;)?
    ) => {
        $(
            #[doc = $create]
            #[utoipa::path(post, path = $path, tag = $tag, params($crate::access::OrgQuery), request_body = $document, responses((status = 201, body = $document)))]
            async fn create(
                $crate::access::Tenant { org, gateway, .. }: $crate::access::Tenant<$crate::access::Write>,
                body: $crate::body::JsonBody,
            ) -> Result<$crate::resource_response::ResourceResponse<$document>, $crate::error::ApiError> {
                $crate::resources::resource::post::<$resource>(&gateway, org, body).await
            }
        )?
        $(
            #[doc = $read]
            #[utoipa::path(get, path = $item, tag = $tag, params($crate::access::OrgQuery, ($parameter = String, Path)), responses((status = 200, body = $document)))]
            async fn read(
                $crate::access::Tenant { org, gateway, .. }: $crate::access::Tenant<$crate::access::Read>,
                axum::extract::Path(id): axum::extract::Path<String>,
            ) -> Result<$crate::resource_response::ResourceResponse<$document>, $crate::error::ApiError> {
                $crate::resources::resource::read::<$resource>(&gateway, org, &id).await
            }
        )?
        $(
            #[doc = $replace]
            #[utoipa::path(
                put,
                path = $item,
                tag = $tag,
                params($crate::access::OrgQuery, ($parameter = String, Path), $crate::if_match::IfMatch),
                request_body = $document,
                responses((status = 200, body = $document)),
            )]
            async fn replace(
                $crate::access::Tenant { org, gateway, .. }: $crate::access::Tenant<$crate::access::Write>,
                axum::extract::Path(id): axum::extract::Path<String>,
                if_match: $crate::if_match::IfMatch,
                body: $crate::body::JsonBody,
            ) -> Result<$crate::resource_response::ResourceResponse<$document>, $crate::error::ApiError> {
                $crate::resources::resource::put::<$resource>(&gateway, org, &id, if_match, body).await
            }
        )?
        $(
            #[doc = $patch]
            #[utoipa::path(
                patch,
                path = $item,
                tag = $tag,
                params($crate::access::OrgQuery, ($parameter = String, Path), $crate::if_match::IfMatch),
                request_body(content = serde_json::Value, description = $fields),
                responses((status = 200, body = $document)),
            )]
            async fn patch(
                $crate::access::Tenant { org, gateway, .. }: $crate::access::Tenant<$crate::access::Write>,
                axum::extract::Path(id): axum::extract::Path<String>,
                if_match: $crate::if_match::IfMatch,
                body: $crate::body::JsonBody,
            ) -> Result<$crate::resource_response::ResourceResponse<$document>, $crate::error::ApiError> {
                $crate::resources::resource::patch::<$resource>(&gateway, org, &id, if_match, body).await
            }
        )?
        $(
            #[doc = $delete]
            #[utoipa::path(
                delete,
                path = $item,
                tag = $tag,
                params($crate::access::OrgQuery, ($parameter = String, Path), $crate::if_match::IfMatch),
                responses((status = 204)),
            )]
            async fn delete(
                $crate::access::Tenant { org, gateway, .. }: $crate::access::Tenant<$crate::access::Write>,
                axum::extract::Path(id): axum::extract::Path<String>,
                if_match: $crate::if_match::IfMatch,
            ) -> Result<http::StatusCode, $crate::error::ApiError> {
                $crate::resources::resource::delete_by_text::<$resource>(&gateway, org, &id, if_match).await
            }
        )?
    };
}
pub(in crate::http) use resource_handlers;
