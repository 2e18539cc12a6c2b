//! `igctl export` and `igctl apply`, as a person runs them.

use std::fs;
use std::path::Path;
use std::process::Output;

use ig_testkit::eventually;
use serde_json::Value;

use crate::program::{Up, igctl, output};
use crate::up::ready;

struct Shell {
    gateway: String,
    key: String,
}

impl Shell {
    fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = igctl(arguments);
        command.args(["--gateway", &self.gateway, "--org", "9001"]);
        command.env("IG_API_KEY", &self.key).envs(variables.iter().copied());
        output(&mut command)
    }

    fn succeeds(&self, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let output = self.run(arguments, variables);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said
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
async fn a_configuration_is_exported_changed_and_applied() {
    let folder = tempfile::tempdir().unwrap();
    let mut up = Up::start(folder.path(), &["--demo"]);
    let ready: Value = ready(&mut up, folder.path()).await;
    let told = |field: &str| ready[field].as_str().unwrap().to_owned();
    let shell = Shell {
        gateway: told("http"),
        key: told("apiKey"),
    };
    eventually("all of the demo's integrations", async || {
        up.lines()
            .iter()
            .any(|line| line.starts_with("delivery ") && line.contains("/everything"))
    })
    .await;
    let file = folder.path().join("configuration.yaml");
    shell.succeeds(&["export", "--output", text(&file)], &[]);
    let exported = fs::read_to_string(&file).unwrap();
    assert!(
        exported.starts_with("version: 1\n") && exported.contains("outboundIntegrations:"),
        "{exported}"
    );
    let unchanged = shell.succeeds(&["apply", "--file", text(&file), "--prune"], &[]);
    assert_eq!(unchanged, "0 to create, 0 to change, 0 to delete, 4 as they should be\n");

    let more = "eventTypes:\n- eventType: visit-booked\n  description: ${env:WHAT}\n";
    fs::write(&file, exported.replace("eventTypes: []\n", more)).unwrap();
    let missing = shell.fails(&["apply", "--file", text(&file), "--yes"]);
    assert!(missing.contains("the environment does not have WHAT"), "{missing}");
    let variables = [("WHAT", "A visit was booked")];
    let shown = shell.succeeds(&["apply", "--file", text(&file), "--dry-run"], &variables);
    assert!(shown.starts_with("+ eventTypes visit-booked\n1 to create"), "{shown}");
    let unasked = shell.run(&["apply", "--file", text(&file)], &variables);
    assert!(!unasked.status.success(), "nobody was there to agree");
    let done = shell.succeeds(&["apply", "--file", text(&file), "--yes"], &variables);
    assert!(done.ends_with("Done.\n"), "{done}");
    assert!(shell.succeeds(&["export"], &[]).contains("description: A visit was booked"));

    fs::write(&file, "version: 1\noutboundIntegrations:\n- name: ''\n").unwrap();
    let faulty = shell.fails(&["apply", "--file", text(&file), "--yes"]);
    assert!(faulty.contains("/outboundIntegrations/0"), "{faulty}");
    fs::write(&file, "version: [\n").unwrap();
    let broken = shell.fails(&["apply", "--file", text(&file), "--yes"]);
    assert!(broken.contains("is not YAML"), "{broken}");
    let nobody = shell.fails(&["export", "--api-key", "no-such-key"]);
    assert!(nobody.contains("401"), "{nobody}");
    assert_eq!(up.stop().code(), Some(0));
}
