//! From the database's errors to [`StoreError`]: what must wait, and what is a fault.

use crate::flow::ports::StoreError;

/// SQLite's primary result codes (<https://www.sqlite.org/rescode.html>) that mean "not now".
fn unavailable(primary: u32) -> Option<&'static str> {
    match primary {
        5 | 6 => Some("another process holds the database; stop it or wait"),
        8 => Some("the database file or its disk is read-only; check its owner and the mount"),
        10 => Some("the disk reports an error or is full; check the disk"),
        13 => Some("the disk is full; make room"),
        14 => Some("the database file cannot be opened; check the directory and its owner"),
        _ => None,
    }
}

/// Puts a database error into words. The text never holds a value that was bound.
pub(crate) fn from_sqlx(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(database) => {
            let primary = database
                .code()
                .and_then(|code| code.parse::<u32>().ok())
                .map(|extended| extended & 0xff);
            match primary.and_then(unavailable) {
                Some(advice) => {
                    StoreError::Unavailable(format!("{advice} ({})", database.message()))
                }
                None => StoreError::Other(database.message().to_owned()),
            }
        }
        sqlx::Error::PoolTimedOut => StoreError::Unavailable(
            "every connection is busy; the disk may be very slow".to_owned(),
        ),
        sqlx::Error::PoolClosed => StoreError::Unavailable("the store is closed".to_owned()),
        sqlx::Error::Io(io) => StoreError::Unavailable(format!("the disk reports: {io}")),
        _ => StoreError::Other(error.to_string()),
    }
}

/// A stored value that this program cannot read.
pub(crate) fn unreadable(what: &str, value: &str) -> StoreError {
    StoreError::Other(format!("the database holds an unknown {what}: {value:?}"))
}

/// JSON that could not be written or read.
pub(crate) fn json(what: &'static str) -> impl Fn(serde_json::Error) -> StoreError {
    // The position is named, the content never: it may be personal data.
    move |error| {
        StoreError::Other(format!(
            "{what} is no valid JSON of its kind (line {}, column {})",
            error.line(),
            error.column()
        ))
    }
}

/// A file operation failed.
pub(crate) fn file(what: &str, path: &std::path::Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("{what} {}: {error}", path.display()))
}
