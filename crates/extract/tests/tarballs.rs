//! gzip and tar.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests, on known bytes")]

mod common;

use bartizan_extract::{Extracted, Hint, Kind, Limits, Reason, Unreadable, extract, render};
use common::{Row, check, gzip, pax, read, tar, tar_entry, tar_header, unread, zip};

fn row<'a>(name: &'a str, bytes: Vec<u8>, kind: Kind, says: &'a [(&'a str, &'a str)], unread: &'a [(&'a str, &'a str)]) -> Row<'a> {
    Row { name, bytes, media_type: "text/plain", kind, says, unread }
}

/// A member whose header has flags and what they stand for.
fn member(flags: u8, fields: &[u8], content: &[u8]) -> Vec<u8> {
    let whole = gzip(content);
    [&whole[..3], &[flags], &whole[4..10], fields, &whole[10..]].concat()
}

fn summed(flags: u8, fields: &[u8], content: &[u8], add: u16) -> Vec<u8> {
    let whole = member(flags, fields, content);
    let sum = u16::try_from(crc32fast::hash(&whole[..10 + fields.len()]) & 0xFFFF).unwrap().wrapping_add(add).to_le_bytes();
    member(flags, &[fields, &sum].concat(), content)
}

#[test]
fn gzip_is_read_by_all_its_members() {
    let (one, two) = (gzip(b"FIRST HALF, "), gzip(b"SECOND HALF"));
    let named = member(0x1C, b"\x04\0XTRAdir/NAMED.TXT\0A REMARK\0", b"CONTENT");
    let mut wrong_sum = gzip(b"READABLE");
    let at = wrong_sum.len() - 8;
    wrong_sum[at] ^= 1;
    let mut wrong_length = gzip(b"READABLE");
    wrong_length[at + 4] ^= 1;
    let noise: Vec<u8> = (0..4_000_u32).flat_map(|it| format!("{:x} ", it.wrapping_mul(2_654_435_761)).into_bytes()).collect();
    let torn = gzip(&noise)[..4_000].to_vec();
    let extra = [b"\x28\0", &[1; 40][..]].concat();
    let (html, small) = (gzip(b"<!doctype html><p>a<b>b</b>"), member(0, b"", b"x"));
    check(&[
        row("one", one.clone(), Kind::Gzip, &[("content", "FIRST HALF, ")], &[]),
        row("two", [&*one, &two].concat(), Kind::Gzip, &[("content", "FIRST HALF, SECOND HALF")], &[]),
        row("named", named, Kind::Gzip, &[("NAMED.TXT", "CONTENT"), ("names of members", "XTRA\ndir/NAMED.TXT\nA REMARK\n")], &[]),
        row("sum of the header", summed(0x0A, b"n\0", b"CONTENT", 0), Kind::Gzip, &[("n", "CONTENT")], &[]),
        row("wrong sum of the header", summed(0x0A, b"n\0", b"CONTENT", 1), Kind::Gzip, &[("n", "CONTENT")], &[("", "damaged")]),
        row("reserved", member(0x80, b"", b"CONTENT"), Kind::Gzip, &[("content", "CONTENT")], &[("", "damaged")]),
        row("extra", member(4, &extra, b"CONTENT"), Kind::Gzip, &[("content", "CONTENT")], &[("", "leftover")]),
        row("wrong sum", wrong_sum, Kind::Gzip, &[("content", "READABLE")], &[("", "damaged")]),
        row("wrong length", wrong_length, Kind::Gzip, &[("content", "READABLE")], &[("", "damaged")]),
        row("torn", torn, Kind::Gzip, &[("content", "9e3779b1 3c6ef362 ")], &[("", "damaged")]),
        row("zeros behind", [&*one, &[0; 500]].concat(), Kind::Gzip, &[("content", "FIRST")], &[]),
        row("behind", [&*one, b"x"].concat(), Kind::Gzip, &[("content", "FIRST")], &[("", "leftover")]),
        row("torn in the second", [&*one, &two[..9]].concat(), Kind::Gzip, &[("content", "FIRST")], &[("", "damaged")]),
        row("a document", html, Kind::Gzip, &[("content > text without tags", "ab")], &[]),
        row("twice", gzip(&small), Kind::Gzip, &[("content > content", "x")], &[]),
        row("a picture", gzip(b"\x89PNG\r\n\x1a\n\0\0"), Kind::Gzip, &[], &[("content", "image")]),
        row("nothing", gzip(b""), Kind::Gzip, &[], &[]),
    ]);
    for nothing in [&one[..9], b"\x1F\x8B\x08\x08\0\0\0\0\0\0name", b"\x1F\x8B\x08\0\0\0\0\0\0\0\xFF"] {
        assert_eq!(extract(nothing, &Hint::default(), &Limits::default()), Err(Unreadable::Damaged), "{nothing:?}");
    }
}

