//! Pure reading and writing of Internet messages (RFC 5322, MIME): no I/O, no clock.
//!
//! Reading goes down this list: [`source`](self) bytes are made regular, the parts are found, and everything
//! that is text (subject, names, file names, bodies) passes through **one** decoder, `charset`. Then `reply` finds what was newly
//! written and `marks` what speaks of a machine. Writing is `compose`.
//!
//! | module | subject |
//! | --- | --- |
//! | `decode` | bytes → [`InboundMessage`], the order of the steps |
//! | `source` | what is done before parsing: mbox line, byte order mark, bare CR |
//! | `field` | splitting a header block into fields |
//! | `charset`, `seven_bit`, `mojibake` | bytes → text, with or without a label |
//! | `words`, `params`, `address`, `ids` | RFC 2047, RFC 2231, address lists, message ids |
//! | `parts`, `structure`, `transfer`, `html`, `markup`, `flowed` | parts → body text and attachments |
//! | `wrapped`, `tnef`, `rtf`, `der`, `calendar`, `embedded`, `names` | what lies inside other things: `winmail.dat`, signatures, invitations, uuencode |
//! | `reply`, `patterns` | what the sender newly wrote |
//! | `bounce` | what a bounce reports |
//! | `marks` | signs of a machine |
//! | `compose` | [`OutboundMessage`] → bytes |
//!
//! [`InboundMessage`]: madoguchi_channel::InboundMessage
//! [`OutboundMessage`]: madoguchi_channel::OutboundMessage

mod address;
mod bounce;
mod calendar;
mod charset;
mod compose;
mod decode;
mod der;
mod embedded;
mod field;
mod flowed;
mod html;
mod ids;
mod marks;
mod markup;
mod mojibake;
mod names;
mod params;
mod parts;
mod patterns;
mod reply;
mod rtf;
mod seven_bit;
mod source;
mod structure;
mod tnef;
mod transfer;
mod words;
mod wrapped;

pub use compose::{ComposeError, Composed, Seal, compose};
pub use decode::{decode, files};
pub use html::html_to_text;
pub use marks::{MailFacts, kind, machine_marks};
pub use reply::reply_text;
