//! One file a command; the pure part of each is a function that tests call.

pub mod sla;