#[test]
fn a_packed_file_is_named_by_its_file() {
    let check = |bytes: &[u8], file_name, place| {
        let hint = Hint { media_type: None, file_name: Some(file_name) };
        let extracted = extract(bytes, &hint, &Limits::default()).unwrap();
        assert!(extracted.segments.iter().any(|it| it.place == place && it.text == "TEXT"), "{file_name}: {place}");
    };
    check(&gzip(b"TEXT"), "dir/a.csv.GZ", "a.csv");
    check(&gzip(b"TEXT"), ".gz", "content");
    check(&member(8, b"n\0", b"TEXT"), "data", "n");
    let archive = tar(&[tar_entry("dir/b.txt", b'0', b"TEXT")]);
    check(&gzip(&archive), "a.tar.gz", "dir/b.txt");
    check(&gzip(&archive), "a.tgz", "dir/b.txt");
    check(&zip(&[("x/a.tar.gz", &gzip(&archive))]), "z.zip", "x/a.tar.gz > dir/b.txt");
}

#[test]
fn tar_is_read_in_all_its_forms() {
    let long = "deep/".repeat(30) + "LONG";
    let old = tar_header("old.txt", b'\0', 4, &[(257, &[0; 8])]);
    let gnu = tar_header("cut", b'0', 4, &[(257, b"ustar  \0"), (265, b"USER"), (297, b"GROUP"), (345, b"14524770200\0")]);
    let prefixed = tar_header("file.txt", b'0', 4, &[(345, b"PREFIX/dir")]);
    let big = tar_header("big.txt", b'0', 0, &[(124, b"\x80\0\0\0\0\0\0\0\0\0\0\x04")]);
    let signed = {
        let mut block = tar_header("\u{e9}", b'0', 4, &[]);
        let sum: i64 =
            block.iter().enumerate().map(|(at, byte)| i64::from(if (148..156).contains(&at) { b' ' } else { *byte }.cast_signed())).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    };
    let filled = |text: &[u8]| [text, &[0; 508]].concat();
    let archive = tar(&[
        old,
        filled(b"V7V7"),
        tar_entry("@LongLink", b'L', format!("{long}\0").as_bytes()),
        gnu,
        filled(b"GNUL"),
        prefixed,
        filled(b"POSX"),
        pax(b'g', &[("comment", "REVISION")]),
        pax(b'x', &[("path", "PAX/é.txt"), ("mtime", "1700000000.123456789"), ("SCHILY.xattr.user.note", "XATTR")]),
        tar_entry("short", b'7', b"<?xml version='1.0'?><a>b&amp;c</a>"),
        big,
        filled(b"BASE"),
        signed,
        filled(b"SIGN"),
        tar_header("LINK", b'2', 0, &[(157, b"TARGET")]),
        tar_header("HARD", b'1', 0, &[(157, b"OTHER")]),
        tar_header("DEVICE", b'4', 0, &[(329, b"0000010\0"), (337, b"0000003\0")]),
        tar_header("FOLDER/", b'5', 0, &[]),
        tar_entry("dump", b'D', b"YINSIDE\0\0"),
        tar_entry("unknown", b'Q', b"ODD KIND"),
    ]);
    let long_place = long.as_str();
    let names = [
        "old.txt\n",
        long_place,
        "cut\n",
        "PREFIX/dir/file.txt\n",
        "comment=REVISION\n",
        "path=PAX/é.txt\n",
        "user.note=XATTR\n",
        "short\n",
    ];
    let names_too = ["LINK\nTARGET\n", "HARD\nOTHER\n", "DEVICE\n", "FOLDER/\n", "YINSIDE\n", "GROUP", "USER"];
    let mut says = vec![
        ("old.txt", "V7V7"),
        (long_place, "GNUL"),
        ("PREFIX/dir/file.txt", "POSX"),
        ("PAX/é.txt > text", "b"),
        ("big.txt", "BASE"),
        ("é", "SIGN"),
        ("unknown", "ODD KIND"),
    ];
    says[3] = ("PAX/é.txt > text without tags", "b&c");
    says.extend(names.iter().chain(&names_too).map(|it| ("names of entries", *it)));
    check(&[row("tar", archive.clone(), Kind::Tar, &says, &[]), row("tar.gz", gzip(&archive), Kind::Gzip, &says, &[])]);
    let extracted = read(&archive, "", &Limits::default());
    assert!(!extracted.segments.iter().any(|it| it.text.contains("mtime")), "times are no text");
    assert!(render(&archive, &Hint::default(), &Limits::default()).is_none());
    assert!(render(&gzip(b"text"), &Hint::default(), &Limits::default()).is_none());
}

