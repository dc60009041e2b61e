//! Any bytes as a form with a file, and as a page of files.
#![no_main]
bartizan_fuzz::target!(bartizan_wire::fuzz::multipart);
