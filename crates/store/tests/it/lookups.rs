//! Lookup rows.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use futures::TryStreamExt as _;
use ig_core::configuration::Change;
use ig_core::id::{LookupId, LookupType, OrgId, Rid};
use ig_core::lookup::{LookupDraft, LookupKey, LookupRow, LookupSide, LookupTable};
use ig_core::ports::Lookups as _;
use ig_store::{Expected, LookupError, LookupFilter, LookupUsage, MongoLookups, Page, ReverseKey, Store, WriteCounts};
use ig_testkit::builders;
use ig_testkit::clock::moment;
use serde_json::json;

use crate::stored::Stored;

mod tables;

const ORG: OrgId = OrgId(7);
const UNIT: Rid = Rid(70);

/// Organisations 7 and 8, each with a unit.
async fn fresh() -> Stored {
    let stored = Stored::fresh().await;
    for org in [7, 8] {
        for change in [
            Change::PutOrganization(builders::organization(org)),
            Change::PutUnit(builders::unit(org, org * 10)),
        ] {
            stored.store.configuration().commit(change, Expected::New).await.unwrap();
        }
    }
    stored
}

fn ward() -> LookupType {
    LookupType::new("WARD")
}

fn side(id: &str) -> LookupSide {
    let fields = json!({ "name": format!("Name of {id}") });
    LookupSide::checked(id, fields.as_object().cloned().unwrap()).unwrap()
}

fn draft(tenant_id: Option<Rid>, source: &str, target: &str) -> LookupDraft {
    LookupDraft {
        table: LookupTable {
            lookup_type: ward(),
            tenant_id,
        },
        source: side(source),
        target: side(target),
        is_active: true,
    }
}

fn row(number: u8, draft: LookupDraft) -> LookupRow {
    let LookupDraft {
        table,
        source,
        target,
        is_active,
    } = draft;
    LookupRow {
        id: LookupId([number; 12]),
        org_id: ORG,
        tenant_id: table.tenant_id,
        lookup_type: table.lookup_type,
        source,
        target,
        is_active,
        revision: 1,
        created_at: moment(0),
        updated_at: moment(0),
    }
}

fn key(source: &str) -> LookupKey {
    LookupKey {
        lookup_type: ward(),
        source_id: source.to_owned(),
    }
}

async fn resolved(lookups: &MongoLookups, org: OrgId, entity: Rid, source: &str) -> Option<String> {
    let found = lookups.resolve(org, entity, &[key(source)]).await.unwrap();
    found.get(&key(source)).map(|side| side.id.clone())
}

async fn count(lookups: &MongoLookups, org: OrgId) -> u64 {
    lookups
        .list(org, &LookupFilter::default(), Page::first(1))
        .await
        .unwrap()
        .total
}

async fn revision(store: &Store) -> u64 {
    store.configuration().revision().await.unwrap()
}

#[tokio::test]
async fn lookup_row_of_a_unit_wins_over_the_organisations_and_other_units_rows_are_hidden() {
    let stored = fresh().await;
    let lookups = stored.store.lookups();
    let drafts = [
        draft(None, "1", "org"),
        draft(Some(UNIT), "1", "unit"),
        draft(None, "2", "org-2"),
    ];
    assert_eq!(
        lookups.put_many(ORG, &drafts, moment(0)).await,
        Ok(WriteCounts {
            created: 3,
            ..WriteCounts::default()
        })
    );
    assert_eq!(resolved(&lookups, ORG, UNIT, "1").await.as_deref(), Some("unit"));
    assert_eq!(resolved(&lookups, ORG, ORG.as_entity(), "1").await.as_deref(), Some("org"));
    assert_eq!(resolved(&lookups, ORG, UNIT, "2").await.as_deref(), Some("org-2"));
    assert_eq!(resolved(&lookups, ORG, UNIT, "3").await, None);
    assert_eq!(resolved(&lookups, OrgId(8), UNIT, "1").await, None);
    assert_eq!((count(&lookups, ORG).await, count(&lookups, OrgId(8)).await), (3, 0));
}

