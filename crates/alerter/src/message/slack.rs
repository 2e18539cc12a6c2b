//! Notices in Slack's Block Kit.
//!
//! Source: <https://docs.slack.dev/reference/block-kit/blocks>, <https://docs.slack.dev/messaging/formatting-message-text>.

use serde_json::{Value, json};

use super::facts::{Fact, advice, digest_lines, facts, headline};
use super::notice::Notice;
use super::plain::{footer, short};
use super::text::capped;

/// Slack's limits, in characters; what is escaped counts as it is written.
const MAX_HEADER: usize = 150;
const MAX_SECTION: usize = 2_900;
const MAX_FIELD: usize = 1_900;
/// The most fields of a section.
const MAX_FIELDS: usize = 10;

/// A notice as the body of a request to an incoming webhook.
pub fn slack(notice: &Notice) -> Value {
    let mut blocks = vec![header(&headline(notice))];
    let paragraphs = advice(notice).into_iter().map(|(name, sentence)| match name {
        "" => escaped(&sentence),
        name => format!("*{name}:* {}", escaped(&sentence)),
    });
    let lines = digest_lines(notice).into_iter().map(|line| format!("• {}", escaped(&line)));
    let text: Vec<_> = paragraphs.chain(lines).collect();
    if !text.is_empty() {
        blocks.push(json!({ "type": "section", "text": markdown(&whole_lines(&text, MAX_SECTION)) }));
    }
    let fields: Vec<_> = facts(notice).iter().take(MAX_FIELDS).map(field).collect();
    blocks.push(json!({ "type": "section", "fields": fields }));
    blocks.extend(buttons(notice));
    blocks.push(json!({ "type": "context", "elements": [markdown(&escaped(&footer(notice)))] }));
    json!({ "text": escaped(&short(notice)), "blocks": blocks })
}

fn header(text: &str) -> Value {
    json!({ "type": "header", "text": { "type": "plain_text", "text": capped(text, MAX_HEADER), "emoji": false } })
}

fn field(fact: &Fact) -> Value {
    markdown(&format!(
        "*{}*\n{}",
        fact.name,
        escaped(&capped(&fact.value, MAX_FIELD / ESCAPED_CHARS))
    ))
}

fn buttons(notice: &Notice) -> Option<Value> {
    let button = |(title, link): (&str, &super::Link)| json!({ "type": "button", "text": { "type": "plain_text", "text": title }, "url": link.as_str() });
    let elements: Vec<_> = notice.links.titled().into_iter().map(button).collect();
    (!elements.is_empty()).then(|| json!({ "type": "actions", "elements": elements }))
}

/// A text in Slack's markup, in which Slack makes no links and no mentions of its own.
fn markdown(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

/// As many whole lines as fit; cutting a line could cut an escape.
fn whole_lines(lines: &[String], max_chars: usize) -> String {
    let mut text = String::new();
    let mut kept = 0;
    for line in lines {
        let chars = line.chars().count() + 1;
        if kept + chars > max_chars {
            text.push('…');
            break;
        }
        text.push_str(line);
        text.push('\n');
        kept += chars;
    }
    text.trim_end().to_owned()
}

/// How many characters one character may become.
const ESCAPED_CHARS: usize = 5;

/// Escapes the three characters that Slack's markup is made of: mentions, channels and links begin with `<`.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
