//! A page of a list.

use ig_store::{Found, Listed, Page, Unreadable};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::MEND_UNREADABLE;

/// Something of a list that is there and cannot be read: it is out of use.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnreadableEntry {
    /// Its identifier.
    id: String,
    /// Its name.
    name: String,
    /// Why it cannot be read, and what to do.
    reason: String,
}

impl From<Unreadable> for UnreadableEntry {
    fn from(Unreadable { id, name, reason, .. }: Unreadable) -> Self {
        Self {
            id: id.to_string(),
            name,
            reason: format!("{reason}; {MEND_UNREADABLE}"),
        }
    }
}

/// What can be read of a page, and what cannot.
pub(crate) fn apart<T>(listed: Listed<Found<T>>) -> (Listed<T>, Vec<UnreadableEntry>) {
    let (mut items, mut unreadable) = (Vec::with_capacity(listed.items.len()), Vec::new());
    for found in listed.items {
        match found {
            Found::Readable(item) => items.push(item),
            Found::Unreadable(item) => unreadable.push(item.into()),
        }
    }
    let listed = Listed {
        items,
        total: listed.total,
        is_exact: listed.is_exact,
    };
    (listed, unreadable)
}

/// Declares the envelope of a list under its plural name; where some of its items may be unreadable, with the name of these.
macro_rules! listing {
    ($(#[$doc:meta])* $name:ident { $plural:ident: $item:ty $(, $unreadable:ident)? }) => {
        $(#[$doc])*
        #[derive(Debug, serde::Serialize, utoipa::ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $name {
            /// The items of this page.
            $plural: Vec<$item>,
            $(
                /// What is on this page and cannot be read; absent where all can.
                #[serde(skip_serializing_if = "Vec::is_empty")]
                $unreadable: Vec<$crate::document::UnreadableEntry>,
            )?
            /// How many there are in all, or at least.
            total: u64,
            /// False where the list is so long that it was not counted to its end; absent where `total` is exact.
            #[serde(skip_serializing_if = "Option::is_none")]
            total_is_exact: Option<bool>,
            /// Which page this is, from 1.
            page: u64,
            /// How many items a page has at most.
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
            impl $name {
                /// With what cannot be read.
                pub(crate) fn beside(self, $unreadable: Vec<$crate::document::UnreadableEntry>) -> Self {
                    Self { $unreadable, ..self }
                }
            }
        )?
    };
}
pub(super) use listing;

/// The envelope of a list.
pub(crate) trait Listing {
    /// What is listed.
    type Item;

    /// The envelope of one page.
    fn of(listed: Listed<Self::Item>, page: Page) -> Self;
}
