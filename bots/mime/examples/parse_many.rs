//! The same files as `read_many`, through `mail-parser` alone: structure and decoded bodies, nothing understood.

use mail_parser::{MessageParser, MimeHeaders};
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
            if let Some(message) = MessageParser::default().parse(&bytes) {
                sum += message.subject().map_or(0, str::len);
                sum += message.body_text(0).map_or(0, |t| t.len());
                for attachment in message.attachments() {
                    sum += attachment.len() + attachment.attachment_name().map_or(0, str::len);
                }
            }
            read += 1;
        }
    }
    writeln!(std::io::stdout(), "{read} {sum}")
}
