//! The documentation page.

use axum::body::Body;
use http::Request;

use crate::api::{Answer, Api};

async fn read(api: &Api, path: &str) -> Answer {
    let request = Request::get(format!("http://{}/api/v1/{path}", api.at.http));
    api.send(request, Body::empty()).await
}

/// The texts between each occurrence of `start` and the next quotation mark.
fn after<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    text.split(start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn docs_page_is_readable_without_a_key_and_loads_nothing_from_elsewhere() {
    let api = Api::start().await;
    let page = read(&api, "docs").await;
    assert_eq!(
        (page.status, &page.headers["content-type"]),
        (200, &"text/html; charset=utf-8".parse().unwrap())
    );
    let html = String::from_utf8(page.bytes.to_vec()).unwrap();
    let mut files: Vec<_> = ["href=\"", "src=\""]
        .iter()
        .flat_map(|start| after(&html, start))
        .map(str::to_owned)
        .collect();
    assert!(files.len() > 2, "{html}");
    let mut read_already = Vec::new();
    while let Some(path) = files.pop() {
        if read_already.contains(&path) {
            continue;
        }
        let file = read(&api, &path).await;
        assert_eq!(file.status, 200, "{path}");
        let text = String::from_utf8(file.bytes.to_vec()).unwrap();
        if path != "openapi.json" {
            for elsewhere in ["http:", "https:", "\"//", "url(", "@import"] {
                assert!(!text.contains(elsewhere), "{path} has {elsewhere}");
            }
        }
        files.extend(after(&text, "from \"./").into_iter().map(|file| format!("docs/{file}")));
        read_already.push(path);
    }
    assert!(read_already.iter().any(|path| path == "docs/schema.js"), "{read_already:?}");
}

#[tokio::test]
async fn docs_page_runs_only_what_its_policy_allows() {
    let api = Api::start().await;
    let page = read(&api, "docs").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'self'"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers["x-frame-options"], "DENY");
    let html = String::from_utf8(page.bytes.to_vec()).unwrap();
    // The page has no inline scripts, styles or listeners.
    assert_eq!(html.matches("<script").count(), html.matches("src=\"").count(), "{html}");
    for inline in ["<style", " style=", " onclick=", " onload=", "javascript:"] {
        assert!(!html.contains(inline), "{inline} in {html}");
    }
    for file in ["page.js", "element.js", "schema.js", "attempt.js"] {
        let script = read(&api, &format!("docs/{file}")).await;
        assert_eq!(script.headers["content-type"], "text/javascript; charset=utf-8", "{file}");
        assert_eq!(script.headers["x-content-type-options"], "nosniff", "{file}");
        let text = String::from_utf8(script.bytes.to_vec()).unwrap();
        for unsafe_way in ["innerHTML", "outerHTML", "eval(", "new Function", "document.write", ".style."] {
            assert!(!text.contains(unsafe_way), "{file} has {unsafe_way}");
        }
    }
}
