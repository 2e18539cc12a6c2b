//! What another tenant is not to find.

use ig_core::access::Actor;
use ig_core::job::{ConnectionGrant, DataConnection, JobKey};
use ig_core::secret::Secret;

use super::*;
use crate::job_logs::finished_run;

pub(super) struct Ids {
    all: Vec<String>,
    run: String,
}

impl Ids {
    /// The path with each of the victim's identifiers, or the path itself if it has none.
    pub(super) fn fill(&self, path: &str) -> Vec<String> {
        let path = path
            .replace("{orgId}", &VICTIM.to_string())
            .replace("{rid}", "11")
            .replace("{eventType}", MARK);
        let mut paths = vec![path];
        let kinds = [
            "outbound-integrations",
            "inbound-integrations",
            "scheduled-jobs",
            "templates",
            "event-types",
            "units",
            "orgs",
        ];
        let kinds = kinds.map(str::to_owned);
        let revisions: Vec<_> = (1..=11).map(|revision: u64| revision.to_string()).collect();
        let runs = [self.run.clone()];
        let values = [
            ("{kind}", &kinds[..]),
            ("{id}", &self.all),
            ("{logId}", &runs),
            ("{revision}", &revisions),
        ];
        for (name, values) in values {
            let filled = paths
                .iter()
                .flat_map(|path| values.iter().map(|value| path.replace(name, value)));
            paths = filled.collect();
        }
        paths.sort_unstable();
        paths.dedup();
        paths
    }
}

/// An organisation with one of every resource.
pub(super) async fn create_victim_resources(api: &Api) -> Ids {
    let made = api.post("/admin/orgs", json!({"orgId": VICTIM, "name": MARK})).await;
    assert_eq!(made.status, 201, "{made:?}");
    api.unit(VICTIM, 11).await;
    let mut hook = minimal_integration();
    hook["name"] = json!(MARK);
    let mut ids = vec![api.integration(VICTIM, hook).await];
    for (path, body) in [
        ("/event-types", json!({"eventType": MARK, "samplePayload": {"a": MARK}})),
        (
            "/inbound-integrations",
            json!({"name": MARK, "type": MARK, "targetUrl": "https://receiver.invalid/"}),
        ),
        (
            "/scheduled-jobs",
            json!({
                "name": MARK, "targetUrl": "https://receiver.invalid/", "schedule": {"type": "INTERVAL", "intervalMs": 60_000},
                "dataSource": {"type": "SQL", "query": "SELECT 1"},
            }),
        ),
        (
            "/templates",
            json!({"name": MARK, "direction": "OUTBOUND", "definition": {"eventType": MARK}}),
        ),
        (
            "/lookups",
            json!({"type": "WARD", "source": {"id": "1", "label": MARK}, "target": {"id": "2", "label": MARK}}),
        ),
    ] {
        let made = api.post(&format!("{path}?orgId={VICTIM}"), body).await;
        assert_eq!(made.status, 201, "{path}: {made:?}");
        ids.extend(made.json["id"].as_str().map(str::to_owned));
    }
    ids.push(user(api, &format!("{MARK}@x.example"), json!({"orgId": VICTIM})).await);
    let key = api
        .post("/admin/api-keys", json!({"name": MARK, "orgId": VICTIM, "scopes": ["read"]}))
        .await;
    ids.push(key.text("/id"));
    let jobs = api.get(&format!("/scheduled-jobs?orgId={VICTIM}")).await;
    let job = JobKey {
        org_id: OrgId(VICTIM),
        id: jobs.text("/jobs/0/id").parse().unwrap(),
    };
    let run = finished_run(&api.store().await, job, MARK).await.to_string();
    ids.push(run.clone());
    let url = Secret::new(format!("mysql://u:p@{MARK}.invalid/d"));
    let grants = vec![ConnectionGrant {
        org_id: OrgId(VICTIM),
        is_default: true,
    }];
    let at = chrono::DateTime::UNIX_EPOCH;
    let connection = DataConnection::new(MARK.parse().unwrap(), url, Vec::new(), grants, 0, at, at).unwrap();
    let connections = api.store().await.data_connections();
    connections.create(&connection, &Actor::system("test")).await.unwrap();
    // The values for the identifiers in the paths of versions.
    ids.extend([MARK.to_owned(), VICTIM.to_string(), "11".to_owned()]);
    Ids { all: ids, run }
}
