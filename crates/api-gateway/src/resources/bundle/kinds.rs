//! The sections of a document.

use ig_core::event_type::EventTypeDefinition;
use ig_core::inbound::InboundIntegration;
use ig_core::integration::Integration;
use ig_core::job::Job;
use ig_core::template::Template;

use super::kind::Kind;

impl Kind for Integration {
    const SECTION: &'static str = "outboundIntegrations";
    const KEY: &'static str = "name";
}

impl Kind for InboundIntegration {
    const SECTION: &'static str = "inboundIntegrations";
    const KEY: &'static str = "type";
}

impl Kind for Job {
    const SECTION: &'static str = "scheduledJobs";
    const KEY: &'static str = "name";
}

impl Kind for EventTypeDefinition {
    const SECTION: &'static str = "eventTypes";
    const KEY: &'static str = "eventType";
}

impl Kind for Template {
    const SECTION: &'static str = "templates";
    const KEY: &'static str = "name";
}
