#![doc = include_str!("../README.md")]

mod connector;
mod deliverer;
mod egress;
mod exchange;
mod prepared;
mod security;
mod signature;
mod template;
mod tokens;

pub use connector::{Resolve, SystemResolver};
pub use deliverer::Deliverer;
pub use egress::{Allow, Blocked, EgressGuard, verdict};
pub use exchange::Exchange;
pub use prepared::{Message, Prepared, Signed};
pub use security::{EgressConfig, SecurityConfig};
pub use template::{Template, is_reserved_header};
pub use tokens::Token;
