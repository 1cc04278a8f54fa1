//! What the desk remembers: the ports of [`crate::flow::ports`] on a database.
//!
//! [`sqlite`] is the embedded default. `tests/store_conformance` says what every implementation promises.

mod error;
pub mod sqlite;
pub mod vault;

pub use sqlite::SqliteStore;
pub use sqlite::backup::{RestoreReport, new_installation_id, restore};
