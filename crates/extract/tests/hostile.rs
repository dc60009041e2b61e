//! Damaged input of every kind: no panic, within the limits, ranges that are the text.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, clippy::allow_attributes, reason = "helpers of tests")]

mod common;

use bartizan_extract::fuzz_extract;
use common::table::{Bytes, How, table};
use common::{gzip, object, page_with, pax, pdf, stream, tar, tar_entry, tar_header, zip};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterVersion;
use proptest::prelude::*;

fn samples() -> Vec<Vec<u8>> {
    let inner = "10 0 <</Type/Page/Contents 4 0 R/Kids[10 0 R 3 0 R]>> ";
    let map = stream(
        "",
        b"1 begincodespacerange <00> <FFFF> endcodespacerange 2 beginbfrange <03> <10> <0061> <20> <21> [<0078> <00660069>] endbfrange",
    );
    let sheet = b"<?xml version=\"1.0\"?><worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c><v>1.5E9</v></c></row></sheetData></worksheet>";
    let book = zip(&[
        ("[Content_Types].xml", b"<?xml version=\"1.0\"?><Types/>"),
        ("xl/sharedStrings.xml", b"<?xml version=\"1.0\"?><sst><si><t>x</t><rPh><t>y</t></rPh></si></sst>"),
        ("xl/worksheets/sheet1.xml", sheet),
    ]);
    let mail = b"From: a@x.example\nTo: =?utf-8?B?xb0=?= =?x?q?_=41?=\nContent-Type: multipart/mixed; boundary=b; a*0*=utf-8''%41; a*1=b\n\n--b\nContent-Transfer-Encoding: quoted-printable\n\na=41=\nb\n--b\n\
        Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nRnJvbTogYQpUbzogYgoKaGk=\n--b--\n";
    let tarball = tar(&[
        pax(b'x', &[("path", "long/name.txt"), ("size", "3")]),
        tar_entry("a.txt", b'0', b"abc"),
        tar_entry("@LongLink", b'L', b"b.html\0"),
        tar_entry("b", b'0', b"<p title='&amp;'>a<b>b</b>"),
        tar_entry("c", b'2', b""),
    ]);
    vec![
        page_with(
            "BT /F 12 Tf 3 Tc 72 700 Td [(a) -200 (b)] TJ (c) ' 1 2 (d) \" ET q 1 0 0 1 2 3 cm /N Do Q BI /W 1 ID x EI",
            "/Resources<</XObject<</N 6 0 R>>/Font<</F 7 0 R>>>>",
            &[
                stream("/Subtype/Form/Matrix[1 0 0 1 0 0]", b"/N Do BT /F 1 Tf <0304> Tj ET"),
                object("<</Subtype/Type0/ToUnicode 8 0 R/DescendantFonts[<</W[1[500 600] 5 9 700]>>]>>"),
                map,
            ],
        ),
        pdf(&[
            object("<</Type/Catalog/Pages 10 0 R>>"),
            stream(
                &format!("/Type/ObjStm/N 1/First {}/DecodeParms<</Predictor 12/Columns 4>>", inner.find('<').unwrap()),
                inner.as_bytes(),
            ),
            object("<</Type/Annot/Contents(\\101\\(x\\))/V<FEFF0041>>>"),
            object("<</Filter[/ASCII85Decode/LZWDecode/RunLengthDecode]/Length 9>>\nstream\n87cURD]i~>\nendstream"),
        ]),
        zip(&[("a.zip", &book), ("b.html", b"<p title='&amp;'>a<b>b</b>"), ("c.eml", mail)]),
        book,
        mail.to_vec(),
        b"<!doctype html><p title='a&amp;b'>a<b>b</b><script>x</script><!-- c --></p>".to_vec(),
        b"<?xml version='1.0' encoding='utf-8'?><!DOCTYPE a [<!ENTITY x 'y'>]><a b='&lt;'>x<c/>&x;&#65;<![CDATA[z]]></a>".to_vec(),
        "\u{feff}{\"a\": [1, \"é\"]}".as_bytes().to_vec(),
        tarball.clone(),
        [gzip(&tarball), gzip(b"more")].concat(),
        parquet(Compression::SNAPPY, None),
        parquet(Compression::ZSTD(ZstdLevel::default()), Some(Encoding::DELTA_BYTE_ARRAY)),
        parquet(Compression::LZ4, Some(Encoding::PLAIN)),
    ]
}