#[tokio::test]
async fn lookup_value_has_one_active_row_and_a_conflict_names_it() {
    let stored = fresh().await;
    let lookups = stored.store.lookups();
    let first = row(1, draft(None, "1", "a"));
    lookups.insert(&first).await.unwrap();
    let rival = row(2, draft(None, "1", "b"));
    assert_eq!(lookups.insert(&rival).await, Err(LookupError::Taken(first.id)));
    let inactive = LookupRow {
        is_active: false,
        ..rival.clone()
    };
    lookups.insert(&inactive).await.unwrap();
    let activated = LookupRow { revision: 2, ..rival };
    assert_eq!(lookups.replace(&activated, 1).await, Err(LookupError::Taken(first.id)));
    lookups.insert(&row(3, draft(Some(UNIT), "1", "c"))).await.unwrap();
    lookups.delete(ORG, first.id, 1).await.unwrap();
    lookups.replace(&activated, 1).await.unwrap();
    assert_eq!(resolved(&lookups, ORG, ORG.as_entity(), "1").await.as_deref(), Some("b"));
}

#[tokio::test]
async fn lookup_row_changes_only_at_its_revision_and_for_its_organisation() {
    let stored = fresh().await;
    let lookups = stored.store.lookups();
    let first = row(1, draft(None, "1", "a"));
    lookups.insert(&first).await.unwrap();
    assert_eq!(lookups.get(ORG, first.id).await, Ok(Some(first.clone())));
    assert_eq!(lookups.get(OrgId(8), first.id).await, Ok(None));
    let changed = LookupRow {
        revision: 2,
        tenant_id: Some(UNIT),
        target: side("z"),
        ..first.clone()
    };
    assert_eq!(lookups.replace(&changed, 9).await, Err(LookupError::Stale { current: 1 }));
    let foreign = LookupRow {
        org_id: OrgId(8),
        tenant_id: None,
        ..changed.clone()
    };
    assert_eq!(lookups.replace(&foreign, 1).await, Err(LookupError::NotFound));
    lookups.replace(&changed, 1).await.unwrap();
    assert_eq!(lookups.get(ORG, first.id).await, Ok(Some(changed)));
    assert_eq!(lookups.delete(OrgId(8), first.id, 2).await, Err(LookupError::NotFound));
    assert_eq!(lookups.delete(ORG, first.id, 1).await, Err(LookupError::Stale { current: 2 }));
    assert_eq!(lookups.delete_many(OrgId(8), &[first.id]).await, Ok(0));
    assert_eq!(lookups.delete_many(ORG, &[first.id, LookupId([9; 12])]).await, Ok(1));
    let stranger = row(5, draft(Some(Rid(80)), "1", "a"));
    assert_eq!(lookups.insert(&stranger).await, Err(LookupError::NotFound));
}

#[tokio::test]
async fn lookup_changes_are_announced_by_type() {
    let stored = fresh().await;
    let lookups = stored.store.lookups();
    let configuration = stored.store.configuration();
    let announced = Change::LookupsChanged(ORG, ward());
    let mut seen = revision(&stored.store).await;
    let first = row(1, draft(None, "1", "a"));
    let mut expect = async |what: &str| {
        let changes = configuration.changes_since(seen, 100).await.unwrap().expect("known");
        assert_eq!(
            changes.iter().map(|change| &change.change).collect::<Vec<_>>(),
            [&announced],
            "{what}"
        );
        seen = changes[0].revision;
    };
    lookups.insert(&first).await.unwrap();
    expect("insert").await;
    lookups
        .replace(
            &LookupRow {
                revision: 2,
                target: side("b"),
                ..first.clone()
            },
            1,
        )
        .await
        .unwrap();
    expect("replace").await;
    lookups.put_many(ORG, &[draft(None, "1", "c")], moment(1)).await.unwrap();
    expect("put_many").await;
    lookups.delete(ORG, first.id, 3).await.unwrap();
    expect("delete").await;
    let merging = lookups.merge(ORG, vec![first.table()]).await.unwrap();
    expect("merge").await;
    merging.step(&[draft(None, "1", "d")], moment(2)).await.unwrap();
    expect("step").await;
    let mut staged = lookups.stage(ORG);
    staged.add(&[draft(None, "1", "e")], moment(3)).await.unwrap();
    staged.activate_in_place_of(&BTreeSet::from([ward()]), None).await.unwrap();
    expect("replacement").await;
    assert_eq!(lookups.delete_type(ORG, &ward(), None).await, Ok(1));
    expect("delete_type").await;
}

