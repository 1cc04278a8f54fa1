//! The use cases, in the order of one inquiry: [`receive`], [`triage`], [`act`], [`reply`], [`send`], [`remind`].
//! "flow gathers, domain judges": what needs I/O is collected here, behind the traits in [`ports`].

pub mod act;
pub mod chat;
pub mod firsts;
pub mod letters;
pub mod office;
pub mod ports;
pub mod receive;
pub mod remind;
pub mod reply;
pub mod send;
pub mod ticketing;
pub mod triage;
