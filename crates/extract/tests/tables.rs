//! Parquet.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::allow_attributes, reason = "helpers of tests, on known bytes")]

mod common;

use std::borrow::Cow;

use bartizan_extract::{Extracted, Hint, Kind, Limits, ParquetTable, Reason, Source, Unreadable, extract, render};
use common::table::{Bools, Bytes, Claims, Doubles, Fixed, Floats, How, Ints, Longs, Olds, PLAINLY, by_hand, table, texts};
use common::{Row, check, unread};
use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::file::properties::WriterVersion;

fn segments(extracted: &Extracted) -> Vec<(&str, &str)> {
    extracted.segments.iter().map(|it| (it.place.as_str(), it.text.as_str())).collect()
}

fn limited(bytes: &[u8], limits: &Limits) -> Extracted {
    extract(bytes, &Hint::default(), limits).unwrap()
}

fn open(bytes: &[u8]) -> Extracted {
    limited(bytes, &Limits::default())
}

/// The rows of a table as they are read for an index.
fn rows(bytes: &[u8], columns: &[usize]) -> Vec<Vec<String>> {
    let mut table = ParquetTable::new(bytes).unwrap();
    table.choose(columns);
    let mut all = Vec::new();
    let mut row = Vec::new();
    while table.next(&mut row).unwrap() {
        all.push(row.clone());
    }
    assert_eq!(table.rows(), all.len() as u64);
    all
}

#[test]
fn every_codec_version_and_encoding_reads_the_same() {
    let names: Vec<String> = (0..50).map(|it| format!("person{}@harbour-lane.example", it % 20)).collect();
    let names: Vec<Option<&str>> = names.iter().enumerate().map(|(at, it)| (at % 9 != 4).then_some(it.as_str())).collect();
    let numbers: Vec<i64> = (0..50).map(|it| 4_111_111_111_111_111 - it * it * 977).collect();
    let small: Vec<i32> = (0..50).map(|it| (it - 25) * 1_000_003).collect();
    let expected: Vec<Vec<String>> = (0..100)
        .map(|it| it % 50)
        .map(|it| vec![names[it].unwrap_or_default().to_owned(), numbers[it].to_string(), small[it].to_string()])
        .collect();
    let fill: &dyn Fn(&mut common::table::Columns<'_, '_>) =
        &|columns| _ = columns.some(&names).add::<Longs>(&numbers, None, None).add::<Ints>(&small, None, None);
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ];
    let schema = "OPTIONAL BYTE_ARRAY mail (UTF8); REQUIRED INT64 card; REQUIRED INT32 small;";
    for codec in codecs {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for encoding in [None, Some(Encoding::PLAIN)] {
                let bytes = table(schema, How { codec, version, encoding, page: 7 }, &[fill, fill]);
                assert_eq!(rows(&bytes, &[0, 1, 2]), expected, "{codec:?} {version:?} {encoding:?}");
                let extracted = open(&bytes);
                assert_eq!((extracted.kind, unread(&extracted)), (Kind::Parquet, vec![]), "{codec:?} {version:?} {encoding:?}");
                assert_eq!(extracted.segments[1].text, expected[0].join("\t"));
                assert_eq!((extracted.segments[0].place.as_str(), extracted.segments[1].place.as_str()), ("A1:C1", "A2:C2"));
                let gap = &extracted.segments[5];
                assert_eq!((gap.place.as_str(), gap.text.as_str()), ("B6:C6", &*expected[4][1..].join("\t")));
            }
        }
    }
    let of_texts = [Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY];
    for encoding in of_texts {
        let all: Vec<&str> = names.iter().flatten().copied().collect();
        let bytes = texts(How { encoding: Some(encoding), ..PLAINLY }, &all);
        assert_eq!(rows(&bytes, &[0]).concat(), all, "{encoding:?}");
    }
    for encoding in [Encoding::DELTA_BINARY_PACKED, Encoding::BYTE_STREAM_SPLIT] {
        let how = How { encoding: Some(encoding), page: 1_000, ..PLAINLY };
        let bytes = table(
            "REQUIRED INT64 a; REQUIRED INT32 b;",
            how,
            &[&|columns| {
                columns.add::<Longs>(&[i64::MIN, i64::MAX, 0, 5], None, None).add::<Ints>(&[i32::MIN, i32::MAX, -1, 7], None, None);
            }],
        );
        let expected = [i64::MIN, i64::MAX, 0, 5].iter().zip([i32::MIN, i32::MAX, -1, 7]);
        let expected: Vec<_> = expected.map(|(a, b)| vec![a.to_string(), b.to_string()]).collect();
        assert_eq!(rows(&bytes, &[0, 1]), expected, "{encoding:?}");
        let many: Vec<i64> = (0..1_000).map(|it| it * it % 7_919).collect();
        let bytes = table("REQUIRED INT64 a;", how, &[&|columns| _ = columns.add::<Longs>(&many, None, None)]);
        assert_eq!(rows(&bytes, &[0]).concat(), many.iter().map(i64::to_string).collect::<Vec<_>>(), "{encoding:?}");
    }
}

