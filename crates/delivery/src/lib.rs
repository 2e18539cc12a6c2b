#![doc = include_str!("../README.md")]

mod breaker;
mod connector;
mod deliverer;
mod egress;
mod exchange;
mod limiter;
mod prepared;
mod proxy;
mod security;
mod signature;
mod template;
mod tokens;

pub use breaker::{CircuitBreakers, Passage};
pub use connector::{NameFiles, Resolve, SystemResolver};
pub use deliverer::Deliverer;
pub use egress::{Allow, Blocked, EgressGuard, verdict};
pub use exchange::{Exchange, retry_after};
pub use limiter::{Limiter, Taken};
pub use prepared::{Message, Prepared, Signed, masked as masked_headers};
pub use proxy::{
    Answered, AnsweredBody, BadAddress, BadSignature, Broken, CallError, ClientCheck, Keeping, ProxiedCall, Proxy, ProxyTemplate,
    SignedMessage, Upload, Uploading, end_to_end, is_hop_by_hop, within_origin,
};
pub use security::{EgressConfig, SecurityConfig};
pub use template::{Template, is_reserved_header};
pub use tokens::Token;
