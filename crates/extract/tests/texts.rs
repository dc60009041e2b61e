//! Kinds that are text: ranges, edits, markup, character sets.

mod common;

use bartizan_extract::{Edit, Hint, Kind, Limits, Looks, Unreadable, extract, redact};
use common::{Row, check, read};

const MAIL: &str = "mira@harbour-lane.example";

#[test]
fn texts_are_read() {
    let utf16: Vec<u8> = "\u{feff}Café".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(&[
        Row {
            name: "csv",
            bytes: b"name,card\nM,4111\n".to_vec(),
            media_type: "text/csv",
            kind: Kind::Csv,
            says: &[("text", "M,4111")],
            unread: &[],
        },
        Row { name: "utf-16", bytes: utf16, media_type: "text/plain", kind: Kind::Text, says: &[("text", "Café")], unread: &[] },
        Row {
            name: "declared latin-1",
            bytes: b"Caf\xE9".to_vec(),
            media_type: "text/plain; charset=ISO-8859-1",
            kind: Kind::Text,
            says: &[("text", "Café")],
            unread: &[],
        },
        Row {
            name: "undeclared latin-1",
            bytes: b"Caf\xE9".to_vec(),
            media_type: "text/plain",
            kind: Kind::Text,
            says: &[("text", "Café")],
            unread: &[("text", "charset")],
        },
        Row {
            name: "a PDF in a text",
            bytes: b"x\n%PDF-1.4\n1 0 obj stream endobj".to_vec(),
            media_type: "text/plain",
            kind: Kind::Text,
            says: &[],
            unread: &[("text", "ambiguous")],
        },
        Row {
            name: "sealed mail",
            bytes: b"-----BEGIN PGP MESSAGE-----\nx\n".to_vec(),
            media_type: "text/plain",
            kind: Kind::Text,
            says: &[],
            unread: &[("text", "encrypted")],
        },
    ]);
}

#[test]
fn markup_hides_nothing() {
    let html = "<!DOCTYPE html><!-- COMMENT --><title>T</title><style>STYLE</style><script>SCRIPT</script>\
        <p title='a &commat; b'>mi<b>ra</b>@harbour-lane<!-- x -->.example</p><p>4111<br>2222</p><a href='mailto:x&#64;y.example'>l</a><p>plain</p>";
    let xml = "<?xml version='1.0'?><!-- C --><a k='V &amp; W'><t>mi<b>ra</b>@harbour-lane.example</t><t>41</t><t>11</t><![CDATA[D]]></a>";
    check(&[
        Row {
            name: "html",
            bytes: html.into(),
            media_type: "text/plain",
            kind: Kind::Html,
            says: &[
                ("text", "COMMENT"),
                ("text", "STYLE"),
                ("text", "SCRIPT"),
                ("text without tags", MAIL),
                ("attributes", "a @ b\nmailto:x@y.example"),
            ],
            unread: &[],
        },
        Row {
            name: "xml",
            bytes: xml.into(),
            media_type: "text/xml",
            kind: Kind::Xml,
            says: &[("text", "<!-- C -->"), ("text without tags", MAIL)],
            unread: &[],
        },
        Row {
            name: "entities",
            bytes: b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'><!ENTITY y 'SECRET'>]><a>&x;&y;</a>".to_vec(),
            media_type: "text/xml",
            kind: Kind::Xml,
            says: &[("text", "SECRET")],
            unread: &[("text", "entity")],
        },
        Row {
            name: "broken",
            bytes: b"<?xml version='1.0'?><a>x<b".to_vec(),
            media_type: "text/xml",
            kind: Kind::Xml,
            says: &[("text", "<b")],
            unread: &[("text", "damaged")],
        },
    ]);
    let joined = read(html.as_bytes(), "text/html", &Limits::default());
    let lines = joined.segments.iter().find(|it| it.place == "text without tags").unwrap();
    assert!(!lines.text.contains("plain") && !lines.text.contains("41112222"), "{}", lines.text);
}

#[test]
fn ranges_are_the_input_and_edits_are_exact() {
    for (bytes, media_type) in [
        ("\u{feff}é write to mira@harbour-lane.example.", "text/plain"),
        ("{\"to\": \"mira@harbour-lane.example\"}", "application/json"),
        ("# To\n<mira@harbour-lane.example>\n", "text/markdown"),
        ("<!doctype html><p>mira@harbour-lane.example</p>", "text/html"),
    ] {
        let extracted = read(bytes.as_bytes(), media_type, &Limits::default());
        let segment = &extracted.segments[0];
        let range = segment.range.clone().unwrap();
        assert_eq!(bytes.get(range.clone()), Some(segment.text.as_str()));
        let start = range.start + segment.text.find(MAIL).unwrap();
        let edits = [Edit { range: start..start + MAIL.len(), replacement: "[EMAIL]".into() }];
        let edited = redact(bytes.as_bytes(), extracted.kind, &edits).unwrap();
        assert_eq!(edited, bytes.replace(MAIL, "[EMAIL]").into_bytes());
    }
}

#[test]
fn what_is_no_text_is_told() {
    let check = |bytes: &[u8], expected| {
        let hint = Hint { media_type: Some("text/plain"), file_name: Some("a.txt") };
        assert_eq!(extract(bytes, &hint, &Limits::default()), Err(expected));
    };
    check(b"\x89PNG\r\n\x1a\n\0\0\0", Unreadable::UnknownKind(Looks::Image));
    check(b"RIFF\0\0\0\0WAVEfmt ", Unreadable::UnknownKind(Looks::Audio));
    check(b"\0\0\0\x18ftypmp42\0\0", Unreadable::UnknownKind(Looks::Video));
    check(b"BZh91AY&SY\0\0\0\0", Unreadable::UnknownKind(Looks::Archive));
    check(b"\x1F\x8B\x01\0\0\0\0\0", Unreadable::UnknownKind(Looks::Archive));
    check(b"{\\rtf1\\ansi x}", Unreadable::UnknownKind(Looks::Rtf));
    check(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0", Unreadable::UnknownKind(Looks::Ole));
    check(b"a\0b\0\0\0\0c", Unreadable::UnknownKind(Looks::Binary));
}

#[test]
fn debug_shows_no_text() {
    let extracted = read(b"SECRET", "text/plain", &Limits::default());
    assert!(!format!("{extracted:?}").contains("SECRET"));
}
