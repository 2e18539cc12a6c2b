//! Single documents, found by identifiers that other systems know: a message, an event, a trace, a call.
//!
//! Each identifier has an index. Among several candidates, not every server takes the most selective one: some take the
//! first field that has an index, and read an index given as a hint to its end. So the identifier comes first in the
//! filter, before the organisation.

use ig_core::ports::StoreError;
use mongodb::action::{Action as _, Find};
use mongodb::bson::Document;
use serde::de::DeserializeOwned;

use super::{Listed, Page};
use crate::database::Database;

/// A search by identifier.
#[derive(Debug, Clone)]
pub(crate) struct IdentifierSearch {
    pub(crate) collection: &'static str,
    /// The condition on the identifier, the first key of its index.
    pub(crate) name: Document,
    /// The other conditions.
    pub(crate) query: Document,
    pub(crate) order: Document,
    /// Fields to leave out of each document.
    pub(crate) without: Option<Document>,
}

impl Database {
    /// One page of the matches, counted no further than needed: there are few usually, but clients choose their own identifiers.
    pub(crate) async fn by_identifier<T>(&self, search: IdentifierSearch, page: Page) -> Result<Listed<T>, StoreError>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let target = self.collection::<T>(search.collection);
        let filter = identifier_filter(search.name, search.query);
        let count = target.count_documents(filter.clone()).limit(page.count_limit());
        let find = target
            .find(filter)
            .sort(search.order)
            .skip(page.skip())
            .limit(i64::from(page.limit.max(1)))
            .optional(search.without, Find::projection);
        let (items, total) = tokio::try_join!(self.all(find), self.within(count))?;
        Ok(Listed {
            items,
            total,
            is_exact: total < page.count_limit(),
        })
    }
}

/// Combines both conditions. Operators in the query stay apart from its fields: some servers use no index for a field
/// beside an operator.
pub(crate) fn identifier_filter(name: Document, query: Document) -> Document {
    let (operators, fields): (Document, Document) = query.into_iter().partition(|(key, _)| key.starts_with('$'));
    let mut filter = name;
    for (field, value) in fields {
        filter.entry(field).or_insert(value);
    }
    if !operators.is_empty() {
        filter.insert("$and", vec![operators]);
    }
    filter
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    #[test]
    fn identifier_filter_puts_the_identifier_first_and_operators_apart() {
        let query = doc! { "orgId": 7, "messageId": "a", "$or": [{ "url": "b" }], "status": "SUCCESS" };
        assert_eq!(
            identifier_filter(doc! { "messageId": "a" }, query),
            doc! { "messageId": "a", "orgId": 7, "status": "SUCCESS", "$and": [{ "$or": [{ "url": "b" }] }] }
        );
    }
}
