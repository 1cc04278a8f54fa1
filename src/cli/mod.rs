//! stub

pub mod knowledge;
