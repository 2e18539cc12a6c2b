use serde_json::json;

use super::*;

fn places(document: &Value) -> Vec<String> {
    let faults = DataSource::read(document).expect_err("faults");
    faults.list().iter().map(|fault| fault.pointer.clone()).collect()
}

#[test]
fn a_sql_source_is_one_select_with_known_variables() {
    let document = json!({"type": "SQL", "query": "SELECT * FROM bills WHERE entity_rid = {{config.tenantId}}"});
    let source = DataSource::read(&document).unwrap();
    assert!(matches!(source.source(), Source::Sql(sql) if sql.query.variables().count() == 1));
    assert_eq!(source.document(), &document);
    assert_eq!(places(&json!({"type": "SQL"})), ["/query"]);
    assert_eq!(places(&json!({"type": "SQL", "query": "DELETE FROM bills"})), ["/query"]);
    assert_eq!(places(&json!({"type": "SQL", "query": "SELECT {{x}}"})), ["/query"]);
    assert_eq!(
        places(&json!({"type": "SQL", "query": "SELECT 1", "url": "https://a.example"})),
        ["/url"]
    );
}

#[test]
fn a_mongodb_source_reads_the_platforms_database_or_the_tenants() {
    let ours = json!({"type": "MONGODB", "collection": "delivery_logs", "pipeline": [{"$match": {"day": "{{date.today()}}"}}]});
    assert!(DataSource::read(&ours).is_ok());
    let theirs = json!({
        "type": "MONGODB", "connectionString": "mongodb://u:marker@db.example", "database": "d", "collection": "c",
        "pipeline": [{"$lookup": {"from": "d"}}],
    });
    let read = DataSource::read(&theirs).unwrap();
    assert!(!format!("{read:?}").contains("marker"));
    assert_eq!(
        places(&json!({"type": "MONGODB", "database": "d", "collection": "c"})),
        ["/database"]
    );
    let faulty = json!({
        "type": "MONGODB", "connectionString": "mysql://x", "collection": "system.users",
        "pipeline": [{"$match": {"a": "{{b}}"}}, {"$out": "c"}],
    });
    let found = places(&faulty);
    let expected = [
        "/connectionString",
        "/database",
        "/pipeline/1/$out",
        "/pipeline/0/$match/a",
        "/collection",
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_api_source_has_a_fixed_host() {
    let good = json!({
        "type": "API", "url": "https://api.example/days/{{date.today()}}?key={{env.KEY}}", "method": "POST",
        "headers": {"X-API-Key": "{{env.KEY}}"}, "body": {"from": "{{date.yesterday()}}"},
    });
    assert!(DataSource::read(&good).is_ok());
    for url in [
        "https://{{env.HOST}}/",
        "https://a.example{{env.HOST}}/",
        "{{env.URL}}",
        "/relative",
        "ftp://a.example/",
    ] {
        assert_eq!(places(&json!({"type": "API", "url": url})), ["/url"], "{url}");
    }
    let faulty = json!({
        "type": "API", "url": "https://a.example/", "method": "DELETE", "headers": {"a b": "c", "d": 5, "e": "{{f}}"}, "body": {},
    });
    assert_eq!(
        places(&faulty),
        ["/method", "/headers/a b", "/headers/d", "/headers/e", "/body"]
    );
}
