//! End-to-end, contract and architecture tests of Integration Gateway live in `it/`.
