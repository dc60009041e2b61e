//! PDF.

mod common;

use std::fmt::Write as _;

use bartizan_extract::{Hint, Kind, Limits, Unreadable, extract};
use common::{Row, check, drawn_apart, object, page, page_with, pdf, read, stream, unread, zip};

const MAIL: &str = "mira@harbour-lane.example";

fn row<'a>(name: &'a str, bytes: Vec<u8>, says: &'a [(&'a str, &'a str)], unread: &'a [(&'a str, &'a str)]) -> Row<'a> {
    Row { name, bytes, media_type: "application/pdf", kind: Kind::Pdf, says, unread }
}

#[test]
fn drawn_text_is_whole_words() {
    let mut backwards = String::new();
    for (at, letter) in MAIL.bytes().enumerate().rev() {
        write!(backwards, "1 0 0 1 {} 700 Tm ({}) Tj ", at * 6, char::from(letter)).unwrap();
    }
    check(&[
        row("one string", page("BT /F 12 Tf 72 700 Td (mira@harbour-lane.example) Tj ET"), &[("page 1", MAIL)], &[]),
        row(
            "kerned",
            page("BT /F 12 Tf 72 700 Td [(mi) 20 (ra@har) -15 (bour-lane.exa) 30 (mple) -300 (next)] TJ ET"),
            &[("page 1", "mira@harbour-lane.example next")],
            &[],
        ),
        row("letter by letter", page(&drawn_apart(MAIL, 700)), &[("page 1", MAIL)], &[]),
        row("in any order", page(&format!("BT /F 10 Tf {backwards} ET")), &[("page 1 (by place)", MAIL)], &[]),
        row("spaced out", page("BT /F 12 Tf 5 Tc 72 700 Td (4111111111111111) Tj ET"), &[("page 1", "4111111111111111")], &[]),
        row("turned", page("BT /F 12 Tf 0 1 -1 0 72 100 Tm (mira@harbour) Tj (-lane.example) Tj ET"), &[("page 1", MAIL)], &[]),
        row("lines", page("BT /F 12 Tf 14 TL 72 700 Td (one) Tj T* (two) Tj (three) ' ET"), &[("page 1", "one\ntwo\nthree")], &[]),
        row("words", page("BT /F 12 Tf 72 700 Td (one) Tj 30 0 Td (two) Tj 200 0 Td (far) Tj ET"), &[("page 1", "one two\tfar")], &[]),
        row(
            "no font",
            page("BT 72 700 Td (mira@harbour-lane.example) Tj ET"),
            &[("page 1 (beside the text)", MAIL)],
            &[("page 1", "glyphs")],
        ),
        row(
            "replacement text",
            page("/Span <</ActualText (mira@harbour-lane.example)>> BDC EMC"),
            &[("page 1 (beside the text)", MAIL)],
            &[],
        ),
        row("inline picture", page("BI /W 1 /H 1 ID xx EI BT /F 12 Tf (after) Tj ET"), &[("page 1", "after")], &[("page 1", "image")]),
    ]);
}

#[test]
fn fonts_name_their_characters() {
    let font = |entries: &str| object(&format!("<</Type/Font/Subtype/Type1/BaseFont/X{entries}>>"));
    let with = |content: &str, more: &[Vec<u8>]| page_with(content, "/Resources<</Font<</G 6 0 R>>>>", more);
    let map = stream("", b"1 begincodespacerange <0000> <FFFF> endcodespacerange 1 beginbfrange <0003> <0010> <0061> endbfrange");
    let composite = "/Subtype/Type0/Encoding/Identity-H/DescendantFonts[<</Subtype/CIDFontType2/DW 500>>]";
    check(&[
        row(
            "differences",
            with("BT /G 9 Tf (\\001\\002\\003) Tj ET", &[font("/Encoding<</Differences[1/eacute/at/uni0041]>>")]),
            &[("page 1", "é@A")],
            &[],
        ),
        row(
            "names that tell nothing",
            with("BT /G 9 Tf (\\001A) Tj ET", &[font("/Encoding<</Differences[1/g77]>>")]),
            &[("page 1", "\u{fffd}A")],
            &[("page 1", "glyphs")],
        ),
        row(
            "ToUnicode",
            with("BT /G 9 Tf <000300040005> Tj ET", &[font(&format!("{composite}/ToUnicode 7 0 R")), map]),
            &[("page 1", "abc")],
            &[],
        ),
        row("glyphs without characters", with("BT /G 9 Tf <00030004> Tj ET", &[font(composite)]), &[], &[("page 1", "glyphs")]),
        row("a known set", with("BT /G 9 Tf <82A0> Tj ET", &[font("/Subtype/Type0/Encoding/90ms-RKSJ-H")]), &[("page 1", "あ")], &[]),
    ]);
}

