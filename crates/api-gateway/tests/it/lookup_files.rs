//! Imports and exports of lookup rows.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::{StreamExt as _, stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use ig_testkit::mongo::database;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::api::{Answer, Api};
use crate::lookups::{fresh, resolved};

mod workbooks;

const CSV: &str = "text/csv; charset=utf-8";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

async fn upload(api: &Api, query: &str, kind: &str, file: impl Into<Bytes>) -> Answer {
    api.upload(&format!("/lookups/import?orgId=10{query}"), kind, file).await
}

/// Imports a file to its end and returns the import.
async fn imported(api: &Api, query: &str, kind: &str, file: impl Into<Bytes>) -> Value {
    let begun = upload(api, query, kind, file).await;
    assert_eq!(begun.status, 202, "{begun:?}");
    ended(api, &begun).await
}

async fn ended(api: &Api, begun: &Answer) -> Value {
    let location = begun.headers["location"].to_str().unwrap();
    let path = location.strip_prefix("/api/v1").unwrap().to_owned();
    let mut import = Value::Null;
    let end = tokio::time::timeout(Duration::from_mins(8), async {
        loop {
            import = api.get(&path).await.json;
            if import["status"] != json!("RUNNING") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    end.await.expect("an end");
    import
}

/// The row and column of each fault, in order.
fn positions(answer: &Answer) -> Vec<String> {
    let details = answer.json["details"].as_array().cloned().unwrap_or_default();
    details
        .iter()
        .map(|detail| detail["pointer"].as_str().unwrap().to_owned())
        .collect()
}

async fn total(api: &Api) -> Value {
    api.get("/lookups?orgId=10").await.json["total"].clone()
}

#[tokio::test]
async fn lookup_import_understands_files_as_people_write_them() {
    let api = fresh().await;
    let text = "\u{feff}Type;tenantId;source.id;source.name;target.id;target.beds;isActive\r\n\
        WARD;;1;\"Ward \"\"A\"\"\nfirst; floor\";W-1;json:4;\r\n\
        \r\n\
        WARD;11;1;Überwachung;'-9;;yes\r\n\
        WARD;;2;'s Gravenhage;W-2;;FALSE";
    let import = imported(&api, "", CSV, text.to_owned()).await;
    assert_eq!(
        (&import["status"], &import["created"], &import["done"], &import["total"]),
        (&json!("SUCCEEDED"), &json!(3), &json!(3), &json!(3)),
        "{import}"
    );
    let listed = api.get("/lookups?orgId=10").await.json;
    let rows = listed["lookups"].as_array().unwrap();
    let row = |source: &str, tenant: &Value| {
        let found = rows
            .iter()
            .find(|row| row["source"]["id"] == source && row["tenantId"] == *tenant);
        found.unwrap_or_else(|| panic!("{source} in {listed}"))
    };
    assert_eq!(row("1", &Value::Null)["source"]["name"], "Ward \"A\"\nfirst; floor");
    assert_eq!(row("1", &Value::Null)["target"], json!({"id": "W-1", "beds": 4}));
    assert_eq!(row("1", &json!(11))["target"]["id"], "-9");
    assert_eq!(row("2", &Value::Null)["source"]["name"], "'s Gravenhage");
    assert_eq!(row("2", &Value::Null)["isActive"], json!(false));
    let again = imported(&api, "", CSV, text.to_owned()).await;
    assert_eq!((&again["created"], &again["unchanged"]), (&json!(0), &json!(3)), "{again}");
    assert_eq!(api.get("/lookups/imports?orgId=10").await.json["total"], json!(2));
    let id = again["id"].as_str().unwrap();
    let elsewhere = api.replica().await.get(&format!("/lookups/imports/{id}?orgId=10")).await;
    assert_eq!(elsewhere.json, again);
    assert_eq!(api.get(&format!("/lookups/imports/{id}?orgId=20")).await.status, 404);
}

#[tokio::test]
async fn lookup_import_reports_every_fault_by_row_and_column_and_writes_nothing() {
    let api = fresh().await;
    let text = "type,tenantId,source.id,target.id,target.n,isActive\n\
        WARD,,1,a,,\n\
        ,,2,b,,\n\
        WARD,x,3,c,,\n\
        WARD,21,4,d,,\n\
        WARD,,,,json:[],perhaps\n\
        WARD,,1,e,,\n\
        WARD,,5,f,,,surplus\n";
    let answer = upload(&api, "", CSV, text).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    let expected = [
        "/3/type",
        "/4/tenantId",
        "/5/tenantId",
        "/6/target.n",
        "/6/isActive",
        "/6/source.id",
        "/6/target.id",
        "/7/source.id",
        "/8/",
    ];
    assert_eq!(positions(&answer), expected, "{answer:?}");
    assert!(
        answer.json["details"][7]["message"].as_str().unwrap().contains("row 2"),
        "{answer:?}"
    );
    assert_eq!(total(&api).await, json!(0));
    let dry = upload(&api, "&dryRun=true", CSV, text).await;
    assert_eq!(
        (dry.status, &dry.json["isValid"], &dry.json["rows"]),
        (200, &json!(false), &json!(1))
    );
    assert_eq!(dry.json["errors"].as_array().unwrap().len(), 9);
    let fine = upload(&api, "&dryRun=true&type=WARD", CSV, "source.id,target.id\n1,a\n").await;
    assert_eq!((&fine.json["isValid"], &fine.json["types"]), (&json!(true), &json!(["WARD"])));
    assert_eq!(total(&api).await, json!(0));
}

#[tokio::test]
async fn lookup_import_lists_faults_up_to_a_bound_and_counts_the_rest() {
    let api = fresh().await;
    let mut text = "type,source.id,target.id\n".to_owned();
    (0..1_500).for_each(|_| text.push_str("WARD,,x\n"));
    let answer = upload(&api, "&dryRun=true", CSV, text).await.json;
    assert_eq!(
        (answer["errors"].as_array().unwrap().len(), &answer["furtherErrors"]),
        (1_000, &json!(500))
    );
}

#[tokio::test]
async fn lookup_import_refuses_files_of_another_form() {
    let api = fresh().await;
    let wide = vec!["source.x"; 300].join(",");
    let table: [(&str, Vec<u8>); 12] = [
        ("header alone", b"type,source.id,target.id\n".to_vec()),
        ("blank", b"\n\n".to_vec()),
        ("wrong header", b"a,b\n1,2\n".to_vec()),
        ("header twice", b"type,source.id,source.id,target.id\nW,1,2,3\n".to_vec()),
        ("no type", b"source.id,target.id\n1,2\n".to_vec()),
        ("UTF-16", b"\xff\xfet\0y\0".to_vec()),
        ("Latin-1", b"type,source.id,target.id\nW,1,\xe9\n".to_vec()),
        ("NUL", b"type,source.id,target.id\nW,1,a\0b\n".to_vec()),
        (
            "a quote left open",
            [b"type,source.id,target.id\nW,1,\"".as_slice(), &vec![b'x'; 100_000]].concat(),
        ),
        ("too many cells", format!("type,source.id,target.id,{wide}\n").into_bytes()),
        ("binary", (0..=255).collect()),
        ("a workbook", b"PK\x03\x04".to_vec()),
    ];
    for (name, file) in table {
        let answer = upload(&api, "", CSV, file).await;
        assert_eq!(
            (answer.status, answer.json["code"].as_str()),
            (400, Some("VALIDATION_ERROR")),
            "{name} {answer:?}"
        );
        assert!(
            answer.json["details"][0]["message"].as_str().unwrap().starts_with("Row "),
            "{name} {answer:?}"
        );
    }
    assert_eq!(upload(&api, "", CSV, Vec::new()).await.status, 400);
    assert_eq!(upload(&api, "", "application/json", "{}").await.status, 415);
    for query in ["&mode=merge", "&dryRun=perhaps", "&tenantId=21", "&tenantId=x", "&type=%20"] {
        let answer = upload(&api, query, CSV, "type,source.id,target.id\nW,1,a\n").await;
        assert_eq!(answer.status, 400, "{query} {answer:?}");
    }
    assert_eq!(total(&api).await, json!(0));
}

/// A body that sends one row, signals `begun`, and then hangs.
fn endless(begun: tokio::sync::oneshot::Sender<()>) -> Body {
    let row = stream::once(async { Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"type,source\n"))) });
    let rest = stream::once(async move {
        let _ = begun.send(());
        std::future::pending().await
    });
    Body::new(StreamBody::new(Box::pin(row.chain(rest))))
}

