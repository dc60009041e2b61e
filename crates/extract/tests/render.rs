//! Documents as one text.

mod common;

use bartizan_extract::{Hint, Limits, View, extract, render};
use common::{drawn_apart, object, page, page_with, zip};

const TYPES: (&str, &[u8]) = ("[Content_Types].xml", b"<?xml version=\"1.0\"?><Types/>");

fn rendered(bytes: &[u8], media_type: &str) -> Option<String> {
    let hint = Hint { media_type: Some(media_type).filter(|it| !it.is_empty()), file_name: None };
    let rendered = render(bytes, &hint, &Limits::default())?;
    assert_eq!(Ok(&rendered.extracted), extract(bytes, &hint, &Limits::default()).as_ref(), "rendering changes nothing of what is read");
    assert!(!format!("{rendered:?}").contains(rendered.text.trim()), "no text in what is printed");
    Some(rendered.text)
}

#[test]
fn documents_read_as_one_text() {
    let docx = zip(&[
        TYPES,
        ("word/document.xml", b"<?xml version=\"1.0\"?><w:document><w:body><w:p><w:t>one</w:t></w:p><w:p><w:t>two</w:t><w:delText>GONE</w:delText></w:p></w:body></w:document>"),
        ("word/styles.xml", b"<?xml version=\"1.0\"?><w:styles><w:style>STYLE</w:style></w:styles>"),
        ("word/comments.xml", b"<?xml version=\"1.0\"?><w:comments><w:comment w:author=\"AUTHOR\"><w:p><w:t>COMMENT</w:t></w:p></w:comment></w:comments>"),
        ("docProps/core.xml", b"<?xml version=\"1.0\"?><cp:coreProperties><dc:creator>CREATOR</dc:creator></cp:coreProperties>"),
        ("word/media/image1.png", b"\x89PNG\r\n\x1a\n\0\0"),
    ]);
    let xlsx = zip(&[
        TYPES,
        ("xl/worksheets/sheet1.xml", b"<?xml version=\"1.0\"?><worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>name</t></is></c><c r=\"B1\"><f>1+2</f><v>3</v></c></row><row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is><t>mira</t></is></c></row></sheetData></worksheet>"),
    ]);
    let pptx = zip(&[
        TYPES,
        ("ppt/slides/slide1.xml", b"<?xml version=\"1.0\"?><p:sld><a:p><a:t>hello</a:t></a:p></p:sld>"),
        ("ppt/slideLayouts/slideLayout1.xml", b"<?xml version=\"1.0\"?><p:sldLayout><a:p><a:t>Click to edit</a:t></a:p></p:sldLayout>"),
        ("ppt/notesSlides/notesSlide1.xml", b"<?xml version=\"1.0\"?><p:notes><a:p><a:t>NOTE</a:t></a:p></p:notes>"),
    ]);
    let html = "<!doctype html><html><head><title>T</title><style>p{}</style></head><body><!-- no -->\n<h1>A  <b>trip</b></h1><p title='x'>to\n the &amp; sea</p>\
                <table><tr><td>1</td><td>2</td></tr></table><pre>a\n  b</pre><script>let x</script>end</body></html>";
    let mail = b"From: a <a@b.example>\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: text/plain\r\n\r\nhello\r\n--B\r\n\
                 Content-Type: text/html\r\n\r\n<html><body><p>hello <i>you</i></p></body></html>\r\n--B--\r\n";
    let annotated = page_with(
        "BT /F 12 Tf 72 700 Td (hello) Tj ET",
        "/Annots[9 0 R]",
        &[object("<</Type/Annot/Subtype/Text/Contents(a note)>>"), object("<</Author(hidden)>>")],
    );
    let rows: &[(&str, &[u8], &str, Option<&str>)] = &[
        ("text", b"hello\nworld\n", "text/plain", Some("hello\nworld\n")),
        ("csv", b"a,b\n1,2\n", "text/csv", Some("a,b\n1,2\n")),
        ("json", b"{\"a\": 1}", "application/json", Some("{\"a\": 1}")),
        ("html", html.as_bytes(), "text/html", Some("T\nA trip\nto the & sea\n1\t2\t\na\n  b\nend")),
        ("docx", &docx, "", Some("one\ntwo\n\n\n[word/comments.xml]\nCOMMENT")),
        ("xlsx", &xlsx, "", Some("[sheet1]\nname\t3\nmira")),
        ("pptx", &pptx, "", Some("[slide 1]\nhello\n\n[notes of slide 1]\nNOTE")),
        ("pdf", &page("BT /F 12 Tf 72 700 Td (hello) Tj ET"), "", Some("[page 1]\nhello")),
        ("pdf by letters", &page(&drawn_apart("hello", 700)), "", Some("[page 1]\nhello")),
        ("pdf with a note", &annotated, "", Some("[page 1]\nhello\n\n[annotation 6]\na note")),
        (
            "mail",
            mail,
            "message/rfc822",
            Some(
                "[headers]\nFrom: a <a@b.example>\nSubject: s\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n\
                 [part 1 headers]\nContent-Type: text/plain\n\n[part 1]\nhello\n\n[part 2 headers]\nContent-Type: text/html\n\n[part 2]\nhello you",
            ),
        ),
        ("xml", b"<?xml version=\"1.0\"?><a b=\"c\">d</a>", "text/xml", None),
        ("zip", &zip(&[("a.txt", b"hello")]), "", None),
        ("a zip in a mail", b"From: a\r\nSubject: s\r\nContent-Type: application/zip\r\n\r\nPK\x03\x04", "message/rfc822", None),
        ("nothing to be read", b"<html><body><script>x</script></body></html>", "text/html", None),
        ("no document", b"\x89PNG\r\n\x1a\n\0\0", "", None),
    ];
    for (name, bytes, media_type, expected) in rows {
        let text = rendered(bytes, media_type);
        assert_eq!(
            text.as_deref().map(|text| text.replace("\r\n", "\n")).as_deref().map(str::trim_end),
            expected.map(str::trim_end),
            "{name}"
        );
    }
}

