//! Any bytes are read without a panic, without hanging, and in memory bounded by their own size.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts what is held at a time.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// An allocator cannot be written without `unsafe`; this one only counts and hands on. Nothing of it is in the program.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(held, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Times the size of a message that reading it may hold.
const MOST_TIMES: usize = 20;
/// What even an empty message may take.
const FLOOR: usize = 4 << 20;

static WARM: Once = Once::new();

/// Reads known messages, so that every pattern is compiled before anything is measured.
fn warm_up() {
    let dir = std::env::var_os("MADOGUCHI_FUZZ_WARM").expect("tests/fuzz/run names messages to begin with");
    for file in std::fs::read_dir(dir).expect("the messages to begin with") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("a message");
        let _ = madoguchi_mime::decode(&bytes);
    }
}

fuzz_target!(|bytes: &[u8]| {
    WARM.call_once(warm_up);
    let before = HELD.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let read = madoguchi_mime::decode(bytes);
    let held = PEAK.load(Ordering::Relaxed).saturating_sub(before);
    assert!(
        held <= bytes.len() * MOST_TIMES + FLOOR,
        "{held} bytes held for a message of {}",
        bytes.len()
    );
    if let Ok(message) = read {
        assert!(!message.text.contains('\0'), "NUL in the text");
        assert!(message.reply_text.len() <= message.text.len(), "more is new than there is");
        assert_eq!(madoguchi_mime::decode(bytes).as_ref(), Ok(&message), "not the same twice");
    }
});
