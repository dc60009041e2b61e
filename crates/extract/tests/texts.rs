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

#[test]
fn notebooks_are_read_by_their_cells() {
    let picture = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, b"\x89PNG\r\n\x1a\n\0\0");
    let packed = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, common::gzip(b"PACKED"));
    let (head, tail) = packed.split_at(8);
    let new = format!(
        r##"{{"cells": [
        {{"cell_type": "markdown", "metadata": {{"note": "ASIDE"}}, "source": "# A \u0054itle", "attachments": {{"a.png": {{"image/png": "{picture}"}}}}}},
        {{"cell_type": "code", "source": ["card = '4111 1111 \", "1111 1111'\n", "print(card)"], "outputs": [
            {{"output_type": "stream", "name": "stdout", "text": ["one\n", "two"]}},
            {{"output_type": "display_data", "data": {{"text/plain": "PLAIN", "text/html": ["<p>bo", "<b>ld</b>"],
                "application/json": {{"key": "of json"}}, "application/gzip": ["{head}\n", "{tail}"]}}}},
            {{"output_type": "error", "ename": "KeyError", "evalue": "'mira'", "traceback": ["line 1", "line 2"]}}]}}],
        "metadata": {{}}, "nbformat": 4, "nbformat_minor": 5}}"##
    )
    .replace("1111 \\\"", "1111 \"");
    let old = format!(
        r#"{{"nbformat": 3, "worksheets": [{{"cells": [{{"cell_type": "code", "input": ["old ", "one"], "outputs": [{{"png": "{picture}", "text": "old text"}}]}}]}}]}}"#
    );
    let row = |name, text: &str, kind, says, unread| Row { name, bytes: text.as_bytes().to_vec(), media_type: "", kind, says, unread };
    let both: &[(&str, &str)] = &[("cell 1, attachment", "image")];
    check(&[
        row(
            "new",
            &new,
            Kind::Notebook,
            &[
                ("text", "\"nbformat\": 4"),
                ("text", "ASIDE"),
                ("cell 1", "# A Title"),
                ("cell 2", "card = '4111 1111 1111 1111'\nprint(card)"),
                ("cell 2, output 1", "one\ntwo"),
                ("cell 2, output 2", "PLAIN"),
                ("cell 2, output 2 > text without tags", "bold"),
                ("cell 2, output 2", "{\"key\": \"of json\"}"),
                ("cell 2, output 2 > content", "PACKED"),
                ("cell 2, output 3", "KeyError"),
                ("cell 2, output 3", "line 1\nline 2"),
            ],
            both,
        ),
        row("old", &old, Kind::Notebook, &[("cell 1", "old one"), ("cell 1, output 1", "old text")], &[("cell 1, output 1", "image")]),
        row("no cells", r#"{"cells": 5, "nbformat": 4}"#, Kind::Notebook, &[("text", "nbformat")], &[("text", "damaged")]),
        row(
            "two of a name",
            r#"{"nbformat": 4, "cells": [{"source": "ONE"}], "cells": [{"source": "TWO"}]}"#,
            Kind::Notebook,
            &[("cell 1", "ONE"), ("cell 2", "TWO")],
            &[],
        ),
        row("more behind", r#"{"nbformat": 4, "cells": []} {}"#, Kind::Notebook, &[], &[("text", "damaged")]),
        row("only JSON", r#"{"nbformat": 4, "kells": []}"#, Kind::Json, &[], &[]),
    ]);
    let cut = new.strip_suffix('}').unwrap();
    let hint = Hint { media_type: None, file_name: Some("a.ipynb") };
    let extracted = extract(cut.as_bytes(), &hint, &Limits::default()).unwrap();
    assert_eq!((extracted.kind, extracted.unread.last().unwrap().reason.name()), (Kind::Notebook, "damaged"));
    let text = bartizan_extract::render(old.as_bytes(), &hint, &Limits::default()).unwrap().text;
    assert_eq!(text, "[cell 1]\nold one\n\n[cell 1, output 1]\nold text");
}
