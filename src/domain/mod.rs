//! The judgements of the desk: no I/O, no clock, no async, no logging. Everything here is a pure function of what it is handed.
//!
//! Reading order is the path of one inquiry: [`inquiry`] → [`screen`] → [`thread`] → [`route`] → [`decide`] → [`ticket`],
//! [`event`], [`article`] → [`calendar`], [`sla`].
#![deny(clippy::disallowed_methods)]

pub mod article;
pub mod calendar;
pub mod chat;
pub mod decide;
pub mod edit;
pub mod event;
pub mod file;
pub mod guard;
pub mod holidays;
pub mod ids;
pub mod inquiry;
pub mod language;
pub mod route;
pub mod screen;
pub mod sender;
pub mod several;
pub mod sla;
pub mod text;
pub mod thread;
pub mod ticket;
pub mod token;
pub mod undeliverable;
