//! `igctl export` and `igctl apply`.

use std::fs;
use std::path::Path;
use std::process::Output;

use ig_testkit::eventually;
use serde_json::Value;

use crate::fixture::{RunningStack, igctl, output};
use crate::up::ready;

struct Cli {
    gateway: String,
    key: String,
}

impl Cli {
    fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = igctl(arguments);
        command.args(["--gateway", &self.gateway, "--org", "9001"]);
        command.env("IG_API_KEY", &self.key).envs(variables.iter().copied());
        output(&mut command)
    }

    fn succeeds(&self, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let output = self.run(arguments, variables);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{stdout}{}", String::from_utf8_lossy(&output.stderr));
        stdout
    }

    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments, &[]);
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of letters")
}

#[tokio::test]
async fn configuration_file_is_exported_changed_and_applied() {
    let folder = tempfile::tempdir().unwrap();
    let mut up = RunningStack::start(folder.path(), &["--demo"]);
    let ready: Value = ready(&mut up, folder.path()).await;
    let ready_field = |field: &str| ready[field].as_str().unwrap().to_owned();
    let cli = Cli {
        gateway: ready_field("http"),
        key: ready_field("apiKey"),
    };
    eventually("all of the demo's integrations", async || {
        up.lines()
            .iter()
            .any(|line| line.starts_with("delivery ") && line.contains("/everything"))
    })
    .await;
    let file = folder.path().join("configuration.yaml");
    cli.succeeds(&["export", "--output", text(&file)], &[]);
    let exported = fs::read_to_string(&file).unwrap();
    assert!(
        exported.starts_with("version: 1\n") && exported.contains("outboundIntegrations:"),
        "{exported}"
    );
    let unchanged = cli.succeeds(&["apply", "--file", text(&file), "--prune"], &[]);
    assert_eq!(unchanged, "0 to create, 0 to change, 0 to delete, 4 as they should be\n");

    let more = "eventTypes:\n- eventType: visit-booked\n  description: ${env:WHAT}\n";
    fs::write(&file, exported.replace("eventTypes: []\n", more)).unwrap();
    let missing = cli.fails(&["apply", "--file", text(&file), "--yes"]);
    assert!(missing.contains("the environment does not have WHAT"), "{missing}");
    let variables = [("WHAT", "A visit was booked")];
    let shown = cli.succeeds(&["apply", "--file", text(&file), "--dry-run"], &variables);
    assert!(shown.starts_with("+ eventTypes visit-booked\n1 to create"), "{shown}");
    let unasked = cli.run(&["apply", "--file", text(&file)], &variables);
    assert!(!unasked.status.success(), "nobody was there to agree");
    let done = cli.succeeds(&["apply", "--file", text(&file), "--yes"], &variables);
    assert!(done.ends_with("Done.\n"), "{done}");
    assert!(cli.succeeds(&["export"], &[]).contains("description: A visit was booked"));

    fs::write(&file, "version: 1\noutboundIntegrations:\n- name: ''\n").unwrap();
    let faulty = cli.fails(&["apply", "--file", text(&file), "--yes"]);
    assert!(faulty.contains("/outboundIntegrations/0"), "{faulty}");
    fs::write(&file, "version: [\n").unwrap();
    let broken = cli.fails(&["apply", "--file", text(&file), "--yes"]);
    assert!(broken.contains("is not YAML"), "{broken}");
    let unauthorized = cli.fails(&["export", "--api-key", "no-such-key"]);
    assert!(unauthorized.contains("401"), "{unauthorized}");
    assert_eq!(up.stop().code(), Some(0));
}