#[test]
fn tar_hides_nothing() {
    let (a, b) = (tar_entry("a.txt", b'0', b"AAAA"), tar_entry("b.txt", b'0', b"BBBB"));
    let both: &[(&str, &str)] = &[("a.txt", "AAAA"), ("b.txt", "BBBB")];
    let first: &[(&str, &str)] = &[("a.txt", "AAAA")];
    let end = [0; 1024];
    let mut padded = a.clone();
    padded[1000] = b'x';
    let mut broken = a.clone();
    broken[0] ^= 1;
    let in_fields = |changes: &[(usize, &[u8])]| tar(&[a.clone(), tar_header("c", b'0', 0, changes)]);
    let hidden: &[(&str, &str)] = &[("c", "leftover")];
    let linked = tar_header("hard", b'1', 4, &[(157, b"a.txt")]);
    let sparse = tar_header("holes", b'S', 4, &[(257, b"ustar  \0"), (482, b"\x01")]);
    let more = [vec![b'1'; 504], vec![0; 8]].concat();
    let junk = [b"JUNK".as_slice(), &[0; 508]].concat();
    check(&[
        row("twice", tar(&[a.clone(), tar_entry("a.txt", b'0', b"BBBB")]), Kind::Tar, &[("a.txt", "AAAA"), ("a.txt", "BBBB")], &[]),
        row("no end", [&*a, &b].concat(), Kind::Tar, both, &[("", "damaged")]),
        row("behind the end", [&*a, &end, &b].concat(), Kind::Tar, both, &[("b.txt", "ambiguous"), ("", "damaged")]),
        row("junk behind the end", [&*a, &end, &junk].concat(), Kind::Tar, first, &[("", "leftover")]),
        row(
            "cut off",
            [&*a, &b[..514]].concat(),
            Kind::Tar,
            &[("a.txt", "AAAA"), ("b.txt", "BB")],
            &[("b.txt", "damaged"), ("", "damaged")],
        ),
        row("cut in a header", [&*a, &b[..200]].concat(), Kind::Tar, first, &[("", "damaged")]),
        row("a broken header between", [&*a, &broken, &tar(std::slice::from_ref(&b))].concat(), Kind::Tar, both, &[("", "damaged")]),
        row(
            "a broken header first",
            [&*broken, &tar(std::slice::from_ref(&b))].concat(),
            Kind::Tar,
            &[("b.txt", "BBBB")],
            &[("", "damaged")],
        ),
        row("in the padding", tar(&[padded, b.clone()]), Kind::Tar, both, &[("a.txt", "leftover")]),
        row("behind a name", in_fields(&[(50, b"HIDDEN")]), Kind::Tar, first, hidden),
        row("in a number", in_fields(&[(136, b"HIDDEN")]), Kind::Tar, first, hidden),
        row("in a long number", in_fields(&[(136, b"\x80HIDDEN TEXT")]), Kind::Tar, first, hidden),
        row("behind the prefix", in_fields(&[(500, b"HIDDEN")]), Kind::Tar, first, hidden),
        row("in an old header", in_fields(&[(257, b"HIDDEN\0\0")]), Kind::Tar, first, hidden),
        row("in a header of GNU", in_fields(&[(257, b"ustar  \0"), (400, b"HIDDEN")]), Kind::Tar, first, hidden),
        row(
            "a size that is none",
            tar(&[a.clone(), tar_header("c", b'0', 0, &[(124, b"-1\0\0\0\0\0\0\0\0\0\0")])]),
            Kind::Tar,
            first,
            &[("c", "damaged"), ("", "damaged")],
        ),
        row(
            "two sizes",
            tar(&[pax(b'x', &[("size", "4")]), tar_header("c", b'0', 0, &[]), junk.clone(), b.clone()]),
            Kind::Tar,
            &[("c", "JUNK"), ("b.txt", "BBBB")],
            &[("c", "ambiguous")],
        ),
        row("a name for all", tar(&[pax(b'g', &[("path", "x")]), a.clone()]), Kind::Tar, first, &[("pax", "ambiguous")]),
        row(
            "for nobody",
            tar(&[a.clone(), pax(b'x', &[("comment", "LOST")])]),
            Kind::Tar,
            &[("names of entries", "LOST")],
            &[("", "damaged")],
        ),
        row(
            "records that are none",
            tar(&[tar_entry("pax", b'x', b"9 NO RECORD"), a.clone()]),
            Kind::Tar,
            &[("names of entries", "9 NO RECORD")],
            &[("a.txt", "damaged")],
        ),
        row("a link with a size", tar(&[linked.clone(), b.clone()]), Kind::Tar, &[("b.txt", "BBBB")], &[("hard", "ambiguous")]),
        row(
            "a link with a content",
            tar(&[linked, junk.clone(), b.clone()]),
            Kind::Tar,
            &[("hard", "JUNK"), ("b.txt", "BBBB")],
            &[("hard", "ambiguous")],
        ),
        row("sparse", tar(&[sparse, more, junk.clone(), b.clone()]), Kind::Tar, &[("b.txt", "BBBB")], &[("holes", "method")]),
        row(
            "sparse in pax",
            tar(&[pax(b'x', &[("GNU.sparse.major", "1"), ("GNU.sparse.name", "holes")]), a.clone()]),
            Kind::Tar,
            &[("names of entries", "a.txt")],
            &[("holes", "method")],
        ),
        row("the end of another", tar(&[tar_entry("c", b'M', b"PIECE")]), Kind::Tar, &[("c", "PIECE")], &[("c", "damaged")]),
        row("named like a PDF", tar(&[tar_entry("%PDF-1.7\n", b'0', b"AAAA")]), Kind::Tar, &[("%PDF-1.7\n", "AAAA")], &[("", "ambiguous")]),
        row("a picture", tar(&[tar_entry("c", b'0', b"\x89PNG\r\n\x1a\n\0\0")]), Kind::Tar, &[], &[("c", "image")]),
    ]);
    assert_eq!(extract(&broken, &Hint::default(), &Limits::default()), Err(Unreadable::Damaged));
    // Text that a sum fits by chance, or by somebody's care, is text.
    let text = "word ".repeat(300);
    assert_eq!(read(text.as_bytes(), "", &Limits::default()).kind, Kind::Text);
    let mut ustar = text.into_bytes();
    ustar[257..262].copy_from_slice(b"ustar");
    assert_eq!(read(&ustar, "", &Limits::default()).kind, Kind::Text);
}

