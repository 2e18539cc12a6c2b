//! The demo's organisation, unit and integrations, events' and calls', through the API that everybody uses.

use std::net::SocketAddr;

use http::Method;
use serde_json::{Value, json};

use super::{BOOKINGS, CALLED, EVENT_TYPE, ORG, UNIT};
use crate::api::Api;

/// Makes what is missing and brings what is there up to date: the receiver has another port each time.
pub(super) async fn prepare(api: &Api, receiver: SocketAddr) -> anyhow::Result<()> {
    let organization = json!({ "orgId": ORG, "name": "Demo Hospital", "timezone": "Europe/Berlin" });
    let unit = json!({ "rid": UNIT, "name": "Demo Clinic" });
    make(api, &format!("/admin/orgs/{ORG}"), "/admin/orgs", &organization).await?;
    make(
        api,
        &format!("/admin/orgs/{ORG}/units/{UNIT}"),
        &format!("/admin/orgs/{ORG}/units"),
        &unit,
    )
    .await?;
    put_all(
        api,
        "outbound-integrations",
        &[signed(receiver), mapped(receiver), everything(receiver)],
    )
    .await?;
    put_all(api, "inbound-integrations", &[booking(receiver)]).await
}

async fn put_all(api: &Api, resource: &str, integrations: &[Value]) -> anyhow::Result<()> {
    let all = format!("/{resource}?orgId={ORG}&limit=500");
    let present = api.get(&all).await?.unwrap_or_default();
    for integration in integrations {
        put(api, resource, &present, integration).await?;
    }
    Ok(())
}

async fn make(api: &Api, one: &str, all: &str, body: &Value) -> anyhow::Result<()> {
    if api.get(one).await?.is_none() {
        api.send(Method::POST, all, body).await?;
    }
    Ok(())
}

async fn put(api: &Api, resource: &str, present: &Value, integration: &Value) -> anyhow::Result<()> {
    let list = present["integrations"].as_array().into_iter().flatten();
    let known = list
        .filter(|known| known["name"] == integration["name"])
        .find_map(|known| known["id"].as_str());
    match known {
        Some(id) => {
            api.send(Method::PATCH, &format!("/{resource}/{id}?orgId={ORG}"), &address(integration))
                .await?
        }
        None => {
            api.send(Method::POST, &format!("/{resource}?orgId={ORG}"), integration)
                .await?
        }
    };
    Ok(())
}

/// Where it goes now, and the credentials that are sent there: those that are stored go to no other address.
fn address(integration: &Value) -> Value {
    let fields = ["targetUrl", "outgoingAuthConfig"].into_iter();
    let moved = fields.filter_map(|name| Some((name.to_owned(), integration.get(name)?.clone())));
    Value::Object(moved.collect())
}

fn signed(receiver: SocketAddr) -> Value {
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

fn mapped(receiver: SocketAddr) -> Value {
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

fn everything(receiver: SocketAddr) -> Value {
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

/// A call that is mapped on its way there and on its way back.
fn booking(receiver: SocketAddr) -> Value {
    json!({
        "type": CALLED,
        "name": "Demo: a call, mapped both ways",
        "targetUrl": format!("http://{receiver}{BOOKINGS}"),
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
