//! `bartizan exact`: makes an index of a table, so that its values are found without being kept.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use bartizan_detect::exact::{Builder, Built, Exact, Refusal, Settings};
use bartizan_detect::known::IndexError;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::output::{Format, GOOD, print, print_json};
use crate::own_index::{MadeArgs, MadeKey, ShowArgs, key, key_path, peak_memory, read, seal, write};
use crate::progress::Meter;
use crate::table::{self, Rows};

/// Arguments of `bartizan exact`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  bartizan exact build customers.csv --primary account --with name,city -o customers.exact
  bartizan detect --exact customers.exact letter.txt")]
pub struct ExactArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Clone, Debug)]
enum What {
    /// Make an index of a table in CSV or Parquet.
    Build(BuildArgs),
    /// Say what an index is, and check that it is whole.
    #[command(after_help = "Example:
  bartizan exact show customers.exact")]
    Show(ShowArgs),
}

/// Arguments of `bartizan exact build`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  bartizan exact build staff.csv --primary badge -o staff.exact
  bartizan exact build customers.csv --primary account --with name,city -o customers.exact
  bartizan exact build customers.csv --primary name --with account,mail --need 1 --within 200 --most-rows 500 -o names.exact
  zcat table.csv.gz | bartizan exact build - --primary '#1' --delimiter tab --index-key keys/exact.key -o table.exact
The first line of the table names the columns. The index holds hashes under the key, never a value; whoever has both can try all
values of a small space, such as numbers of nine digits, so keep the key apart from the index. See docs/proprietary-data.md.")]
struct BuildArgs {
    /// The table; `-` is standard input.
    table: PathBuf,
    /// The column whose values are looked for, by name or as `#` and its number.
    #[arg(long, value_name = "COLUMN")]
    primary: String,
    /// Columns whose values confirm a find when they stand near it.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    with: Vec<String>,
    /// How many of them must; 1 where there are any.
    #[arg(long, value_name = "N")]
    need: Option<usize>,
    /// Within how many characters, before or behind.
    #[arg(long, value_name = "CHARS", default_value_t = Settings::default().within)]
    within: usize,
    /// Label of what is found.
    #[arg(long, value_name = "NAME", default_value_t = Settings::default().label)]
    label: String,
    /// Fewest letters and digits of a value.
    #[arg(long, value_name = "N", default_value_t = Settings::default().least)]
    least: usize,
    /// A value that stands in more rows is too common to be looked for.
    #[arg(long, value_name = "N", default_value_t = Settings::default().most_rows)]
    most_rows: usize,
    /// What parts the fields of a row: one character, or `tab`.
    #[arg(long, value_name = "CHAR", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
    #[command(flatten)]
    made: MadeArgs,
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        b"tab" | b"\\t" => Ok(b'\t'),
        _ => Err("give one ASCII character, or `tab`".to_owned()),
    }
}

/// Runs `bartizan exact`.
///
/// # Errors
/// When something cannot be read or written, or nothing is left to look for.
pub fn run(args: &ExactArgs) -> Result<u8> {
    match &args.what {
        What::Build(args) => build(args),
        What::Show(args) => show(args),
    }
}

/// An index for `detect`.
///
/// # Errors
/// When it cannot be read, is damaged, or was made with another key.
pub fn load(file: &std::path::Path, key_file: Option<&std::path::Path>) -> Result<Exact> {
    let key = key(&key_path(file, key_file)).with_context(|| format!("`{}` cannot be used", file.display()))?;
    Exact::load(read(file)?, &key).with_context(|| format!("`{}` cannot be used", file.display()))
}

fn build(args: &BuildArgs) -> Result<u8> {
    let mut rows = table::open(&args.table, args.delimiter)?;
    let primary = table::column(rows.columns(), &args.primary)?;
    let with = args.with.iter().map(|name| table::column(rows.columns(), name)).collect::<Result<Vec<_>>>()?;
    ensure!(!with.contains(&primary), "`{}` cannot confirm itself; leave it out of `--with`", args.primary);
    rows.choose(&[&[primary], with.as_slice()].concat())?;
    let settings = Settings {
        label: args.label.clone(),
        columns: with.len(),
        need: args.need.unwrap_or(usize::from(!with.is_empty())),
        within: args.within,
        least: args.least.max(1),
        most_rows: args.most_rows,
    };
    let key = args.made.key([args.table.as_path()])?;
    let builder = Builder::new(&key.key, settings.clone()).map_err(|error| of_settings(&error))?;
    let built = fill(builder, &mut *rows, primary, &with, args)?;
    write(&args.made.output, &built.bytes)?;
    match args.made.format {
        Format::Text => print(&(summary(args, &settings, &built) + &key.told("values")))?,
        format => print_json(format, &report(args, &settings, &built, &key))?,
    }
    Ok(GOOD)
}