#[test]
fn what_stands_beside_the_pages_is_read() {
    let attached = zip(&[("in.txt", b"ATTACHED")]);
    check(&[
        row(
            "everything",
            page_with(
                "BT /F 12 Tf (text) Tj ET q /Fm Do Q /Im Do",
                "/Annots[7 0 R]/Resources<</Font<</F 5 0 R>>/XObject<</Fm 6 0 R/Im 8 0 R>>>>",
                &[
                    stream("/Type/XObject/Subtype/Form", b"BT /F 12 Tf (in a form) Tj ET"),
                    object("<</Type/Annot/Contents(é NOTE)/A<</URI(mailto:link@x.example)>>>>"),
                    stream("/Type/XObject/Subtype/Image", b"\x01\x02"),
                    stream("/Type/XObject/Subtype/Form/Resources<</Font<</F 5 0 R>>>>", b"BT /F 12 Tf (APPEARANCE) Tj ET"),
                    stream("/Type/Metadata", b"<?xpacket?><x>META<b>DATA</b></x>"),
                    stream("/Type/EmbeddedFile", &attached),
                    object("<</FT/Tx/T(FIELD)/V<FEFF00560041004C>>>"),
                    object("<</FT/Btn/V/CHOSEN/S/JavaScript/JS(SCRIPT)>>"),
                ],
            ),
            &[
                ("page 1", "in a form"),
                ("annotation 7", "é NOTE"),
                ("annotation 7", "mailto:link@x.example"),
                ("object 9", "APPEARANCE"),
                ("stream 10", "META"),
                ("stream 10 > text without tags", "METADATA"),
                ("embedded file 11 > in.txt", "ATTACHED"),
                ("object 12", "FIELD\nVAL"),
                ("object 13", "SCRIPT\nCHOSEN"),
            ],
            &[("page 1", "image")],
        ),
        row(
            "another revision",
            [
                page("BT /F 12 Tf (OLD) Tj ET"),
                b"4 0 obj <</Length 27>>\nstream\nBT /F 12 Tf (NEW) Tj ET    \nendstream\nendobj\n%%EOF".to_vec(),
            ]
            .concat(),
            &[("page 1", "NEW"), ("object 4", "OLD")],
            &[],
        ),
        row(
            "behind the end",
            [page("BT /F 12 Tf (x) Tj ET"), b"\nsomething".to_vec()].concat(),
            &[("page 1", "x")],
            &[("document", "leftover")],
        ),
    ]);
}

#[test]
fn objects_are_found_wherever_they_stand() {
    let inner = "10 0 <</Type/Page/Parent 2 0 R/Contents 4 0 R>> ";
    let first = inner.find('<').unwrap();
    let in_stream = pdf(&[
        object("<</Type/Catalog/Pages 2 0 R>>"),
        object("<</Kids[10 0 R]/Resources<</Font<</F 5 0 R>>>>>>"),
        stream(&format!("/Type/ObjStm/N 1/First {first}"), inner.as_bytes()),
        stream("", b"BT /F 12 Tf (IN A STREAM) Tj ET"),
        object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"),
    ]);
    let by_table =
        b"%PDF-1.4\n1 0 obj <</Length 70>>\nstream\n9 0 obj <</Title (HIDDEN TITLE) /Pad (padding padding)>> endobj\nendstream\nendobj\n"
            .to_vec();
    check(&[
        row("object stream", in_stream, &[("page 1", "IN A STREAM")], &[]),
        row("inside a stream", by_table, &[("object 9", "HIDDEN TITLE")], &[("object 9", "ambiguous")]),
    ]);
}

