//! Configuration in layers: built-in defaults, a TOML file, the environment.

mod faults;
mod grpc;
mod layers;
mod secret;
mod sections;
mod walk;

use std::collections::BTreeMap;

use config::{Config, ConfigError, Value};
use serde::{Serialize, de::DeserializeOwned};

pub use faults::{ConfigFault, ConfigFaults, Validate};
pub use grpc::{GrpcConfig, TlsConfig};
pub use secret::{MASK, Secret};
pub use sections::{AdminConfig, LogFormat, ShutdownConfig, TelemetryConfig};

use layers::EnvironmentLayer;

/// The variable that names the TOML file.
pub const FILE_VARIABLE: &str = "IG_CONFIG";

/// The environment variables of a process, or of a test.
pub type Environment = BTreeMap<String, String>;

/// Loads `T` from `IG_CONFIG` and `IG__SECTION__KEY` of this process's environment, on top of `defaults`.
///
/// The file may contain the sections in `known_sections` although this process does not use them.
pub fn load<T>(defaults: &T, known_sections: &[&str]) -> Result<T, ConfigFaults>
where
    T: Serialize + DeserializeOwned + Validate,
{
    // A variable that is not UTF-8 cannot be one of ours.
    let texts = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    load_from(defaults, known_sections, &texts.collect())
}

/// [`load`] from a given environment.
pub fn load_from<T>(defaults: &T, known_sections: &[&str], environment: &Environment) -> Result<T, ConfigFaults>
where
    T: Serialize + DeserializeOwned + Validate,
{
    let schema = walk::schema_of(defaults)?;
    let overrides = layers::overrides(&schema, environment)?;
    let mut faults = ConfigFaults::with_origins(walk::origins(&overrides));
    let used = walk::retain_used(overrides, &schema, known_sections, &mut faults);
    let Some(config) = deserialize::<T>(defaults, &used, &mut faults) else {
        return Err(faults);
    };
    config.validate(&mut faults);
    faults.into_result(config)
}

/// The effective configuration as TOML, with every secret masked.
pub fn masked<T: Serialize>(config: &T) -> String {
    toml::Value::try_from(config)
        .and_then(|table| toml::to_string_pretty(&table))
        .unwrap_or_else(|error| format!("# cannot be shown as TOML: {error}\n"))
}

fn deserialize<T>(defaults: &T, overrides: &Value, faults: &mut ConfigFaults) -> Option<T>
where
    T: Serialize + DeserializeOwned,
{
    let error = match merged(defaults, Some(overrides.clone())) {
        Ok(config) => return Some(config),
        Err(error) => error,
    };
    if merged::<T>(defaults, None).is_ok() {
        find_wrong_keys(defaults, overrides, faults);
    }
    if faults.is_empty() {
        faults.add("", error.to_string(), "correct the values that do not go together");
    }
    None
}

/// Tries each override alone on top of the defaults, to name every wrong value and not only the first.
fn find_wrong_keys<T>(defaults: &T, overrides: &Value, faults: &mut ConfigFaults)
where
    T: Serialize + DeserializeOwned,
{
    for (path, leaf) in walk::leaves(overrides) {
        if let Err(error) = merged::<T>(defaults, Some(layers::single(&path, leaf))) {
            faults.add(&path, walk::cause(&error), "give it a value of the kind that is expected");
        }
    }
}

fn merged<T>(defaults: &T, overrides: Option<Value>) -> Result<T, ConfigError>
where
    T: Serialize + DeserializeOwned,
{
    let mut builder = Config::builder().add_source(Config::try_from(defaults)?);
    if let Some(tree) = overrides {
        builder = builder.add_source(layers::ValueSource(tree));
    }
    builder.build()?.try_deserialize()
}

/// The environment variable that sets the key at a dotted path.
pub fn variable_for(path: &str) -> String {
    EnvironmentLayer::variable(path)
}