#[test]
fn values_read_as_people_write_them() {
    let fixed = |bytes: &[u8]| vec![FixedLenByteArray::from(bytes.to_vec())];
    let long = |it: i64| vec![it];
    let mut old = Int96::new();
    // Noon of the first day of 2000.
    let noon = 43_200_000_000_000_u64;
    old.set_data(u32::try_from(noon & 0xFFFF_FFFF).unwrap(), u32::try_from(noon >> 32).unwrap(), 2_451_545);
    let schema = "REQUIRED INT32 a (DATE); REQUIRED INT32 b (DATE); REQUIRED INT64 c (TIMESTAMP(MICROS,true)); REQUIRED INT32 d (TIME(MILLIS,true));
        REQUIRED INT64 e (DECIMAL(18,2)); REQUIRED INT32 f (DECIMAL(9,4)); REQUIRED FIXED_LEN_BYTE_ARRAY(9) g (DECIMAL(20,3));
        REQUIRED INT32 h (INTEGER(32,false)); REQUIRED INT64 i (INTEGER(64,false)); REQUIRED FIXED_LEN_BYTE_ARRAY(16) j (UUID);
        REQUIRED INT96 k; REQUIRED BOOLEAN l; REQUIRED DOUBLE m; REQUIRED FLOAT n; REQUIRED BYTE_ARRAY o (JSON); REQUIRED INT64 p (TIMESTAMP(NANOS,true));
        REQUIRED FIXED_LEN_BYTE_ARRAY(2) q (FLOAT16); REQUIRED BYTE_ARRAY r (DECIMAL(30,0));";
    let bytes = table(
        schema,
        PLAINLY,
        &[&|columns| {
            columns.add::<Ints>(&[19_782], None, None).add::<Ints>(&[-1], None, None);
            columns.add::<Longs>(&long(1_709_210_096_789_000), None, None).add::<Ints>(&[3_723_045], None, None);
            columns.add::<Longs>(&long(-5), None, None).add::<Ints>(&[123_456_789], None, None);
            // Minus two to the sixty-fourth.
            columns.add::<Fixed>(&fixed(&[255, 0, 0, 0, 0, 0, 0, 0, 0]), None, None);
            columns.add::<Ints>(&[-1], None, None).add::<Longs>(&long(-1), None, None);
            columns.add::<Fixed>(&fixed(&(0..16).collect::<Vec<u8>>()), None, None).add::<Olds>(&[old], None, None);
            columns.add::<Bools>(&[true], None, None).add::<Doubles>(&[0.1], None, None).add::<Floats>(&[0.25], None, None);
            columns.texts(&["{\"a\": 1}"]).add::<Longs>(&long(-1), None, None);
            columns.add::<Fixed>(&fixed(&[0, 0xC1]), None, None).add::<Bytes>(&[ByteArray::from(vec![0, 1, 0, 0])], None, None);
        }],
    );
    let expected = [
        "2024-02-29",
        "1969-12-31",
        "2024-02-29T12:34:56.789000",
        "01:02:03.045",
        "-0.05",
        "12345.6789",
        "-18446744073709551.616",
        "4294967295",
        "18446744073709551615",
        "00010203-0405-0607-0809-0a0b0c0d0e0f",
        "2000-01-01T12:00:00",
        "true",
        "0.1",
        "0.25",
        "{\"a\": 1}",
        "1969-12-31T23:59:59.999999999",
        "-2.5",
        "65536",
    ];
    assert_eq!(rows(&bytes, &(0..18).collect::<Vec<_>>()), [expected]);
    assert_eq!(open(&bytes).segments[1].text, expected.join("\t"));
}

