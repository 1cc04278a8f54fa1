//! IMAP in, SMTP out.
//!
//! Reading order: [`config`], [`EmailChannel`] (the channel), `receive` (which messages are taken, and when), `position` (what is
//! remembered of a folder), `mailbox` (the IMAP connection), `link` (sockets and TLS), `smtp`, `smtp_line`, `pace` (limits), `sign_in`, `token`
//! and `sasl` (who we are), [`fault`] (what can be wrong and what to do).

mod channel;
pub mod config;
pub mod fault;
mod folder;
mod https;
mod link;
mod mailbox;
mod pace;
mod position;
mod receive;
mod sasl;
mod sign_in;
mod smtp;
mod smtp_line;
mod token;

pub use channel::{Clock, EmailChannel};
pub use config::{
    EmailConfig, FirstConnection, Grant, ImapConfig, OAuth2Config, Secret, Security, SmtpConfig,
};
