//! Who LiteLLM's prefixes mean: the format that each speaks, where it is, and which variable LiteLLM reads its key from.

/// A prefix of `litellm_params.model`, and what it means here.
#[derive(Clone, Copy, Debug)]
pub struct Vendor {
    /// The prefix.
    pub prefix: &'static str,
    /// Our kind of provider.
    pub kind: &'static str,
    /// Where it is when no `api_base` says otherwise; empty: it must be said.
    pub base: &'static str,
    /// The variable that LiteLLM reads the key from when none is named; empty: it needs no key.
    pub env: &'static str,
}

const fn vendor(prefix: &'static str, kind: &'static str, base: &'static str, env: &'static str) -> Vendor {
    Vendor { prefix, kind, base, env }
}

/// Every prefix whose provider can be called.
const VENDORS: &[Vendor] = &[
    vendor("openai", "openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    vendor("text-completion-openai", "openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    vendor("azure", "azure", "", "AZURE_API_KEY"),
    vendor("azure_text", "azure", "", "AZURE_API_KEY"),
    vendor("anthropic", "anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
    vendor("gemini", "gemini", "https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY"),
    vendor("mistral", "openai", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    vendor("groq", "openai", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    vendor("deepseek", "openai", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    vendor("openrouter", "openai", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    vendor("together_ai", "openai", "https://api.together.xyz/v1", "TOGETHERAI_API_KEY"),
    vendor("fireworks_ai", "openai", "https://api.fireworks.ai/inference/v1", "FIREWORKS_AI_API_KEY"),
    vendor("xai", "openai", "https://api.x.ai/v1", "XAI_API_KEY"),
    vendor("perplexity", "openai", "https://api.perplexity.ai", "PERPLEXITYAI_API_KEY"),
    vendor("cerebras", "openai", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    vendor("nvidia_nim", "openai", "https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
    vendor("sambanova", "openai", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    vendor("deepinfra", "openai", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
    vendor("moonshot", "openai", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    vendor("custom_openai", "openai", "", ""),
    vendor("openai_like", "openai", "", ""),
    vendor("hosted_vllm", "openai", "", ""),
    vendor("lm_studio", "openai", "", ""),
    vendor("llamafile", "openai", "", ""),
    vendor("litellm_proxy", "openai", "", ""),
    vendor("ollama", "openai", "http://localhost:11434/v1", ""),
    vendor("ollama_chat", "openai", "http://localhost:11434/v1", ""),
];

/// Prefixes of services that sign requests or speak a format of their own, and what to do instead.
const OTHERS: &[(&str, &str)] = &[
    ("bedrock", "Amazon Bedrock needs signed requests, which the gate does not make"),
    ("bedrock_converse", "Amazon Bedrock needs signed requests, which the gate does not make"),
    ("sagemaker", "Amazon SageMaker needs signed requests, which the gate does not make"),
    ("sagemaker_chat", "Amazon SageMaker needs signed requests, which the gate does not make"),
    ("vertex_ai", "Vertex AI needs tokens of a Google service account, which the gate does not fetch"),
    ("vertex_ai_beta", "Vertex AI needs tokens of a Google service account, which the gate does not fetch"),
    ("azure_ai", "the endpoints of Azure AI differ from Azure OpenAI's"),
    ("cohere", "it speaks a format of its own"),
    ("cohere_chat", "it speaks a format of its own"),
    ("huggingface", "it speaks a format of its own"),
    ("replicate", "it speaks a format of its own"),
    ("watsonx", "it speaks a format of its own"),
    ("databricks", "it speaks a format of its own"),
    ("custom", "it is Python code of LiteLLM's"),
];

/// What a prefix turned out to be.
#[derive(Clone, Copy, Debug)]
pub enum Meaning {
    /// Somebody who can be called.
    Known(&'static Vendor),
    /// Somebody who cannot, and why.
    Other(&'static str),
    /// Nobody who is known here.
    Unknown,
}

/// What a prefix means.
pub fn meaning(prefix: &str) -> Meaning {
    if let Some(vendor) = VENDORS.iter().find(|vendor| vendor.prefix == prefix) {
        return Meaning::Known(vendor);
    }
    OTHERS.iter().find(|(name, _)| *name == prefix).map_or(Meaning::Unknown, |(_, why)| Meaning::Other(why))
}

/// Beginnings of names that LiteLLM knows without a prefix.
const BARE: &[(&str, &str)] = &[
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("text-embedding-", "openai"),
    ("omni-moderation", "openai"),
    ("text-moderation", "openai"),
    ("claude-", "anthropic"),
    ("gemini-", "vertex_ai"),
];

/// The prefix and the name in what stands under `model`. `custom` is `custom_llm_provider`.
pub fn split<'a>(model: &'a str, custom: Option<&'a str>) -> (&'a str, &'a str) {
    if let Some(custom) = custom {
        let name = model.strip_prefix(custom).and_then(|rest| rest.strip_prefix('/')).unwrap_or(model);
        return (custom, name);
    }
    match model.split_once('/') {
        Some((prefix, name)) => (prefix, name),
        None => (BARE.iter().find(|(start, _)| model.starts_with(start)).map_or("", |(_, prefix)| *prefix), model),
    }
}

/// Where to call, from what LiteLLM calls `api_base`: the ends of paths that LiteLLM takes and appends differ from ours.
pub fn base_url(vendor: &Vendor, api_base: &str) -> String {
    let mut base = api_base.trim_end_matches('/');
    for end in ["/chat/completions", "/completions", "/embeddings", "/messages"] {
        base = base.strip_suffix(end).unwrap_or(base);
    }
    match vendor.kind {
        "azure" => {
            let start = base.find("://").map_or(0, |at| at + 3);
            let path = base.get(start..).and_then(|rest| rest.find('/')).map_or(base.len(), |at| start + at);
            let (host, path) = base.split_at_checked(path).unwrap_or((base, ""));
            let end = if path.ends_with("/openai") { Some(path.len()) } else { path.find("/openai/").map(|at| at + "/openai".len()) };
            match end.and_then(|end| path.get(..end)) {
                Some(kept) => format!("{host}{kept}"),
                None => format!("{base}/openai"),
            }
        }
        "anthropic" if !base.ends_with("/v1") => format!("{base}/v1"),
        "gemini" if !base.ends_with("/v1beta") && !base.ends_with("/v1") => format!("{base}/v1beta"),
        _ if matches!(vendor.prefix, "ollama" | "ollama_chat") && !base.ends_with("/v1") => format!("{base}/v1"),
        _ => base.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Meaning, VENDORS, base_url, meaning, split};

    #[test]
    fn names_are_split_as_litellm_does() {
        let rows = [
            ("openai/gpt-4o", None, ("openai", "gpt-4o")),
            ("openai/org/model", None, ("openai", "org/model")),
            ("gpt-4o", None, ("openai", "gpt-4o")),
            ("claude-sonnet-4", None, ("anthropic", "claude-sonnet-4")),
            ("org/model", Some("openai"), ("openai", "org/model")),
            ("openai/model", Some("openai"), ("openai", "model")),
            ("mystery", None, ("", "mystery")),
        ];
        for (model, custom, expected) in rows {
            assert_eq!(split(model, custom), expected, "{model}");
        }
    }

    #[test]
    fn addresses_take_our_form() {
        let rows = [
            ("openai", "http://127.0.0.1:9000/v1/", "http://127.0.0.1:9000/v1"),
            ("openai", "http://127.0.0.1:9000/v1/chat/completions", "http://127.0.0.1:9000/v1"),
            ("azure", "https://x.openai.azure.com/", "https://x.openai.azure.com/openai"),
            ("azure", "https://x.openai.azure.com/openai", "https://x.openai.azure.com/openai"),
            ("azure", "https://x.openai.azure.com/openai/deployments/d", "https://x.openai.azure.com/openai"),
            ("azure", "https://openai/", "https://openai/openai"),
            ("azure", "https://openai/eu", "https://openai/eu/openai"),
            ("azure", "https://h/eu/openai/v1", "https://h/eu/openai"),
            ("anthropic", "https://a.example", "https://a.example/v1"),
            ("anthropic", "https://a.example/v1/messages", "https://a.example/v1"),
            ("gemini", "https://g.example/v1beta", "https://g.example/v1beta"),
            ("ollama", "http://localhost:11434", "http://localhost:11434/v1"),
        ];
        for (prefix, given, expected) in rows {
            let Meaning::Known(vendor) = meaning(prefix) else { panic!("{prefix}") };
            assert_eq!(base_url(vendor, given), expected, "{prefix} {given}");
        }
        assert!(VENDORS.iter().all(|vendor| vendor.base.is_empty() || base_url(vendor, vendor.base) == vendor.base));
    }
}
