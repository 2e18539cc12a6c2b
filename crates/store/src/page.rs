//! Lists: paging and search.

mod by_identifier;
mod latest;
mod lookback;

use ig_core::clock::Timestamp;
use ig_core::id::{EventId, IntegrationId, OrgId};
use mongodb::bson::{Bson, Document, doc};

pub(crate) use by_identifier::{IdentifierSearch, identifier_filter};
pub(crate) use latest::{Period, SortTime, TimedSearch};

use crate::field::{date, object_id};

/// The longest search text in use; the rest is cut off.
pub const MAX_SEARCH_CHARS: usize = 100;

/// Items counted beyond the page; if there are more, the total is a lower bound.
const MAX_COUNTED_BEYOND: u64 = 500;

/// Which part of a list to return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Its number, from 1.
    pub number: u64,
    /// The most items on one page.
    pub limit: u32,
}

impl Page {
    /// The first page of a list.
    pub fn first(limit: u32) -> Self {
        Self { number: 1, limit }
    }

    pub(crate) fn skip(self) -> u64 {
        let before = self.number.saturating_sub(1).saturating_mul(u64::from(self.limit));
        before.min(i64::MAX as u64)
    }

    pub(crate) fn size(self) -> u64 {
        u64::from(self.limit.max(1))
    }

    /// How far a long list is counted for this page.
    pub(crate) fn count_limit(self) -> u64 {
        let counted = self.skip().saturating_add(self.size()).saturating_add(MAX_COUNTED_BEYOND);
        counted.min(i64::MAX as u64)
    }
}

/// One page of a list, with the list's length.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// The items of the page.
    pub items: Vec<T>,
    /// The list's length, or a lower bound of it.
    pub total: u64,
    /// Whether `total` is exact; long lists are not counted to the end.
    pub is_exact: bool,
}

impl<T> Listed<T> {
    /// A page of a list that was counted to its end.
    pub fn counted(items: Vec<T>, total: u64) -> Self {
        Self {
            items,
            total,
            is_exact: true,
        }
    }

    /// Converts every item of the page.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Listed<U> {
        Listed {
            items: self.items.into_iter().map(convert).collect(),
            total: self.total,
            is_exact: self.is_exact,
        }
    }

    pub(crate) fn try_map<U, E>(self, convert: impl FnMut(T) -> Result<U, E>) -> Result<Listed<U>, E> {
        Ok(Listed {
            items: self.items.into_iter().map(convert).collect::<Result<_, _>>()?,
            total: self.total,
            is_exact: self.is_exact,
        })
    }
}

/// Matches an organisation's documents that have these values; `None` matches all.
pub(crate) fn org_filter<'a>(org: impl Into<Bson>, values: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Document {
    let mut filter = doc! { "orgId": org };
    for (field, value) in values {
        if let Some(value) = value {
            filter.insert(field, value);
        }
    }
    filter
}

/// Limits a time field to the given bounds.
pub(crate) fn add_period(filter: &mut Document, field: &str, start: Option<Timestamp>, end: Option<Timestamp>) {
    let bounds = [("$gte", start), ("$lt", end)];
    let given = bounds
        .into_iter()
        .filter_map(|(bound, at)| Some((bound.to_owned(), date(at?).into())));
    let period: Document = given.collect();
    if !period.is_empty() {
        filter.insert(field, period);
    }
}

/// Adds a condition on the integration, if given.
pub(crate) fn add_integration(filter: &mut Document, integration: Option<IntegrationId>) {
    if let Some(id) = integration {
        filter.insert("integrationConfigId", object_id(id.0));
    }
}

/// Adds a condition on the event, if given.
pub(crate) fn add_event(filter: &mut Document, field: &str, org: OrgId, event: Option<&EventId>) {
    if let Some(event) = event {
        filter.insert(field, event_names(org, event));
    }
}

/// The ids that an event may be stored under: its own or, if the organisation pushed it, the client's.
pub(crate) fn event_names(org: OrgId, event: &EventId) -> Document {
    doc! { "$in": [event.as_str(), event.pushed_by(org).as_str()] }
}

/// Matches documents in which one of the fields contains the text, literally and regardless of case.
pub(crate) fn add_search(filter: &mut Document, search: Option<&str>, fields: &[&str]) {
    let Some(text) = search.map(str::trim).filter(|text| !text.is_empty()) else {
        return;
    };
    let pattern = escaped_pattern(text);
    let any: Vec<_> = fields
        .iter()
        .map(|field| doc! { *field: { "$regex": &pattern, "$options": "i" } })
        .collect();
    filter.insert("$or", any);
}

fn escaped_pattern(text: &str) -> String {
    let mut pattern = String::new();
    for letter in text.chars().take(MAX_SEARCH_CHARS) {
        if letter.is_ascii() && !letter.is_ascii_alphanumeric() {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_is_literal_and_bounded() {
        assert_eq!(escaped_pattern("a.*(b)é"), r"a\.\*\(b\)é");
        assert_eq!(escaped_pattern(&"x".repeat(1000)).len(), MAX_SEARCH_CHARS);
    }

    #[test]
    fn page_far_out_does_not_overflow() {
        let page = Page {
            number: u64::MAX,
            limit: 500,
        };
        assert_eq!(page.skip(), i64::MAX as u64);
        assert_eq!(Page::first(50).skip(), 0);
    }
}
