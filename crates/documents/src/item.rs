//! The items of configuration that documents describe.

use std::fmt::Display;
use std::sync::Arc;

use ig_core::clock::Timestamp;
use ig_core::configuration::Change;
use ig_core::event_type::EventTypeDefinition;
use ig_core::id::{EventType, IntegrationId, OrgId, Rid, TemplateId};
use ig_core::inbound::InboundIntegration;
use ig_core::integration::{Hold, HoldCause, Integration};
use ig_core::job::Job;
use ig_core::organization::{OrgUnit, Organization};
use ig_core::template::Template;

use crate::resource::Stamp;

/// What every kind of configuration has.
pub trait ConfigurationItem: Clone + Send + Sync + 'static {
    /// Its identifier within its organisation.
    type Id: Clone + Display + Send + Sync;

    /// The organisation that owns it.
    fn org_id(&self) -> OrgId;

    /// Its identifier.
    fn id(&self) -> Self::Id;

    /// The revision of the configuration that last changed it.
    fn revision(&self) -> u64;

    /// When it was created and changed.
    fn stamp(&self) -> Stamp;

    /// The same at another revision.
    #[must_use]
    fn at_revision(self, revision: u64) -> Self;

    /// The same, last changed at another time.
    #[must_use]
    fn updated_at(self, at: Timestamp) -> Self;

    /// The change that stores it.
    fn put(self) -> Change;

    /// The change that deletes it.
    fn deletion(org: OrgId, id: Self::Id) -> Change;

    /// Whether it is active, and its hold; `None` for kinds that cannot be held.
    fn activity(&mut self) -> Option<(&mut bool, &mut Option<Hold>)> {
        None
    }

    /// The same as the successor of a stored item. A document sets whether an item is active, and never its hold.
    #[must_use]
    fn succeeding(mut self, stored: &Self) -> Self {
        let (mut stored, now) = (stored.clone(), self.stamp().updated_at);
        if let (Some((is_active, hold)), Some((was_active, held))) = (self.activity(), stored.activity()) {
            *hold = Hold::switched(held.take(), *was_active, *is_active, now);
        }
        self
    }

    /// Drops the state of a circuit breaker from an earlier version. The breaker's own record is gone, so nothing would close it.
    #[must_use]
    fn without_breaker(mut self) -> Self {
        if let Some((is_active, hold)) = self.activity()
            && hold.as_ref().is_some_and(|hold| hold.cause == HoldCause::CircuitOpen)
        {
            (*is_active, *hold) = (true, None);
        }
        self
    }
}

/// Implements [`ConfigurationItem`] for a type with the usual fields.
macro_rules! item {
    ($item:ident, $id:ident: $kind:ident, $put:expr, $delete:expr $(, $is_active:ident, $hold:ident)?) => {
        impl ConfigurationItem for $item {
            type Id = $kind;

            fn org_id(&self) -> OrgId {
                self.org_id
            }

            fn id(&self) -> $kind {
                self.$id.to_owned()
            }

            fn revision(&self) -> u64 {
                self.revision
            }

            fn stamp(&self) -> Stamp {
                let (created_at, updated_at) = (self.created_at, self.updated_at);
                Stamp { created_at, updated_at }
            }

            fn at_revision(self, revision: u64) -> Self {
                Self { revision, ..self }
            }

            fn updated_at(self, updated_at: Timestamp) -> Self {
                Self { updated_at, ..self }
            }

            fn put(self) -> Change {
                ($put)(self)
            }

            fn deletion(org: OrgId, id: $kind) -> Change {
                ($delete)(org, id)
            }

            $(
                fn activity(&mut self) -> Option<(&mut bool, &mut Option<Hold>)> {
                    Some((&mut self.$is_active, &mut self.$hold))
                }
            )?
        }
    };
}

item!(Organization, org_id: OrgId, Change::PutOrganization, |_, org| Change::DeleteOrganization(org));
item!(OrgUnit, rid: Rid, Change::PutUnit, Change::DeleteUnit);
item!(EventTypeDefinition, event_type: EventType, |item| Change::PutEventType(Arc::new(item)), Change::DeleteEventType);
item!(Template, id: TemplateId, |item| Change::PutTemplate(Arc::new(item)), Change::DeleteTemplate);
item!(Integration, id: IntegrationId, |item| Change::PutIntegration(Arc::new(item)), Change::DeleteIntegration, is_active, hold);
item!(InboundIntegration, id: IntegrationId, |item| Change::PutInbound(Arc::new(item)), Change::DeleteInbound, is_active, hold);
item!(Job, id: IntegrationId, |item| Change::PutJob(Arc::new(item)), Change::DeleteJob, is_active, hold);
