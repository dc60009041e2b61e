//! Tables in Parquet: as the table of an index, and as a file in which something is found.

#![cfg(test)]

mod help;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use help::{bartizan, check};
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

const SCHEMA: &str = "message table { REQUIRED INT64 account; OPTIONAL BYTE_ARRAY name (UTF8);
    OPTIONAL GROUP tags (LIST) { REPEATED GROUP list { REQUIRED BYTE_ARRAY tag (UTF8); } } }";

/// Two row groups of two rows.
fn write(path: &Path, codec: Compression) -> Vec<u8> {
    let properties = WriterProperties::builder().set_compression(codec).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(parse_message_type(SCHEMA).unwrap()), Arc::new(properties)).unwrap();
    for (accounts, name) in [([771_203_044, 12], "Jane Q. Doe"), ([771_203_045, 991_781_233], "mira@harbour-lane.example")] {
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&accounts, None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&[ByteArray::from(name)], Some(&[1, 0]), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let tags = ["red", "green"].map(ByteArray::from);
        column.typed::<ByteArrayType>().write_batch(&tags, Some(&[2, 2, 0]), Some(&[0, 1, 0])).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    let bytes = writer.into_inner().unwrap();
    fs::write(path, &bytes).unwrap();
    bytes
}

#[test]
fn a_table_in_parquet_makes_the_index_that_it_makes_as_csv() {
    let folder = tempfile::tempdir().unwrap();
    let name = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let bytes = write(&folder.path().join("table.parquet"), Compression::SNAPPY);
    fs::write(
        folder.path().join("table.csv"),
        "account,name\n771203044,Jane Q. Doe\n12,\n771203045,mira@harbour-lane.example\n991781233,\n",
    )
    .unwrap();
    let key = name("one.key");
    let build = |table: &str, out: &str, flags: &[&str]| {
        bartizan(&[&["exact", "build", &name(table), "-o", &name(out), "--index-key", &key], flags].concat(), b"")
    };
    let flags = ["--primary", "account", "--with", "name", "--need", "0"];
    let made = build("table.parquet", "parquet.exact", &flags);
    assert_eq!((made.code, made.stderr.as_str()), (0, ""));
    assert!(made.stdout.contains("3 of 4 rows as proprietary.exact"), "{}", made.stdout);
    assert_eq!(build("table.csv", "csv.exact", &flags).code, 0);
    assert_eq!(fs::read(name("parquet.exact")).unwrap(), fs::read(name("csv.exact")).unwrap());
    for (flags, says) in [
        (&["--primary", "nope"][..], "there is no column `nope`; the table has `account`, `name`, `tags.list.tag`"),
        (&["--primary", "tags.list.tag"], "the column `tags.list.tag` holds lists or maps"),
        (&["--primary", "account", "--with", "tags.list.tag"], "the column `tags.list.tag` holds lists or maps"),
    ] {
        let ran = build("table.parquet", "none.exact", flags);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{flags:?}");
        assert!(ran.stderr.contains(says), "{flags:?}: {}", ran.stderr);
    }
    let piped = bartizan(&["exact", "build", "-", "--primary", "account", "-o", &name("none.exact")], &bytes);
    assert_eq!(piped.code, 2);
    assert!(piped.stderr.contains("standard input is Parquet"), "{}", piped.stderr);
    let mut broken = bytes.clone();
    let at = broken.windows(4).position(|it| it == b"mira").unwrap();
    broken[at] = 0xFF;
    for (bytes, says) in [
        (&bytes[..bytes.len() - 1], "table.parquet` cannot be read as Parquet: the document is damaged"),
        (&*broken, "row 3, column `name`: this is not UTF-8"),
    ] {
        fs::write(name("table.parquet"), bytes).unwrap();
        let ran = build("table.parquet", "none.exact", &["--primary", "name"]);
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
        assert!(!folder.path().join("none.exact").exists());
    }
}

#[test]
fn values_are_found_by_their_row_and_what_was_not_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    let file = path.to_str().unwrap();
    let bytes = write(&path, Compression::UNCOMPRESSED);
    let found = bartizan(&["detect", "--format", "jsonl", "--only", "pii.email", file], b"");
    assert_eq!((found.code, found.stderr.as_str()), (1, ""));
    // The statistics say it once more.
    assert_eq!(found.stdout.lines().count(), 1, "{}", found.stdout);
    assert!(found.stdout.contains("\"place\":\"A4:C4\",\"line\":1,\"column\":11,\"label\":\"pii.email\""), "{}", found.stdout);
    let text =
        "[table]\naccount\tname\ttags.list.tag\n771203044\tJane Q. Doe\tred\tgreen\n12\n771203045\t[REDACTED_EMAIL]\tred\tgreen\n991781233";
    check(&["redact", "--only", "pii.email", file], "", (0, text, ""));
    fs::write(&path, &bytes[..bytes.len() - 4]).unwrap();
    check(&["detect", file], "", (2, "", "cannot be read: the document is damaged"));
    let mut broken = bytes;
    // The length of the page of the first column.
    broken[7] ^= 1;
    fs::write(&path, broken).unwrap();
    check(&["detect", "--only", "secret", file], "", (2, "", "account was not read: damaged"));
    check(&["redact", file], "", (2, "", "cannot be redacted: account: damaged"));
}
