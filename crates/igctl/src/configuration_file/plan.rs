//! A plan of changes in readable form.

use serde_json::Value;

/// Whether the plan changes nothing.
pub(super) fn is_empty(plan: &Value) -> bool {
    changes(plan).is_empty()
}

/// One line per change, and one per changed field.
pub(super) fn lines(plan: &Value) -> Vec<String> {
    let mut lines: Vec<String> = changes(plan).iter().flat_map(change).collect();
    let count = |action: &str| changes(plan).iter().filter(|change| text(change, "action") == action).count();
    let unchanged = plan.get("unchanged").and_then(Value::as_u64).unwrap_or_default();
    let (made, changed, deleted) = (count("CREATE"), count("UPDATE"), count("DELETE"));
    lines.push(format!(
        "{made} to create, {changed} to change, {deleted} to delete, {unchanged} as they should be"
    ));
    lines
}

fn changes(plan: &Value) -> &[Value] {
    plan.get("changes").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn change(change: &Value) -> Vec<String> {
    let sign = match text(change, "action") {
        "CREATE" => "+",
        "DELETE" => "-",
        _ => "~",
    };
    let head = format!("{sign} {} {}", text(change, "kind"), text(change, "name"));
    let differences = change.get("differences").and_then(Value::as_array);
    let fields = differences.into_iter().flatten().map(|difference| {
        let value = |name: &str| difference.get(name).map_or_else(|| "nothing".to_owned(), Value::to_string);
        format!(
            "    {}: {} -> {}",
            text(difference, "pointer"),
            value("before"),
            value("after")
        )
    });
    std::iter::once(head).chain(fields).collect()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plan_reads_as_a_diff() {
        let plan = json!({
            "changes": [
                {"action": "CREATE", "kind": "eventTypes", "name": "order"},
                {"action": "UPDATE", "kind": "outboundIntegrations", "name": "Hook", "differences": [
                    {"pointer": "/targetUrl", "before": "https://a/", "after": "https://b/"}, {"pointer": "/filter", "after": {"a": 1}},
                ]},
                {"action": "DELETE", "kind": "scheduledJobs", "name": "Export"},
            ],
            "unchanged": 4,
        });
        assert_eq!(
            lines(&plan),
            [
                "+ eventTypes order",
                "~ outboundIntegrations Hook",
                "    /targetUrl: \"https://a/\" -> \"https://b/\"",
                "    /filter: nothing -> {\"a\":1}",
                "- scheduledJobs Export",
                "1 to create, 1 to change, 1 to delete, 4 as they should be",
            ]
        );
        assert!(is_empty(&json!({"changes": [], "unchanged": 4})));
    }
}
