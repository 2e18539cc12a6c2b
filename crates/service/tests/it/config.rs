//! Layers of configuration and their faults.

use std::io::Write;

use ig_service::config::{ConfigFaults, MASK, Secret, load_from, masked};
use tempfile::NamedTempFile;

use crate::fixture::{Config, environment};

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::with_suffix(".toml").expect("a temporary file");
    file.write_all(text.as_bytes()).expect("written");
    file
}

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
    let file = file(text);
    let mut environment = environment(variables);
    environment.insert("IG_CONFIG".to_owned(), file.path().display().to_string());
    load_from(&Config::default(), &["elsewhere"], &environment)
}

fn keys(faults: &ConfigFaults) -> Vec<&str> {
    faults.list().iter().map(|fault| fault.key.as_str()).collect()
}

#[test]
fn defaults_apply_without_file_and_variables() {
    let loaded = load_from(&Config::default(), &[], &environment(&[("PATH", "/bin"), ("IG_OTHER", "x")]));
    assert_eq!(loaded.expect("valid"), Config::default());
}

#[test]
fn file_overrides_defaults_and_environment_overrides_file() {
    let text = "[work]\nbatch = 7\nnames = ['a']\n[shutdown]\ngrace_seconds = 9\n[grpc]\ndeadline_ms = 4000";
    let config = load(text, &[("IG__WORK__BATCH", "8"), ("IG__GRPC__LISTEN", "127.0.0.1:6000")]).expect("valid");
    assert_eq!(config.work.batch, 8);
    assert_eq!(config.work.names, ["a"]);
    assert_eq!(config.shutdown.grace_seconds, 9);
    assert_eq!(config.grpc.listen.port(), 6000);
    assert_eq!(config.grpc.deadline_ms, 4000);
}

#[test]
fn section_that_is_set_in_part_keeps_the_other_defaults() {
    let config = load("[grpc]\ntoken = 'x'", &[]).expect("valid");
    assert_eq!(config.grpc.listen.port(), 5001);
}

#[test]
fn list_in_the_environment_is_separated_by_commas() {
    let config = load("", &[("IG__WORK__NAMES", "a, b ,c")]).expect("valid");
    assert_eq!(config.work.names, ["a", "b", "c"]);
    let config = load("", &[("IG__WORK__NAMES", "")]).expect("valid");
    assert!(config.work.names.is_empty());
}

#[test]
fn text_that_looks_like_a_number_stays_text() {
    let config = load("", &[("IG__WORK__KEY", "007"), ("IG__GRPC__TOKEN", "1e5")]).expect("valid");
    assert_eq!(config.work.key.expect("set").expose(), "007");
    assert_eq!(config.grpc.token.expect("set").expose(), "1e5");
}

#[test]
fn map_keys_of_any_name_are_accepted() {
    let config = load("[work.labels]\nzone = 'b'", &[]).expect("valid");
    assert_eq!(config.work.labels["zone"], "b");
}

#[test]
fn section_of_another_process_is_ignored_and_an_unknown_section_is_a_fault() {
    load("[elsewhere]\nanything = 1", &[("IG__ELSEWHERE__MORE", "x")]).expect("valid");
    let faults = load("[elsewhere]\nanything = 1\n[wrok]\nbatch = 1", &[]).expect_err("unknown section");
    assert_eq!(keys(&faults), ["wrok.batch"]);
    assert!(faults.list()[0].fix.contains("work"), "{faults}");
}

#[test]
fn faults_are_reported_at_once_with_key_origin_and_fix() {
    let text = "[work]\nbatch = 'many'\nbatsch = 1\n[admin]\nlisten = 'nowhere'\n[shutdown]\ngrace_seconds = 1";
    let faults = load(text, &[("IG__GRPC__DEADLINE_MS", "soon"), ("IG__GRPC__TLS__CERT", "x")]).expect_err("faults");
    assert_eq!(
        {
            let mut keys = keys(&faults);
            keys.sort_unstable();
            keys
        },
        [
            "admin.listen",
            "grpc.deadline_ms",
            "grpc.tls.cert",
            "work.batch",
            "work.batsch"
        ]
    );
    let fault = |key| faults.list().iter().find(|fault| fault.key == key).expect("that fault");
    assert!(fault("work.batch").origin.contains(".toml"), "{faults}");
    assert_eq!(fault("grpc.deadline_ms").origin, "IG__GRPC__DEADLINE_MS");
    assert!(fault("grpc.tls.cert").fix.contains("cert_file"), "{faults}");
    assert!(faults.to_string().starts_with("the configuration has 5 faults"), "{faults}");
}

#[test]
fn sections_validate_themselves_under_their_own_path() {
    let faults = load(
        "[telemetry]\nsample_ratio = 2.0",
        &[("IG__GRPC__TLS__CERT_FILE", "c"), ("IG__WORK__BATCH", "0")],
    )
    .expect_err("faults");
    assert_eq!(
        keys(&faults),
        [
            "grpc.tls.key_file",
            "grpc.tls.ca_file",
            "telemetry.sample_ratio",
            "work.batch"
        ]
    );
    assert_eq!(faults.list()[3].origin, "IG__WORK__BATCH");
}

#[test]
fn file_that_is_missing_or_not_toml_is_one_fault() {
    let missing = load_from(
        &Config::default(),
        &[],
        &environment(&[("IG_CONFIG", "/nonexistent/ig.toml")]),
    );
    assert!(missing.expect_err("missing").to_string().contains("/nonexistent/ig.toml"));
    let broken = load("[work\n", &[]).expect_err("broken");
    assert!(broken.to_string().contains("IG_CONFIG"), "{broken}");
}

#[test]
fn secrets_are_masked_in_every_output() {
    let config = load("", &[("IG__WORK__KEY", "hunter2"), ("IG__GRPC__TOKEN", "hunter2")]).expect("valid");
    let shown = format!("{}\n{config:?}\n{}", masked(&config), config.work.key.as_ref().expect("set"));
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(masked(&config).contains(&format!("key = \"{MASK}\"")), "{shown}");
}

#[test]
fn masked_output_can_be_loaded_again_but_for_its_masks() {
    let text = masked(&Config::default());
    assert_eq!(load(&text, &[]).expect("valid"), Config::default());
    let mut config = Config::default();
    config.work.key = Some(Secret::new("hunter2"));
    let faults = load(&masked(&config), &[]).expect_err("a mask is no secret");
    assert_eq!(keys(&faults), ["work.key"]);
}