/// A small table with a list.
fn parquet(codec: Compression, encoding: Option<Encoding>) -> Vec<u8> {
    let schema = "REQUIRED BYTE_ARRAY name (UTF8); OPTIONAL GROUP all (LIST) { REPEATED GROUP list { OPTIONAL BYTE_ARRAY one; } }";
    table(
        schema,
        How { codec, encoding, version: WriterVersion::PARQUET_2_0, page: 2 },
        &[&|columns| {
            columns.texts(&["mira", "mirabel", "zoe"]);
            let all = [&b"a"[..], b"\xFF\xD8\xFF\0\0", b"a"].map(|it| ByteArray::from(it.to_vec()));
            columns.add::<Bytes>(&all, Some(&[3, 3, 0, 3]), Some(&[0, 1, 0, 0]));
        }],
    )
}

#[test]
fn samples_hold() {
    for sample in samples() {
        fuzz_extract(&sample);
    }
}

#[test]
fn every_truncation_holds() {
    for sample in samples() {
        // Of a long one, every block's edge and some places between.
        let step = if sample.len() > 4096 { 31 } else { 1 };
        for end in (0..sample.len()).step_by(step) {
            fuzz_extract(&sample[..end]);
        }
    }
}

/// Thousands of what costs a block each, and numbers that lie.
#[test]
fn archives_that_lie_hold() {
    let empty = tar_entry("", b'0', b"");
    let sizes: [&[u8]; 6] = [
        b"-0000000001\0",
        b"77777777777\0",
        &[0xFF; 12],
        &[0x80, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        &[0x7F; 12],
        b"            ",
    ];
    let mut archives = vec![
        empty.repeat(30_000),
        pax(b'x', &[("path", "x"), ("size", "0")]).repeat(5_000),
        pax(b'g', &[("size", "512")]).repeat(5_000),
        tar_entry("@LongLink", b'L', b"n\0").repeat(5_000),
        gzip(b"").repeat(30_000),
    ];
    for kind in [b'0', b'1', b'5', b'S', b'x', b'g', b'L', b'M', b'?'] {
        for size in sizes {
            let header = tar_header("a", kind, 0, &[(124, size), (482, &[1])]);
            archives.push([header.clone(), header, tar(&[tar_entry("b", b'0', b"b")])].concat());
        }
    }
    for value in ["-1", "18446744073709551615", "18446744073709551616", "9223372036854775807", "x"] {
        archives.push(tar(&[pax(b'x', &[("size", value)]), tar_entry("a", b'0', b"a"), tar_entry("b", b'0', b"b")]));
    }
    for archive in archives {
        fuzz_extract(&archive);
        fuzz_extract(&gzip(&archive));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn mutations_hold(which in 0..10_usize, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..12)) {
        let mut bytes = samples().swap_remove(which);
        for (at, byte, how) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => {
                    let copy = bytes[at..(at + 40).min(bytes.len())].to_vec();
                    bytes.extend(copy);
                }
            }
        }
        fuzz_extract(&bytes);
    }

    #[test]
    fn noise_holds(bytes in prop::collection::vec(any::<u8>(), 0..600), opening in 0..7_usize) {
        let entry = tar_entry("a", b'0', b"");
        let openings: [&[u8]; 7] =
            [b"", b"%PDF-1.7\n1 0 obj ", b"PK\x03\x04", b"<?xml version='1.0'?>", b"From: a\nTo: b\n\n", b"\x1F\x8B\x08\x08\0\0\0\0\0\x03", &entry];
        fuzz_extract(&[openings[opening], &bytes].concat());
    }
}
