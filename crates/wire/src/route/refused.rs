//! Routes of providers that are refused until they are inspected.

/// Routes of providers that nothing here inspects yet, by the beginning of their path below `/v1`, `/v1beta` or `/openai`.
const REFUSED: &[(&str, &str)] = &[
    ("/realtime", "realtime sessions"),
    ("/audio", "audio"),
    ("/images", "images"),
    ("/videos", "videos"),
    ("/batches", "batches"),
    ("/messages/batches", "batches"),
    ("/files", "files"),
    ("/uploads", "uploads"),
    ("/fine_tuning", "fine-tuning"),
    ("/vector_stores", "vector stores"),
    ("/assistants", "assistants"),
    ("/threads", "threads"),
    ("/containers", "containers"),
    ("/evals", "evaluations"),
    ("/skills", "skills"),
    ("/organization", "the administration of an organisation"),
    ("/organizations", "the administration of an organisation"),
    ("/chat/completions/", "stored chat completions"),
    ("/responses/", "stored responses"),
    ("/conversations", "conversations"),
    ("/cachedContents", "cached content"),
    ("/tunedModels", "tuned models"),
    ("/corpora", "corpora"),
    ("/rerank", "reranking"),
];

/// What a refused path is about, for the sentence.
pub(super) fn refused(path: &str) -> Option<&'static str> {
    let below =
        ["/v1beta", "/v1", "/openai/v1", "/openai"].iter().find_map(|base| path.strip_prefix(base).filter(|rest| rest.starts_with('/')))?;
    let begins = |start: &str| match below.strip_prefix(start) {
        Some(rest) if start.ends_with('/') => !rest.is_empty(),
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    };
    REFUSED.iter().find(|(start, _)| begins(start)).map(|(_, what)| *what)
}
