//! Compiled inbound integrations: the first call compiles one, and a change of its configuration invalidates it.

use std::collections::HashMap;
use std::sync::Arc;

use ig_core::configuration::Configuration;
use ig_core::fault::Faults;
use ig_core::id::{EventType, IntegrationId, OrgId};
use ig_core::inbound::{InboundIntegration, RouteName};
use ig_delivery::{ClientCheck, ProxyTemplate};
use ig_transform::CompiledShape;
use parking_lot::RwLock;
use tokio::sync::Semaphore;

/// The number of cached routes above which those without configuration are dropped.
const SWEEP_ABOVE: usize = 10_000;

/// A compiled inbound integration.
#[derive(Debug)]
pub(super) struct Route {
    /// The integration as configured.
    pub(super) integration: Arc<InboundIntegration>,
    /// Its name in logs and scripts.
    pub(super) event_type: EventType,
    /// The compiled parts, or why calls cannot be forwarded.
    pub(super) compiled: Result<CompiledRoute, String>,
    /// Permits for calls in flight.
    pub(super) permits: Arc<Semaphore>,
}

/// The compiled parts that forwarding a call takes.
#[derive(Debug)]
pub(super) struct CompiledRoute {
    pub(super) template: ProxyTemplate,
    pub(super) client: ClientCheck,
    pub(super) request: Option<CompiledShape>,
    pub(super) response: Option<CompiledShape>,
}

/// The cache of routes.
#[derive(Debug, Default)]
pub(super) struct Routes {
    cache: RwLock<HashMap<IntegrationId, Arc<Route>>>,
}

impl Routes {
    /// The integration with a name, active or not.
    pub(super) fn find(&self, configuration: &Configuration, org: OrgId, name: &RouteName) -> Option<Arc<Route>> {
        let integration = configuration.org(org)?.inbound(name)?;
        let known = self.cache.read().get(&integration.id).cloned();
        match known {
            Some(route) if Arc::ptr_eq(&route.integration, integration) => Some(route),
            earlier => Some(self.prepare(configuration, integration, earlier.as_deref())),
        }
    }

    fn prepare(
        &self,
        configuration: &Configuration,
        integration: &Arc<InboundIntegration>,
        earlier: Option<&Route>,
    ) -> Arc<Route> {
        let route = Arc::new(Route {
            integration: Arc::clone(integration),
            event_type: EventType::new(integration.route.as_str()),
            compiled: CompiledRoute::compile(integration).map_err(|faults| faults.to_string()),
            permits: permits(integration, earlier),
        });
        let mut cache = self.cache.write();
        cache.insert(integration.id, Arc::clone(&route));
        if cache.len() > SWEEP_ABOVE {
            cache.retain(|_, route| is_configured(configuration, &route.integration));
        }
        route
    }
}

impl CompiledRoute {
    fn compile(integration: &InboundIntegration) -> Result<Self, Faults> {
        let shape = |transformation: &Option<_>| {
            let compiled = transformation
                .as_ref()
                .map(|given| CompiledShape::compile(given, &[], integration.script_timeout));
            compiled.transpose()
        };
        Ok(Self {
            template: ProxyTemplate::compile(integration)?,
            client: ClientCheck::compile(&integration.client_auth)?,
            request: shape(&integration.request)?,
            response: shape(&integration.response)?,
        })
    }
}

/// Keeps the permits of an earlier route, so that a change of configuration still counts its calls in flight.
fn permits(integration: &InboundIntegration, earlier: Option<&Route>) -> Arc<Semaphore> {
    match earlier {
        Some(route) if route.integration.max_concurrency == integration.max_concurrency => Arc::clone(&route.permits),
        _ => Arc::new(Semaphore::new(integration.max_concurrency as usize)),
    }
}

fn is_configured(configuration: &Configuration, integration: &Arc<InboundIntegration>) -> bool {
    let org = configuration.org(integration.org_id);
    let current = org.and_then(|org| org.inbound(&integration.route));
    current.is_some_and(|current| Arc::ptr_eq(current, integration))
}
