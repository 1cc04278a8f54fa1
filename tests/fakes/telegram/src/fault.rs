//! What can be made to go wrong.

use serde_json::Value;

/// A fault on command.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The server refuses: error code and description.
    Refuse(u16, &'static str),
    /// 429 with the seconds to wait.
    TooMany(u64),
    /// A proxy answers in the server's place, with a page.
    BadGateway,
    /// The answer is not JSON.
    Garbage,
    /// The connection is cut, and nothing was done.
    CutBefore,
    /// It is done, and then the connection is cut.
    CutAfter,
    /// It is done, and answered in a form nobody knows yet.
    NewForm(Value),
}

/// A fault that waits for its call.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) method: String,
    pub(crate) fault: Fault,
    /// Calls that go well before.
    pub(crate) skip: usize,
    pub(crate) times: usize,
}