#[test]
fn lists_and_documents_in_cells_are_read() {
    let schema = "REQUIRED INT32 id; OPTIONAL GROUP talk (LIST) { REPEATED GROUP list { OPTIONAL GROUP element {
        REQUIRED BYTE_ARRAY role (UTF8); OPTIONAL BYTE_ARRAY content (UTF8); } } } REQUIRED BYTE_ARRAY file;";
    let texts = |all: &[&str]| all.iter().map(|it| ByteArray::from(*it)).collect::<Vec<_>>();
    let inner = common::gzip(b"INSIDE A CELL");
    let wide: Vec<u8> = "WIDE".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bytes = table(
        schema,
        How { page: 1, ..PLAINLY },
        &[&|columns| {
            columns.add::<Ints>(&[1, 2, 3], None, None);
            // The second row has none, the third an empty list.
            columns.add::<Bytes>(&texts(&["user", "model"]), Some(&[3, 3, 0, 1]), Some(&[0, 1, 0, 0]));
            columns.add::<Bytes>(&texts(&["My card?", "None"]), Some(&[4, 4, 0, 1]), Some(&[0, 1, 0, 0]));
            columns.add::<Bytes>(
                &[ByteArray::from(inner.clone()), ByteArray::from(vec![0xFF, 0xD8, 0xFF, 0, 0]), ByteArray::from(wide.clone())],
                None,
                None,
            );
        }],
    );
    let extracted = open(&bytes);
    let said = segments(&extracted);
    assert!(said.contains(&("A1:D1", "id\ttalk.list.element.role\ttalk.list.element.content\tfile")), "{said:?}");
    assert!(said.contains(&("A2:C2", "1\tuser\tmodel\tMy card?\tNone")), "{said:?}");
    assert!(said.contains(&("A3", "2")), "{said:?}");
    assert!(said.contains(&("D2 > content", "INSIDE A CELL")), "{said:?}");
    assert!(said.contains(&("D4", "WIDE")), "{said:?}");
    assert_eq!(unread(&extracted), [("D3", "image")]);
    let table = ParquetTable::new(&*bytes).unwrap();
    assert_eq!((0..4).map(|it| table.is_repeated(it)).collect::<Vec<_>>(), [false, true, true, false]);
    // Of an archive nobody can say how it reads.
    assert!(render(&bytes, &Hint::default(), &Limits::default()).is_none());
}

