//! The settings of a local stack, in order of precedence: flags, environment, file, defaults of `up`.

use ig_service::ProcessConfig;
use ig_service::config::{ConfigFaults, Environment, FILE_VARIABLE, load_from, variable_for};

/// The environment and the file that configure all services of this process.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    environment: Environment,
    file: toml::Table,
}

impl Settings {
    /// The settings of this process. An unreadable file counts as empty here; loading reports its faults.
    pub(crate) fn from_process() -> Self {
        Self::of(std::env::vars().collect())
    }

    fn of(environment: Environment) -> Self {
        let text = environment
            .get(FILE_VARIABLE)
            .and_then(|path| std::fs::read_to_string(path).ok());
        let file = text.and_then(|text| text.parse().ok()).unwrap_or_default();
        Self { environment, file }
    }

    /// The value at a dotted key.
    pub(crate) fn get(&self, key: &str) -> Option<String> {
        self.environment
            .get(&variable_for(key))
            .cloned()
            .or_else(|| self.in_file(key))
    }

    fn in_file(&self, key: &str) -> Option<String> {
        let (section, key) = key.rsplit_once('.')?;
        let table = section
            .split('.')
            .try_fold(&self.file, |table, name| table.get(name)?.as_table())?;
        match table.get(key)? {
            toml::Value::String(text) => Some(text.clone()),
            toml::Value::Array(items) => Some(items.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join(",")),
            toml::Value::Table(_) => None,
            value @ (toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) | toml::Value::Datetime(_)) => {
                Some(value.to_string())
            }
        }
    }

    /// Sets a key and overrides its value.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.environment.insert(variable_for(key), value.to_owned());
    }

    /// Sets a key unless it has a value; returns the effective value.
    pub(crate) fn set_default(&mut self, key: &str, value: &str) -> String {
        if let Some(value) = self.get(key) {
            return value;
        }
        self.set(key, value);
        value.to_owned()
    }

    /// Appends an item to a list.
    pub(crate) fn append(&mut self, key: &str, item: &str) {
        let present = self.get(key).filter(|list| !list.is_empty());
        let list = present.into_iter().chain([item.to_owned()]);
        self.set(key, &list.collect::<Vec<_>>().join(","));
    }

    /// Loads the configuration of one service; `sections` of other services are ignored.
    pub(crate) fn load<C: ProcessConfig>(&self, sections: &[&str]) -> Result<C, ConfigFaults> {
        load_from(&C::default(), sections, &self.environment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        Settings::of(
            variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn settings_default_yields_to_a_value_and_set_overrides_it() {
        let mut settings = settings(&[("IG__MONGODB__URI", "mongodb://here")]);
        assert_eq!(settings.set_default("mongodb.uri", "mongodb://there"), "mongodb://here");
        assert_eq!(settings.set_default("mongodb.database", "ig"), "ig");
        settings.set("mongodb.uri", "mongodb://flag");
        assert_eq!(settings.get("mongodb.uri").as_deref(), Some("mongodb://flag"));
    }

    #[test]
    fn settings_fall_back_to_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ig.toml");
        std::fs::write(&file, "[security.egress]\nallow = [\"10.0.0.0/8\", \"a.example:81\"]\n").unwrap();
        let mut settings = settings(&[("IG_CONFIG", file.to_str().unwrap())]);
        settings.append("security.egress.allow", "127.0.0.1:9");
        assert_eq!(
            settings.get("security.egress.allow").as_deref(),
            Some("10.0.0.0/8,a.example:81,127.0.0.1:9")
        );
        assert_eq!(settings.get("security.egress"), None);
    }
}
