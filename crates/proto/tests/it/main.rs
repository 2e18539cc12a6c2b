//! What goes over the wire comes back as it went, and what cannot be understood is refused.

mod arbitrary;
mod dlq;
mod refusals;
mod round_trip;
