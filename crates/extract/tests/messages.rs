//! Internet messages.

mod common;

use bartizan_extract::Kind;
use common::{Row, check, zip};

fn message(body: &str) -> Vec<u8> {
    format!("From: a@x.example\r\nTo: b@x.example\r\n{body}").into_bytes()
}

#[test]
fn messages_are_read() {
    let attached = zip(&[("in.txt", b"ZIPPED mira@harbour-lane.example")]);
    let packed = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &attached);
    let mixed = format!(
        "Content-Type: multipart/mixed; boundary=\"=b\"\r\nSubject: =?utf-8?B?xb1vZmll?= =?utf-8?q?_4111?=\r\n\r\nPREAMBLE\r\n--=b\r\n\
        Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nmira=40harbour-\r\n=E9 so=\r\nft\r\n--=b\r\n\
        Content-Type: application/zip\r\nContent-Disposition: attachment; filename*0=\"mira@\"; filename*1=\"x.example.zip\"\r\n\
        Content-Transfer-Encoding: base64\r\n\r\n{packed}\r\n--=b\r\nContent-Type: message/rfc822\r\n\r\nSubject: INNER\r\n\r\ninner body\r\n--=b\r\n\
        Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgoAAA==\r\n--=b--\r\nEPILOGUE\r\n"
    );
    check(&[
        Row {
            name: "mixed",
            bytes: message(&mixed),
            media_type: "message/rfc822",
            kind: Kind::Email,
            says: &[
                ("headers", "Subject: Žofie 4111"),
                ("body beside the parts", "PREAMBLE"),
                ("part 1", "mira@harbour-\r\né soft"),
                ("part 2 headers", "mira@x.example.zip"),
                ("part 2 > in.txt", "ZIPPED mira@harbour-lane.example"),
                ("part 3 > headers", "INNER"),
                ("part 3 > body", "inner body"),
                ("body beside the parts", "EPILOGUE"),
            ],
            unread: &[("part 4", "image")],
        },
        Row {
            name: "html body",
            bytes: message("Content-Type: text/html\r\n\r\n<p>mi<b>ra</b>@x.example</p>"),
            media_type: "text/plain",
            kind: Kind::Email,
            says: &[("body", "<p>mi"), ("body > text without tags", "mira@x.example")],
            unread: &[],
        },
        Row {
            name: "no parts",
            bytes: message("Content-Type: multipart/mixed; boundary=b\r\n\r\nloose text"),
            media_type: "",
            kind: Kind::Email,
            says: &[("body", "loose text")],
            unread: &[("body", "damaged")],
        },
        Row {
            name: "two types",
            bytes: message("Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nx"),
            media_type: "",
            kind: Kind::Email,
            says: &[("body", "x")],
            unread: &[("body", "ambiguous")],
        },
        Row {
            name: "unknown transfer encoding",
            bytes: message("Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a"),
            media_type: "",
            kind: Kind::Email,
            says: &[("body", "begin 644 a")],
            unread: &[("body", "method")],
        },
        Row {
            name: "sealed",
            bytes: message("Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\nMIIAAAAA\r\n"),
            media_type: "",
            kind: Kind::Email,
            says: &[],
            unread: &[("body", "encrypted"), ("body", "binary")],
        },
    ]);
}

#[test]
fn messages_in_messages_end() {
    let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(50_000);
    check(&[Row {
        name: "deep",
        bytes: message(&deep),
        media_type: "",
        kind: Kind::Email,
        says: &[],
        unread: &[("body > body > body > body > body > body", "limit.depth")],
    }]);
}
