//! Imports of lookup rows and their progress.

use std::time::Duration;

use ig_core::id::{ImportId, OrgId};
use ig_core::lookup::{ImportMode, ImportStatus};
use ig_store::{LookupImport, Page, STALE_AFTER, WriteCounts};

use crate::stored::{Stored, moment};

fn import(number: u8, second: i64) -> LookupImport {
    LookupImport {
        id: ImportId([number; 12]),
        org_id: OrgId(7),
        mode: ImportMode::Replace,
        status: ImportStatus::Running,
        total: 3_000,
        done: 0,
        written: WriteCounts::default(),
        removed: 0,
        error: None,
        created_at: moment(second),
        updated_at: moment(second),
        expires_at: moment(second + 1_000),
    }
}

#[tokio::test]
async fn lookup_import_shows_its_progress_to_every_process() {
    let stored = Stored::fresh().await;
    let imports = stored.store.lookup_imports();
    let (first, mut second) = (import(1, 0), import(2, 5));
    imports.begin(&first).await.unwrap();
    imports.begin(&second).await.unwrap();
    second.done = 2_000;
    second.written.created = 2_000;
    second.removed = 7;
    second.status = ImportStatus::Failed;
    second.error = Some("no".to_owned());
    second.updated_at = moment(9);
    imports.update(&second).await.unwrap();
    let elsewhere = stored.another().await.lookup_imports();
    assert_eq!(elsewhere.get(OrgId(7), second.id).await, Ok(Some(second.clone())));
    assert_eq!(elsewhere.get(OrgId(8), second.id).await, Ok(None));
    let listed = elsewhere.list(OrgId(7), Page::first(10)).await.unwrap();
    assert_eq!(listed.items, [second, first]);
}

#[test]
fn lookup_import_without_updates_has_failed() {
    let begun = import(1, 0);
    let last = moment(0) + STALE_AFTER;
    assert_eq!(begun.clone().as_of(last).status, ImportStatus::Running);
    let dead = begun.clone().as_of(last + Duration::from_secs(1));
    assert_eq!((dead.status, dead.error.is_some()), (ImportStatus::Failed, true));
    let done = LookupImport {
        status: ImportStatus::Succeeded,
        ..begun
    };
    assert_eq!(done.clone().as_of(moment(1_000_000)), done);
}
