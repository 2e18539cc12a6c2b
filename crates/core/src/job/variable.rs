//! The variables that jobs may use: `{{date.today()}}` and the like.

use std::str::FromStr;

use smol_str::SmolStr;

use crate::fault::Faults;

/// A value that is filled in when the job runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Variable {
    /// `config.tenantId`: the entity that the job acts for.
    TenantId,
    /// `config.integrationId`: the job itself.
    IntegrationId,
    /// `date.today()`: the current day in the organisation's zone, as `YYYY-MM-DD`.
    Today,
    /// `date.yesterday()`: the day before.
    Yesterday,
    /// `date.todayStart()`: the first moment of today, in ISO 8601.
    TodayStart,
    /// `date.todayEnd()`: the last second of today, in ISO 8601.
    TodayEnd,
    /// `date.now()`: the current moment, in ISO 8601.
    Now,
    /// `job.watermark`: how far an incremental job is.
    Watermark,
    /// `env.NAME`: a variable of the job-runner's environment that its configuration lists.
    Env(SmolStr),
}

impl FromStr for Variable {
    type Err = Faults;

    fn from_str(text: &str) -> Result<Self, Faults> {
        Ok(match text.trim() {
            "config.tenantId" => Self::TenantId,
            "config.integrationId" => Self::IntegrationId,
            "date.today()" => Self::Today,
            "date.yesterday()" => Self::Yesterday,
            "date.todayStart()" => Self::TodayStart,
            "date.todayEnd()" => Self::TodayEnd,
            "date.now()" => Self::Now,
            "job.watermark" => Self::Watermark,
            other => return parse_env(other),
        })
    }
}

fn parse_env(text: &str) -> Result<Variable, Faults> {
    let name = text.strip_prefix("env.").filter(|name| {
        let begins_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        begins_well && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    let unknown = || {
        let known = "config.tenantId, config.integrationId, date.today(), date.yesterday(), date.todayStart(), date.todayEnd(), date.now(), job.watermark and env.NAME";
        Faults::single("", format!("{{{{{text}}}}} is no variable: there are {known}"))
    };
    name.map(|name| Variable::Env(name.into())).ok_or_else(unknown)
}

/// A piece of a text with variables in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TextPart {
    /// Literal text.
    Text(String),
    /// A variable to fill in.
    Variable(Variable),
}

/// A text split at its variables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct VariableText(Vec<TextPart>);

impl VariableText {
    /// Its pieces, in order; no two texts are adjacent, and none is empty.
    pub fn parts(&self) -> &[TextPart] {
        &self.0
    }

    /// The variables in it.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.0.iter().filter_map(|part| match part {
            TextPart::Text(_) => None,
            TextPart::Variable(variable) => Some(variable),
        })
    }

    /// The text with each variable replaced by what `value` returns for it.
    pub fn filled<E>(&self, mut value: impl FnMut(&Variable) -> Result<String, E>) -> Result<String, E> {
        self.0.iter().try_fold(String::new(), |mut text, part| {
            match part {
                TextPart::Text(part) => text.push_str(part),
                TextPart::Variable(variable) => text.push_str(&value(variable)?),
            }
            Ok(text)
        })
    }
}

impl FromStr for VariableText {
    type Err = Faults;

    fn from_str(text: &str) -> Result<Self, Faults> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, behind) = after
                .split_once("}}")
                .ok_or_else(|| Faults::single("", "has a {{ that no }} ends"))?;
            if !before.is_empty() {
                parts.push(TextPart::Text(before.to_owned()));
            }
            parts.push(TextPart::Variable(name.parse()?));
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(TextPart::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_split_at_its_variables() {
        let text: VariableText = "entity = {{ config.tenantId }} and day = {{date.today()}}{{env.SHIFT}}"
            .parse()
            .unwrap();
        let expected = [
            TextPart::Text("entity = ".to_owned()),
            TextPart::Variable(Variable::TenantId),
            TextPart::Text(" and day = ".to_owned()),
            TextPart::Variable(Variable::Today),
            TextPart::Variable(Variable::Env("SHIFT".into())),
        ];
        assert_eq!(text.parts(), expected);
        assert_eq!(text.variables().count(), 3);
    }

    #[test]
    fn an_unknown_variable_is_refused_by_name() {
        for text in [
            "{{date.tomorrow()}}",
            "{{}}",
            "{{env.}}",
            "{{env.A-B}}",
            "{{env.1A}}",
            "a {{ b",
            "{{{{env.A}}}}",
        ] {
            assert!(text.parse::<VariableText>().is_err(), "{text}");
        }
        let fault = "x {{patient.id}}".parse::<VariableText>().unwrap_err().to_string();
        assert!(fault.contains("{{patient.id}}") && fault.contains("date.today()"), "{fault}");
    }

    proptest! {
        #[test]
        fn a_text_without_variables_stays_unchanged(text in "[^{]*") {
            let read: VariableText = text.parse().unwrap();
            let filled = read.filled(|_| Err::<String, ()>(())).unwrap();
            prop_assert_eq!(filled, text);
        }

        #[test]
        fn filling_in_replaces_each_variable_by_its_value(before in "[a-z =]*", between in "[a-z =]*", value in "\\PC*") {
            let text = format!("{before}{{{{date.now()}}}}{between}{{{{env.X}}}}");
            let read: VariableText = text.parse().unwrap();
            let filled = read.filled(|_| Ok::<_, ()>(value.clone())).unwrap();
            prop_assert_eq!(filled, format!("{before}{value}{between}{value}"));
        }

        #[test]
        fn parsing_variables_never_panics(text in "\\PC*") {
            let _ = text.parse::<VariableText>();
        }
    }
}
