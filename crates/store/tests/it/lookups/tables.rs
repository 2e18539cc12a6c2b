//! Tables of lookup rows: merged, replaced, swept and deleted.

use super::*;

#[tokio::test]
async fn lookup_drafts_insert_update_or_leave_rows() {
    let stored = fresh().await;
    let lookups = stored.store.lookups();
    let drafts = [draft(None, "1", "a"), draft(None, "2", "b"), draft(None, "3", "c")];
    lookups.put_many(ORG, &drafts, moment(0)).await.unwrap();
    let mut again = drafts.clone();
    again[1].target = side("other");
    again[2].is_active = false;
    let merging = lookups.merge(ORG, vec![again[0].table.clone()]).await.unwrap();
    let written = WriteCounts {
        created: 0,
        updated: 2,
        unchanged: 1,
    };
    assert_eq!(merging.step(&again, moment(1)).await, Ok(written));
    assert_eq!(resolved(&lookups, ORG, UNIT, "2").await.as_deref(), Some("other"));
    assert_eq!(resolved(&lookups, ORG, UNIT, "3").await, None);
    let written = WriteCounts {
        created: 0,
        updated: 0,
        unchanged: 3,
    };
    assert_eq!(lookups.put_many(ORG, &again, moment(2)).await, Ok(written));
    assert_eq!(count(&lookups, ORG).await, 3);
}

#[tokio::test]
async fn lookup_merge_fails_when_its_table_is_replaced_meanwhile() {
    let stored = fresh().await;
    let lookups = stored.store.lookups();
    let drafts = [draft(None, "1", "a")];
    let merging = lookups.merge(ORG, vec![drafts[0].table.clone()]).await.unwrap();
    lookups.delete_type(ORG, &ward(), None).await.unwrap();
    assert_eq!(merging.step(&drafts, moment(0)).await, Err(LookupError::Conflict));
    assert_eq!(resolved(&lookups, ORG, UNIT, "1").await, None);
}

#[tokio::test]
async fn lookup_reader_sees_the_old_table_or_the_new_one() {
    const ROWS: usize = 600;
    let stored = fresh().await;
    let lookups = stored.store.lookups();
    let table = |name: &str| (0..ROWS).map(|n| draft(None, &n.to_string(), name)).collect::<Vec<_>>();
    let mut staged = lookups.stage(ORG);
    staged.add(&table("0"), moment(0)).await.unwrap();
    staged.activate_in_place_of(&BTreeSet::from([ward()]), None).await.unwrap();
    let over = AtomicBool::new(false);
    let replacing = async {
        for round in 1..=8 {
            let mut staged = lookups.stage(ORG);
            for part in table(&round.to_string()).chunks(100) {
                staged.add(part, moment(round)).await.unwrap();
            }
            let replaced = staged.activate_in_place_of(&BTreeSet::from([ward()]), None).await.unwrap();
            assert_eq!((replaced.created, replaced.removed), (600, 600));
            lookups.sweep(chrono::Utc::now()).await.unwrap();
        }
        over.store(true, Relaxed);
    };
    let reading = async {
        let keys: Vec<_> = (0..ROWS).map(|n| key(&n.to_string())).collect();
        let mut seen = BTreeSet::new();
        while !over.load(Relaxed) {
            // One query: the keys in one query are resolved from one state.
            let found = lookups.resolve(ORG, UNIT, &keys[..500]).await.unwrap();
            let names: BTreeSet<_> = found.values().map(|side| side.id.clone()).collect();
            assert_eq!((found.len(), names.len()), (500, 1), "{names:?}");
            seen.extend(names);
            let page = lookups.list(ORG, &LookupFilter::default(), Page::first(500)).await.unwrap();
            let names: BTreeSet<_> = page.items.iter().map(|row| row.target.id.clone()).collect();
            assert_eq!((page.total, names.len()), (600, 1), "{names:?}");
        }
        seen
    };
    let ((), seen) = tokio::join!(replacing, reading);
    assert!(seen.len() > 1, "{seen:?}");
}

#[tokio::test]
async fn lookup_generations_that_are_inactive_are_swept_once_no_read_can_last() {
    let stored = fresh().await;
    let lookups = stored.store.lookups();
    let mut staged = lookups.stage(ORG);
    staged.add(&[draft(None, "1", "a")], moment(0)).await.unwrap();
    staged.activate_in_place_of(&BTreeSet::from([ward()]), None).await.unwrap();
    let mut left = lookups.stage(ORG);
    left.add(&[draft(None, "2", "b"), draft(Some(UNIT), "2", "b")], moment(0))
        .await
        .unwrap();
    assert_eq!(count(&lookups, ORG).await, 1, "what is staged is not seen");
    assert_eq!(lookups.sweep(chrono::Utc::now()).await.unwrap().rows, 0);
    let later = chrono::Utc::now() + Duration::from_mins(11);
    let swept = lookups.sweep(later).await.unwrap();
    assert_eq!((swept.generations, swept.rows), (2, 2));
    assert_eq!(
        left.activate_in_place_of(&BTreeSet::from([ward()]), None).await,
        Err(LookupError::Conflict)
    );
    assert_eq!(resolved(&lookups, ORG, UNIT, "1").await.as_deref(), Some("a"));
    lookups.delete_type(ORG, &ward(), None).await.unwrap();
    assert_eq!(lookups.sweep(later).await.unwrap().rows, 1);
}

#[tokio::test]
async fn lookup_rows_are_deleted_with_their_unit_and_with_their_organisation() {
    let stored = fresh().await;
    let lookups = stored.store.lookups();
    let drafts = [draft(None, "1", "a"), draft(Some(UNIT), "1", "b")];
    lookups.put_many(ORG, &drafts, moment(0)).await.unwrap();
    let configuration = stored.store.configuration();
    configuration
        .commit(Change::DeleteUnit(ORG, UNIT), Expected::Any)
        .await
        .unwrap();
    assert_eq!(count(&lookups, ORG).await, 1);
    configuration
        .commit(Change::DeleteOrganization(ORG), Expected::Any)
        .await
        .unwrap();
    assert_eq!(count(&lookups, ORG).await, 0);
    assert_eq!(resolved(&lookups, ORG, ORG.as_entity(), "1").await, None);
    let later = chrono::Utc::now() + Duration::from_mins(11);
    assert_eq!(lookups.sweep(later).await.unwrap().rows, 2);
    assert_eq!(lookups.put_many(ORG, &drafts, moment(0)).await, Err(LookupError::NotFound));
}

#[tokio::test]
async fn lookup_replacement_of_one_tenants_rows_leaves_the_others() {
    let stored = fresh().await;
    let lookups = stored.store.lookups();
    let drafts = [draft(None, "1", "org"), draft(Some(UNIT), "1", "unit")];
    lookups.put_many(ORG, &drafts, moment(0)).await.unwrap();
    let mut staged = lookups.stage(ORG);
    staged.add(&[draft(Some(UNIT), "2", "new")], moment(0)).await.unwrap();
    staged
        .activate_in_place_of(&BTreeSet::from([ward()]), Some(Some(UNIT)))
        .await
        .unwrap();
    assert_eq!(resolved(&lookups, ORG, UNIT, "1").await.as_deref(), Some("org"));
    assert_eq!(resolved(&lookups, ORG, UNIT, "2").await.as_deref(), Some("new"));
}