#[test]
fn what_stands_beside_the_rows_is_read() {
    let names = ["mira@harbour-lane.example", "zoe@harbour-lane.example"];
    let bytes = texts(PLAINLY, &names);
    let extracted = open(&bytes);
    let said = segments(&extracted);
    assert_eq!(said[..3], [("A1", "name"), ("A2", names[0]), ("A3", names[1])]);
    assert!(said.iter().any(|it| it.0 == "notes" && it.1.starts_with("created by: parquet-rs")), "{said:?}");
    assert!(said.iter().any(|it| it.0 == "statistics" && it.1.contains(names[1])), "{said:?}");
    let text = render(&bytes, &Hint::default(), &Limits::default()).unwrap().text;
    assert_eq!(text, format!("[table]\nname\n{}\n{}", names[0], names[1]));
    let in_front = [b"SOMETHING ELSE\0\x01", &*bytes].concat();
    assert_eq!(extract(&in_front, &Hint::default(), &Limits::default()).map(|it| unread(&it).is_empty()), Ok(false));
    assert_eq!(
        extract(&bytes, &Hint { media_type: Some("text/plain; charset=utf-16"), file_name: Some("a.txt") }, &Limits::default())
            .unwrap()
            .kind,
        Kind::Parquet
    );
    assert_eq!(extract(b"PAR1 is not a table. Neither is PAR1", &Hint::default(), &Limits::default()).unwrap().kind, Kind::Text);
}

#[test]
fn long_tables_have_many_rows_in_a_segment() {
    let names: Vec<String> = (0..250_000).map(|it| it.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let extracted = open(&texts(How { encoding: None, page: 20_000, ..PLAINLY }, &names));
    assert_eq!(unread(&extracted), []);
    let said = segments(&extracted);
    assert_eq!(said[..2], [("A1", "name"), ("A2:A4", "0\n1\n2")]);
    assert!(said.contains(&("A250001", "249999")), "{:?}", &said[said.len() - 3..]);
}

#[test]
fn every_cut_and_every_lie_is_told() {
    let how = How { codec: Compression::SNAPPY, encoding: None, ..PLAINLY };
    let bytes = texts(how, &["mira@harbour-lane.example", "zoe@harbour-lane.example", "mira@harbour-lane.example"]);
    for end in 5..bytes.len() {
        assert!(matches!(extract(&bytes[..end], &Hint::default(), &Limits::default()), Err(Unreadable::Damaged)), "cut at {end}");
    }
    let encrypted = [&bytes[..bytes.len() - 4], b"PARE"].concat();
    assert_eq!(extract(&encrypted, &Hint::default(), &Limits::default()), Err(Unreadable::Encrypted));
    // Whatever bit of a page is changed, the value is read or its loss is told.
    let pages = bytes.windows(4).rposition(|it| it == b"name").unwrap();
    for at in 4..pages.min(60) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        let Ok(extracted) = extract(&changed, &Hint::default(), &Limits::default()) else { continue };
        assert!(extracted.unread.len() + extracted.segments.len() > 3, "byte {at}");
    }
}

