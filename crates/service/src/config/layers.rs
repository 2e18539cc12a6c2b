//! The two layers over the defaults: file and environment. Each value keeps its origin.

use std::path::Path;

use config::{Config, ConfigError, File, FileFormat, Map, Source, Value, ValueKind};

use super::{ConfigFaults, Environment, FILE_VARIABLE, walk::Schema};

const PREFIX: &str = "IG__";
const SEPARATOR: &str = "__";

/// Merges the file and the environment, which wins, into one tree.
pub(super) fn overrides(schema: &Schema, environment: &Environment) -> Result<Value, ConfigFaults> {
    let mut builder = Config::builder();
    if let Some(path) = environment.get(FILE_VARIABLE) {
        builder = builder.add_source(File::from(Path::new(path)).format(FileFormat::Toml).required(true));
    }
    let environment = EnvironmentLayer {
        schema: schema.clone(),
        variables: environment.clone(),
    };
    match builder.add_source(environment).build() {
        Ok(config) => Ok(config.cache),
        Err(error) => Err(unreadable(&error)),
    }
}

fn unreadable(error: &ConfigError) -> ConfigFaults {
    let mut faults = ConfigFaults::default();
    let fix = format!("make {FILE_VARIABLE} name a readable TOML file, or unset it");
    faults.add("", error.to_string(), fix);
    faults
}

/// `IG__SECTION__KEY` variables; where the schema has a list, commas separate its items.
#[derive(Debug, Clone)]
pub(super) struct EnvironmentLayer {
    schema: Schema,
    variables: Environment,
}

impl EnvironmentLayer {
    pub(super) fn variable(path: &str) -> String {
        format!("{PREFIX}{}", path.to_uppercase().replace('.', SEPARATOR))
    }

    fn value(&self, path: &str, variable: &str, text: &str) -> Value {
        let origin = Some(variable.to_owned());
        let leaf = |text: &str| Value::new(origin.as_ref(), ValueKind::String(text.to_owned()));
        if !self.schema.is_list(path) {
            return leaf(text);
        }
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        Value::new(origin.as_ref(), ValueKind::Array(items.map(leaf).collect()))
    }
}

impl Source for EnvironmentLayer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let settings = self.variables.iter().filter_map(|(variable, text)| {
            let path = variable.strip_prefix(PREFIX)?.to_lowercase().replace(SEPARATOR, ".");
            let value = self.value(&path, variable, text);
            Some((path, value))
        });
        Ok(settings.collect())
    }
}

/// An existing tree as one more layer.
#[derive(Debug, Clone)]
pub(super) struct ValueSource(pub(super) Value);

impl Source for ValueSource {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        self.0.clone().into_table()
    }
}

/// A tree with a single leaf, at a dotted path.
pub(super) fn single(path: &str, leaf: Value) -> Value {
    path.rsplit('.').fold(leaf, |inner, key| {
        let table = Map::from_iter([(key.to_owned(), inner)]);
        Value::new(None, ValueKind::Table(table))
    })
}
