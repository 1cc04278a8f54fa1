//! stub

pub mod backup;