#[test]
fn limits_hold() {
    let with = |bytes: &[u8], limits: &Limits| read(bytes, "", limits);
    let told = |extracted: &Extracted| extracted.unread.iter().map(|it| (it.place.clone(), it.reason)).collect::<Vec<_>>();
    let limits = Limits::default();
    let bomb = gzip(&vec![b' '; 8 << 20]);
    assert_eq!(unread(&with(&bomb, &limits)), [("", "limit.inflate")]);
    let small = Limits { inflated_bytes: 100, ..Limits::default() };
    let extracted = with(&gzip(&b"word ".repeat(100)), &small);
    assert_eq!((unread(&extracted), extracted.segments[0].text.len()), (vec![("", "limit.inflate")], 100));

    let mut nested = gzip(b"DEEP");
    for _ in 0..8 {
        nested = gzip(&nested);
    }
    let place = ["content"; 6].join(" > ");
    assert_eq!(unread(&with(&nested, &limits)), [(place.as_str(), "limit.depth")]);
    let mut nested = tar(&[]);
    for _ in 0..8 {
        nested = tar(&[tar_entry("n.tar", b'0', &nested)]);
    }
    let place = ["n.tar"; 6].join(" > ");
    assert_eq!(unread(&with(&nested, &limits)), [(place.as_str(), "limit.depth")]);

    let many = tar(&[tar_entry("a", b'0', b"1111"), tar_entry("b", b'0', b"2222"), tar_entry("c", b'0', b"3333")]);
    let two = Limits { entries: 2, ..Limits::default() };
    assert!(told(&with(&many, &two)).contains(&("c".into(), Reason::Limit(bartizan_extract::Limit::Entries))));
    let extracted = with(&[gzip(b"1"), gzip(b"2"), gzip(b"3")].concat(), &two);
    assert_eq!((unread(&extracted), extracted.segments[0].text.as_str()), (vec![("", "limit.entries")], "12"));
}
