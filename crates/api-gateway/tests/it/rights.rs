//! Every route of the API's description, called by every kind of caller.

use axum::body::Body;
use http::Request;
use ig_core::access::{Holder, KeyScope, PersonRights, Reach, RequestScope, Right, UserAccess};
use ig_core::id::OrgId;
use serde_json::{Value, json};

use crate::api::{Answer, Api, key, key_for, log_in, minimal_integration, user};

mod matrix;
mod victim;

use matrix::MATRIX;
use victim::create_victim_resources;

/// What a route requires of its caller.
#[derive(Debug, Clone, Copy)]
enum RequiredAccess {
    /// Nothing.
    Nothing,
    /// Any authentication.
    Authentication,
    /// A logged-in person.
    Login,
    /// A permission in the organisation that `orgId` names.
    Org(Right),
    /// A permission on the platform.
    Platform(Right),
}

use RequiredAccess::{Authentication, Login, Nothing, Org, Platform};

const VICTIM: i64 = 10;
const ATTACKER: i64 = 20;
/// A text in everything that the victim owns.
const MARK: &str = "victims-own";

pub(crate) async fn operations(api: &Api) -> Vec<(String, String)> {
    let description = api.get("/openapi.json").await.json;
    let paths = description["paths"].as_object().expect("paths").clone();
    let mut operations = Vec::new();
    for (path, item) in paths {
        let path = path.strip_prefix("/api/v1").expect("all lie under the base").to_owned();
        let methods = item.as_object().expect("operations").keys();
        let methods = methods.filter(|key| ["get", "head", "put", "post", "patch", "delete"].contains(&key.as_str()));
        operations.extend(methods.map(|method| (method.clone(), path.clone())));
    }
    operations
}

fn required_access(method: &str, path: &str) -> Option<RequiredAccess> {
    let found = MATRIX.iter().find(|(of, at, _)| *of == method && *at == path);
    found.map(|(_, _, needs)| *needs)
}

/// A path with identifiers of nothing, so that a call has no effect.
fn path_of_missing_items(path: &str) -> String {
    path.replace("{id}", "0123456789abcdef01234567")
        .replace("{logId}", "0123456789abcdef01234567")
        .replace("{orgId}", "999")
        .replace("{rid}", "999")
        .replace("{eventType}", "nothing")
        .replace("{kind}", "event-types")
        .replace("{revision}", "999")
        .replace("{type}", "nothing")
        .replace("{rest}", "nothing")
}

async fn call(api: &Api, method: &str, path: &str) -> Answer {
    let request = api.request(&method.to_uppercase(), path);
    api.send(request.header("content-type", "application/json"), Body::from("[]"))
        .await
}

#[tokio::test]
async fn permission_matrix_covers_exactly_the_described_routes() {
    let api = Api::start().await;
    let operations = operations(&api).await;
    let unnamed: Vec<_> = operations
        .iter()
        .filter(|(method, path)| required_access(method, path).is_none())
        .collect();
    assert!(unnamed.is_empty(), "give these a line in the matrix: {unnamed:?}");
    let known = |method: &str, path: &str| operations.iter().any(|(of, at)| of == method && at == path);
    let gone: Vec<_> = MATRIX.iter().filter(|(method, path, _)| !known(method, path)).collect();
    assert!(gone.is_empty(), "these do not exist: {gone:?}");
}

#[tokio::test]
async fn every_caller_may_do_exactly_what_the_permission_matrix_says() {
    let api = Api::start().await;
    api.org(VICTIM).await;
    let callers = every_caller(&api).await;
    for (method, path, needs) in MATRIX {
        for (holder, client) in &callers {
            if matches!((needs, holder), (Login, Holder::Person(_))) {
                // Logging out would end the session that the other routes need.
                continue;
            }
            let answer = call(client, method, &format!("{}?orgId={VICTIM}", path_of_missing_items(path))).await;
            let expected = match needs {
                Nothing | Authentication => Ok(()),
                Login => Err(401),
                Org(right) => holder.may(*right, RequestScope::Org(OrgId(VICTIM))).map_err(|_| 403),
                Platform(right) => holder.may(*right, RequestScope::Platform).map_err(|_| 403),
            };
            let what = format!("{method} {path} as {holder:?}: {} {}", answer.status, answer.json);
            match expected {
                Ok(()) => assert!(
                    ![401, 403, 500].contains(&answer.status) || path.starts_with("/auth"),
                    "{what}"
                ),
                Err(status) => assert_eq!(answer.status, status, "{what}"),
            }
        }
    }
}

