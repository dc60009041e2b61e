//! A package with a made-up encoder in it: one that knows `jo berg`.

#[path = "../../../encoder/tests/encoder/made.rs"]
mod made;
#[path = "../../../encoder/tests/encoder/onnx.rs"]
mod onnx;

/// Its files.
pub fn files() -> Vec<(&'static str, Vec<u8>)> {
    let [model, tokenizer, config] = made::parts();
    vec![
        ("acme/__init__.py", b"raise SystemExit('nothing of it is run')".to_vec()),
        ("acme/models/onnx/model_q4.onnx", model),
        ("acme/models/tokenizer.json", tokenizer),
        ("acme/models/config.json", config),
        ("acme/models/LICENSE", b"The licence of the model".to_vec()),
        (
            "acme-1.0.dist-info/METADATA",
            b"Metadata-Version: 2.4\nName: acme-names\nVersion: 1.0\nLicense-Expression: CC-BY-4.0\n\nName: none\n".to_vec(),
        ),
        ("acme-1.0.dist-info/licenses/NOTICE", b"Made by the people of Acme.\n".to_vec()),
    ]
}

/// A ZIP archive of files, some of them deflated.
pub fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let deflated = name.contains(".json");
        let packed = if deflated { deflate(bytes) } else { bytes.clone() };
        let (size, length) = (u32::try_from(packed.len()).unwrap(), u32::try_from(bytes.len()).unwrap());
        let (at, named) = (u32::try_from(out.len()).unwrap(), u16::try_from(name.len()).unwrap());
        let mut head = vec![20, 0, 0, 0, if deflated { 8 } else { 0 }, 0, 0, 0, 0, 0];
        for number in [crc.sum(), size, length] {
            head.extend(number.to_le_bytes());
        }
        head.extend(named.to_le_bytes());
        head.extend([0, 0]);
        out.extend([b"PK\x03\x04", head.as_slice(), name.as_bytes(), &packed].concat());
        directory.extend([b"PK\x01\x02\x14\0", head.as_slice(), &[0; 10], &at.to_le_bytes(), name.as_bytes()].concat());
    }
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    let (size, at) = (u32::try_from(directory.len()).unwrap(), u32::try_from(out.len()).unwrap());
    let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &size.to_le_bytes(), &at.to_le_bytes(), &[0, 0]].concat();
    [out, directory, end].concat()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut read = flate2::read::DeflateEncoder::new(bytes, flate2::Compression::default());
    let mut out = Vec::new();
    std::io::Read::read_to_end(&mut read, &mut out).unwrap();
    out
}
