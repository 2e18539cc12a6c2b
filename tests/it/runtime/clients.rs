//! Common HTTP clients: `curl`, and Node's `fetch`.

use std::io::Write as _;
use std::process::{Command, Output};

use bytes::Bytes;
use ig_testkit::receiver::{Answer, Receiver};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::inbound;
use crate::redelivery::ground::ORG;
use crate::stack::Stack;

/// Calls each method, compares the responses, and prints the differences.
const FETCH: &str = r"
const [url, key] = process.argv.slice(2);
const headers = { 'x-api-key': key };
const check = (what, is, wanted) => { if (is !== wanted) { console.log(what, is, wanted); process.exit(1); } };
const text = await (await fetch(url, { headers })).text();
check('GET', text, 'fine');
check('HEAD', (await fetch(url, { headers, method: 'HEAD' })).status, 200);
for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
  const answer = await fetch(url, { method, headers, body: JSON.stringify({ method }) });
  check(method, await answer.text(), 'fine');
}
const form = new FormData();
form.set('a', 'b');
check('form', (await fetch(url, { method: 'POST', headers, body: form })).status, 200);
const parts = new ReadableStream({ start(out) { for (let i = 0; i < 100; i++) out.enqueue(new Uint8Array(10000)); out.close(); } });
check('stream', (await fetch(url, { method: 'POST', headers, body: parts, duplex: 'half' })).status, 200);
";

struct Site {
    stack: Stack,
    target: Receiver,
    _mongo: ig_testkit::mongo::TestDatabase,
}

impl Site {
    async fn open() -> Self {
        let mongo = ig_testkit::mongo::database();
        let stack = Stack::start(&mongo).await;
        stack.api.org(ORG).await;
        let target = Receiver::start();
        target.always("/", Answer::status(200).body("fine"));
        let methods = json!({"allowedMethods": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]});
        inbound(&stack, ORG, &target.url("/"), methods).await;
        Self {
            stack,
            target,
            _mongo: mongo,
        }
    }

    fn url(&self) -> String {
        format!("http://{}/api/v1/integrations/t?orgId={ORG}", self.stack.api.authority())
    }
}

async fn run(mut command: Command) -> Output {
    let output = tokio::task::spawn_blocking(move || command.output().expect("it is on PATH")).await;
    output.expect("it ran")
}

#[tokio::test(flavor = "multi_thread")]
async fn node_fetch_works_with_every_method_and_kind_of_body() {
    let site = Site::open().await;
    let mut script = tempfile::Builder::new().suffix(".mjs").tempfile().expect("a file");
    script.write_all(FETCH.as_bytes()).expect("it is written");
    let mut command = Command::new("node");
    command.arg(script.path()).arg(site.url()).arg(site.stack.api.key());
    let output = run(command).await;
    assert!(output.status.success(), "{output:?}");
    let requests = site.target.requests();
    let methods: Vec<_> = requests.iter().map(|request| request.method.as_str()).collect();
    assert_eq!(methods, ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "POST", "POST"]);
    assert!(
        requests[6]
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("multipart/form-data; boundary="))
    );
    assert_eq!(requests[7].body.len(), 1_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_transfers_large_bodies_byte_for_byte_over_http_1_and_2() {
    let site = Site::open().await;
    let bytes: Vec<u8> = (0..4_000_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let hash = Sha256::digest(&bytes);
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(&bytes).expect("it is written");
    site.target.always("/", Answer::status(200).body(Bytes::from(bytes)));
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        site.target.forget();
        let mut command = Command::new("curl");
        command.args([
            "--silent",
            "--show-error",
            "--fail",
            version,
            "-H",
            &format!("x-api-key: {}", site.stack.api.key()),
        ]);
        command.args(["-H", "content-type: application/octet-stream", "--data-binary"]);
        command.arg(format!("@{}", file.path().display())).arg(site.url());
        let output = run(command).await;
        assert!(
            output.status.success(),
            "{version}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(Sha256::digest(&output.stdout) == hash, "{version}: what came back");
        let requests = site.target.requests();
        assert!(Sha256::digest(&requests[0].body) == hash, "{version}: what arrived");
    }
}
