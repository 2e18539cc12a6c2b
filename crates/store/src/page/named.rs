//! Single things, found by what others know of them: a message, an event, a trace, a call.
//!
//! An index of their own finds them. Among several that would do, not every server takes the one that leaves out the most: some take the
//! first field that has one, and one that is named to them (`hint`) they read to its end. So what names a thing comes first in the filter,
//! before its organisation.

use ig_core::ports::StoreError;
use mongodb::action::{Action as _, Find};
use mongodb::bson::Document;
use serde::de::DeserializeOwned;

use super::{Listed, Page};
use crate::database::Database;

/// What is looked for.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) collection: &'static str,
    /// By what it is found: an index begins with this.
    pub(crate) name: Document,
    /// What else is asked of it.
    pub(crate) query: Document,
    pub(crate) order: Document,
    /// What is left out of each.
    pub(crate) without: Option<Document>,
}

impl Database {
    /// One page of what has a name, counted no further than needed: it is mostly few, but clients choose what they call their own.
    pub(crate) async fn named<T>(&self, named: Named, page: Page) -> Result<Listed<T>, StoreError>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let target = self.collection::<T>(named.collection);
        let filter = filter(named.name, named.query);
        let count = target.count_documents(filter.clone()).limit(page.enough());
        let find = target
            .find(filter)
            .sort(named.order)
            .skip(page.skip())
            .limit(i64::from(page.limit.max(1)))
            .optional(named.without, Find::projection);
        let (items, total) = tokio::try_join!(self.all(find), self.within(count))?;
        Ok(Listed {
            items,
            total,
            is_exact: total < page.enough(),
        })
    }
}

/// Finds what has a name and meets a query. What the query asks by operators instead of fields stands apart from the fields: beside an
/// operator, a field is not looked up in an index everywhere.
pub(crate) fn filter(name: Document, query: Document) -> Document {
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
    fn what_names_a_thing_comes_first_in_its_filter_and_operators_stand_apart() {
        let query = doc! { "orgId": 7, "messageId": "a", "$or": [{ "url": "b" }], "status": "SUCCESS" };
        assert_eq!(
            filter(doc! { "messageId": "a" }, query),
            doc! { "messageId": "a", "orgId": 7, "status": "SUCCESS", "$and": [{ "$or": [{ "url": "b" }] }] }
        );
    }
}
