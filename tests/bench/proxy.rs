//! Calls through the gateway compared with calls through nginx, to the same target, in the same run.

mod load;
mod nginx;

use bytes::Bytes;
use ig_testkit::receiver::{Answer, Receiver};
use serde_json::{Value, json};

use crate::report::Report;
use crate::stack::Stack;
use load::{Load, Measured};
use nginx::Nginx;

/// The numbers of concurrent connections.
const CONNECTIONS: [usize; 5] = [1, 20, 50, 100, 500];
/// The number at which the targets apply.
const ASKED: usize = 50;
const SCRIPT: &str = "return { id: payload.id, name: payload.patient.name.trim(), source: 'bench', text: payload.text };";

/// Requests per second and their latency: nginx, and the gateway with each log level and transformation.
pub(crate) async fn beside_nginx(report: &mut Report) -> anyhow::Result<()> {
    let (stack, target) = (Stack::start().await?, Receiver::counting());
    target.always(
        "/",
        Answer::status(200)
            .header("content-type", "application/json")
            .body(kibibyte()),
    );
    stack.tenants(1).await?;
    for (name, fields) in kinds() {
        stack
            .post("/inbound-integrations?orgId=1", &integration(name, &target.url("/"), fields))
            .await?;
    }
    let nginx = Nginx::start(target.address()).await?;
    let through_nginx = Load::new(nginx.address(), "/", &[], kibibyte());
    let mut at_nginx = 0.0;
    for (name, load) in std::iter::once(("nginx", through_nginx)).chain(kinds().map(|(name, _)| (name, through(&stack, name)))) {
        for connections in CONNECTIONS {
            let measured = load.median_of(crate::RUNS, connections).await?;
            if connections == ASKED && name == "nginx" {
                at_nginx = measured.per_second;
            }
            tell(report, name, connections, &measured, at_nginx);
        }
    }
    Ok(())
}

/// The gateway's kinds of integrations, by name.
fn kinds() -> [(&'static str, Value); 4] {
    let mapping = json!([
        {"sourceField": "id", "targetField": "id"},
        {"sourceField": "patient.name", "targetField": "name", "transform": "trim"},
        {"sourceField": "text", "targetField": "text"},
    ]);
    [
        ("none", json!({"logLevel": "NONE"})),
        ("full", json!({"logLevel": "FULL"})),
        (
            "simple",
            json!({"logLevel": "FULL", "requestFieldMappings": mapping, "responseFieldMappings": mapping}),
        ),
        (
            "script",
            json!({"logLevel": "FULL", "requestTransformationMode": "SCRIPT", "requestTransformScript": SCRIPT}),
        ),
    ]
}

fn integration(name: &str, url: &str, fields: Value) -> Value {
    let mut body = json!({"type": name, "name": name, "targetUrl": url, "maxConcurrency": 1_000});
    if let (Some(body), Value::Object(fields)) = (body.as_object_mut(), fields) {
        body.extend(fields);
    }
    body
}

fn through(stack: &Stack, name: &str) -> Load {
    let path = format!("/api/v1/integrations/{name}?orgId=1");
    Load::new(stack.address(), &path, &[("x-api-key", stack.key())], kibibyte())
}

fn kibibyte() -> Bytes {
    let whole = json!({"id": 7, "patient": {"name": " Ada Lovelace "}, "text": "x".repeat(950)});
    Bytes::from(whole.to_string())
}

fn tell(report: &mut Report, name: &str, connections: usize, measured: &Measured, at_nginx: f64) {
    let what = |of: &str| format!("calls {name}, {connections} connections: {of}");
    let (rate, p99) = match (name, connections == ASKED) {
        ("full", true) => (">= 8,000", "<= 15"),
        _ => ("", ""),
    };
    report.add(what("a second"), measured.per_second, "calls/s", rate);
    if name != "nginx" && connections == ASKED {
        let wanted = if name == "none" { ">= 50" } else { "" };
        report.add(what("of nginx"), 100.0 * measured.per_second / at_nginx, "%", wanted);
    }
    report.add(what("p50"), measured.p50, "ms", "");
    report.add(what("p99"), measured.p99, "ms", p99);
    report.add(what("p99.9"), measured.p999, "ms", "");
}
