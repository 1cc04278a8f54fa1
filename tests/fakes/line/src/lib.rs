//! LINE on loopback, for tests.
