//! Operation ids for machines, and one-sentence summaries for people.

use super::operation::DescribedOperation;

/// Sets a unique operation id from method and path, and cuts the summary to one sentence.
pub(super) fn complete(described: &mut DescribedOperation<'_>) {
    described.operation.operation_id = Some(operation_id(described.method, described.relative_path()));
    let text = described.operation.summary.take().unwrap_or_default().replace('\n', " ");
    let (summary, rest) = match text.split_once(". ") {
        Some((first, rest)) => (first.to_owned(), Some(rest.to_owned())),
        None => (text.trim_end_matches('.').to_owned(), None),
    };
    described.operation.summary = Some(summary);
    let description = described.operation.description.take().filter(|text| !text.is_empty());
    let paragraphs: Vec<_> = rest.into_iter().chain(description).collect();
    described.operation.description = (!paragraphs.is_empty()).then(|| paragraphs.join("\n\n"));
}

/// `post /outbound-integrations/{id}/enable` is `postOutboundIntegrationsByIdEnable`.
fn operation_id(method: &str, path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty());
    let words = parts.flat_map(|part| match part.strip_prefix('{') {
        Some(name) => vec!["by", name.trim_end_matches('}')],
        None => part.split('-').collect(),
    });
    words.fold(method.to_owned(), |id, word| id + &capitalize(word))
}

fn capitalize(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}