fn report(args: &BuildArgs, settings: &Settings, built: &Built, key: &MadeKey) -> serde_json::Value {
    let refused: serde_json::Map<_, _> =
        Refusal::ALL.into_iter().zip(built.refused).map(|(refusal, count)| (name(refusal).to_owned(), count.into())).collect();
    json!({
        "file": args.made.output.display().to_string(),
        "label": settings.label,
        "rows": built.rows,
        "kept": built.kept,
        "repeated": built.repeated,
        "refused": refused,
        "columns": settings.columns,
        "need": settings.need,
        "within": settings.within,
        "bytes": built.bytes.len(),
        "key_file": key.path.display().to_string(),
        "key_made": key.new,
    })
}

/// A refusal in JSON.
const fn name(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Empty => "empty",
        Refusal::Short => "short",
        Refusal::Long => "long",
        Refusal::Common => "common",
        Refusal::Unconfirmed => "unconfirmed",
    }
}

fn fill(mut builder: Builder, rows: &mut dyn Rows, primary: usize, with: &[usize], args: &BuildArgs) -> Result<Built> {
    let name = args.table.display();
    let mut meter = Meter::new("rows", std::fs::metadata(&args.table).map_or(0, |meta| meta.len()));
    let mut row = Vec::new();
    let mut count = 0;
    let value = |row: &[String], index: usize| row.get(index).cloned().unwrap_or_default();
    while rows.next(&mut row).inspect_err(|_| meter.clear()).with_context(|| format!("`{name}` cannot be read"))? {
        let others: Vec<String> = with.iter().map(|index| value(&row, *index)).collect();
        builder.add(row.get(primary).map_or("", String::as_str), others.iter().map(String::as_str))?;
        count += 1;
        meter.tell(count, rows.read());
    }
    meter.clear();
    builder.finish().with_context(|| format!("`{name}` makes no index"))
}

/// What a setting out of its bounds means on the command line.
fn of_settings(error: &IndexError) -> anyhow::Error {
    anyhow::anyhow!(match error {
        IndexError::Field("label") =>
            "a label is dotted words of small letters below `proprietary.` or `custom.`, such as `proprietary.customers`",
        IndexError::Field("columns") => "at most 16 columns can confirm a find",
        IndexError::Field("need") => "`--need` asks for more values than `--with` names columns",
        IndexError::Field("within") => "`--within` is at most 2000 characters",
        IndexError::Field("most_rows") => "`--most-rows` lies between 1 and 1000",
        _ => "the settings cannot be used",
    })
}

fn reason(refusal: Refusal, settings: &Settings) -> String {
    match refusal {
        Refusal::Empty => "without a letter or digit".to_owned(),
        Refusal::Short => format!("shorter than {} letters and digits (`--least`)", settings.least),
        Refusal::Long => "longer than 120 bytes or 16 words".to_owned(),
        Refusal::Common => format!("with a value that stands in more than {} rows (`--most-rows`)", settings.most_rows),
        Refusal::Unconfirmed => format!("with fewer than {} values that could confirm them (`--need`)", settings.need),
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn summary(args: &BuildArgs, settings: &Settings, built: &Built) -> String {
    let size = built.bytes.len() as f64;
    let (file, values) = (args.made.output.display(), built.kept * (1 + settings.columns));
    let mut out = format!(
        "{file}: {} of {} rows as {}, {:.1} MB, {:.1} bytes a row and {:.1} a value{}\n",
        built.kept,
        built.rows,
        settings.label,
        size / 1e6,
        size / built.kept as f64,
        size / values as f64,
        peak_memory(),
    );
    if settings.need > 0 {
        out.push_str(&format!(
            "found beside {} of {} other values within {} characters\n",
            settings.need, settings.columns, settings.within
        ));
    }
    if built.repeated > 0 {
        out.push_str(&format!("{} rows say the same as another\n", built.repeated));
    }
    for (refusal, count) in Refusal::ALL.into_iter().zip(built.refused).filter(|(_, count)| *count > 0) {
        out.push_str(&format!("refused: {count} rows {}\n", reason(refusal, settings)));
    }
    out
}

fn show(args: &ShowArgs) -> Result<u8> {
    let exact = load(&args.file, args.index_key.as_deref())?;
    let (need, within) = exact.need();
    let others = if need > 0 { format!(", found beside {need} other values within {within} characters") } else { String::new() };
    let (file, seal) = (args.file.display(), seal(exact.digest()));
    match args.format {
        Format::Text => print(&format!("{file}: {} rows as {}{others}, whole, seal {seal}\n", exact.rows(), exact.label()))?,
        format => {
            let (label, rows) = (exact.label().as_str(), exact.rows());
            print_json(
                format,
                &json!({ "file": file.to_string(), "label": label, "rows": rows, "need": need, "within": within, "seal": seal }),
            )?;
        }
    }
    Ok(GOOD)
}
