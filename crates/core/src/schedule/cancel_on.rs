//! Reads the rules of `cancelOn`.

use serde_json::Value;

use super::cancel::{CancelAction, CancelRule};
use crate::fault::Faults;
use crate::fields::Fields;
use crate::id::EventType;

const MAX_RULES: usize = 20;

/// Reads the rules of a schedule; faults are placed below `/cancelOn`.
pub(super) fn read(fields: &mut Fields<'_>) -> Vec<CancelRule> {
    let written = fields.list("cancelOn");
    if written.len() > MAX_RULES {
        fields.faults().add("/cancelOn", format!("must be at most {MAX_RULES} rules"));
    }
    let mut rules = Vec::new();
    for (at, item) in written.iter().enumerate() {
        match parse_rule(item) {
            Ok(rule) => rules.push(rule),
            Err(found) => fields.faults().add_below(&format!("/cancelOn/{at}"), found),
        }
    }
    rules
}

fn parse_rule(item: &Value) -> Result<CancelRule, Faults> {
    let object = item.as_object();
    let object = object.ok_or_else(|| Faults::single("", "must be an object with eventTypes and matchKeys"))?;
    let mut fields = Fields::of(object);
    let event_types = fields.texts("eventTypes").into_iter().map(EventType::new).collect();
    let match_keys = fields.texts("matchKeys");
    let action = parse_action(&mut fields);
    let mut faults = fields.into_faults("a rule of cancelOn");
    match CancelRule::new(event_types, match_keys, action) {
        Ok(rule) => faults.into_result(rule),
        Err(found) => {
            faults.add_below("", found);
            Err(faults)
        }
    }
}

fn parse_action(fields: &mut Fields<'_>) -> CancelAction {
    match fields.text("action") {
        None | Some("CANCEL") => CancelAction::Cancel,
        Some("RESCHEDULE") => CancelAction::Reschedule,
        Some(_) => {
            fields.faults().add("/action", "must be CANCEL or RESCHEDULE");
            CancelAction::Cancel
        }
    }
}
