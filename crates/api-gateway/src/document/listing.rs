//! One page of a list.

use ig_store::{Listed, MaybeReadable, Page, Unreadable};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{ApiError, REPAIR_HINT};

/// A stored item that cannot be read and is out of use.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnreadableEntry {
    /// The item's identifier.
    id: String,
    /// The item's name.
    name: String,
    /// Why it cannot be read, and how to repair it.
    reason: String,
}

impl From<Unreadable> for UnreadableEntry {
    fn from(Unreadable { id, name, reason, .. }: Unreadable) -> Self {
        Self {
            id,
            name,
            reason: format!("{reason}; {REPAIR_HINT}"),
        }
    }
}

/// Separates the readable items of a page from the unreadable ones.
pub(crate) fn split_unreadable<T>(listed: Listed<MaybeReadable<T>>) -> (Listed<T>, Vec<UnreadableEntry>) {
    let (mut items, mut unreadable) = (Vec::with_capacity(listed.items.len()), Vec::new());
    for found in listed.items {
        match found {
            MaybeReadable::Readable(item) => items.push(item),
            MaybeReadable::Unreadable(item) => unreadable.push(item.into()),
        }
    }
    let listed = Listed {
        items,
        total: listed.total,
        is_exact: listed.is_exact,
    };
    (listed, unreadable)
}

/// Declares the response of a list under its plural name, and optionally the name of its unreadable items.
macro_rules! listing {
    ($(#[$doc:meta])* $name:ident { $plural:ident: $item:ty $(, $unreadable:ident)? }) => {
        $(#[$doc])*
        #[derive(Debug, serde::Serialize, utoipa::ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $name {
            /// The items of this page.
            $plural: Vec<$item>,
            $(
                /// The items of this page that cannot be read; absent where there are none.
                #[serde(skip_serializing_if = "Vec::is_empty")]
                $unreadable: Vec<$crate::document::UnreadableEntry>,
            )?
            /// The number of items on all pages, or a lower bound of it.
            total: u64,
            /// False where the list is too long to be counted to its end; absent where `total` is exact.
            #[serde(skip_serializing_if = "Option::is_none")]
            total_is_exact: Option<bool>,
            /// The number of this page, from 1.
            page: u64,
            /// The maximum number of items on a page.
            limit: u32,
            /// Whether there are further pages.
            has_more: bool,
        }

        impl $crate::document::Listing for $name {
            type Item = $item;

            fn of(listed: ig_store::Listed<$item>, page: ig_store::Page) -> Self {
                let (items, total) = (listed.items, listed.total);
                let total_is_exact = (!listed.is_exact).then_some(false);
                let (page, limit) = (page.number, page.limit);
                let has_more = page.saturating_mul(u64::from(limit)) < total;
                Self { $plural: items, $($unreadable: Vec::new(),)? total, total_is_exact, page, limit, has_more }
            }
        }

        $(
            impl $crate::document::FoundListing for $name {
                fn with_unreadable(self, $unreadable: Vec<$crate::document::UnreadableEntry>) -> Self {
                    Self { $unreadable, ..self }
                }
            }
        )?
    };
}
pub(super) use listing;

/// The response of a list.
pub(crate) trait Listing {
    /// The type of the items.
    type Item;

    /// The response for one page.
    fn of(listed: Listed<Self::Item>, page: Page) -> Self;
}

/// The response of a list whose items may be unreadable.
pub(crate) trait FoundListing: Listing + Sized {
    /// The same page, with its unreadable items.
    fn with_unreadable(self, unreadable: Vec<UnreadableEntry>) -> Self;

    /// The response for one page of items as found.
    fn of_found<T>(
        listed: Listed<MaybeReadable<T>>,
        page: Page,
        show: impl FnMut(T) -> Result<Self::Item, ApiError>,
    ) -> Result<Self, ApiError> {
        let (listed, unreadable) = split_unreadable(listed);
        let Listed { items, total, is_exact } = listed;
        let items = items.into_iter().map(show).collect::<Result<_, _>>()?;
        let shown = Self::of(Listed { items, total, is_exact }, page);
        Ok(shown.with_unreadable(unreadable))
    }
}