#[tokio::test]
async fn slow_lookup_uploads_do_not_block_other_imports() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    let mut slow = JoinSet::new();
    for _ in 0..4 {
        let (begin, begun) = tokio::sync::oneshot::channel();
        let request = api.request("POST", "/lookups/import?orgId=10").header("content-type", CSV);
        let request = request.body(endless(begin)).unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
        slow.spawn(async move { client.request(request).await.map(drop) });
        begun.await.unwrap();
    }
    let file = "type,source.id,target.id\nward,A,1\n";
    for org in [20, 10] {
        let begun = api.upload(&format!("/lookups/import?orgId={org}"), CSV, file).await;
        assert_eq!(begun.status, 202, "{begun:?}");
    }
    assert!(slow.try_join_next().is_none(), "they are still waited for");
}

#[tokio::test]
async fn lookup_file_beyond_the_limit_is_refused() {
    let api = Api::start_with(Arc::new(database()), |config| config.http.import_limit_bytes = 1_000).await;
    api.org(10).await;
    let answer = upload(&api, "", CSV, vec![b'x'; 1_001]).await;
    assert_eq!((answer.status, &answer.json["code"]), (413, &json!("PAYLOAD_TOO_LARGE")));
}

#[tokio::test]
async fn lookup_export_can_be_imported_unchanged_in_either_format() {
    let api = fresh().await;
    let rows = json!({"type": "=TYPE", "lookups": [
        {"source": {"id": "=1+1", "name": "@SUM(A1)"}, "target": {"id": "-1", "n": 4.5, "on": true, "text": "json:1"}},
        {"source": {"id": "007", "name": "quote \" comma , line\nend; tab\t"}, "target": {"id": "'=x"}, "isActive": false},
        {"source": {"id": "é"}, "target": {"id": "日本", "text": "+49"}, "tenantId": 11},
    ]});
    assert_eq!(api.post("/lookups/bulk?orgId=10", rows).await.status, 200);
    let shown = |listed: Value| {
        let rows = listed["lookups"].as_array().unwrap().iter();
        let rows = rows.map(|row| {
            ["type", "tenantId", "source", "target", "isActive"]
                .map(|field| row[field].to_string())
                .join(" ")
        });
        rows.collect::<Vec<_>>()
    };
    let before = shown(api.get("/lookups?orgId=10").await.json);
    for (format, kind) in [("csv", CSV), ("xlsx", XLSX)] {
        let exported = api.get(&format!("/lookups/export?orgId=10&format={format}")).await;
        assert_eq!(exported.status, 200, "{exported:?}");
        if format == "csv" {
            let text = String::from_utf8(exported.bytes.to_vec()).unwrap();
            assert!(
                !text.contains(",=") && !text.contains("\n=") && !text.contains(",@"),
                "{text}"
            );
        }
        let unchanged = imported(&api, "", kind, exported.bytes.clone()).await;
        assert_eq!(unchanged["unchanged"], json!(3), "{format} {unchanged}");
        let replaced = imported(&api, "&mode=replace", kind, exported.bytes).await;
        assert_eq!(
            (&replaced["created"], &replaced["removed"]),
            (&json!(3), &json!(3)),
            "{format} {replaced}"
        );
        assert_eq!(shown(api.get("/lookups?orgId=10").await.json), before, "{format}");
    }
    for (format, kind) in [("csv", CSV), ("xlsx", XLSX)] {
        let template = api.get(&format!("/lookups/import/template?orgId=10&format={format}")).await;
        let empty = upload(&api, "", kind, template.bytes).await;
        assert_eq!(positions(&empty), ["/2/"], "{format} {empty:?}");
    }
    assert_eq!(api.get("/lookups/export?orgId=10&format=pdf").await.status, 400);
    assert_eq!(
        api.get("/lookups/export?orgId=20").await.bytes.len(),
        "type,tenantId,source.id,target.id,isActive\r\n".len()
    );
}

