//! Source files without what people write into them for people, and documentation without the code that it quotes.

/// Of comments, one of so many stays: code has some.
const KEPT: usize = 8;

/// A source file without most lines that are comments, and without strings over several lines that document something.
pub fn uncommented(text: &str) -> String {
    let (mut out, mut inside, mut seen) = (String::with_capacity(text.len()), None::<&str>, 0_usize);
    for line in text.lines() {
        let start = line.trim_start();
        if let Some(end) = inside {
            if start.contains(end) {
                inside = None;
            }
            continue;
        }
        let opens = [("/*", "*/"), ("\"\"\"", "\"\"\""), ("'''", "'''"), ("=pod", "=cut"), ("=head", "=cut")].into_iter();
        let mut opens = opens.filter(|(open, _)| start.starts_with(open));
        if let Some((open, end)) = opens.next() {
            let closed = start.get(open.len()..).is_some_and(|rest| rest.contains(end));
            inside = (!closed).then_some(end);
            continue;
        }
        let comment = ["//", "# ", "#!", "* ", "--", ";;"].iter().any(|mark| start.starts_with(mark)) || start == "#";
        seen += usize::from(comment);
        if !comment || seen.is_multiple_of(KEPT) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// A text without the blocks of code that it shows between fences.
pub fn unquoted(text: &str) -> String {
    let (mut out, mut inside) = (String::with_capacity(text.len()), false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