#[test]
fn filters_are_undone() {
    let hex = b"BT /F 12 Tf (HEX) Tj ET".iter().fold(String::new(), |hex, it| format!("{hex}{it:02x}"));
    let raw = |filters: &str, content: &str| {
        let mut objects = vec![
            object("<</Type/Catalog/Pages 2 0 R>>"),
            object("<</Kids[3 0 R]/Resources<</Font<</F 5 0 R>>>>>>"),
            object("<</Type/Page/Parent 2 0 R/Contents 4 0 R>>"),
        ];
        objects.push(object(&format!("<</Filter{filters}/Length {}>>\nstream\n{content}\nendstream", content.len())));
        objects.push(object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"));
        pdf(&objects)
    };
    check(&[
        row("hexadecimal", raw("/ASCIIHexDecode", &format!("{hex}>")), &[("page 1", "HEX")], &[]),
        row("unknown", raw("/NoSuchDecode", "xx"), &[], &[("page 1", "method")]),
        row("broken", raw("/FlateDecode", "xx"), &[], &[("page 1", "damaged")]),
    ]);
}

#[test]
fn limits_hold() {
    // Twelve forms that each draw the next one ten times.
    let mut forms: Vec<Vec<u8>> = (7..19)
        .map(|next| stream(&format!("/Subtype/Form/Resources<</XObject<</N {next} 0 R>>>>"), "/N Do ".repeat(10).as_bytes()))
        .collect();
    forms.push(stream("/Subtype/Form", b""));
    let bomb = page_with("/N Do", "/Resources<</XObject<</N 6 0 R>>>>", &forms);
    let extracted = read(&bomb, "", &Limits { pdf_work: 1 << 20, ..Limits::default() });
    assert!(unread(&extracted).contains(&("page 1", "limit.work")), "{:?}", unread(&extracted));

    let itself =
        page_with("/N Do", "/Resources<</XObject<</N 6 0 R>>>>", &[stream("/Subtype/Form/Resources<</XObject<</N 6 0 R>>>>", b"/N Do")]);
    assert_eq!(unread(&read(&itself, "", &Limits::default())), [("page 1", "limit.depth")]);

    let many: Vec<Vec<u8>> = (0..50).map(|it| object(&format!("({it})"))).collect();
    let extracted = read(&pdf(&many), "", &Limits { pdf_objects: 10, ..Limits::default() });
    assert_eq!(unread(&extracted), [("document", "limit.objects")]);

    let zeros = page_with("", "", &[stream("/Type/EmbeddedFile", &vec![b' '; 8 << 20])]);
    assert_eq!(unread(&read(&zeros, "", &Limits::default())), [("object 6", "limit.inflate")]);

    let pages: Vec<Vec<u8>> = (0..5).map(|_| object("<</Type/Page>>")).collect();
    assert_eq!(unread(&read(&pdf(&pages), "", &Limits { pdf_pages: 2, ..Limits::default() })), [("document", "limit.pages")]);
}

#[test]
fn encrypted_and_empty_documents_are_refused() {
    let locked = [page("BT /F 12 Tf (x) Tj ET"), b"trailer <</Encrypt <</Filter/Standard>>>>".to_vec()].concat();
    assert_eq!(extract(&locked, &Hint::default(), &Limits::default()), Err(Unreadable::Encrypted));
    assert_eq!(extract(b"%PDF-1.7\nnothing", &Hint::default(), &Limits::default()), Err(Unreadable::Damaged));
}

/// In the XMP of a PDF the name of a property is the name of an element, or of an attribute.
#[test]
fn sensitivity_labels_stand_in_metadata() {
    let label = "MSIP_Label_0a1b2c3d-4e5f-6789-abcd-ef0123456789";
    let xmp = format!(
        "<?xpacket begin=''?><x:xmpmeta><rdf:RDF><rdf:Description pdfx:{label}_SiteId=\"site\">\n<pdfx:{label}_Name> Highly Confidential</pdfx:{label}_Name>\
         <pdfx:{label}_Enabled>true</pdfx:{label}_Enabled></rdf:Description></rdf:RDF></x:xmpmeta>"
    );
    let bytes = page_with("", "/Metadata 6 0 R", &[stream("/Type/Metadata/Subtype/XML", xmp.as_bytes())]);
    let extracted = read(&bytes, "", &Limits::default());
    let said = extracted.segments.iter().find(|it| it.place == "stream 6 > sensitivity labels").unwrap();
    assert_eq!(said.text, format!("{label}_SiteId: site\n{label}_Name: Highly Confidential\n{label}_Enabled: true\n"));
}
