//! The code for `knowledge/`, in the order a file takes through it: [`load`] reads it, [`check`] lints it, [`analyse`] cuts text
//! into terms, [`index`] holds the phrasings (tantivy, in memory), `retrieve` finds the few worth a closer look, [`outside`] names what is not answered, [`kinds`] tells what is asked for, [`classify`] learns what tells entries apart, [`search`] ranks entries, [`alarm`] hears what
//! must never be answered by an entry, [`calibrate`] and [`adapt`] say how sure to be,
//! [`eval`] measures, [`library`] swaps versions while serving,
//! [`parallel`] uses all cores.

pub mod adapt;
pub mod alarm;
pub mod analyse;
pub mod calibrate;
pub mod check;
pub mod classify;
pub mod eval;
pub mod features;
pub mod index;
pub mod kinds;
pub mod library;
pub mod load;
pub mod model;
pub mod outside;
pub mod parallel;
pub mod port;
pub mod problem;
mod retrieve;
pub mod search;
pub mod small_talk;

pub use index::{Confirmed, Index};
pub use library::{Library, Reload};
pub use load::{Knowledge, Problem, Severity};
pub use search::Question;
