//! Madoguchi (窓口, "the counter"): the inquiry desk for public programmes.
//!
//! The map. One inquiry walks from left to right; nothing walks back.
//!
//! ```text
//! bots/<channel>  →  store::inbox  →  flow::triage  →  one commit  →  store::outbox  →  bots/<channel>
//!   raw bytes        durable first     domain judges     ticket,          retried,         delivered
//!                                                        clocks, events   never doubled
//! ```
//!
//! Where to start reading: `domain/mod.rs` (the judgements, pure), then `flow/triage.rs` (one inquiry in order), then
//! `cli/serve.rs` (what runs). `bots/channel` is the port every channel speaks; `faq/` is the code for `knowledge/`.

use clap::Parser;
use madoguchi::cli::{Cli, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("madoguchi: the runtime could not be started: {error}");
            return ExitCode::from(1);
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("madoguchi: {error:#}");
            ExitCode::from(1)
        }
    }
}
