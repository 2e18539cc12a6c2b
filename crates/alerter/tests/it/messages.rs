//! What notices say, in each form.

use ig_alerter::message::{Label, Notice, NoticeKind, html, plain, short, slack, subject_line, teams};
use ig_core::alert::Severity;
use serde_json::Value;

use crate::notices::{digest, hostile, later, notice};

/// Every string in a JSON value, with the name of its field.
fn strings<'a>(value: &'a Value, field: &'a str, found: &mut Vec<(&'a str, &'a str)>) {
    match value {
        Value::String(text) => found.push((field, text)),
        Value::Array(values) => values.iter().for_each(|value| strings(value, field, found)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| strings(value, name, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn all_strings(value: &Value) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    strings(value, "", &mut found);
    found
}

#[test]
fn plain_text_says_what_fails_since_when_why_and_what_to_do() {
    let text = plain(&notice());
    let lines: Vec<_> = text.lines().collect();
    for line in [
        "Failing: Billing (circuit-open)",
        "The target's TLS certificate has expired, so nothing is sent to it.",
        "Next step: Ask the target's operator to renew the certificate.",
        "Organisation: North Hospital (7)",
        "Since: 2026-01-01 17:30 +05:30 (Asia/Kolkata)",
        "Last seen: 2026-01-01 18:35 +05:30 (Asia/Kolkata)",
        "Lasts: 1 h 5 min",
        "Seen: 17 times",
        "Waiting: 1,234 deliveries",
        "Last error: The target's TLS certificate was refused: it has expired.",
        "Open in the console: https://gateway.example/logs?integration=65a&status=FAILED",
        "Runbook: https://wiki.example/circuit-open",
    ] {
        assert!(lines.contains(&line), "{line} in {text}");
    }
}

#[test]
fn plain_text_of_other_kinds_begins_with_what_happened() {
    let acknowledged = NoticeKind::Acknowledged { by: Label::new("Ann") };
    let table = [
        (later(NoticeKind::Repeated, 1), "Still failing: Billing (circuit-open)"),
        (later(acknowledged, 1), "Acknowledged by Ann: Billing (circuit-open)"),
        (later(NoticeKind::Resolved, 1), "Resolved: Billing (circuit-open)"),
        (later(NoticeKind::Test, 0), "Test: this channel works"),
        (digest(1, "Billing"), "1 alert is open"),
        (digest(10_000, "Billing"), "10,000 alerts are open"),
    ];
    for (notice, headline) in table {
        assert_eq!(plain(&notice).lines().next(), Some(headline));
        assert!(short(&notice).starts_with(headline), "{}", short(&notice));
    }
    assert!(!plain(&later(NoticeKind::Resolved, 1)).contains("Next step"));
    assert!(plain(&digest(10_000, "Billing")).contains("- and 9,980 more, see the console"));
}

#[test]
fn subject_is_the_same_for_all_notices_of_an_incident() {
    let subject = |notice: &Notice| subject_line(notice);
    assert_eq!(subject(&notice()), "[Critical] Billing: circuit-open (North Hospital)");
    assert_eq!(
        subject(&later(NoticeKind::Resolved, 3)),
        "Re: [Critical] Billing: circuit-open (North Hospital)"
    );
    let platform = Notice {
        org: None,
        severity: Severity::Info,
        ..notice()
    };
    assert_eq!(subject(&platform), "[Info] Billing: circuit-open (Platform)");
}

#[test]
fn short_text_has_at_most_1024_bytes() {
    for notice in [notice(), hostile(), digest(30, &"ü".repeat(200))] {
        assert!(short(&notice).len() <= 1_024, "{}", short(&notice).len());
        assert!(!short(&notice).contains('\n'));
    }
}

#[test]
fn html_is_escaped_and_fetches_nothing() {
    let document = html(&notice());
    assert!(document.contains("<meta name=\"color-scheme\" content=\"light dark\">"));
    let document = html(&hostile());
    let tags: Vec<_> = document
        .split('<')
        .skip(1)
        .filter_map(|tag| tag.split([' ', '>']).next())
        .collect();
    for tag in tags {
        let known = [
            "!DOCTYPE", "html", "head", "meta", "title", "body", "table", "tr", "td", "b", "a",
        ];
        assert!(known.contains(&tag.trim_start_matches('/')), "<{tag}");
    }
    assert!(!document.contains("src=") && !document.contains("url("));
}

#[test]
fn slack_blocks_are_within_slacks_limits_and_hold_no_mention() {
    for notice in [
        notice(),
        hostile(),
        digest(30, "<!channel> & <@U1>"),
        later(NoticeKind::Test, 0),
    ] {
        let message = slack(&notice);
        let blocks = message["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50);
        for (field, text) in all_strings(&message) {
            assert!(
                field != "text" || !text.contains("<!") && !text.contains("<@") || is_plain_header(&message, text),
                "{text}"
            );
        }
        let length = |value: &Value| value.as_str().unwrap().chars().count();
        assert!(length(&blocks[0]["text"]["text"]) <= 150);
        for block in blocks.iter().filter(|block| block["type"] == "section") {
            assert!(block["text"].is_null() || length(&block["text"]["text"]) <= 3_000);
            let fields = block["fields"].as_array().cloned().unwrap_or_default();
            assert!(fields.len() <= 10 && fields.iter().all(|field| length(&field["text"]) <= 2_000));
            assert!(block["text"].is_object() || !fields.is_empty());
        }
    }
}

/// Slack reads no mentions in a header, which is plain text.
fn is_plain_header(message: &Value, text: &str) -> bool {
    message["blocks"][0]["text"]["text"] == text && message["blocks"][0]["text"]["type"] == "plain_text"
}

#[test]
fn slack_message_has_fields_and_buttons() {
    let message = slack(&notice());
    let texts: Vec<_> = all_strings(&message).into_iter().map(|(_, text)| text).collect();
    assert!(texts.contains(&"*Waiting*\n1,234 deliveries"), "{texts:?}");
    assert!(texts.contains(&"https://gateway.example/logs?integration=65a&status=FAILED"));
    assert!(message["text"].as_str().unwrap().starts_with("Failing: Billing"));
}

#[test]
fn teams_card_shows_texts_as_they_are_and_is_small_enough() {
    let large = digest(30, &"\u{1f3e5}".repeat(200));
    for notice in [notice(), hostile(), large, later(NoticeKind::Resolved, 1)] {
        let message = teams(&notice);
        let attachment = &message["attachments"][0];
        assert_eq!(
            (&message["type"], &attachment["contentType"]),
            (&"message".into(), &"application/vnd.microsoft.card.adaptive".into())
        );
        let card = &attachment["content"];
        assert_eq!((&card["type"], &card["version"]), (&"AdaptiveCard".into(), &"1.4".into()));
        for block in card["body"].as_array().unwrap() {
            assert_eq!(block["type"], "RichTextBlock");
            assert!(
                block["inlines"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|run| run["type"] == "TextRun")
            );
        }
        assert!(message.to_string().len() < 28_000, "{}", message.to_string().len());
    }
    let actions = &teams(&notice())["attachments"][0]["content"]["actions"];
    assert_eq!(
        (&actions[1]["type"], &actions[1]["url"]),
        (&"Action.OpenUrl".into(), &"https://wiki.example/circuit-open".into())
    );
}

#[test]
fn hostile_texts_change_the_direction_of_no_rendering_and_break_no_line() {
    let notice = hostile();
    for text in [
        plain(&notice),
        short(&notice),
        html(&notice),
        slack(&notice).to_string(),
        teams(&notice).to_string(),
    ] {
        assert!(!text.contains(['\u{202e}', '\0', '\r']), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
    }
}
