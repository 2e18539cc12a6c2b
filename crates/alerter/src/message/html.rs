//! Notices as HTML for mail.
//!
//! Mail programs read old HTML: tables, and styles on each element. Colours come in pairs with enough contrast both ways, so that a
//! program that darkens a mail leaves it readable. There are no images, no scripts and no style sheets to fetch.

use ig_core::alert::Severity;

use super::facts::{advice, digest_lines, facts, headline};
use super::notice::{Notice, NoticeKind};
use super::plain::footer;

const FONT: &str = "font-family:Segoe UI,Helvetica,Arial,sans-serif;font-size:15px;line-height:22px;";

/// A notice as an HTML document.
pub fn html(notice: &Notice) -> String {
    let title = escaped(&headline(notice));
    let colour = colour(notice);
    let rows = [advice_rows(notice), digest_rows(notice), fact_rows(notice), link_row(notice)].concat();
    let footer = escaped(&footer(notice));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"supported-color-schemes\" content=\"light dark\">\
         <title>{title}</title></head>\n<body style=\"margin:0;padding:12px;\">\n\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"max-width:640px;{FONT}\">\n\
         <tr><td bgcolor=\"{colour}\" style=\"background-color:{colour};color:#ffffff;padding:12px 16px;font-size:18px;\
         font-weight:bold;\">{title}</td></tr>\n{rows}\
         <tr><td style=\"padding:16px;font-size:12px;color:#767676;\">{footer}</td></tr>\n</table>\n</body></html>\n"
    )
}

fn advice_rows(notice: &Notice) -> String {
    let row = |(name, sentence): (&str, String)| {
        let name = if name.is_empty() {
            String::new()
        } else {
            format!("<b>{name}:</b> ")
        };
        format!(
            "<tr><td style=\"padding:12px 16px 0 16px;\">{name}{}</td></tr>\n",
            escaped(&sentence)
        )
    };
    advice(notice).into_iter().map(row).collect()
}

fn digest_rows(notice: &Notice) -> String {
    let row = |line: String| format!("<tr><td style=\"padding:8px 16px 0 16px;\">{}</td></tr>\n", escaped(&line));
    digest_lines(notice).into_iter().map(row).collect()
}

fn fact_rows(notice: &Notice) -> String {
    let row = |name: &str, value: &str| {
        format!(
            "<tr><td valign=\"top\" style=\"padding:2px 12px 2px 0;color:#767676;white-space:nowrap;\">{name}</td>\
             <td valign=\"top\" style=\"padding:2px 0;word-break:break-word;\">{}</td></tr>\n",
            escaped(value)
        )
    };
    let rows: String = facts(notice).iter().map(|fact| row(fact.name, &fact.value)).collect();
    format!(
        "<tr><td style=\"padding:16px 16px 0 16px;\"><table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" \
         style=\"{FONT}\">\n{rows}</table></td></tr>\n"
    )
}

fn link_row(notice: &Notice) -> String {
    let links = notice.links.titled().into_iter().map(|(title, link)| {
        let address = escaped(link.as_str());
        format!("<a href=\"{address}\" style=\"color:#2f6fde;padding-right:16px;\">{title}</a>")
    });
    let links: String = links.collect();
    if links.is_empty() {
        return String::new();
    }
    format!("<tr><td style=\"padding:16px 16px 0 16px;\">{links}</td></tr>\n")
}

/// The colour of the title's background; white is readable on each.
fn colour(notice: &Notice) -> &'static str {
    match (&notice.kind, notice.severity) {
        (NoticeKind::Resolved, _) => "#1e7b34",
        (NoticeKind::Test, _) | (_, Severity::Info) => "#3a5a80",
        (_, Severity::Warning) => "#a35200",
        (_, Severity::Critical) => "#b3261e",
    }
}

/// Escapes a text for HTML, between tags and in attributes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
