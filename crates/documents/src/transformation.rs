//! The transformation of a payload, as clients write it: mappings or a script.

use ig_core::fault::Faults;
use ig_core::integration::{Script, SimpleMapping, Transformation};

use crate::checks::Checks;
use crate::choice::TransformationMode;
use crate::mapping::{MappingFields, MappingRule, StaticRule};
use crate::text::collect_faults;

/// The transformation fields of a document.
#[derive(Default)]
pub(crate) struct TransformationFields {
    pub mode: Option<TransformationMode>,
    pub rules: Option<Vec<MappingRule>>,
    pub statics: Option<Vec<StaticRule>>,
    pub passthrough: Option<bool>,
    pub script: Option<String>,
}

impl TransformationFields {
    /// Whether no field is set.
    pub(crate) fn is_silent(&self) -> bool {
        let Self {
            mode,
            rules,
            statics,
            passthrough,
            script,
        } = self;
        mode.is_none() && rules.is_none() && statics.is_none() && passthrough.is_none() && script.is_none()
    }

    /// The transformation; faults carry pointers into the document.
    pub(crate) fn into_domain(self, checks: &dyn Checks) -> Result<Transformation, Faults> {
        match self.mode.unwrap_or(TransformationMode::Simple) {
            TransformationMode::Simple => self.simple(checks),
            TransformationMode::Script => self.script(),
        }
    }

    fn simple(self, checks: &dyn Checks) -> Result<Transformation, Faults> {
        let Self {
            mode: _,
            rules,
            statics,
            passthrough,
            script,
        } = self;
        let mut faults = Faults::default();
        if script.is_some() {
            faults.add("/transformScript", "is for the transformationMode SCRIPT alone");
        }
        let mapped = MappingFields {
            rules,
            statics,
            passthrough,
        };
        let mapping = collect_faults(&mut faults, "", mapped.into_domain(checks));
        faults.into_result(Transformation::Simple(mapping.unwrap_or_else(SimpleMapping::identity)))
    }

    fn script(self) -> Result<Transformation, Faults> {
        let mut faults = Faults::default();
        let out_of_place = [
            ("/fieldMappings", self.rules.is_some_and(|rules| !rules.is_empty())),
            ("/staticFields", self.statics.is_some_and(|statics| !statics.is_empty())),
            ("/passthrough", self.passthrough.is_some()),
        ];
        for (pointer, _) in out_of_place.into_iter().filter(|(_, given)| *given) {
            faults.add(pointer, "is for the transformationMode SIMPLE alone");
        }
        let Some(source) = self.script else {
            faults.add("/transformScript", "is required with the transformationMode SCRIPT");
            return Err(faults);
        };
        match collect_faults(&mut faults, "/transformScript", Script::new(&source)) {
            Some(script) => faults.into_result(Transformation::Script(script)),
            None => Err(faults),
        }
    }
}

impl From<Transformation> for TransformationFields {
    fn from(transformation: Transformation) -> Self {
        match transformation {
            Transformation::Simple(mapping) => {
                let MappingFields {
                    rules,
                    statics,
                    passthrough,
                } = mapping.into();
                Self {
                    mode: Some(TransformationMode::Simple),
                    rules,
                    statics,
                    passthrough,
                    script: None,
                }
            }
            Transformation::Script(script) => Self {
                mode: Some(TransformationMode::Script),
                script: Some(script.source().to_string()),
                ..Self::default()
            },
        }
    }
}
