//! Makes a data folder with a log of COUNT entries, for judges in other languages.
//! `cargo run -p bartizan-store --example make_log FOLDER COUNT`

use std::sync::Arc;

use bartizan_ledger::{Appended, Entry, Record};
use bartizan_store::{DataDir, Options};
use bartizan_vocabulary::Timestamp;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(folder), Some(count)) = (words.next(), words.next()) else { return Err("usage: make_log FOLDER COUNT".into()) };
    let count: i64 = count.parse()?;
    let time = |micros: i64| Timestamp::from_micros(1_790_000_000_000_000 + micros);
    let dir = DataDir::open(folder.as_ref(), Options::new(Arc::new(move || time(0))))?;
    for number in 0..count {
        let entry = Entry::Config { time: time(number), version: format!("sha256:{number:064x}") };
        if let Appended::Done(result) = dir.journal().append(&Record { entry, detail: None }) {
            result?;
        }
    }
    dir.flush()?;
    println!("{}", dir.verifier_key());
    Ok(())
}
