//! Reads a JSON object field by field, and records fields of the wrong kind and unknown fields as faults.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::fault::Faults;

/// The object being read.
pub(crate) struct Fields<'a> {
    object: &'a Map<String, Value>,
    known: BTreeSet<&'static str>,
    faults: Faults,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(object: &'a Map<String, Value>) -> Self {
        Self {
            object,
            known: BTreeSet::new(),
            faults: Faults::default(),
        }
    }

    /// An optional field; null counts as absent.
    pub(crate) fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.insert(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Option<&'a str> {
        self.of_kind(name, Value::as_str, "must be a text")
    }

    pub(crate) fn number(&mut self, name: &'static str) -> Option<u64> {
        self.of_kind(name, Value::as_u64, "must be a whole number from 0")
    }

    pub(crate) fn small_number(&mut self, name: &'static str) -> Option<u32> {
        let small = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        self.of_kind(name, small, "must be a whole number from 0 to 4294967295")
    }

    pub(crate) fn list(&mut self, name: &'static str) -> &'a [Value] {
        self.of_kind(name, Value::as_array, "must be a list")
            .map_or(&[], Vec::as_slice)
    }

    /// The texts of a list; any other item is a fault of its own.
    pub(crate) fn texts(&mut self, name: &'static str) -> Vec<String> {
        let mut texts = Vec::new();
        for (at, item) in self.list(name).iter().enumerate() {
            match item.as_str() {
                Some(text) => texts.push(text.to_owned()),
                None => self.faults.add(format!("/{name}/{at}"), "must be a text"),
            }
        }
        texts
    }

    pub(crate) fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// The collected faults; an unknown field is one, for it would have no effect.
    pub(crate) fn into_faults(mut self, of: &str) -> Faults {
        for name in self.object.keys().filter(|name| !self.known.contains(name.as_str())) {
            let name = name.replace('~', "~0").replace('/', "~1");
            self.faults.add(format!("/{name}"), format!("is no field of {of}"));
        }
        self.faults
    }

    fn of_kind<T>(&mut self, name: &'static str, read: impl Fn(&'a Value) -> Option<T>, otherwise: &str) -> Option<T> {
        let value = self.value(name)?;
        let found = read(value);
        if found.is_none() {
            self.faults.add(format!("/{name}"), otherwise);
        }
        found
    }
}
