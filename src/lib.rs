//! The desk as a library, so that tests come in by the same doors as `main`.

pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod faq;
pub mod flow;
pub mod mail_seal;
pub mod mail_trust;
pub mod prompts;
pub mod report;
pub mod store;
pub mod telemetry;
pub mod web;
pub mod workers;