#[tokio::test]
async fn lookup_replacement_is_atomic_for_concurrent_readers() {
    const ROWS: usize = 400;
    let api = fresh().await;
    let file = |name: &str| {
        let mut text = "type,source.id,target.id\n".to_owned();
        (0..ROWS).for_each(|n| writeln!(text, "WARD,{n},{name}").unwrap());
        text
    };
    imported(&api, "&mode=replace", CSV, file("v0")).await;
    let questions: Vec<_> = (0..ROWS).map(|n| json!({"type": "WARD", "value": n})).collect();
    let replacing = async {
        for round in 1..=4 {
            let import = imported(&api, "&mode=replace", CSV, file(&format!("v{round}"))).await;
            assert_eq!((&import["created"], &import["removed"]), (&json!(400), &json!(400)));
        }
    };
    let reading = async {
        loop {
            let answers = resolved(&api, 10, json!(questions)).await;
            let answers = answers["results"].as_array().unwrap().clone();
            let first = answers[0]["target"]["id"].clone();
            let others: Vec<_> = answers.iter().filter(|answer| answer["target"]["id"] != first).collect();
            assert!(first.is_string() && others.is_empty(), "{first} {others:?}");
            if first == "v4" {
                return;
            }
        }
    };
    tokio::join!(replacing, reading);
}

