//! What the single keys of a LiteLLM file mean here, as tables. What needs a value to be read is beside them.

use super::plan::{Plan, Wish};
use super::report::{At, Outcome, Report};
use super::yaml::{Entry, Node};

/// What to do about a key that is not known.
pub const UNKNOWN: &str = "look for what it does in docs/configuration.md, or leave it out";

/// One key, its fate, what that means, what to do.
type Row = (&'static str, Outcome, &'static str, &'static str);

const GONE: Outcome = Outcome::NotCarried;
const IDLE: Outcome = Outcome::Changed;

/// `litellm_params`, beside what says whom is meant.
const PARAMS: &[Row] = &[
    ("model", Outcome::Carried, "what the provider calls it", ""),
    ("temperature", GONE, "the gate adds nothing to requests", "let clients send it"),
    ("max_tokens", GONE, "the gate adds nothing to requests", "let clients send it"),
    ("top_p", GONE, "the gate adds nothing to requests", "let clients send it"),
    ("seed", GONE, "the gate adds nothing to requests", "let clients send it"),
    ("stop", GONE, "the gate adds nothing to requests", "let clients send it"),
    ("extra_body", GONE, "the gate adds nothing to requests", "let clients send it"),
    ("extra_headers", GONE, "the gate sends the client's headers by an allow-list and adds none", "see docs/configuration.md, Providers"),
    ("headers", GONE, "the gate sends the client's headers by an allow-list and adds none", "see docs/configuration.md, Providers"),
    ("organization", GONE, "the gate sends no organisation", "use a key of that organisation"),
    ("input_cost_per_token", GONE, "prices stand in a file of their own", "write them for a million tokens, docs/limits.md, Prices"),
    ("output_cost_per_token", GONE, "prices stand in a file of their own", "write them for a million tokens, docs/limits.md, Prices"),
    ("tags", GONE, "there is no routing by tags", "give the tagged models names of their own"),
    ("guardrails", GONE, "policies hold for all models", "name the model in a policy: `resource == Model::\"NAME\"`"),
    ("azure_ad_token", GONE, "Azure is called with a key", "give the provider `api_key_env`"),
    ("tenant_id", GONE, "Azure is called with a key", "give the provider `api_key_env`"),
    ("client_id", GONE, "Azure is called with a key", "give the provider `api_key_env`"),
    ("client_secret", GONE, "Azure is called with a key", "give the provider `api_key_env`"),
    ("drop_params", GONE, "the gate drops nothing: what a format cannot express is a 400 that names the field", "let clients leave it out"),
    ("mock_response", GONE, "the gate answers nothing itself", "start it without providers: the sample model answers"),
    ("use_in_pass_through", IDLE, "there are no pass-through routes", ""),
];

/// `model_info`.
const MODEL_INFO: &[Row] = &[
    ("id", IDLE, "only LiteLLM's own lists use it", ""),
    ("base_model", IDLE, "only LiteLLM's own prices use it", ""),
    ("description", IDLE, "only LiteLLM's own lists use it", ""),
    ("max_tokens", IDLE, "only LiteLLM's own lists use it", ""),
    ("max_input_tokens", IDLE, "only LiteLLM's own lists use it", ""),
    ("max_output_tokens", IDLE, "only LiteLLM's own lists use it", ""),
    ("input_cost_per_token", GONE, "prices stand in a file of their own", "write them for a million tokens, docs/limits.md, Prices"),
    ("output_cost_per_token", GONE, "prices stand in a file of their own", "write them for a million tokens, docs/limits.md, Prices"),
    ("access_groups", GONE, "which models a key may use is part of the key", "`bartizan keys create --name NAME --models A,B`"),
];

/// `litellm_settings`.
const LITELLM: &[Row] = &[
    ("drop_params", GONE, "the gate drops nothing: what a format cannot express is a 400 that names the field", "let clients leave it out"),
    ("modify_params", GONE, "the gate changes only what a policy asks for", ""),
    ("cache", GONE, "the gate keeps no answers", "rely on the providers' prompt caches, which it leaves whole"),
    ("cache_params", GONE, "the gate keeps no answers", ""),
    ("turn_off_message_logging", IDLE, "what is recorded never holds a text", ""),
    ("redact_user_api_key_info", IDLE, "what is recorded never holds a key", ""),
    ("redact_messages_in_exceptions", IDLE, "what is recorded never holds a text", ""),
    ("set_verbose", IDLE, "BARTIZAN_LOG=debug says more", ""),
    ("json_logs", GONE, "logs are lines of text", ""),
    ("context_window_fallbacks", GONE, "a 400 of a provider is passed on", "let clients ask for the larger model"),
    ("content_policy_fallbacks", GONE, "a refusal of a provider is passed on", "let clients ask for the other model"),
    ("model_alias_map", GONE, "it renames for LiteLLM itself", "write a `[[models]]` entry for each name"),
    ("max_budget", GONE, "a budget of money needs a file of prices", "write `[[limits.budget]]` with `per = \"all\"`, docs/limits.md"),
    ("budget_duration", GONE, "a budget of money needs a file of prices", "write `[[limits.budget]]` with `per = \"all\"`, docs/limits.md"),
    ("default_internal_user_params", GONE, "keys are made one by one", "`bartizan keys create --name NAME`"),
    ("default_team_settings", GONE, "there are no teams with settings of their own", "write policies on groups, docs/policies.md"),
    ("key_generation_settings", GONE, "who may make keys is a matter of tokens", "`bartizan tokens create --scope admin`"),
    (
        "upperbound_key_generate_params",
        GONE,
        "limits do not lie in keys",
        "write `[[limits.rate]]` and `[[limits.budget]]`, docs/limits.md",
    ),
    ("guardrails", GONE, "this old form is not read", "move it to `guardrails` at the top and import again"),
    ("mcp_aliases", GONE, "MCP is not spoken yet", ""),
    ("ssl_verify", GONE, "certificates of providers are always checked", "add the authority to the system's certificates"),
    ("force_ipv4", GONE, "the system decides", ""),
    ("langfuse_default_tags", GONE, "events go to no service", "fetch them: `bartizan events --format jsonl`"),
    ("enable_preview_features", IDLE, "it turns on code of LiteLLM's", ""),
];

/// `general_settings`.
const GENERAL: &[Row] = &[
    ("database_url", GONE, "virtual keys, teams and spending lie in that database and not in the file", KEYS),
    ("database_connection_pool_limit", IDLE, "there is no outside database", ""),
    ("database_connection_timeout", IDLE, "there is no outside database", ""),
    ("allow_requests_on_db_unavailable", IDLE, "there is no outside database", ""),
    ("proxy_batch_write_at", IDLE, "there is no outside database", ""),
    ("disable_spend_logs", IDLE, "each decision is always recorded, and never a text", ""),
    ("store_model_in_db", GONE, "models that were added in LiteLLM's web pages lie in its database", "add them as `[[models]]`"),
    ("store_prompts_in_spend_logs", GONE, "texts are never stored", ""),
    ("max_response_size_mb", GONE, "`limits.body_bytes` bounds answers, too", ""),
    (
        "max_parallel_requests",
        GONE,
        "there is no bound on requests under way for one caller",
        "`limits.inflight_bytes` bounds what they hold",
    ),
    ("global_max_parallel_requests", GONE, "there is no bound on their number", "`limits.inflight_bytes` bounds what they hold"),
    ("allowed_ips", GONE, "the gate does not look at addresses", "bound them by a firewall, or listen on a private address"),
    ("allowed_routes", GONE, "routes are a matter of policies", "use `context.route` in a policy, docs/policies.md"),
    ("public_routes", GONE, "every route needs a key once there is one", ""),
    ("enable_jwt_auth", GONE, "callers show virtual keys", KEYS),
    ("litellm_jwtauth", GONE, "callers show virtual keys", KEYS),
    ("enable_oauth2_auth", GONE, "callers show virtual keys", KEYS),
    ("custom_auth", GONE, "callers show virtual keys", KEYS),
    ("custom_key_generate", GONE, "keys are random", KEYS),
    (
        "key_management_system",
        GONE,
        "secrets come from variables and files",
        "put them there before the start; `api_key_file` reads mounted ones",
    ),
    ("key_management_settings", GONE, "secrets come from variables and files", ""),
    ("use_azure_key_vault", GONE, "secrets come from variables and files", ""),
    ("use_google_kms", GONE, "secrets come from variables and files", ""),
    ("alerting", GONE, "nothing is sent anywhere", "watch `/metrics` and `/readyz` of the admin port"),
    ("alert_types", GONE, "nothing is sent anywhere", ""),
    ("alerting_args", GONE, "nothing is sent anywhere", ""),
    ("alerting_threshold", GONE, "nothing is sent anywhere", ""),
    ("alert_to_webhook_url", GONE, "nothing is sent anywhere", ""),
    ("background_health_checks", IDLE, "`/readyz` of the admin port says how the gate is; providers are not asked", ""),
    ("health_check_interval", IDLE, "providers are not asked", ""),
    ("pass_through_endpoints", GONE, "what cannot be inspected is not passed on", "docs/getting-started.md lists the routes"),
    ("forward_client_headers_to_llm_api", GONE, "headers go by an allow-list", "see docs/configuration.md, Providers"),
    ("completion_model", GONE, "a request names its model", "let clients name it"),
    ("disable_master_key_return", IDLE, "there is no master key", ""),
    ("litellm_key_header_name", GONE, "keys come in `authorization`, `x-api-key` or `x-goog-api-key`", "send them there"),
    ("user_header_name", GONE, "who calls is what the key says", KEYS),
    ("enforce_user_param", GONE, "who calls is what the key says", KEYS),
    ("user_api_key_cache_ttl", IDLE, "a revoked key opens nothing from that moment on", ""),
];

const KEYS: &str = "make a key for each caller: `bartizan keys create --name NAME --group GROUP --models A,B`";

/// `router_settings`, beside what routing decides about.
const ROUTER: &[Row] = &[
    ("redis_host", GONE, "each gate counts for itself", ""),
    ("redis_port", GONE, "each gate counts for itself", ""),
    ("redis_password", GONE, "each gate counts for itself", ""),
    ("redis_url", GONE, "each gate counts for itself", ""),
    ("enable_pre_call_checks", GONE, "the provider checks the length", ""),
    ("enable_tag_filtering", GONE, "there is no routing by tags", "give the tagged models names of their own"),
    ("context_window_fallbacks", GONE, "a 400 of a provider is passed on", "let clients ask for the larger model"),
    ("content_policy_fallbacks", GONE, "a refusal of a provider is passed on", "let clients ask for the other model"),
    ("default_litellm_params", GONE, "the gate adds nothing to requests", "let clients send them"),
    ("set_verbose", IDLE, "BARTIZAN_LOG=debug says more", ""),
    ("debug_level", IDLE, "BARTIZAN_LOG=debug says more", ""),
];

/// Keys of both sections that routing decides about.
const WISHES: &[&str] = &[
    "fallbacks",
    "default_fallbacks",
    "max_fallbacks",
    "num_retries",
    "retry_after",
    "retry_policy",
    "stream_timeout",
    "allowed_fails",
    "allowed_fails_policy",
    "cooldown_time",
    "disable_cooldowns",
    "routing_strategy",
    "routing_strategy_args",
];

/// Other sections of the file.
const SECTIONS: &[Row] = &[
    ("include", GONE, "other files are not read", "put their content into one file and import that"),
    ("callback_settings", GONE, "events go to no service", "fetch them: `bartizan events --format jsonl`"),
    ("mcp_servers", GONE, "MCP is not spoken yet", ""),
    ("mcp_tools", GONE, "MCP is not spoken yet", ""),
    ("files_settings", GONE, "files kept at a provider are refused", "send files in the request, docs/documents.md"),
    ("finetune_settings", GONE, "fine-tuning is not spoken", ""),
    ("vector_store_registry", GONE, "retrieval is not spoken", ""),
    ("search_tools", GONE, "search is not spoken", ""),
    ("prompts", GONE, "the gate keeps no prompts", ""),
    ("policies", GONE, "these are no policies of ours", "write them in Cedar, docs/policies.md"),
];

fn look_up(table: &[Row], entry: &Entry, at: &At, report: &mut Report) {
    match table.iter().find(|row| row.0 == entry.key) {
        Some((_, outcome, says, to_do)) => report.add(at, *outcome, says, to_do),
        None => report.not_carried(at, "this import does not know this key", UNKNOWN),
    }
}

/// A key of `litellm_params`.
pub fn param(entry: &Entry, at: &At, report: &mut Report) {
    if entry.key.starts_with("aws_") || entry.key.starts_with("vertex_") {
        report.not_carried(at, "the gate signs no requests", "");
    } else {
        look_up(PARAMS, entry, at, report);
    }
}

/// A key of `model_info`; `above` is where that stands.
pub fn model_info(entry: &Entry, above: &At, report: &mut Report) {
    let at = above.below(entry.line, &entry.key);
    match (entry.key.as_str(), entry.node.text()) {
        ("mode", Some("chat" | "completion" | "embedding" | "responses" | "moderation")) => {
            report.changed(&at, "the route that a client calls says so", "");
        }
        ("mode", _) => report.not_carried(&at, "the gate has no route for it", "keep this model on LiteLLM"),
        (key, _) if key.starts_with("supports_") => report.changed(&at, "only LiteLLM's own lists use it", ""),
        _ => look_up(MODEL_INFO, entry, &at, report),
    }
}

/// A key of a section that has one meaning for the whole file.
pub fn section(entry: &Entry, report: &mut Report) {
    look_up(SECTIONS, entry, &At::new(entry.line, entry.key.as_str()), report);
}

/// `litellm_settings`, `router_settings` and `general_settings`; gives what routing decides about. The router's time comes before the other.
pub fn settings(root: &Node, plan: &mut Plan, report: &mut Report) -> Vec<Wish> {
    let mut wishes = Vec::new();
    for name in ["litellm_settings", "router_settings", "general_settings"] {
        let Some(section) = root.get(name) else { continue };
        let at = At::new(section.line, name);
        for entry in section.entries() {
            let below = at.below(entry.line, &entry.key);
            if name != "general_settings" && WISHES.contains(&entry.key.as_str()) {
                wishes.push(Wish { name: entry.key.clone(), at: below, node: entry.node.clone() });
            } else {
                one(name, entry, &below, plan, report);
            }
        }
    }
    wishes
}

fn one(section: &str, entry: &Entry, at: &At, plan: &mut Plan, report: &mut Report) {
    match (section, entry.key.as_str()) {
        ("litellm_settings", "request_timeout") | ("router_settings", "timeout") => time(entry, at, plan, report),
        ("litellm_settings", "callbacks" | "success_callback" | "failure_callback" | "service_callbacks") => callbacks(entry, at, report),
        // It needs the models, which are read later.
        ("router_settings", "model_group_alias") => {}
        ("general_settings", "master_key") => {
            plan.needs_keys = true;
            report.changed(at, "there is no master key; `gate.auth = \"keys\"` lets nobody in without a virtual key", KEYS);
        }
        ("general_settings", "max_request_size_mb") => body(entry, at, plan, report),
        ("general_settings", "maximum_spend_logs_retention_period") => retention(entry, at, plan, report),
        ("litellm_settings", _) => look_up(LITELLM, entry, at, report),
        ("router_settings", _) => look_up(ROUTER, entry, at, report),
        _ => look_up(GENERAL, entry, at, report),
    }
}

fn time(entry: &Entry, at: &At, plan: &mut Plan, report: &mut Report) {
    match entry.node.number().filter(|seconds| (0.001..=86_400.0).contains(seconds)) {
        Some(seconds) => {
            plan.first_byte = Some(seconds);
            let says = "as `timeouts.first_byte`: it bounds the wait for the first byte of an answer, not the whole of it";
            report.changed(at, says, "");
        }
        None => report.not_carried(at, "this is not a time from 0.001 to 86,400 seconds", "write `timeouts.first_byte`"),
    }
}

fn callbacks(entry: &Entry, at: &At, report: &mut Report) {
    for name in entry.node.texts() {
        match name {
            "prometheus" | "prometheus_system" => report.changed(at, "metrics are always there, at `/metrics` of the admin port", ""),
            "presidio" | "hide_secrets" | "hide-secrets" => {
                report.changed(at, "the built-in policies replace secrets and personal data", "read docs/policies.md");
            }
            "dynamic_rate_limiter" | "dynamic_rate_limiter_v3" | "parallel_request_limiter" => {
                report.not_carried(at, "limits are not shared out by use", "");
            }
            // It may be a path of code, or hold more than a name, so it is not said again.
            _ => report.not_carried(
                at,
                "events are sent to no service",
                "fetch them: `bartizan events --format jsonl`, or `GET /api/v1/events` on the admin port",
            ),
        }
    }
}

fn body(entry: &Entry, at: &At, plan: &mut Plan, report: &mut Report) {
    // Up to 1 GiB is what the gate takes.
    match entry.node.whole().filter(|mib| (1..=1_024).contains(mib)) {
        Some(mib) => {
            plan.body_bytes = Some(mib << 20);
            report.changed(at, "as `limits.body_bytes`, which bounds answers, too", "");
        }
        None => report.not_carried(at, "this is not a number from 1 to 1,024", "write `limits.body_bytes`"),
    }
}

fn retention(entry: &Entry, at: &At, plan: &mut Plan, report: &mut Report) {
    let text = entry.node.text().unwrap_or_default();
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok()).filter(|days| (1..=36_500).contains(days));
    match days {
        Some(days) => {
            plan.retention_days = Some(days);
            report.changed(at, "as `retention.events`; the ledger keeps its proof", "");
        }
        None => report.not_carried(at, "this is not a number of days from `1d` to `36500d`", "write `retention.events`"),
    }
}
