//! What comes in and what goes out: kinds, hints, limits, segments, and what was not read. No logic of a format.

use std::fmt;
use std::ops::Range;

/// What somebody says that the bytes are. It decides only where the content leaves it open.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hint<'a> {
    /// The declared media type with its parameters, such as `text/plain; charset=latin1`.
    pub media_type: Option<&'a str>,
    /// The declared file name.
    pub file_name: Option<&'a str>,
}

/// Bounds of the work. All of them count bytes or things, none of them time, so the same input gives the same answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of input.
    pub input_bytes: usize,
    /// Bytes of text over all segments.
    pub output_bytes: usize,
    /// Segments.
    pub segments: usize,
    /// Entries of all archives and parts of all e-mails together.
    pub entries: usize,
    /// Documents in documents. 0: only the outermost.
    pub depth: usize,
    /// Bytes that all compressed parts together may inflate to.
    pub inflated_bytes: usize,
    /// How many times its size one compressed part may inflate to, once it is over a mebibyte.
    pub inflate_ratio: usize,
    /// Nested elements of XML.
    pub xml_depth: usize,
    /// Objects of one PDF.
    pub pdf_objects: usize,
    /// Pages of one PDF.
    pub pdf_pages: usize,
    /// Bytes of PDF syntax that are interpreted, counted again each time that a form is drawn.
    pub pdf_work: usize,
    /// Values of all Parquet tables together, empty ones too.
    pub table_values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1 << 20;
        Self {
            input_bytes: 32 * MIB,
            output_bytes: 16 * MIB,
            segments: 200_000,
            entries: 10_000,
            depth: 5,
            inflated_bytes: 128 * MIB,
            inflate_ratio: 200,
            xml_depth: 256,
            pdf_objects: 200_000,
            pdf_pages: 10_000,
            pdf_work: 128 * MIB,
            table_values: 16 * MIB,
        }
    }
}

/// The form of a document that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Plain text of any sort.
    Text,
    /// Comma or tab separated values.
    Csv,
    /// JSON, also one value a line.
    Json,
    /// A notebook of Jupyter, which is JSON.
    Notebook,
    /// Markdown.
    Markdown,
    /// XML that is not a part of an office document, SVG too.
    Xml,
    /// HTML.
    Html,
    /// An Internet message.
    Email,
    /// PDF.
    Pdf,
    /// A Word document (OOXML).
    Docx,
    /// An Excel workbook (OOXML).
    Xlsx,
    /// A `PowerPoint` presentation (OOXML).
    Pptx,
    /// A ZIP archive of anything else.
    Zip,
    /// One document packed by gzip, also a tar archive.
    Gzip,
    /// A tar archive.
    Tar,
    /// A table that is stored by columns.
    Parquet,
}

impl Kind {
    /// Whether the first segment is the input itself, so that [`crate::redact()`] can edit it.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Csv | Self::Json | Self::Notebook | Self::Markdown | Self::Xml | Self::Html)
    }

    /// The name in lower case, for facts and figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Notebook => "notebook",
            Self::Markdown => "markdown",
            Self::Xml => "xml",
            Self::Html => "html",
            Self::Email => "email",
            Self::Pdf => "pdf",
            Self::Docx => "docx",
            Self::Xlsx => "xlsx",
            Self::Pptx => "pptx",
            Self::Zip => "zip",
            Self::Gzip => "gzip",
            Self::Tar => "tar",
            Self::Parquet => "parquet",
        }
    }
}

/// What bytes look like that hold no text which this crate can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Looks {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// A font.
    Font,
    /// A packed form other than ZIP, gzip and tar: 7z, rar, bzip2, xz, zstd …
    Archive,
    /// An OLE compound file: `.doc`, `.xls`, `.ppt`, `.msg`, macros.
    Ole,
    /// Rich Text Format.
    Rtf,
    /// PostScript.
    PostScript,
    /// A program or a library.
    Program,
    /// A database file.
    Database,
    /// Something else that is no text.
    Binary,
}

impl Looks {
    /// The name in lower case, for facts and figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Font => "font",
            Self::Archive => "archive",
            Self::Ole => "ole",
            Self::Rtf => "rtf",
            Self::PostScript => "postscript",
            Self::Program => "program",
            Self::Database => "database",
            Self::Binary => "binary",
        }
    }
}

/// Which bound of [`Limits`] was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::input_bytes`].
    Input,
    /// [`Limits::output_bytes`] or [`Limits::segments`].
    Output,
    /// [`Limits::entries`].
    Entries,
    /// [`Limits::depth`], or a nesting inside one format.
    Depth,
    /// [`Limits::inflated_bytes`] or [`Limits::inflate_ratio`].
    Inflate,
    /// [`Limits::pdf_objects`].
    Objects,
    /// [`Limits::pdf_pages`].
    Pages,
    /// [`Limits::pdf_work`], [`Limits::table_values`], or more than a Parquet file can say of itself.
    Work,
    /// More than [`MAX_UNREAD`] things were not read; the others are not listed.
    Unread,
}