#[test]
fn files_by_hand() {
    let page = b"\x04\0\0\0MIRA\x03\0\0\0ZOE";
    let size = i64::try_from(page.len()).unwrap();
    let honest = || Claims { codec: 0, encoding: 0, size, values: 2, total: 2, rows: 2 };
    let row =
        |name, bytes, says, unread| Row { name, bytes, media_type: "application/vnd.apache.parquet", kind: Kind::Parquet, says, unread };
    let zeros = vec![0; 20 << 20];
    let bomb = common::gzip(&zeros);
    let snap = [&b"\xFF\xFF\xFF\xFF\x07"[..], &[0; 20]].concat();
    let both: &[(&str, &str)] = &[("A2", "MIRA"), ("A3", "ZOE")];
    let more = [&page[..], b"\x05\0\0\0IVANO"].concat();
    let more_size = i64::try_from(more.len()).unwrap();
    let mut hidden = by_hand(&honest(), page);
    let footer = hidden.len() - 8 - usize::from(hidden[hidden.len() - 8]);
    hidden.splice(footer..footer, *b"SOMETHING HIDDEN");
    check(&[
        row("honest", by_hand(&honest(), page), both, &[]),
        row("hidden", hidden, both, &[("", "leftover")]),
        row("more rows", by_hand(&Claims { rows: 3, ..honest() }, page), both, &[("name", "damaged")]),
        row("fewer rows", by_hand(&Claims { rows: 1, ..honest() }, page), both, &[("rows", "damaged")]),
        row(
            "more values",
            by_hand(&Claims { values: 1 << 20, total: 1 << 20, rows: 1 << 20, ..honest() }, page),
            &[("A2:A3", "MIRA\nZOE")],
            &[("name", "damaged")],
        ),
        row(
            "endless values",
            by_hand(&Claims { values: 1 << 30, total: 1 << 30, rows: 1 << 30, ..honest() }, page),
            &[],
            &[("name", "limit.work")],
        ),
        row("values of no page", by_hand(&Claims { total: 3, ..honest() }, page), both, &[("name", "damaged")]),
        row("bytes behind the values", by_hand(&Claims { size: more_size, ..honest() }, &more), both, &[("name", "damaged")]),
        row("bytes that unpack to nothing", by_hand(&Claims { codec: 1, size: 0, ..honest() }, &[b'x'; 100]), &[], &[("name", "damaged")]),
        row("brotli", by_hand(&Claims { codec: 4, ..honest() }, page), &[], &[("name", "method")]),
        row("bit packed", by_hand(&Claims { encoding: 4, ..honest() }, page), &[], &[("name", "method")]),
        row("no dictionary", by_hand(&Claims { encoding: 8, ..honest() }, page), &[], &[("name", "damaged")]),
        row("bomb", by_hand(&Claims { codec: 2, size: 20 << 20, ..honest() }, &bomb), &[], &[("name", "limit.inflate")]),
        row("bomb that says less", by_hand(&Claims { codec: 2, ..honest() }, &bomb), &[], &[("name", "damaged")]),
        row("size of a snappy page", by_hand(&Claims { codec: 1, ..honest() }, &snap), &[], &[("name", "damaged")]),
        row(
            "size of a page",
            by_hand(&Claims { codec: 1, size: i64::from(i32::MAX), ..honest() }, &snap),
            &[],
            &[("name", "limit.inflate")],
        ),
    ]);
}

#[test]
fn limits_are_kept() {
    let long = "x".repeat(50_000);
    let many = vec![&*long; 200];
    let bytes = texts(How { encoding: None, ..PLAINLY }, &many);
    assert!(bytes.len() < 200_000);
    let limits = Limits { output_bytes: 1 << 20, ..Limits::default() };
    let extracted = limited(&bytes, &limits);
    assert_eq!(extracted.unread[0].reason.name(), "limit.output");
    assert!(extracted.segments.iter().map(|it| it.text.len()).sum::<usize>() <= 1 << 20);
    // Blanks are no text, and cost as much.
    let blank = " ".repeat(50_000);
    let extracted = limited(&texts(How { encoding: None, ..PLAINLY }, &vec![&*blank; 200]), &limits);
    assert_eq!(unread(&extracted), [("rows", "limit.output")]);
    // A document in a dictionary that very many rows name.
    let picture = ByteArray::from([&[0xFF, 0xD8, 0xFF, 0][..], &*vec![1; 50_000]].concat());
    let bytes = table(
        "REQUIRED BYTE_ARRAY file;",
        How { encoding: None, page: 500, ..PLAINLY },
        &[&|columns| {
            columns.add::<Bytes>(&vec![picture.clone(); 100], None, None);
        }],
    );
    let extracted = limited(&bytes, &Limits { inflated_bytes: 1 << 20, ..Limits::default() });
    assert!(extracted.unread.iter().any(|it| it.reason == Reason::Limit(bartizan_extract::Limit::Inflate)));
    let extracted = limited(&bytes, &Limits { entries: 10, ..Limits::default() });
    assert!(extracted.unread.iter().any(|it| it.reason == Reason::Limit(bartizan_extract::Limit::Entries)));
    let extracted = limited(&bytes, &Limits { table_values: 50, ..Limits::default() });
    assert_eq!(extracted.unread[0].reason.name(), "limit.work");
}

