//! Notices as Adaptive Cards, in the shape that a Teams workflow's webhook takes.
//!
//! Source: <https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using>,
//! <https://adaptivecards.io/explorer/RichTextBlock.html>.

use ig_core::alert::Severity;
use serde_json::{Value, json};

use super::facts::{advice, digest_lines, facts, headline};
use super::notice::{Notice, NoticeKind};
use super::plain::{footer, short};
use super::text::capped_bytes;

/// The longest text run, in bytes. Teams takes 28 KB in all, and a notice has at most some 35 runs.
const MAX_RUN_BYTES: usize = 600;

/// A notice as the body of a request to a workflow's webhook.
pub fn teams(notice: &Notice) -> Value {
    let mut body = vec![text(&[title(notice)])];
    body.extend(advice(notice).into_iter().map(|(name, sentence)| named(name, &sentence)));
    body.extend(digest_lines(notice).into_iter().map(|line| named("", &line)));
    body.extend(facts(notice).iter().map(|fact| named(fact.name, &fact.value)));
    body.push(text(&[
        json!({ "type": "TextRun", "text": footer(notice), "isSubtle": true, "size": "Small" }),
    ]));
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": short(notice),
        "body": body,
        "actions": actions(notice),
        "msteams": { "width": "Full" },
    });
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}

fn title(notice: &Notice) -> Value {
    let colour = match (&notice.kind, notice.severity) {
        (NoticeKind::Resolved, _) => "Good",
        (NoticeKind::Test, _) | (_, Severity::Info) => "Accent",
        (_, Severity::Warning) => "Warning",
        (_, Severity::Critical) => "Attention",
    };
    json!({
        "type": "TextRun", "text": capped_bytes(&headline(notice), MAX_RUN_BYTES), "size": "Large", "weight": "Bolder", "color": colour,
    })
}

/// A line with a bold name before it.
fn named(name: &str, value: &str) -> Value {
    let name = (!name.is_empty()).then(|| json!({ "type": "TextRun", "text": format!("{name}: "), "weight": "Bolder" }));
    let value = json!({ "type": "TextRun", "text": capped_bytes(value, MAX_RUN_BYTES) });
    text(&name.into_iter().chain([value]).collect::<Vec<_>>())
}

/// A block whose texts are shown as they are: a `TextBlock` would read them as Markdown, with links and mentions.
fn text(runs: &[Value]) -> Value {
    json!({ "type": "RichTextBlock", "inlines": runs })
}

fn actions(notice: &Notice) -> Vec<Value> {
    let action = |(title, link): (&str, &super::Link)| json!({ "type": "Action.OpenUrl", "title": title, "url": link.as_str() });
    notice.links.titled().into_iter().map(action).collect()
}
