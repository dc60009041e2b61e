//! Prints what is read from files: `cargo run -p bartizan-extract --example dump -- FILE…`

use std::error::Error;

use bartizan_extract::{Hint, Limits, extract};

fn main() -> Result<(), Box<dyn Error>> {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path)?;
        let started = std::time::Instant::now();
        let result = extract(&bytes, &Hint { media_type: None, file_name: Some(&path) }, &Limits::default());
        let took = started.elapsed();
        match result {
            Err(unreadable) => println!("== {path}: {unreadable} ({took:?})"),
            Ok(extracted) => {
                println!("== {path}: {} ({took:?})", extracted.kind.name());
                for segment in extracted.segments {
                    println!("[{}] {:?}\n{}", segment.place, segment.range, segment.text);
                }
                for unread in extracted.unread {
                    println!("-- not read: {} ({})", unread.place, unread.reason.name());
                }
            }
        }
    }
    Ok(())
}
