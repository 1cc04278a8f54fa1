//! The use cases, in the order of one inquiry: receive, triage, commit, reply, send, clock. "flow gathers, domain judges".

pub mod ports;