#[test]
fn a_value_that_is_no_text_is_paid_for_each_time_that_a_row_names_it() {
    // Told to be no text at its last byte, or only once it was copied.
    for last in [0xFF, 0] {
        let value = ByteArray::from([vec![b'a'; 60_000], vec![last]].concat());
        let bytes = table(
            "REQUIRED BYTE_ARRAY file; REQUIRED INT32 number;",
            How { encoding: None, page: 500, ..PLAINLY },
            &[&|columns| {
                columns.add::<Bytes>(&vec![value.clone(); 1_000], None, None).add::<Ints>(&(0..1_000).collect::<Vec<_>>(), None, None);
            }],
        );
        let extracted = limited(&bytes, &Limits { entries: 3, inflated_bytes: 4 << 20, ..Limits::default() });
        assert!(unread(&extracted).contains(&("file", "limit.work")), "{:?}", unread(&extracted));
        assert!(extracted.segments.iter().any(|it| it.text.contains("999")), "other columns are read on");
    }
}

#[test]
fn what_is_in_a_table_is_paid_for_by_the_table() {
    let digit = |it: u64| char::from_digit(u32::try_from(it.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40).unwrap() % 16, 16);
    let noise: String = (0..800_000).filter_map(digit).collect();
    let packed = ByteArray::from(common::gzip(noise.as_bytes()));
    let filler = ByteArray::from(vec![b'b'; 800_000]);
    let bytes = table(
        "REQUIRED BYTE_ARRAY file;",
        How { page: 1, ..PLAINLY },
        &[&|columns| _ = columns.add::<Bytes>(&[packed.clone(), filler.clone()], None, None)],
    );
    let told = |inflated_bytes| {
        let limits = Limits { inflated_bytes, ..Limits::default() };
        limited(&bytes, &limits).unread.iter().any(|it| it.reason == Reason::Limit(bartizan_extract::Limit::Inflate))
    };
    assert!(!told(3 << 20) && told(1_500_000));
}

/// A source that counts what is asked of it.
struct Counted<'b>(&'b [u8], std::rc::Rc<std::cell::Cell<usize>>);

impl Source for Counted<'_> {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn bytes(&mut self, at: u64, len: usize) -> Option<Cow<'_, [u8]>> {
        self.1.set(self.1.get() + len);
        let at = usize::try_from(at).ok()?;
        self.0.get(at..at + len).map(Cow::Borrowed)
    }
}

#[test]
fn only_the_chosen_columns_are_read_and_faults_name_their_row() {
    let names: Vec<String> = (0..3_000).map(|it| format!("{it:0>100}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let two = "REQUIRED BYTE_ARRAY a (UTF8); REQUIRED BYTE_ARRAY b (UTF8);";
    let mut bytes = table(two, How { page: 100, ..PLAINLY }, &[&|columns| _ = columns.texts(&names).texts(&names)]);
    let asked = std::rc::Rc::default();
    let mut table = ParquetTable::new(Counted(&bytes, std::rc::Rc::clone(&asked))).unwrap();
    table.choose(&[1]);
    let mut row = Vec::new();
    while table.next(&mut row).unwrap() {
        assert!(row[0].is_empty() && row[1].len() == 100);
    }
    assert!(asked.get() < bytes.len() * 3 / 4, "{} of {}", asked.get(), bytes.len());
    // Not UTF-8 in the second row.
    let at = bytes.windows(5).position(|it| it == b"00001").unwrap();
    bytes[at] = 0xFF;
    let mut table = ParquetTable::new(&*bytes).unwrap();
    table.choose(&[0]);
    assert_eq!(table.next(&mut row), Ok(true));
    let fault = table.next(&mut row).unwrap_err();
    assert_eq!((&*fault.column, fault.row, fault.reason), ("a", 2, Reason::Charset));
}
