//! Compiles scripts before they are saved.

use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_core::integration::{Script, Transformation};
use ig_transform::script::ScriptKind;
use ig_transform::{TransformError, Transformer};

use crate::error::ApiError;

/// A script with its JSON pointer and kind.
pub(super) type LocatedScript<'a> = (String, &'a Script, ScriptKind);

/// The faults of an organisation's scripts, by JSON pointer.
pub(super) async fn faults(transformer: &Transformer, org: OrgId, scripts: Vec<LocatedScript<'_>>) -> Result<Faults, ApiError> {
    let mut faults = Faults::default();
    for (pointer, script, kind) in scripts {
        match transformer.check(org, script.source(), kind).await {
            Ok(()) => {}
            Err(TransformError::Refused(refusal) | TransformError::Disabled(refusal, _)) => {
                faults.add(pointer, refusal.to_string());
            }
            Err(TransformError::Unavailable(reason)) => {
                tracing::warn!(reason, "scripts cannot be checked");
                return Err(ApiError::unavailable("Scripts cannot be checked now, please try again"));
            }
        }
    }
    Ok(faults)
}

/// The script of a transformation, if it has one.
pub(super) fn transformation_script(pointer: String, transformation: Option<&Transformation>) -> Option<LocatedScript<'_>> {
    match transformation? {
        Transformation::Script(script) => Some((pointer, script, ScriptKind::Transform)),
        Transformation::Simple(_) => None,
    }
}
