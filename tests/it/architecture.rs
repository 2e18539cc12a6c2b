//! The floors: an edge between crates goes down, never sideways or up.

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// Which floor a crate is on; test crates are on none.
fn floor(name: &str) -> Option<u8> {
    match name {
        "ig-core" | "ig-service" => Some(0),
        "ig-proto" | "ig-store" | "ig-transform" | "ig-delivery" | "ig-sources" | "ig-console" => Some(1),
        "ig-api-gateway" | "ig-delivery-worker" | "ig-scheduler" | "ig-dlq-retrier" | "ig-job-runner" | "ig-alerter" => Some(2),
        "igctl" => Some(3),
        _ => None,
    }
}

fn workspace() -> Vec<Package> {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata runs");
    metadata.workspace_packages().into_iter().cloned().collect()
}

fn is_ours(name: &str) -> bool {
    name.starts_with("ig-") || name == "igctl"
}

/// The edges that ship: (from, to).
fn edges(packages: &[Package]) -> Vec<(String, String)> {
    let shipped = |package: &Package| {
        let own = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development);
        let ours = own.filter(|dependency| is_ours(&dependency.name));
        ours.map(|dependency| (package.name.to_string(), dependency.name.clone()))
            .collect::<Vec<_>>()
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
fn the_first_floor_sees_core_alone() {
    for (from, to) in edges(&workspace()) {
        if floor(&from) == Some(1) {
            assert_eq!(to, "ig-core", "{from} sees core alone");
        }
    }
}

#[test]
fn core_has_no_way_to_do_io() {
    let packages = workspace();
    let core = packages.iter().find(|package| package.name == "ig-core").expect("ig-core");
    let banned = ["tokio", "mongodb", "mysql_async", "hyper", "tonic", "axum", "reqwest"];
    for dependency in core
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal)
    {
        assert!(
            !banned.contains(&dependency.name.as_str()),
            "core must not depend on {}",
            dependency.name
        );
    }
}