/// Every kind of caller. Those with an organisation belong to the victim's.
async fn every_caller(api: &Api) -> Vec<(Holder, Api)> {
    let mut callers = vec![(
        Holder::Key {
            reach: Reach::Everything,
            scopes: KeyScope::ALL.to_vec(),
        },
        api.with_key(crate::api::ADMIN_KEY),
    )];
    for scope in KeyScope::ALL.iter().copied() {
        for (reach, org) in [(Reach::Everything, Value::Null), (Reach::Org(OrgId(VICTIM)), json!(VICTIM))] {
            let text = key(api, json!({"name": "one scope", "orgId": org, "scopes": [scope.as_str()]})).await;
            let scopes = vec![scope];
            callers.push((Holder::Key { reach, scopes }, api.with_key(&text)));
        }
    }
    let other = key_for_other(api).await;
    callers.push((
        Holder::Key {
            reach: Reach::Org(OrgId(ATTACKER)),
            scopes: KeyScope::ALL.to_vec(),
        },
        api.with_key(&other),
    ));
    let people = [
        ("admin@x.example", json!({"role": "ADMIN"}), PersonRights::Admin),
        (
            "reader@x.example",
            json!({"orgId": VICTIM}),
            PersonRights::User {
                org: OrgId(VICTIM),
                access: UserAccess::Read,
            },
        ),
        (
            "writer@x.example",
            json!({"orgId": VICTIM, "access": "WRITE"}),
            PersonRights::User {
                org: OrgId(VICTIM),
                access: UserAccess::Write,
            },
        ),
        (
            "stranger@x.example",
            json!({"orgId": ATTACKER, "access": "WRITE"}),
            PersonRights::User {
                org: OrgId(ATTACKER),
                access: UserAccess::Write,
            },
        ),
    ];
    for (email, fields, standing) in people {
        user(api, email, fields).await;
        callers.push((Holder::Person(standing), api.with_token(&log_in(api, email).await)));
    }
    callers
}

async fn key_for_other(api: &Api) -> String {
    api.org(ATTACKER).await;
    key_for(api, OrgId(ATTACKER)).await
}

#[tokio::test]
async fn unauthenticated_callers_are_refused_on_every_protected_route() {
    let api = Api::start().await;
    for (method, path, needs) in MATRIX {
        let uri = format!("http://{}/api/v1{}?orgId={VICTIM}", api.at.http, path_of_missing_items(path));
        let request = Request::builder().method(method.to_uppercase().as_str()).uri(uri);
        let answer = api
            .send(request.header("content-type", "application/json"), Body::from("[]"))
            .await;
        let is_open = matches!(needs, Nothing);
        assert_eq!(answer.status != 401, is_open, "{method} {path}: {answer:?}");
    }
}

#[tokio::test]
async fn ids_of_another_tenant_are_not_found_on_any_route() {
    let api = Api::start().await;
    api.org(ATTACKER).await;
    let ids = create_victim_resources(&api).await;
    user(&api, "attacker@x.example", json!({"orgId": ATTACKER, "access": "WRITE"})).await;
    let attackers = [
        api.with_token(&log_in(&api, "attacker@x.example").await),
        api.with_key(&key_for(&api, OrgId(ATTACKER)).await),
    ];
    for (method, path) in operations(&api).await {
        let needs = required_access(&method, &path).expect("the matrix has it");
        if !matches!(needs, Org(_) | Platform(_)) {
            continue;
        }
        for attacker in &attackers {
            for filled in ids.fill(&path) {
                let at_victims = call(attacker, &method, &format!("{filled}?orgId={VICTIM}")).await;
                assert_eq!(at_victims.status, 403, "{method} {filled} at the victim's: {at_victims:?}");
                assert!(!shows(&at_victims), "{method} {filled}: {at_victims:?}");
                let at_own = call(attacker, &method, &format!("{filled}?orgId={ATTACKER}")).await;
                assert!(!shows(&at_own), "{method} {filled} at one's own: {at_own:?}");
                if path.contains('{') {
                    // 503 where the route calls another service, which does not run here.
                    assert!([400, 403, 404, 503].contains(&at_own.status), "{method} {filled}: {at_own:?}");
                }
            }
        }
    }
    // The victim's resources are all still there.
    let kept = [
        "/outbound-integrations",
        "/inbound-integrations",
        "/scheduled-jobs",
        "/templates",
        "/lookups",
        "/event-types",
        "/data-connections",
        "/scheduled-job-logs",
    ];
    for path in kept {
        let answer = api.get(&format!("{path}?orgId={VICTIM}")).await;
        assert!(shows(&answer), "{path}: {answer:?}");
    }
}

fn shows(answer: &Answer) -> bool {
    String::from_utf8_lossy(&answer.bytes).contains(MARK)
}
