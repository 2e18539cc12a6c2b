//! Lists of dead letters, decisions and integrations.

use super::*;

#[tokio::test]
async fn dead_letters_are_listed_by_their_filters() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    record(&store).await;
    let list = async |filter: DeadLetterFilter| {
        let listed = store.dead_letters().list(OrgId(7), &filter, Page::first(50)).await.unwrap();
        listed
            .items
            .iter()
            .map(|kept| (kept.letter.created_at - moment(0)).num_seconds())
            .collect::<Vec<_>>()
    };
    let filter = DeadLetterFilter::default;
    assert_eq!(list(filter()).await, [15, 10, 5, 0]);
    assert_eq!(
        list(DeadLetterFilter {
            status: Some(DeadLetterStatus::Abandoned),
            ..filter()
        })
        .await,
        [0; 0]
    );
    let recent = DeadLetterFilter {
        status: Some(DeadLetterStatus::PendingRetry),
        start: Some(moment(6)),
        ..filter()
    };
    assert_eq!(list(recent).await, [15, 10]);
    assert_eq!(
        list(DeadLetterFilter {
            search: Some("7-1".to_owned()),
            ..filter()
        })
        .await,
        [15, 10]
    );
}

#[tokio::test]
async fn decisions_are_listed_by_their_filters() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let entries = (0..10).map(|number| {
        let decision = match number % 3 {
            0 => Decision::Skipped(SkipReason::Duplicate),
            1 => Decision::Skipped(SkipReason::NoMatch),
            _ if number == 8 => Decision::Scheduled { integrations: 1 },
            _ => Decision::Matched { integrations: 1 },
        };
        JournalEntry::Audit(audit(Some(7 + number / 9), number, decision))
    });
    store.journal().record(&entries.collect::<Vec<_>>()).await.unwrap();
    let list = async |filter: AuditFilter| {
        let listed = store
            .event_audit()
            .list(Some(OrgId(7)), &filter, Page::first(50))
            .await
            .unwrap();
        listed.items.iter().map(|audit| audit.position).collect::<Vec<_>>()
    };
    let filter = AuditFilter::default;
    assert_eq!(list(filter()).await, (0..9).rev().collect::<Vec<_>>());
    assert_eq!(
        list(AuditFilter {
            status: Some(DecisionStatus::Matched),
            ..filter()
        })
        .await,
        [5, 2]
    );
    assert_eq!(
        list(AuditFilter {
            status: Some(DecisionStatus::Scheduled),
            ..filter()
        })
        .await,
        [8]
    );
    assert_eq!(
        list(AuditFilter {
            reason: Some(SkipReason::NoMatch),
            ..filter()
        })
        .await,
        [7, 4, 1]
    );
    assert_eq!(
        list(AuditFilter {
            event_id: Some(EventId::new("3")),
            ..filter()
        })
        .await,
        [3]
    );
    assert_eq!(
        list(AuditFilter {
            start: Some(moment(2)),
            end: Some(moment(4)),
            ..filter()
        })
        .await,
        [3, 2]
    );
}

#[tokio::test]
async fn integrations_are_listed_by_their_filters() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let configuration = store.configuration();
    configuration
        .commit(Change::PutOrganization(builders::organization(7)), Expected::New)
        .await
        .unwrap();
    for number in 0..6 {
        let integration = Integration {
            id: builders::integration_id(number),
            name: format!("Hook [{number}]"),
            is_active: number % 2 == 0,
            ..builders::integration(7, if number < 3 { "order" } else { "*" }, "https://a.example/")
        };
        configuration
            .commit(Change::PutIntegration(Arc::new(integration)), Expected::New)
            .await
            .unwrap();
    }
    let list = async |filter: IntegrationFilter| {
        let listed = store.integrations().list(OrgId(7), &filter, Page::first(50)).await.unwrap();
        let readable = listed.items.into_iter().filter_map(MaybeReadable::readable);
        readable.map(|integration| integration.name).collect::<Vec<_>>().join(" ")
    };
    let filter = IntegrationFilter::default;
    let active = IntegrationFilter {
        is_active: Some(true),
        event_type: Some(EventType::new("*")),
        ..filter()
    };
    assert_eq!(list(active).await, "Hook [4]");
    assert_eq!(
        list(IntegrationFilter {
            search: Some("hook [3".to_owned()),
            ..filter()
        })
        .await,
        "Hook [3]"
    );
    assert_eq!(
        list(IntegrationFilter {
            tenant_id: Some(Rid(70)),
            ..filter()
        })
        .await,
        ""
    );
    assert_eq!(
        list(IntegrationFilter {
            event_type: Some(EventType::new("order")),
            ..filter()
        })
        .await,
        "Hook [0] Hook [1] Hook [2]"
    );
}

#[tokio::test]
async fn long_list_of_dead_letters_is_counted_no_further_than_needed() {
    let Stored {
        store, database: _kept, ..
    } = Stored::fresh().await;
    let logs = (0..1_600).map(|number| {
        let created_at = moment(0) - chrono::TimeDelta::seconds(number * number);
        recorded(DeliveryLog {
            created_at,
            ..failure(7, number)
        })
    });
    let entries: Vec<_> = logs.collect();
    for part in entries.chunks(400) {
        store.journal().record(part).await.unwrap();
    }
    let list = async |filter: DeadLetterFilter, number| {
        let page = Page { number, limit: 400 };
        store.dead_letters().list(OrgId(7), &filter, page).await.unwrap()
    };
    for status in [None, Some(DeadLetterStatus::PendingRetry)] {
        let filter = DeadLetterFilter {
            status,
            ..DeadLetterFilter::default()
        };
        let first = list(filter.clone(), 1).await;
        assert!(first.total >= 900 && !first.is_exact, "{status:?}: {}", first.total);
        let mut found: Vec<_> = first.items.iter().map(|kept| kept.letter.id).collect();
        for number in 2..=4 {
            let page = list(filter.clone(), number).await;
            found.extend(page.items.iter().map(|kept| kept.letter.id));
        }
        let expected: Vec<_> = (0..1_600).map(|number| failure(7, number).id).collect();
        assert_eq!(found, expected, "{status:?}");
        assert_eq!(list(filter, 5).await.total, 1_600);
    }
}