impl Limit {
    /// The name in lower case, for facts and figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Entries => "entries",
            Self::Depth => "depth",
            Self::Inflate => "inflate",
            Self::Objects => "objects",
            Self::Pages => "pages",
            Self::Work => "work",
            Self::Unread => "unread",
        }
    }
}

/// Entries of [`Extracted::unread`], at most. The last one is then [`Limit::Unread`].
pub const MAX_UNREAD: usize = 1_000;

/// Why something inside a document was not read, or not surely read whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// It is encrypted.
    Encrypted,
    /// It is broken; what could be made out is in the segments.
    Damaged,
    /// It holds no text that this crate can read.
    Looks(Looks),
    /// A bound was reached.
    Limit(Limit),
    /// Its character set is not declared, not known, or does not fit the bytes.
    Charset,
    /// Glyphs of a font that names no characters for them.
    Glyphs,
    /// An entity that the document declares itself. It is not expanded.
    Entity,
    /// A compression or filter that is not known.
    Method,
    /// Two readers could see two different things here.
    Ambiguous,
    /// Bytes that belong to no part of the document.
    Leftover,
}

impl Reason {
    /// A name for facts and figures, such as `limit.inflate` or `image`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Damaged => "damaged",
            Self::Looks(looks) => looks.name(),
            Self::Limit(Limit::Input) => "limit.input",
            Self::Limit(Limit::Output) => "limit.output",
            Self::Limit(Limit::Entries) => "limit.entries",
            Self::Limit(Limit::Depth) => "limit.depth",
            Self::Limit(Limit::Inflate) => "limit.inflate",
            Self::Limit(Limit::Objects) => "limit.objects",
            Self::Limit(Limit::Pages) => "limit.pages",
            Self::Limit(Limit::Work) => "limit.work",
            Self::Limit(Limit::Unread) => "limit.unread",
            Self::Charset => "charset",
            Self::Glyphs => "glyphs",
            Self::Entity => "entity",
            Self::Method => "method",
            Self::Ambiguous => "ambiguous",
            Self::Leftover => "leftover",
        }
    }
}

/// Why a document as a whole could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// It needs a key or a password.
    #[error("the document is encrypted")]
    Encrypted,
    /// Its kind is known and nothing in it can be made out.
    #[error("the document is damaged")]
    Damaged,
    /// It is over a limit before anything is read.
    #[error("the document is over the limit `{}`", .0.name())]
    TooLarge(Limit),
    /// No kind that is read here.
    #[error("the document is of a kind that is not read, it looks like `{}`", .0.name())]
    UnknownKind(Looks),
}

impl From<Unreadable> for Reason {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Encrypted => Self::Encrypted,
            Unreadable::Damaged => Self::Damaged,
            Unreadable::TooLarge(limit) => Self::Limit(limit),
            Unreadable::UnknownKind(looks) => Self::Looks(looks),
        }
    }
}

/// What a segment is to the document as one reads it from beginning to end, which is what [`crate::render()`] gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum View {
    /// It stands there.
    Shown,
    /// What it says stands there in another form: a page in drawing order beside the page by place.
    Again,
    /// It does not stand there: attributes, metadata, scripts, what is hidden or was deleted.
    Beside,
}

/// A text that stands in one place of the document. `Debug` shows neither text nor place.
#[derive(Clone, PartialEq, Eq)]
pub struct Segment {
    /// The text, decoded.
    pub text: String,
    /// Where it stands, for a person: `page 3`, `Sheet1!B7`, `word/comments.xml`. It may hold names from the document, so it is
    /// content: do not log it.
    pub place: String,
    /// The bytes of the outermost input that are this text, byte for byte. Only for kinds with [`Kind::is_text`].
    pub range: Option<Range<usize>>,
    /// What it is to the document as one reads it.
    pub view: View,
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segment").field("bytes", &self.text.len()).field("range", &self.range).finish_non_exhaustive()
    }
}

/// Something in the document that was not read. `Debug` does not show the place.
#[derive(Clone, PartialEq, Eq)]
pub struct Unread {
    /// Where it stands. It may hold names from the document.
    pub place: String,
    /// Why it was not read.
    pub reason: Reason,
}

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unread").field("reason", &self.reason).finish_non_exhaustive()
    }
}

/// What a document says, and what of it was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    /// The form that the content has.
    pub kind: Kind,
    /// The texts, in the order of the document.
    pub segments: Vec<Segment>,
    /// Everything that was seen and not read. Only when this is empty has the whole document been read.
    pub unread: Vec<Unread>,
}
