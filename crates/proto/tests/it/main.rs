//! Values survive the round trip over the wire, and invalid messages are refused.

mod arbitrary;
mod dlq;
mod refusals;
mod round_trip;