#[test]
fn views_tell_what_stands_in_the_text() {
    let html = b"<!doctype html><html><body><p title='x&amp;y'>a<b>b</b></p></body></html>";
    let read = extract(html, &Hint { media_type: Some("text/html"), file_name: None }, &Limits::default()).unwrap();
    assert!(read.segments.iter().all(|segment| segment.view == View::Beside), "the text itself is rendered, not read: {read:?}");
    let backwards = "BT /F 10 Tf 1 0 0 1 80 700 Tm (b) Tj 1 0 0 1 74 700 Tm (a) Tj ET";
    let read = extract(&page(backwards), &Hint::default(), &Limits::default()).unwrap();
    let views: Vec<_> = read
        .segments
        .iter()
        .filter(|segment| segment.place.starts_with("page"))
        .map(|segment| (segment.text.trim(), segment.view))
        .collect();
    assert_eq!(views.last(), Some(&("ab", View::Shown)), "{views:?}");
    assert_eq!(views.first().map(|first| first.1), Some(View::Again), "{views:?}");
}

#[test]
fn the_text_keeps_to_the_limit() {
    let limits = Limits { output_bytes: 100, ..Limits::default() };
    assert!(render(&b"a".repeat(100), &Hint::default(), &limits).is_some());
    assert!(render(&b"a".repeat(101), &Hint::default(), &limits).is_none());
    let limits = Limits { input_bytes: 10, ..Limits::default() };
    assert!(render(b"hello world", &Hint::default(), &limits).is_none());
}

#[test]
fn a_name_that_would_be_cut_is_not_told() {
    let long = |length: usize| format!("word/{}.txt", "n".repeat(length - 9));
    let with = |name: &str| {
        zip(&[TYPES, ("word/document.xml", b"<?xml version=\"1.0\"?><w:document><w:p>a</w:p></w:document>"), (name, b"hello")])
    };
    assert!(rendered(&with(&long(200)), "").unwrap().contains(&long(200)));
    assert_eq!(rendered(&with(&long(201)), ""), None);
}
