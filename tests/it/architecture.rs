//! The floors: an edge between crates goes down, never sideways or up.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A crate of the workspace, from `cargo metadata`.
struct Package {
    name: String,
    /// The normal dependencies, without those of tests and build scripts.
    dependencies: Vec<String>,
    /// The dependencies of its build script.
    build_dependencies: Vec<String>,
}

/// The floor of a crate; test crates have none.
fn floor(name: &str) -> Option<u8> {
    match name {
        "ig-core" | "ig-service" => Some(0),
        "ig-documents" => Some(1),
        "ig-proto" | "ig-store" | "ig-transform" | "ig-delivery" | "ig-sources" | "ig-console" => Some(2),
        "ig-peers" => Some(3),
        "ig-api-gateway" | "ig-delivery-worker" | "ig-scheduler" | "ig-dlq-retrier" | "ig-job-runner" | "ig-alerter" => Some(4),
        "igctl" => Some(5),
        _ => None,
    }
}

/// Read as plain JSON. The crate `cargo_metadata` enables a feature of `serde_json` that nothing else needs, so everything above
/// `serde_json` would compile twice: for the services and for the tests.
fn workspace() -> Vec<Package> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let metadata = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .expect("cargo metadata runs");
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("cargo metadata answers in JSON");
    list(&metadata["packages"]).iter().map(package).collect()
}

fn package(described: &Value) -> Package {
    let dependencies = |kind: &Value| {
        let dependencies = list(&described["dependencies"]).iter();
        let of_kind = dependencies.filter(|dependency| dependency["kind"] == *kind);
        of_kind.map(|dependency| text(&dependency["name"])).collect()
    };
    Package {
        name: text(&described["name"]),
        dependencies: dependencies(&Value::Null),
        build_dependencies: dependencies(&Value::from("build")),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

fn is_ours(name: &str) -> bool {
    name.starts_with("ig-") || name == "igctl"
}

/// The edges between shipped crates: (from, to).
fn edges(packages: &[Package]) -> Vec<(String, String)> {
    let shipped = |package: &Package| {
        let all = package.dependencies.iter().chain(&package.build_dependencies);
        let ours = all.filter(|name| is_ours(name));
        ours.map(|name| (package.name.clone(), name.clone())).collect::<Vec<_>>()
    };
    packages.iter().flat_map(shipped).collect()
}

#[test]
fn every_crate_is_on_a_floor() {
    let packages = workspace();
    let homeless: Vec<_> = packages
        .iter()
        .map(|package| package.name.as_str())
        .filter(|name| floor(name).is_none())
        .collect();
    assert_eq!(homeless, ["ig-testkit", "ig-tests"], "test crates alone are on no floor");
}

#[test]
fn an_edge_goes_down_never_sideways_or_up() {
    for (from, to) in edges(&workspace()) {
        let Some(above) = floor(&from) else { continue };
        let below = floor(&to).unwrap_or_else(|| panic!("{from} ships {to}, which is for tests"));
        assert!(
            below < above,
            "{from} (floor {above}) must not depend on {to} (floor {below})"
        );
    }
}

#[test]
fn libraries_see_core_alone_and_the_store_the_documents_that_it_keeps() {
    for (from, to) in edges(&workspace()) {
        let is_library = matches!(floor(&from), Some(1 | 2));
        let keeps_documents = from == "ig-store" && to == "ig-documents";
        assert!(!is_library || to == "ig-core" || keeps_documents, "{from} must not see {to}");
    }
}

#[test]
fn core_has_no_way_to_do_io() {
    let packages = workspace();
    let core = packages.iter().find(|package| package.name == "ig-core").expect("ig-core");
    let banned = ["tokio", "mongodb", "mysql_async", "hyper", "tonic", "axum", "reqwest"];
    for dependency in &core.dependencies {
        assert!(!banned.contains(&dependency.as_str()), "core must not depend on {dependency}");
    }
}

/// The files of a folder with this ending, at any depth.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the workspace") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

#[test]
fn no_file_of_code_is_longer_than_400_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut found = Vec::new();
    files(&root.join("crates"), ".rs", &mut found);
    files(&root.join("tests"), ".rs", &mut found);
    assert!(found.len() > 500, "the workspace was looked through");
    for path in found {
        let lines = std::fs::read_to_string(&path).expect("text").lines().count();
        assert!(lines <= 400, "{} has {lines} lines", path.display());
    }
}
