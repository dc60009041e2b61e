//! The property that the fuzz target and the tests hold.

use crate::{Hint, Limits, extract, redact, render};

/// Any bytes, also under each hint: no panic, within the limits, ranges that are the text.
#[doc(hidden)]
pub fn fuzz_extract(bytes: &[u8]) {
    let limits =
        Limits { output_bytes: 1 << 18, inflated_bytes: 1 << 20, pdf_work: 1 << 20, entries: 200, segments: 5_000, ..Limits::default() };
    for media_type in [None, Some("text/html"), Some("message/rfc822"), Some("text/plain; charset=utf-16"), Some("application/pdf")] {
        let hint = Hint { media_type, file_name: None };
        let rendered = render(bytes, &hint, &limits);
        let Ok(extracted) = extract(bytes, &hint, &limits) else {
            assert!(rendered.is_none(), "what cannot be read has no text");
            continue;
        };
        if let Some(rendered) = rendered {
            assert_eq!(rendered.extracted, extracted, "rendering changes nothing of what is read");
            assert!(rendered.text.len() <= limits.output_bytes, "more text than the limit");
        }
        let total: usize = extracted.segments.iter().map(|it| it.text.len()).sum();
        assert!(total <= limits.output_bytes, "more text than the limit");
        assert!(extracted.segments.len() <= limits.segments, "more segments than the limit");
        assert!(extracted.unread.len() <= crate::MAX_UNREAD, "more confessions than the limit");
        for segment in &extracted.segments {
            if let Some(range) = &segment.range {
                assert_eq!(bytes.get(range.clone()), Some(segment.text.as_bytes()), "a range is literally its text");
                assert!(extracted.kind.is_text(), "only text has ranges");
                assert_eq!(redact(bytes, extracted.kind, &[]).as_deref(), Some(bytes), "no edit changes nothing");
            }
        }
    }
}
