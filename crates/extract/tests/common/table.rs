//! Parquet files by the crate of those who make the format, and what stands in the footer of one that nobody would write.
#![allow(dead_code, clippy::unwrap_used, clippy::allow_attributes, reason = "helpers of tests; each test file uses its part")]

use std::sync::Arc;

use parquet::basic::{Compression, Encoding};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type, Int96Type,
};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

/// How a file is written.
#[derive(Clone, Copy)]
pub struct How {
    pub codec: Compression,
    pub version: WriterVersion,
    /// None: by a dictionary.
    pub encoding: Option<Encoding>,
    /// Values of a page.
    pub page: usize,
}

pub const PLAINLY: How =
    How { codec: Compression::UNCOMPRESSED, version: WriterVersion::PARQUET_1_0, encoding: Some(Encoding::PLAIN), page: 7 };

/// The columns of a row group, in their order.
pub struct Columns<'w, 'f>(&'w mut SerializedRowGroupWriter<'f, Vec<u8>>);

impl Columns<'_, '_> {
    /// The next column: its values, its levels of definition and of repetition.
    pub fn add<T: DataType>(&mut self, values: &[T::T], defined: Option<&[i16]>, repeated: Option<&[i16]>) -> &mut Self {
        let mut column = self.0.next_column().unwrap().unwrap();
        column.typed::<T>().write_batch(values, defined, repeated).unwrap();
        column.close().unwrap();
        self
    }

    pub fn texts(&mut self, texts: &[&str]) -> &mut Self {
        let texts: Vec<ByteArray> = texts.iter().map(|text| ByteArray::from(*text)).collect();
        self.add::<ByteArrayType>(&texts, None, None)
    }

    /// Texts of a column that need not have any.
    pub fn some(&mut self, texts: &[Option<&str>]) -> &mut Self {
        let defined: Vec<i16> = texts.iter().map(|text| i16::from(text.is_some())).collect();
        let texts: Vec<ByteArray> = texts.iter().flatten().map(|text| ByteArray::from(*text)).collect();
        self.add::<ByteArrayType>(&texts, Some(&defined), None)
    }
}

/// A file of this schema, with a row group for each of the functions that fill one.
pub fn table(schema: &str, how: How, groups: &[&dyn Fn(&mut Columns<'_, '_>)]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message table {{ {schema} }}")).unwrap());
    let properties = WriterProperties::builder()
        .set_compression(how.codec)
        .set_writer_version(how.version)
        .set_dictionary_enabled(how.encoding.is_none())
        .set_data_page_row_count_limit(how.page)
        .set_write_batch_size(how.page);
    let properties = how.encoding.into_iter().fold(properties, WriterPropertiesBuilder::set_encoding).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for fill in groups {
        let mut group = writer.next_row_group().unwrap();
        fill(&mut Columns(&mut group));
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

/// A column of texts.
pub fn texts(how: How, texts: &[&str]) -> Vec<u8> {
    table("REQUIRED BYTE_ARRAY name (UTF8);", how, &[&|columns| _ = columns.texts(texts)])
}

pub type Bools = BoolType;
pub type Ints = Int32Type;
pub type Longs = Int64Type;
pub type Olds = Int96Type;
pub type Floats = FloatType;
pub type Doubles = DoubleType;
pub type Bytes = ByteArrayType;
pub type Fixed = FixedLenByteArrayType;

/// Bytes of the compact protocol, put together by hand.
#[derive(Default, Clone)]
pub struct Thrift(Vec<u8>, i16);

impl Thrift {
    fn head(&mut self, id: i16, kind: u8) {
        let delta = u8::try_from(id - self.1).unwrap();
        self.0.push(delta << 4 | kind);
        self.1 = id;
    }

    pub fn int(mut self, id: i16, value: i64) -> Self {
        self.head(id, 6);
        varint(&mut self.0, (value << 1 ^ value >> 63).cast_unsigned());
        self
    }

    pub fn text(mut self, id: i16, text: &str) -> Self {
        self.head(id, 8);
        varint(&mut self.0, text.len() as u64);
        self.0.extend(text.as_bytes());
        self
    }

    pub fn inner(mut self, id: i16, inner: Self) -> Self {
        self.head(id, 12);
        self.0.extend(inner.bytes());
        self
    }

    pub fn list(mut self, id: i16, list: &[Self]) -> Self {
        self.head(id, 9);
        self.0.push(0xFC);
        varint(&mut self.0, list.len() as u64);
        self.0.extend(list.iter().flat_map(|it| it.clone().bytes()));
        self
    }

    pub fn bytes(mut self) -> Vec<u8> {
        self.0.push(0);
        self.0
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 127 {
        out.push(u8::try_from(value & 127).unwrap() | 128);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
}

/// What a file by hand says of its only column and its only page, true or not.
pub struct Claims {
    pub codec: i64,
    pub encoding: i64,
    /// Bytes of the page when it is unpacked.
    pub size: i64,
    pub values: i64,
    /// Values of all pages of the column.
    pub total: i64,
    pub rows: i64,
}

/// A file of one page of one required column of texts, and what is in the page.
pub fn by_hand(claims: &Claims, page: &[u8]) -> Vec<u8> {
    let head = Thrift::default().int(1, claims.values).int(2, claims.encoding).int(3, 3).int(4, 3);
    let head = Thrift::default().int(1, 0).int(2, claims.size).int(3, i64::try_from(page.len()).unwrap()).inner(5, head).bytes();
    let mut file = [b"PAR1", &*head, page].concat();
    let len = i64::try_from(file.len() - 4).unwrap();
    let meta = Thrift::default().int(1, 6).int(4, claims.codec).int(5, claims.total).int(6, len).int(7, len).int(9, 4);
    let chunk = Thrift::default().int(2, 4).inner(3, meta);
    let group = Thrift::default().list(1, &[chunk]).int(2, len).int(3, claims.rows);
    let root = Thrift::default().text(4, "table").int(5, 1);
    let column = Thrift::default().int(1, 6).int(3, 0).text(4, "name").int(6, 0);
    let footer = Thrift::default().int(1, 1).list(2, &[root, column]).int(3, claims.rows).list(4, &[group]).bytes();
    file.extend(&footer);
    file.extend(u32::try_from(footer.len()).unwrap().to_le_bytes());
    file.extend(b"PAR1");
    file
}