#[tokio::test]
async fn reverse_lookup_of_a_target_respects_the_units_rows() {
    let stored = fresh().await;
    let lookups = stored.store.lookups();
    let drafts = [
        draft(None, "1", "x"),
        draft(None, "2", "x"),
        draft(Some(UNIT), "2", "y"),
        draft(Some(UNIT), "3", "x"),
    ];
    lookups.put_many(ORG, &drafts, moment(0)).await.unwrap();
    let key = ReverseKey {
        lookup_type: ward(),
        target_id: "x".to_owned(),
    };
    let keys = std::slice::from_ref(&key);
    let sources = |rows: &[LookupRow]| rows.iter().map(|row| row.source.id.clone()).collect::<Vec<_>>();
    let of_unit = lookups.reverse(ORG, Some(UNIT), keys).await.unwrap();
    assert_eq!(sources(&of_unit[&key]), ["1", "3"]);
    let of_org = lookups.reverse(ORG, None, keys).await.unwrap();
    assert_eq!(sources(&of_org[&key]), ["1", "2"]);
    assert!(lookups.reverse(OrgId(8), Some(UNIT), keys).await.unwrap().is_empty());
}

#[tokio::test]
async fn lookup_lists_are_filtered_and_searched_literally() {
    let stored = fresh().await;
    let lookups = stored.store.lookups();
    let mut inactive = draft(None, "a.c", "x");
    inactive.is_active = false;
    let drafts = [draft(None, "abc", "x"), inactive, draft(Some(UNIT), "abc", "é")];
    lookups.put_many(ORG, &drafts, moment(0)).await.unwrap();
    let total = async |filter: LookupFilter| lookups.list(ORG, &filter, Page::first(10)).await.unwrap().total;
    let none = LookupFilter::default;
    let search = |text: &str| LookupFilter {
        search: Some(text.to_owned()),
        ..none()
    };
    assert_eq!(total(search("A.C")).await, 1);
    assert_eq!(total(search("name of é")).await, 1);
    assert_eq!(
        total(LookupFilter {
            is_active: Some(true),
            ..none()
        })
        .await,
        2
    );
    assert_eq!(
        total(LookupFilter {
            tenant: Some(None),
            ..none()
        })
        .await,
        2
    );
    assert_eq!(
        total(LookupFilter {
            tenant: Some(Some(UNIT)),
            ..none()
        })
        .await,
        1
    );
    assert_eq!(
        total(LookupFilter {
            lookup_type: Some(LookupType::new("NONE")),
            ..none()
        })
        .await,
        0
    );
    let parts: Vec<_> = lookups
        .view(ORG, &none())
        .await
        .unwrap()
        .rows()
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let sources: Vec<_> = parts.iter().flatten().map(|row| row.source.id.as_str()).collect();
    assert_eq!(sources, ["a.c", "abc", "abc"]);
}

#[tokio::test]
async fn lookup_statistics_count_rows_and_use() {
    let stored = fresh().await;
    let lookups = stored.store.lookups();
    let mut inactive = draft(None, "2", "x");
    inactive.is_active = false;
    let drafts = [draft(None, "1", "x"), inactive, draft(Some(UNIT), "1", "y")];
    lookups.put_many(ORG, &drafts, moment(5)).await.unwrap();
    let used = |org_id, day: &str| LookupUsage {
        org_id,
        lookup_type: ward(),
        resolved: 10,
        unmapped: 1,
        day: day.parse().unwrap(),
    };
    let uses = [used(ORG, "2026-02-04"), used(ORG, "2026-02-03"), used(OrgId(8), "2026-02-05")];
    lookups.record_usage(&uses).await.unwrap();
    let figures = lookups.statistics(ORG).await.unwrap();
    let [figures] = figures.as_slice() else {
        panic!("{figures:?}")
    };
    assert_eq!((figures.rows, figures.active, figures.of_units), (3, 2, 1));
    assert_eq!((figures.resolved, figures.unmapped), (20, 2));
    assert_eq!(figures.last_used.unwrap().to_string(), "2026-02-04");
    assert_eq!(figures.updated_at, moment(5));
    assert!(lookups.statistics(OrgId(8)).await.unwrap().is_empty());
}
