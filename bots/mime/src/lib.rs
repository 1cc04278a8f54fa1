//! Pure reading and writing of Internet messages (RFC 5322, MIME): no I/O, no clock.
//!
//! Reading order: [`decode`] (bytes → [`InboundMessage`](madoguchi_channel::InboundMessage)), `charset` (bytes → text, one decoder for every
//! place), `marks` (machine or person), `reply` (what was newly written), [`compose`] (the way out).

mod charset;
mod compose;
mod decode;
mod marks;
mod reply;

pub use compose::{ComposeError, Composed, compose};
pub use decode::decode;
pub use marks::kind;
pub use reply::reply_text;
