//! Instructions for the demo.

use mysql_async::Opts;

use super::{EVENT_TYPE, INBOUND_TYPE, ORG, UNIT};
use crate::output;
use crate::ready_file::Ready;

/// Prints how to read the logs and how to submit events.
pub(super) fn show(ready: &Ready) {
    let Ready {
        http,
        api_key,
        mysql_url,
        ..
    } = ready;
    output::line(format!(
        "Demo: organisation {ORG} with unit {UNIT}; an {EVENT_TYPE} every two seconds. Look at the logs:"
    ));
    output::line(format!(
        "  curl -s -H 'X-API-Key: {api_key}' '{http}/api/v1/logs?orgId={ORG}&limit=5'"
    ));
    output::line("Make something happen:");
    output::line(format!(
        "  curl -s -H 'X-API-Key: {api_key}' -H 'Content-Type: application/json' '{http}/api/v1/events?orgId={ORG}' \\\n    -d '{}'",
        example_event()
    ));
    if let Some(insert) = mysql_url.as_deref().and_then(insert_command) {
        output::line(format!("  {insert}"));
    }
    if mysql_url.is_some() {
        output::line("A scheduled job sends new bills every half minute. Look at its runs:");
        output::line(format!(
            "  curl -s -H 'X-API-Key: {api_key}' '{http}/api/v1/scheduled-job-logs?orgId={ORG}&limit=5'"
        ));
    }
    output::line("Call an outside API through the gateway, mapped on its way there and back:");
    output::line(format!(
        "  curl -s -H 'X-API-Key: {api_key}' -H 'Content-Type: application/json' '{http}/api/v1/integrations/{INBOUND_TYPE}?orgId={ORG}' \\\n    -d '{{\"patient\": \"Grace\"}}'"
    ));
}

fn example_event() -> String {
    format!(r#"{{"eventType": "{EVENT_TYPE}", "entityRid": {UNIT}, "payload": {{"patient": {{"name": "Grace"}}}}}}"#)
}

fn insert_command(url: &str) -> Option<String> {
    let opts = Opts::from_url(url).ok()?;
    let (host, port, user) = (opts.ip_or_hostname(), opts.tcp_port(), opts.user().unwrap_or("root"));
    let (password, database) = (
        if opts.pass().is_some_and(|pass| !pass.is_empty()) {
            " -p"
        } else {
            ""
        },
        opts.db_name()?,
    );
    let values = format!(r#"'{EVENT_TYPE}', '{{\"patient\": {{\"name\": \"Grace\"}}}}', {UNIT}, {ORG}"#);
    let columns = "event_type, payload, entity_rid, entity_parent_rid";
    Some(format!(
        "mariadb -h {host} -P {port} -u {user}{password} {database} \\\n    -e \"INSERT INTO notification_queue ({columns}) VALUES ({values})\""
    ))
}
