//! Damaged input of every kind: no panic, within the limits, ranges that are the text.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, clippy::allow_attributes, reason = "helpers of tests")]

mod common;

use bartizan_extract::fuzz_extract;
use common::{object, page_with, pdf, stream, zip};
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
    ]
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
        for end in 0..sample.len() {
            fuzz_extract(&sample[..end]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn mutations_hold(which in 0..8_usize, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..12)) {
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
    fn noise_holds(bytes in prop::collection::vec(any::<u8>(), 0..600), opening in 0..5_usize) {
        let openings: [&[u8]; 5] = [b"", b"%PDF-1.7\n1 0 obj ", b"PK\x03\x04", b"<?xml version='1.0'?>", b"From: a\nTo: b\n\n"];
        fuzz_extract(&[openings[opening], &bytes].concat());
    }
}
