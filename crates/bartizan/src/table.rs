//! Tables that are read row by row. CSV for now (RFC 4180, any one-byte delimiter); another form is another [`Rows`].

use std::io::{BufRead, Read};

use anyhow::{Context, Result, bail, ensure};

/// Longest row, in bytes.
const LONGEST: usize = 1 << 20;

/// A table: the seam where another form than CSV comes in.
pub trait Rows {
    /// The names of its columns.
    fn columns(&self) -> &[String];

    /// Reads the next row; false at the end.
    ///
    /// # Errors
    /// When it cannot be read, or is not of the table's form.
    fn next(&mut self, row: &mut Vec<String>) -> Result<bool>;

    /// How many bytes of the file were read.
    fn read(&self) -> u64;
}

/// The number of a column by its name, or by `#` and its number from 1.
///
/// # Errors
/// When there is none, or several have that name.
pub fn column(columns: &[String], wanted: &str) -> Result<usize> {
    let named: Vec<usize> = columns.iter().enumerate().filter(|(_, name)| name.trim() == wanted).map(|(index, _)| index).collect();
    if let [index] = named.as_slice() {
        return Ok(*index);
    }
    ensure!(named.is_empty(), "{} columns are called `{wanted}`; name one by its number, such as `#2`", named.len());
    let number = wanted.strip_prefix('#').and_then(|number| number.parse::<usize>().ok());
    match number.and_then(|number| number.checked_sub(1)).filter(|index| *index < columns.len()) {
        Some(index) => Ok(index),
        None => bail!(
            "there is no column `{wanted}`; the table has {}",
            columns.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// A table as CSV.
pub struct Csv<R> {
    input: R,
    delimiter: u8,
    columns: Vec<String>,
    read: u64,
    line: u64,
    fields: Vec<Vec<u8>>,
}

/// Where in a row the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Where a field begins.
    Start,
    /// In a field without quotation marks.
    Plain,
    /// Between quotation marks.
    Quoted,
    /// Behind a quotation mark that may end the field.
    Mark,
}

impl<R: BufRead> Csv<R> {
    /// Reads the first line, which names the columns.
    ///
    /// # Errors
    /// When it cannot be read, or there is none.
    pub fn new(input: R, delimiter: u8) -> Result<Self> {
        let mut csv = Self { input, delimiter, columns: Vec::new(), read: 0, line: 1, fields: Vec::new() };
        let mut columns = Vec::new();
        ensure!(csv.row(&mut columns)?, "the table is empty; its first line must name the columns");
        if let Some(first) = columns.first_mut()
            && let Some(rest) = first.strip_prefix('\u{feff}')
        {
            *first = rest.trim_matches('"').to_owned();
        }
        csv.columns = columns;
        Ok(csv)
    }

    fn row(&mut self, row: &mut Vec<String>) -> Result<bool> {
        let line = self.line;
        let mut count = 0;
        let mut any = false;
        let mut at = At::Start;
        let mut length = 0;
        loop {
            let buffer = self.input.fill_buf().context("the table cannot be read")?;
            if buffer.is_empty() {
                ensure!(at != At::Quoted, "line {line}: a quotation mark is not closed");
                break;
            }
            let mut used = 0;
            let mut ended = false;
            for byte in buffer {
                used += 1;
                self.line += u64::from(*byte == b'\n');
                if at != At::Quoted && *byte == b'\n' {
                    ended = true;
                    break;
                }
                any = true;
                at = take(&mut self.fields, &mut count, at, *byte, self.delimiter);
            }
            self.input.consume(used);
            self.read += used as u64;
            length += used;
            ensure!(length <= LONGEST, "line {line}: a row is longer than 1 MiB; is a quotation mark left open?");
            if ended {
                if any {
                    break;
                }
                // An empty line.
                length = 0;
            }
        }
        if any { self.hand_over(row, count + 1, line).map(|()| true) } else { Ok(false) }
    }

    fn hand_over(&mut self, row: &mut Vec<String>, count: usize, line: u64) -> Result<()> {
        self.fields.resize_with(count.max(self.fields.len()), Vec::new);
        row.resize_with(count, String::new);
        for (index, (field, out)) in self.fields.iter_mut().zip(row.iter_mut()).enumerate() {
            if index + 1 == count && field.last() == Some(&b'\r') {
                field.pop();
            }
            let text = std::str::from_utf8(field);
            let text = text.with_context(|| format!("line {line}, field {}: this is not UTF-8; convert the table first", index + 1))?;
            out.clear();
            out.push_str(text);
            field.clear();
        }
        Ok(())
    }
}

/// Takes a byte of a row in; `count` fields are complete.
fn take(fields: &mut Vec<Vec<u8>>, count: &mut usize, at: At, byte: u8, delimiter: u8) -> At {
    if fields.len() <= *count {
        fields.push(Vec::new());
    }
    let Some(field) = fields.get_mut(*count) else { return at };
    match (at, byte) {
        (At::Start, b'"') => At::Quoted,
        (At::Quoted, b'"') => At::Mark,
        (At::Start | At::Plain | At::Mark, _) if byte == delimiter => {
            *count += 1;
            At::Start
        }
        (At::Quoted, _) | (At::Mark, b'"') => {
            field.push(byte);
            At::Quoted
        }
        _ => {
            field.push(byte);
            At::Plain
        }
    }
}

impl<R: BufRead> Rows for Csv<R> {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn next(&mut self, row: &mut Vec<String>) -> Result<bool> {
        let line = self.line;
        if !self.row(row)? {
            return Ok(false);
        }
        let (is, should) = (row.len(), self.columns.len());
        ensure!(is == should, "line {line}: {is} fields where the first line has {should}; is the delimiter another one?");
        Ok(true)
    }

    fn read(&self) -> u64 {
        self.read
    }
}

/// A table on a file or on standard input.
///
/// # Errors
/// When it cannot be opened, or has no first line.
pub fn open(path: &std::path::Path, delimiter: u8) -> Result<Csv<std::io::BufReader<Box<dyn Read>>>> {
    let name = path.display();
    let input: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).with_context(|| format!("`{name}` cannot be read"))?)
    };
    Csv::new(std::io::BufReader::with_capacity(1 << 18, input), delimiter).with_context(|| format!("`{name}` cannot be read as CSV"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, delimiter: u8) -> Result<Vec<Vec<String>>> {
        // Small pieces, so that every state meets the end of one.
        let mut csv = Csv::new(std::io::BufReader::with_capacity(1, text.as_bytes()), delimiter)?;
        let mut rows = vec![csv.columns().to_vec()];
        let mut row = Vec::new();
        while csv.next(&mut row)? {
            rows.push(row.clone());
        }
        Ok(rows)
    }

    #[test]
    fn rows_are_read() {
        let table: &[(&str, u8, &[&[&str]])] = &[
            ("a,b\n1,2\n", b',', &[&["a", "b"], &["1", "2"]]),
            ("a,b\r\n1,2", b',', &[&["a", "b"], &["1", "2"]]),
            ("\u{feff}a;b\n\n1;\n;2\n", b';', &[&["a", "b"], &["1", ""], &["", "2"]]),
            ("\u{feff}\"a\"\n\"x \"\"y\"\"\nz, \"\n", b',', &[&["a"], &["x \"y\"\nz, "]]),
            ("a\tb\n\"\"\t5\" x\n", b'\t', &[&["a", "b"], &["", "5\" x"]]),
        ];
        for (text, delimiter, expected) in table {
            assert_eq!(read(text, *delimiter).unwrap(), *expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_table_is_refused() {
        for (text, says) in [
            ("", "is empty"),
            ("\n\n", "is empty"),
            ("a,b\n1,2\n1\n", "line 3: 1 fields where the first line has 2"),
            ("a\n\"x\n", "line 2: a quotation mark is not closed"),
        ] {
            let error = read(text, b',').unwrap_err();
            assert!(format!("{error:#}").contains(says), "{text:?}: {error:#}");
        }
        let bytes: &[u8] = b"a,b\n1,\xff\n";
        let mut csv = Csv::new(bytes, b',').unwrap();
        assert!(format!("{:#}", csv.next(&mut Vec::new()).unwrap_err()).contains("line 2, field 2: this is not UTF-8"));
    }

    #[test]
    fn columns_are_named() {
        let columns: Vec<String> = ["id", " name ", "x", "x"].map(str::to_owned).to_vec();
        assert_eq!(column(&columns, "name").unwrap(), 1);
        assert_eq!(column(&columns, "#4").unwrap(), 3);
        for (wanted, says) in
            [("x", "2 columns are called `x`"), ("#5", "no column `#5`"), ("#0", "no column"), ("mail", "the table has `id`")]
        {
            assert!(column(&columns, wanted).unwrap_err().to_string().contains(says), "{wanted}");
        }
    }
}
