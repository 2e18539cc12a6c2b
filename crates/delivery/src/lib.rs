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
mod whole_response;

pub use breaker::{BreakerDecision, CircuitBreakers};
pub use connector::{Resolve, ResolverFiles, SystemResolver};
pub use deliverer::{Deliverer, HostRefusal};
pub use egress::{AllowList, Blocked, EgressGuard, verdict};
pub use exchange::{Exchange, retry_after};
pub use limiter::{LimitDecision, Limiter};
pub use prepared::{Message, Prepared, Signed, masked as masked_headers};
pub use proxy::{
    BadAddress, BadSignature, BodyCapture, CallError, ClientCheck, ProxiedCall, Proxy, ProxyResponse, ProxyTemplate,
    ResponseBody, ResponseBodyError, SignedMessage, Upload, UploadBody, is_hop_by_hop, strip_origin_headers,
    strip_request_headers,
};
pub use security::{EgressConfig, SecurityConfig};
pub use template::{Template, is_reserved_header};
pub use tokens::Token;
pub use whole_response::{DataRequest, DataRequestError, DataResponse};
