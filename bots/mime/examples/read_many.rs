//! Reads and understands every file named (or `-`: paths on standard input, one a line), again and again when asked to.
//! For `benches/reading/run`; prints how many messages were read, and a sum so that no work can be left out.
//!
//! `read_many ROUNDS FILE…`

use std::io::{BufRead, Write};

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let rounds = arguments.next().and_then(|r| r.to_str()?.parse().ok());
    let rounds: usize = rounds.unwrap_or(1);
    let mut paths: Vec<std::path::PathBuf> = arguments.map(Into::into).collect();
    if paths.first().is_some_and(|p| p.as_os_str() == "-") {
        paths = std::io::stdin()
            .lock()
            .lines()
            .map(|l| l.map(Into::into))
            .collect::<Result<_, _>>()?;
    }
    let (mut read, mut sum) = (0usize, 0usize);
    for _ in 0..rounds {
        for path in &paths {
            let bytes = std::fs::read(path)?;
            if let Ok(message) = madoguchi_mime::decode(&bytes) {
                sum += message.text.len() + message.reply_text.len() + message.marks.len();
                sum += message.attachments.iter().map(|a| a.size).sum::<usize>();
            }
            read += 1;
        }
    }
    writeln!(std::io::stdout(), "{read} {sum}")
}
