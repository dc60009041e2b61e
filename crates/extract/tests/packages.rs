//! ZIP archives and office documents.

mod common;

use bartizan_extract::{Hint, Kind, Limits, Unreadable, extract};
use common::{Row, check, read, unread, zip, zip_with};

const TYPES: (&str, &[u8]) = ("[Content_Types].xml", b"<?xml version=\"1.0\"?><Types/>");

#[test]
fn documents_are_read() {
    let document = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><w:document xmlns:w=\"http://schemas.openxmlformats.org/x\"><w:body>\
        <w:p><w:r><w:rPr><w:b/></w:rPr><w:t>mi</w:t></w:r><w:proofErr/><w:ins><w:r><w:t>ra@harbour</w:t></w:r></w:ins><w:del><w:r><w:delText>GONE</w:delText></w:r></w:del><w:r><w:t>-lane.example</w:t></w:r></w:p>\
        <w:p><w:r><w:t>next</w:t><w:tab/><w:t>tab</w:t></w:r></w:p><w:docPr descr=\"ALT TEXT\"/></w:body></w:document>";
    let inner = zip(&[TYPES, ("xl/worksheets/sheet1.xml", b"<?xml version=\"1.0\"?><worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>INNER CELL</t></is></c></row></sheetData></worksheet>")]);
    let docx = zip(&[
        TYPES,
        ("word/document.xml", document),
        (
            "word/comments.xml",
            b"<?xml version=\"1.0\"?><w:comments><w:comment w:author=\"AUTHOR\"><w:p><w:t>COMMENT</w:t></w:p></w:comment></w:comments>",
        ),
        (
            "docProps/core.xml",
            b"<?xml version=\"1.0\"?><cp:coreProperties><dc:creator>CREATOR</dc:creator><dc:title>TITLE</dc:title></cp:coreProperties>",
        ),
        (
            "docProps/custom.xml",
            b"<?xml version=\"1.0\"?><Properties><property fmtid=\"{F}\" pid=\"2\" name=\"Class\"><vt:lpwstr>Internal</vt:lpwstr></property>\
                <property fmtid=\"{F}\" pid=\"3\" name=\"Owner\"><vt:lpwstr>Board</vt:lpwstr></property></Properties>",
        ),
        (
            "word/_rels/document.xml.rels",
            b"<?xml version=\"1.0\"?><Relationships><Relationship Target=\"mailto:link@x.example\"/></Relationships>",
        ),
        ("word/embeddings/book.xlsx", &inner),
        ("word/media/image1.png", b"\x89PNG\r\n\x1a\n\0\0"),
        ("word/vbaProject.bin", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"),
    ]);
    let slide = b"<?xml version=\"1.0\"?><p:sld><a:p><a:r><a:t>mi</a:t></a:r><a:r><a:t>ra@x.example</a:t></a:r></a:p></p:sld>";
    let pptx = zip(&[
        TYPES,
        ("ppt/slides/slide12.xml", slide),
        ("ppt/notesSlides/notesSlide1.xml", b"<?xml version=\"1.0\"?><p:notes><a:p><a:t>NOTE</a:t></a:p></p:notes>"),
    ]);
    check(&[
        Row {
            name: "docx",
            bytes: docx,
            media_type: "text/plain",
            kind: Kind::Docx,
            says: &[
                ("word/document.xml", "mira@harbour-lane.example\nnext\ttab"),
                ("word/document.xml (beside the text)", "GONE"),
                ("word/document.xml (attributes)", "ALT TEXT"),
                ("word/comments.xml", "COMMENT"),
                ("word/comments.xml (attributes)", "AUTHOR"),
                ("docProps/core.xml", "CREATOR\nTITLE"),
                ("docProps/custom.xml", "Class: Internal\nOwner: Board"),
                ("docProps/custom.xml (attributes)", "Class\nOwner"),
                ("word/_rels/document.xml.rels (attributes)", "mailto:link@x.example"),
                ("word/embeddings/book.xlsx > sheet1!A1", "INNER CELL"),
            ],
            unread: &[("word/media/image1.png", "image"), ("word/vbaProject.bin", "ole")],
        },
        Row {
            name: "pptx",
            bytes: pptx,
            media_type: "",
            kind: Kind::Pptx,
            says: &[("slide 12", "mira@x.example"), ("notes of slide 1", "NOTE")],
            unread: &[],
        },
    ]);
}

#[test]
fn workbooks_are_read() {
    let sheet = b"<?xml version=\"1.0\"?><worksheet><sheetData><row r=\"2\"><c r=\"A2\" t=\"s\"><v>1</v></c><c r=\"B2\"><v>4.111111111111111E+15</v></c>\
        <c r=\"C2\" t=\"str\"><f>CONCAT(\"IN FORMULA\")</f><v>result</v></c></row><row r=\"7\"><c r=\"D7\" t=\"inlineStr\"><is><r><t>mi</t></r><r><t>ra@x.example</t></r></is></c></row></sheetData>\
        <dataValidations><dataValidation prompt=\"PROMPT\"/></dataValidations></worksheet>";
    let book = zip(&[
        TYPES,
        ("xl/worksheets/sheet9.xml", sheet),
        ("xl/workbook.xml", b"<?xml version=\"1.0\"?><workbook><sheets><sheet name=\"People\" r:id=\"r1\"/></sheets></workbook>"),
        (
            "xl/_rels/workbook.xml.rels",
            b"<?xml version=\"1.0\"?><Relationships><Relationship Id=\"r1\" Target=\"worksheets/sheet9.xml\"/></Relationships>",
        ),
        (
            "xl/sharedStrings.xml",
            b"<?xml version=\"1.0\"?><sst><si><t>UNUSED</t></si><si><r><t>Mi</t></r><r><t>ra</t></r><rPh><t>PHONETIC</t></rPh></si></sst>",
        ),
    ]);
    check(&[Row {
        name: "xlsx",
        bytes: book,
        media_type: "",
        kind: Kind::Xlsx,
        says: &[
            ("People!A2:C2", "Mira\t4111111111111111\tresult"),
            ("People!D7", "mira@x.example"),
            ("xl/worksheets/sheet9.xml (formulas)", "IN FORMULA"),
            ("xl/worksheets/sheet9.xml (attributes)", "PROMPT"),
            ("xl/sharedStrings.xml (beside the text)", "PHONETIC"),
            ("strings of no cell", "UNUSED"),
        ],
        unread: &[],
    }]);
}

#[test]
fn archives_hide_nothing() {
    let twice = zip_with(&[("a.txt", b"FIRST"), ("a.txt", b"SECOND"), ("b/", b"")], 0, "ARCHIVE COMMENT");
    // The directory of the second archive does not know the first.
    let hidden = [zip(&[("h.txt", b"HIDDEN")]), zip(&[("v.txt", b"VISIBLE")])].concat();
    let mut led = b"MZ\x90\0".repeat(20);
    led.extend(zip(&[("v.txt", b"VISIBLE")]));
    let whole = zip(&[("a.txt", b"READABLE TEXT")]);
    let no_directory = whole[..whole.len() - 30].to_vec();
    check(&[
        Row {
            name: "two of one name",
            bytes: twice,
            media_type: "",
            kind: Kind::Zip,
            says: &[("a.txt", "FIRST"), ("a.txt", "SECOND"), ("comment", "ARCHIVE COMMENT")],
            unread: &[],
        },
        Row {
            name: "not listed",
            bytes: hidden,
            media_type: "",
            kind: Kind::Zip,
            says: &[("v.txt", "VISIBLE"), ("h.txt", "HIDDEN")],
            unread: &[("h.txt", "ambiguous"), ("", "leftover")],
        },
        Row {
            name: "something in front",
            bytes: led,
            media_type: "",
            kind: Kind::Zip,
            says: &[("v.txt", "VISIBLE")],
            unread: &[("", "leftover")],
        },
        Row {
            name: "torn",
            bytes: no_directory,
            media_type: "",
            kind: Kind::Zip,
            says: &[("a.txt", "READABLE TEXT")],
            unread: &[("", "damaged"), ("a.txt", "ambiguous"), ("", "leftover")],
        },
    ]);
}

#[test]
fn what_cannot_be_read_is_told() {
    let one_locked = zip_with(&[("locked.txt", b"x"), ("open.txt", b"OPEN")], 1, "");
    check(&[Row {
        name: "one locked",
        bytes: one_locked,
        media_type: "",
        kind: Kind::Zip,
        says: &[("open.txt", "OPEN")],
        unread: &[("locked.txt", "encrypted")],
    }]);
    let hint = Hint::default();
    assert_eq!(extract(&zip_with(&[("locked.txt", b"x")], 1, ""), &hint, &Limits::default()), Err(Unreadable::Encrypted));
    assert_eq!(extract(b"PK\x03\x04 nothing else", &hint, &Limits::default()), Err(Unreadable::Damaged));
    let mut wrong_sum = zip(&[("a.txt", b"READABLE")]);
    wrong_sum[14] ^= 1;
    let at = wrong_sum.windows(4).position(|it| it == b"PK\x01\x02").unwrap();
    wrong_sum[at + 16] ^= 1;
    check(&[Row {
        name: "wrong sum",
        bytes: wrong_sum,
        media_type: "",
        kind: Kind::Zip,
        says: &[("a.txt", "READABLE")],
        unread: &[("a.txt", "damaged")],
    }]);
}

#[test]
fn limits_hold() {
    let zeros = vec![b' '; 8 << 20];
    let bomb = zip(&[("a.txt", &zeros), ("b.txt", b"AFTER")]);
    let extracted = read(&bomb, "", &Limits::default());
    assert_eq!(unread(&extracted), [("a.txt", "limit.inflate")]);
    assert!(extracted.segments.iter().any(|it| it.text == "AFTER"));

    let mut nested = zip(&[("x.txt", b"DEEP")]);
    for _ in 0..8 {
        nested = zip(&[("n.zip", &nested)]);
    }
    let extracted = read(&nested, "", &Limits::default());
    assert_eq!(unread(&extracted), [("n.zip > n.zip > n.zip > n.zip > n.zip > n.zip", "limit.depth")]);

    let many = zip(&[("a.txt", b"1111"), ("b.txt", b"2222"), ("c.txt", b"3333")]);
    let extracted = read(&many, "", &Limits { entries: 2, ..Limits::default() });
    assert_eq!(unread(&extracted), [("", "limit.entries"), ("c.txt", "limit.entries")]);

    let long = zip(&[("a.txt", &b"word ".repeat(100)), ("b.txt", b"more")]);
    let extracted = read(&long, "", &Limits { output_bytes: 100, ..Limits::default() });
    assert_eq!(extracted.segments.iter().map(|it| it.text.len()).sum::<usize>(), 100);
    assert_eq!(unread(&extracted), [("a.txt", "limit.output")]);

    let deep = format!("<?xml version='1.0'?>{}x", "<a>".repeat(100_000));
    let extracted = read(deep.as_bytes(), "", &Limits::default());
    assert_eq!(unread(&extracted), [("text", "limit.depth")]);
    assert_eq!(
        extract(b"12345", &Hint::default(), &Limits { input_bytes: 4, ..Limits::default() }).unwrap_err().to_string(),
        "the document is over the limit `input`"
    );
}

#[test]
fn sensitivity_labels_are_told_by_their_ids() {
    let labels = |attributes: &str| {
        format!(
            "<?xml version=\"1.0\"?><clbl:labelList xmlns:clbl=\"http://schemas.microsoft.com/office/2020/mipLabelMetadata\"><clbl:label {attributes}/></clbl:labelList>"
        )
    };
    let id = "0a1b2c3d-4e5f-6789-abcd-ef0123456789";
    let told = format!("MSIP_Label_Id: {id}\n");
    for (attributes, is_told) in [
        (format!("id=\"{{{id}}}\" enabled=\"1\" method=\"Privileged\" siteId=\"{{{id}}}\" removed=\"0\""), true),
        (format!("id=\"{id}\""), true),
        (format!("id=\"{{{id}}}\" enabled=\"1\" removed=\"1\""), false),
        (format!("id=\"{{{id}}}\" enabled=\"0\""), false),
        ("id=\"General\"".to_owned(), false),
    ] {
        let info = labels(&attributes);
        let docx =
            zip(&[TYPES, ("word/document.xml", b"<?xml version=\"1.0\"?><document/>"), ("docMetadata/LabelInfo.xml", info.as_bytes())]);
        let extracted = read(&docx, "", &Limits::default());
        let said: Vec<&str> =
            extracted.segments.iter().filter(|it| it.place == "docMetadata/LabelInfo.xml").map(|it| it.text.as_str()).collect();
        assert_eq!(said, if is_told { vec![told.as_str()] } else { vec![] }, "{attributes}");
        assert!(unread(&extracted).is_empty());
    }
}

#[test]
fn blanks_in_very_many_cells_cost_what_text_costs() {
    let strings = format!("<?xml version=\"1.0\"?><sst><si><t>{}</t></si><si><t>NAME</t></si></sst>", " ".repeat(100_000));
    let row = "<row><c t=\"s\"><v>0</v></c></row>".repeat(30);
    let sheet = format!("<?xml version=\"1.0\"?><worksheet><sheetData>{row}</sheetData></worksheet>");
    let told = |sheets: &[&str]| {
        let mut parts: Vec<(&str, &[u8])> = vec![("[Content_Types].xml", b"<Types/>"), ("xl/sharedStrings.xml", strings.as_bytes())];
        parts.extend(sheets.iter().map(|name| (*name, sheet.as_bytes())));
        let extracted = read(&zip(&parts), "", &Limits { output_bytes: 4_000_000, ..Limits::default() });
        assert_eq!(extracted.kind, Kind::Xlsx);
        extracted.unread.iter().any(|it| it.reason.name() == "limit.output")
    };
    assert!(!told(&["xl/worksheets/sheet1.xml"]));
    assert!(told(&["xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"]));
}
