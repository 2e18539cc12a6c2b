//! Creates the demo's organisation, unit and integrations through the public API.

use std::net::SocketAddr;

use http::Method;
use serde_json::{Value, json};

use super::{BOOKINGS_PATH, EVENT_TYPE, INBOUND_TYPE, ORG, UNIT};
use crate::api::Api;

/// Creates what is missing and updates the rest: the receiver's port changes with each start.
pub(super) async fn prepare(api: &Api, receiver: SocketAddr) -> anyhow::Result<()> {
    let organization = json!({ "orgId": ORG, "name": "Demo Hospital", "timezone": "Europe/Berlin" });
    let unit = json!({ "rid": UNIT, "name": "Demo Clinic" });
    create_if_missing(api, &format!("/admin/orgs/{ORG}"), "/admin/orgs", &organization).await?;
    create_if_missing(
        api,
        &format!("/admin/orgs/{ORG}/units/{UNIT}"),
        &format!("/admin/orgs/{ORG}/units"),
        &unit,
    )
    .await?;
    upsert_all(
        api,
        "outbound-integrations",
        &[
            signed_integration(receiver),
            mapped_integration(receiver),
            catch_all_integration(receiver),
        ],
    )
    .await?;
    upsert_all(api, "inbound-integrations", &[booking_integration(receiver)]).await
}

async fn upsert_all(api: &Api, resource: &str, integrations: &[Value]) -> anyhow::Result<()> {
    let all = format!("/{resource}?orgId={ORG}&limit=500");
    let present = api.get(&all).await?.unwrap_or_default();
    for integration in integrations {
        upsert(api, resource, &present, integration).await?;
    }
    Ok(())
}

async fn create_if_missing(api: &Api, one: &str, all: &str, body: &Value) -> anyhow::Result<()> {
    if api.get(one).await?.is_none() {
        api.send(Method::POST, all, body).await?;
    }
    Ok(())
}

async fn upsert(api: &Api, resource: &str, present: &Value, integration: &Value) -> anyhow::Result<()> {
    let list = present["integrations"].as_array().into_iter().flatten();
    let known = list
        .filter(|known| known["name"] == integration["name"])
        .find_map(|known| known["id"].as_str());
    match known {
        Some(id) => {
            api.send(
                Method::PATCH,
                &format!("/{resource}/{id}?orgId={ORG}"),
                &address_patch(integration),
            )
            .await?
        }
        None => {
            api.send(Method::POST, &format!("/{resource}?orgId={ORG}"), integration)
                .await?
        }
    };
    Ok(())
}

/// The new address and its credentials: stored credentials are not sent to another address.
fn address_patch(integration: &Value) -> Value {
    let fields = ["targetUrl", "outgoingAuthConfig"].into_iter();
    let moved = fields.filter_map(|name| Some((name.to_owned(), integration.get(name)?.clone())));
    Value::Object(moved.collect())
}

fn signed_integration(receiver: SocketAddr) -> Value {
    json!({
        "name": "Demo: signed, as it is",
        "eventType": EVENT_TYPE,
        "targetUrl": format!("http://{receiver}/signed"),
        "httpMethod": "POST",
        "transformationMode": "SIMPLE",
        "passthrough": true,
        "signing": { "enabled": true },
    })
}

fn mapped_integration(receiver: SocketAddr) -> Value {
    json!({
        "name": "Demo: mapped",
        "eventType": EVENT_TYPE,
        "targetUrl": format!("http://{receiver}/mapped"),
        "httpMethod": "POST",
        "transformationMode": "SIMPLE",
        "fieldMappings": [
            { "sourceField": "appointment.id", "targetField": "appointmentId" },
            { "sourceField": "patient.name", "targetField": "patient", "transform": "upper" },
            { "sourceField": "appointment.note", "targetField": "note", "defaultValue": "none" },
        ],
        "staticFields": [{ "key": "source", "value": "demo" }],
    })
}

fn catch_all_integration(receiver: SocketAddr) -> Value {
    json!({
        "name": "Demo: every event of the unit",
        "eventType": "*",
        "tenantId": UNIT,
        "targetUrl": format!("http://{receiver}/everything"),
        "httpMethod": "PUT",
        "transformationMode": "SIMPLE",
        "passthrough": true,
        "outgoingAuthType": "BEARER",
        "outgoingAuthConfig": { "token": "demo" },
    })
}

/// A call whose request and response are mapped.
fn booking_integration(receiver: SocketAddr) -> Value {
    json!({
        "type": INBOUND_TYPE,
        "name": "Demo: a call, mapped both ways",
        "targetUrl": format!("http://{receiver}{BOOKINGS_PATH}"),
        "httpMethod": "POST",
        "requestFieldMappings": [
            { "sourceField": "patient", "targetField": "name", "transform": "upper" },
        ],
        "responseFieldMappings": [
            { "sourceField": "booking.number", "targetField": "number" },
            { "sourceField": "booking.for", "targetField": "patient" },
        ],
    })
}
