//! Tables that are read row by row: CSV (RFC 4180, any one-byte delimiter) and Parquet. Another form is another [`Rows`].

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use bartizan_extract::{Limit, ParquetTable, Reason, RowFault, Source};

/// Longest row, in bytes.
const LONGEST: usize = 1 << 20;

/// A table: the seam where another form than CSV comes in.
pub trait Rows {
    /// The names of its columns.
    fn columns(&self) -> &[String];

    /// Says before the first row which columns are wanted. The others may stay empty.
    ///
    /// # Errors
    /// When one of them has no single text in a row.
    fn choose(&mut self, columns: &[usize]) -> Result<()>;

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

    fn choose(&mut self, _columns: &[usize]) -> Result<()> {
        Ok(())
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

/// A table as Parquet, of which only the chosen columns are read.
struct Parquet {
    table: ParquetTable<OnDisk>,
    /// Bytes of the file, as far as its rows go.
    size: u64,
    row: u64,
}

/// A file that is read here and there.
struct OnDisk {
    file: File,
    size: u64,
}

impl Source for OnDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn bytes(&mut self, at: u64, len: usize) -> Option<Cow<'_, [u8]>> {
        // What a file says of itself takes no more memory than the file has bytes.
        let within = at.checked_add(len as u64).is_some_and(|end| end <= self.size);
        let mut bytes = vec![0; if within { len } else { return None }];
        self.file.read_exact_at(&mut bytes, at).ok().map(|()| Cow::Owned(bytes))
    }
}

impl Rows for Parquet {
    fn columns(&self) -> &[String] {
        self.table.columns()
    }

    fn choose(&mut self, columns: &[usize]) -> Result<()> {
        if let Some(repeated) = columns.iter().find(|column| self.table.is_repeated(**column)) {
            let name = self.table.columns().get(*repeated).map_or("", String::as_str);
            bail!("the column `{name}` holds lists or maps, of which a row has any number; give a table with one value a row");
        }
        self.table.choose(columns);
        Ok(())
    }

    fn next(&mut self, row: &mut Vec<String>) -> Result<bool> {
        let next = self.table.next(row).map_err(|fault| of_row(&fault))?;
        self.row += u64::from(next);
        let longest = row.iter().map(String::len).sum::<usize>();
        ensure!(longest <= LONGEST, "row {}: a row is longer than 1 MiB", self.row);
        Ok(next)
    }

    fn read(&self) -> u64 {
        let part = u128::from(self.size) * u128::from(self.row) / u128::from(self.table.rows().max(1));
        u64::try_from(part).unwrap_or(self.size).min(self.size)
    }
}

/// Why a row cannot be read, for people.
fn of_row(fault: &RowFault) -> anyhow::Error {
    let why = match fault.reason {
        Reason::Encrypted => "it is encrypted".to_owned(),
        Reason::Charset => "this is not UTF-8; convert the table first".to_owned(),
        Reason::Method => "it is packed or encoded in a way that is not read; write it with snappy, zstd, gzip, lz4 or nothing".to_owned(),
        Reason::Limit(Limit::Inflate) => format!("a page is larger than {} MiB", ParquetTable::<OnDisk>::MOST_PAGE >> 20),
        Reason::Limit(_) => "it says more of itself than is read".to_owned(),
        Reason::Ambiguous => "its pages are in another file".to_owned(),
        _ => "it is damaged".to_owned(),
    };
    anyhow!("row {}, column `{}`: {why}", fault.row, fault.column)
}

/// A table on a file or on standard input. The content decides whether it is Parquet; else it is CSV.
///
/// # Errors
/// When it cannot be opened, has no first line, or is Parquet that cannot be read.
pub fn open(path: &Path, delimiter: u8) -> Result<Box<dyn Rows>> {
    const BUFFER: usize = 1 << 18;
    let name = path.display();
    if path.as_os_str() == "-" {
        let mut input = BufReader::with_capacity(BUFFER, std::io::stdin());
        let parquet = input.fill_buf().is_ok_and(|bytes| bytes.starts_with(b"PAR1") && bytes.contains(&0));
        ensure!(!parquet, "standard input is Parquet, which is read from its end; name a file");
        return Ok(Box::new(Csv::new(input, delimiter).context("`-` cannot be read as CSV")?));
    }
    let opened = || format!("`{name}` cannot be read");
    let file = File::open(path).with_context(opened)?;
    let size = file.metadata().with_context(opened)?.len();
    if is_parquet(&file, size) {
        let table = ParquetTable::new(OnDisk { file, size }).with_context(|| format!("`{name}` cannot be read as Parquet"))?;
        return Ok(Box::new(Parquet { table, size, row: 0 }));
    }
    let input: Box<dyn Read> = Box::new(file);
    let csv = Csv::new(BufReader::with_capacity(BUFFER, input), delimiter);
    Ok(Box::new(csv.with_context(|| format!("`{name}` cannot be read as CSV"))?))
}

/// Whether a file begins as Parquet does, and with something that is no text.
fn is_parquet(file: &File, size: u64) -> bool {
    let mut head = [0; 64];
    let head = head.get_mut(..usize::try_from(size).unwrap_or(usize::MAX).min(64)).unwrap_or_default();
    // Of a pipe nothing can be read here and there.
    file.read_exact_at(head, 0).is_ok() && head.starts_with(b"PAR") && head.iter().any(|byte| *byte < b' ' && !byte.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, delimiter: u8) -> Result<Vec<Vec<String>>> {
        // Small pieces, so that every state meets the end of one.
        let mut csv = Csv::new(BufReader::with_capacity(1, text.as_bytes()), delimiter)?;
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
