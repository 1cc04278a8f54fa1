//! One arrival, any bytes: reading it never panics, gives text within bounds, and needs memory and time in proportion.
//!
//! The first byte chooses what is tried: 1 reply text, 2 HTML, 3 the rest over and over (what costs the square of its size
//! runs into libFuzzer's time limit then); else the bytes are a message.

#![no_main]

mod memory;

use libfuzzer_sys::fuzz_target;
use std::sync::Once;

#[global_allocator]
static COUNTING: memory::Counting = memory::Counting;

/// Memory any reading may take, however short the message: the tables of patterns keep caches that grow as they are used.
const FLOOR: usize = 6 << 20;
/// Memory a reading may take for each byte of the message.
const PER_BYTE: usize = 20;
/// What a repeated input is filled up to.
const REPEATED: usize = 128 << 10;

static TABLES: Once = Once::new();

fuzz_target!(|data: &[u8]| {
    TABLES.call_once(warm_up);
    match data {
        [1, text @ ..] => {
            let text = String::from_utf8_lossy(text);
            bounded(text.len(), || madoguchi_mime::reply_text(&text).len());
        }
        [2, html @ ..] => {
            let html = String::from_utf8_lossy(html);
            bounded(html.len(), || madoguchi_mime::html_to_text(&html).len());
        }
        [3, piece @ ..] if !piece.is_empty() => {
            let all: Vec<u8> = piece.iter().copied().cycle().take(REPEATED).collect();
            read(&all);
        }
        all => read(all),
    }
});

/// Tables of patterns are compiled at their first use; what they hold is not the message's.
fn warm_up() {
    for seed in include_str!("warm-up.txt").split("\n=====\n") {
        let _ = madoguchi_mime::decode(seed.as_bytes());
        let _ = madoguchi_mime::reply_text(seed);
    }
}

fn read(bytes: &[u8]) {
    bounded(bytes.len(), || {
        let Ok(message) = madoguchi_mime::decode(bytes) else {
            return 0;
        };
        assert!(
            message
                .attachments
                .iter()
                .all(|a| a.size <= bytes.len() * 20 + FLOOR),
            "an attachment larger than the message can hold"
        );
        for name in message.attachments.iter().filter_map(|a| a.name.as_deref()) {
            assert!(
                !name.contains(['\0', '\n', '\r']),
                "a file name with a control character"
            );
        }
        assert!(!message.text.contains('\0'), "a NUL in the text");
        message.text.len() + message.reply_text.len() + message.subject.map_or(0, |s| s.len())
    });
}

/// Does `work`, which gives the length of a result, and looks at what it took.
fn bounded(input: usize, work: impl FnOnce() -> usize) {
    let (length, peak) = memory::peak_of(work);
    assert!(
        length <= input * 20 + (64 << 10),
        "{length} bytes of text out of {input}"
    );
    assert!(
        peak <= input * PER_BYTE + FLOOR,
        "{peak} bytes of memory for a message of {input}"
    );
}
