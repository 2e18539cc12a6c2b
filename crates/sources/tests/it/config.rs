//! Settings, as written and as shown.

use ig_core::secret::Secret;
use ig_sources::{MySqlConfig, SourcesConfig, Start};

fn parsed(toml: &str) -> SourcesConfig {
    toml::from_str(toml).unwrap_or_else(|error| panic!("{error}"))
}

fn faulty_keys(config: &SourcesConfig) -> Vec<String> {
    config.faults().into_iter().map(|fault| fault.key).collect()
}

#[test]
fn config_defaults_have_no_fault_and_read_no_table() {
    let config = SourcesConfig::default();
    assert_eq!(config.faults(), []);
    assert_eq!(config.mysql.url, None);
}

#[test]
fn config_reports_every_fault_with_its_key() {
    let config = parsed(
        r#"
        mysql.url = "mysql://u:p@h"
        mysql.table = "q`; DROP TABLE x; --"
        mysql.columns = { id = "id = 0 OR 1", payload = "a.b", traceparent = "" }
        mysql.entity_table.rid = "1=1"
        mysql.pool_max = 0
        push.poll_interval_ms = 0
        "#,
    );
    let expected = [
        "url",
        "table",
        "columns.id",
        "columns.payload",
        "columns.traceparent",
        "entity_table.rid",
        "pool_max",
    ];
    let mut expected: Vec<_> = expected.iter().map(|key| format!("mysql.{key}")).collect();
    expected.push("push.poll_interval_ms".to_owned());
    assert_eq!(faulty_keys(&config), expected);
}

#[test]
fn mysql_source_cannot_be_built_with_a_faulty_name() {
    let config = MySqlConfig {
        url: Some(Secret::new("mysql://u@h/d")),
        table: "a`b".to_owned(),
        ..MySqlConfig::default()
    };
    assert!(
        ig_sources::MySqlSource::new(&config)
            .unwrap_err()
            .to_string()
            .contains("sources.mysql.table")
    );
}

#[test]
fn start_is_a_word_or_an_id() {
    let start = |value: &str| toml::from_str::<SourcesConfig>(&format!("mysql.start = {value}")).map(|config| config.mysql.start);
    assert_eq!(start("\"now\"").unwrap(), Start::Now);
    assert_eq!(start("\"beginning\"").unwrap(), Start::Beginning);
    assert_eq!(
        (start("41").unwrap(), start("\"41\"").unwrap()),
        (Start::After(41), Start::After(41))
    );
    assert!(start("\"end\"").is_err() && start("-1").is_err());
}

#[test]
fn url_is_never_shown() {
    let config = parsed(r#"mysql.url = "mysql://u:hidden@h/d""#);
    assert_eq!(config.faults(), []);
    let shown = toml::to_string(&config).unwrap();
    assert!(
        !shown.contains("hidden") && !format!("{config:?}").contains("hidden"),
        "{shown}"
    );
    assert!(toml::from_str::<SourcesConfig>(&shown).is_err(), "a mask is no address");
}

#[test]
fn config_refuses_unknown_keys() {
    assert!(toml::from_str::<SourcesConfig>("mysql.tabel = \"q\"").is_err());
}
