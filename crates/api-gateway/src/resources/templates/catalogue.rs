//! The built-in templates.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::document::TemplateDocument;

const SOURCES: [&str; 9] = [
    include_str!("../../../templates/signed-webhook.json"),
    include_str!("../../../templates/slack-message.json"),
    include_str!("../../../templates/teams-message.json"),
    include_str!("../../../templates/whatsapp-reminder.json"),
    include_str!("../../../templates/fhir-appointment.json"),
    include_str!("../../../templates/api-proxy.json"),
    include_str!("../../../templates/signed-callback.json"),
    include_str!("../../../templates/daily-query.json"),
    include_str!("../../../templates/failed-deliveries.json"),
];

/// The built-in templates. Unreadable ones are left out, and a test ensures that there are none.
static CATALOGUE: LazyLock<Vec<TemplateDocument>> = LazyLock::new(|| SOURCES.iter().filter_map(|source| read(source)).collect());

/// All built-in templates.
pub(super) fn all() -> &'static [TemplateDocument] {
    &CATALOGUE
}

/// The built-in template with an identifier.
pub(super) fn find(id: &str) -> Option<&'static TemplateDocument> {
    CATALOGUE.iter().find(|template| template.id.as_deref() == Some(id))
}

fn read(source: &str) -> Option<TemplateDocument> {
    let mut template: Map<String, Value> = serde_json::from_str(source).ok()?;
    template.insert("builtIn".to_owned(), json!(true));
    serde_json::from_value(Value::from(template)).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ig_core::id::{OrgId, TemplateId};

    use ig_documents::ResourceDocument as _;

    use super::*;
    use crate::document::Compilers;
    use crate::resources::creation_stamp;

    #[test]
    fn every_built_in_template_is_readable_and_valid() {
        assert_eq!(all().len(), SOURCES.len());
        let names: BTreeSet<_> = all().iter().filter_map(|template| template.id.as_deref()).collect();
        assert_eq!(names.len(), SOURCES.len());
        for template in all() {
            let own = TemplateDocument {
                id: None,
                built_in: None,
                ..template.clone()
            };
            let checked = own.into_item(OrgId(1), TemplateId([0; 12]), creation_stamp(), &Compilers);
            assert!(checked.is_ok(), "{:?}: {checked:?}", template.id);
        }
    }
}
