//! Reads messages as often as told, for the comparison in `benches/reading`: `read_many ours|mail-parser ROUNDS FILE…`.
//! Prints messages read, seconds taken and the most memory held (bytes), as JSON.
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::hint::black_box;
use std::time::Instant;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let reader = arguments.next().expect("ours or mail-parser");
    let rounds: usize = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .expect("rounds");
    let messages: Vec<Vec<u8>> = arguments
        .map(|file| std::fs::read(file).expect("a message"))
        .collect();
    let read = |bytes: &[u8]| match reader.as_str() {
        "ours" => {
            let _ = black_box(madoguchi_mime::decode(black_box(bytes)));
        }
        _ => {
            // What a program needs that wants the text and the files: parsing alone leaves the work to later.
            if let Some(message) = mail_parser::MessageParser::default().parse(black_box(bytes)) {
                black_box(message.body_text(0));
                for attachment in message.attachments() {
                    black_box(attachment.contents().len());
                }
            }
        }
    };
    // Patterns are compiled on first use; that is no part of reading the 500th message.
    for bytes in messages.iter().filter(|bytes| bytes.len() < 1 << 20) {
        read(bytes);
    }
    let begun = Instant::now();
    for _ in 0..rounds {
        for bytes in &messages {
            read(bytes);
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{{\"messages\": {}, \"seconds\": {seconds}, \"peak\": {}}}",
        rounds * messages.len(),
        peak()
    );
}

/// The most memory this process held (`VmHWM`).
fn peak() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .unwrap_or_default()
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}
