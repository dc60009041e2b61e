//! Gemini's own words, in both spellings where Google takes both.

/// Sorted.
#[rustfmt::skip]
pub(crate) const WORDS: &[&str] = &[
    "ANY", "ARRAY", "AUTO", "BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_NONE", "BLOCK_ONLY_HIGH", "BOOLEAN",
    "CLASSIFICATION", "CLUSTERING", "FINISH_REASON_UNSPECIFIED", "HARM_CATEGORY_CIVIC_INTEGRITY", "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_HARASSMENT", "HARM_CATEGORY_HATE_SPEECH", "HARM_CATEGORY_SEXUALLY_EXPLICIT", "HIGH", "INTEGER", "LOW",
    "MALFORMED_FUNCTION_CALL", "MAX_TOKENS", "MEDIUM", "NEGLIGIBLE", "NONE", "NULL", "NUMBER", "OBJECT", "OFF", "OUTCOME_FAILED",
    "OUTCOME_OK", "PYTHON", "RECITATION", "RETRIEVAL_DOCUMENT", "RETRIEVAL_QUERY", "SAFETY", "SEMANTIC_SIMILARITY", "STOP", "STRING",
    "TEXT", "VALIDATED", "allowedFunctionNames", "allowed_function_names", "args", "avgLogprobs", "blockReason", "blockReasonMessage",
    "blocked", "cacheTokensDetails", "cachedContentTokenCount", "candidateCount", "candidates", "candidatesTokenCount",
    "candidatesTokensDetails", "category", "chosenCandidates", "citationMetadata", "citationSources", "codeExecution",
    "codeExecutionResult", "code_execution", "code_execution_result", "confidenceScores", "contents", "createTime", "displayName",
    "display_name", "domain", "embedding", "embeddings", "endIndex", "endOffset", "executableCode", "executable_code", "fileData",
    "fileUri", "file_uri", "finishMessage", "finishReason", "fps", "frequencyPenalty", "functionCall", "functionCallingConfig",
    "functionDeclarations", "functionResponse", "function_calling_config", "function_declarations", "function_response",
    "generateContentRequest", "generationConfig", "generation_config", "googleMaps", "googleSearch", "google_search",
    "groundingChunkIndices", "groundingChunks", "groundingMetadata", "groundingSupports", "imageSearchQueries", "includeThoughts",
    "inlineData", "inline_data", "jsonPath", "language", "license", "logprobsResult", "maxOutputTokens", "max_output_tokens",
    "mediaResolution", "mimeType", "mime_type", "modality", "mode", "modelVersion", "numberValue", "outcome", "outputDimensionality",
    "output_dimensionality", "parametersJsonSchema", "parameters_json_schema", "partIndex", "partialArgs", "parts", "presencePenalty",
    "probability", "promptFeedback", "promptTokenCount", "promptTokensDetails", "propertyOrdering", "property_ordering",
    "publicationDate", "renderedContent", "requests", "response", "responseId", "responseJsonSchema", "responseLogprobs",
    "responseMimeType", "responseModalities", "responseSchema", "response_json_schema", "response_mime_type", "response_modalities",
    "response_schema", "retrievedContext", "safetyRatings", "safetySettings", "safety_settings", "sdkBlob", "searchEntryPoint",
    "segment", "speechConfig", "startIndex", "startOffset", "stopSequences", "stringValue", "systemInstruction", "system_instruction",
    "taskType", "task_type", "thinkingBudget", "thinkingConfig", "thinkingLevel", "thinking_budget", "thinking_config", "thought",
    "thoughtSignature", "thought_signature", "thoughtsTokenCount", "threshold", "tokenCount", "toolCall", "toolConfig", "toolResponse",
    "toolUsePromptTokenCount", "tool_config", "topCandidates", "topK", "topP", "totalTokenCount", "totalTokens", "uri", "urlContext",
    "urlContextMetadata", "urlMetadata", "url_context", "usageMetadata", "values", "videoMetadata", "video_metadata", "web",
    "webSearchQueries", "willContinue",
];