#[tokio::test]
async fn lookup_import_skips_a_separator_line_before_the_header() {
    let api = fresh().await;
    for (at, text) in ["sep=;\r\n", "\u{feff}\"sep=;\"\n"].into_iter().enumerate() {
        let text = format!("{text}type;source.id;target.id\nT;\"{at},5\";{at}\n");
        let import = imported(&api, "", CSV, text).await;
        assert_eq!(
            (&import["status"], &import["created"]),
            (&json!("SUCCEEDED"), &json!(1)),
            "{import}"
        );
    }
    let faulty = upload(&api, "", CSV, "sep=;\ntype;source.id;target.id\nT;;1\n").await;
    assert!(positions(&faulty).iter().any(|place| place.starts_with("/3")), "{faulty:?}");
}

/// The rows of the large import; set `IG_IMPORT_ROWS` to measure the full size.
fn rows_to_import() -> usize {
    std::env::var("IG_IMPORT_ROWS")
        .ok()
        .and_then(|rows| rows.parse().ok())
        .unwrap_or(5_000)
}

/// The peak memory of this process, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
#[expect(clippy::naive_bytecount, reason = "a crate for it would not pay")]
async fn large_lookup_import_runs_in_steps_within_little_memory() {
    let api = fresh().await;
    let rows = rows_to_import();
    let mut text = "type,source.id,source.name,target.id,target.name\r\n".to_owned();
    (0..rows).for_each(|n| {
        write!(
            text,
            "DIAGNOSIS,D{n:07},Name of diagnosis {n},T{n:07},What the target calls it {n}\r\n"
        )
        .unwrap();
    });
    let text = Bytes::from(text);
    let mut before = peak();
    for (mode, created) in [("upsert", rows), ("replace", rows), ("upsert", 0)] {
        let began = std::time::Instant::now();
        let begun = upload(&api, &format!("&mode={mode}"), CSV, text.clone()).await;
        assert_eq!((begun.status, &begun.json["total"]), (202, &json!(rows)), "{begun:?}");
        let checked = began.elapsed();
        let import = ended(&api, &begun).await;
        assert_eq!(
            (&import["status"], &import["done"]),
            (&json!("SUCCEEDED"), &json!(rows)),
            "{import}"
        );
        assert_eq!(import["created"], json!(created), "{import}");
        let grown = peak().saturating_sub(before);
        measured(&format!(
            "{rows} rows, {mode}: checked {checked:?}, whole {:?}, peak grew {grown} KiB",
            began.elapsed()
        ));
        assert!(grown < 200 * 1024, "{grown} KiB more at the peak");
        before = peak();
    }
    let exported = api.get("/lookups/export?orgId=10&type=DIAGNOSIS").await;
    let lines = exported.bytes.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(lines, rows + 1);
}

/// Records a measurement.
fn measured(line: &str) {
    let Some(path) = std::env::var_os("IG_MEASURED") else { return };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    writeln!(file, "{line}").unwrap();
}
