//! A page of a list.

/// Declares the envelope of a list under its plural name.
macro_rules! listing {
    ($(#[$doc:meta])* $name:ident { $plural:ident: $item:ty }) => {
        $(#[$doc])*
        #[derive(Debug, serde::Serialize, utoipa::ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $name {
            /// The items of this page.
            $plural: Vec<$item>,
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
                Self { $plural: items, total, total_is_exact, page, limit, has_more }
            }
        }
    };
}
pub(super) use listing;

/// The envelope of a list.
pub(crate) trait Listing {
    /// What is listed.
    type Item;

    /// The envelope of one page.
    fn of(listed: ig_store::Listed<Self::Item>, page: ig_store::Page) -> Self;
}
