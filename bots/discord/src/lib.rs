//! Discord: direct messages, slash commands and buttons in, answers out.
//!
//! Reading order: [`config`], [`DiscordChannel`] (the channel), `gateway` (serenity's connection), `listen` (what it tells, sorted),
//! `intake` (into the inbox), `book` (which conversations there are), `decode` and `files` (what an arrival says), `send`, `encode`
//! and `split` (what goes out), `commands`, `rest` and `calls` (requests), [`fault`] (what can be wrong and what to do).

mod arrival;
mod book;
mod calls;
mod channel;
mod commands;
pub mod config;
mod decode;
mod encode;
pub mod fault;
mod files;
mod gateway;
mod handle;
mod intake;
mod listen;
mod pause;
mod rest;
mod send;
mod snowflake;
mod split;

pub use channel::DiscordChannel;
pub use config::{DiscordConfig, Secret};
pub use intake::Clock;
