//! The port every channel adapter speaks.
//!
//! A channel crate knows one protocol and nothing of tickets: it hands [`RawInbound`] bytes through the [`Door`], decodes
//! them (purely) to one [`InboundMessage`], and delivers one [`OutboundMessage`] at a time. The desk knows nothing of
//! protocols. Reading order: [`inbound`], [`outbound`], [`chat`], [`channel`].

pub mod channel;
pub mod chat;
pub mod inbound;
pub mod outbound;
pub mod secret;

pub use channel::{
    Channel, Cursor, Door, DoorError, Health, ReceiveError, Reconciliation, Stored, WebhookError,
};
pub use chat::{
    Alteration, AlterationKind, ChatArrival, ChatDeparture, Choice, Command, LONGEST_KEY, Presence,
    Press, ReplyHandle,
};
pub use inbound::{
    Attachment, DecodeError, DeliveryAction, DeliveryReport, InboundMessage, MachineMark, MarkKind,
    Party, RawInbound, ReportedRecipient,
};
pub use outbound::{Automatic, OutboundMessage, Receipt, SendError};
pub use secret::Secret;
