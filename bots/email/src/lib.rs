//! IMAP in, SMTP out.
//!
//! Reading order: [`config`], [`EmailChannel`] (the channel), `receive` (which messages are taken, and when), `position` (what is
//! remembered of a folder), `mailbox` (the IMAP connection), `link` (sockets and TLS), `smtp`, [`fault`] (what can be wrong and what to do).

mod channel;
pub mod config;
pub mod fault;
mod folder;
mod link;
mod mailbox;
mod position;
mod receive;
mod smtp;
mod smtp_line;

pub use channel::{Clock, EmailChannel};
pub use config::{EmailConfig, FirstConnection, ImapConfig, Secret, Security, SmtpConfig};
