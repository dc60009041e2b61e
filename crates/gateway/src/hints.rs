//! What a caller probably meant: sentences for refusals that beginners meet.

use bartizan_wire::{Family, Found, Route};

/// So many parts of a path are tried as its beginning.
const PARTS: usize = 8;

/// The sentence for a path that is none of the routes.
pub fn not_spoken(method: &str, path: &str) -> String {
    let spoken: Vec<&str> = Route::ALL.iter().map(|route| route.name()).collect();
    let meant = meant(method, path).unwrap_or_default();
    format!("this route is not spoken here, and nothing passes uninspected. {meant}Spoken are {}", spoken.join(", "))
}

/// Which route a path probably meant, and the base URL to set. SDKs append the end of the path, so it is right, and what stands before it is not.
fn meant(method: &str, path: &str) -> Option<String> {
    let starts = path.match_indices('/').take(PARTS).map(|(at, _)| at);
    starts.filter_map(|at| path.get(at..)).find_map(|end| {
        let whole = ["/v1", "/v1beta", ""].map(|version| format!("{version}{end}"));
        whole.iter().find_map(|path| sentence(method, path))
    })
}

fn sentence(method: &str, path: &str) -> Option<String> {
    let Found::Route(call) = Route::find(method, path) else { return None };
    // Anthropic's and Google's SDKs append the version, too.
    let base = match call.route.family() {
        Family::OpenAi if path.starts_with("/v1/") => "`http://…/v1`",
        Family::OpenAi => return None,
        _ => "the address alone, without a path",
    };
    let name = call.route.name().split_once(' ').map_or("", |(_, path)| path);
    Some(format!("Did you mean `{name}`? Then set the client's base URL to {base}. "))
}

/// A refused caller may have put the key into the address.
pub fn key_in_query(message: String, query: Option<&str>) -> String {
    let names = ["key", "api_key", "api-key", "apikey", "access_token", "token"];
    let is_key = |(name, value): (&str, &str)| names.iter().any(|known| name.eq_ignore_ascii_case(known)) || value.starts_with("bzk_");
    if query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')).any(is_key) {
        format!(
            "{message}. A key in the query is not read, since addresses are written to logs: send it in one of the headers `authorization`, `x-api-key` or `x-goog-api-key`"
        )
    } else {
        message
    }
}

#[cfg(test)]
mod tests {
    use super::{key_in_query, meant};

    #[test]
    fn a_wrong_beginning_is_told() {
        let v1 = "set the client's base URL to `http://…/v1`";
        let alone = "set the client's base URL to the address alone";
        let rows = [
            ("POST", "/chat/completions", Some(("`/v1/chat/completions`", v1))),
            ("POST", "/v1/v1/chat/completions", Some(("`/v1/chat/completions`", v1))),
            ("POST", "/api/openai/v1/chat/completions", Some(("`/v1/chat/completions`", v1))),
            ("GET", "/models", Some(("`/v1/models`", v1))),
            ("POST", "/messages", Some(("`/v1/messages`", alone))),
            ("POST", "/v1/v1/messages", Some(("`/v1/messages`", alone))),
            ("POST", "/anthropic/v1/messages/count_tokens", Some(("`/v1/messages/count_tokens`", alone))),
            ("POST", "/v1/v1beta/models/m:generateContent", Some(("`/v1beta/models/{model}:generateContent`", alone))),
            ("GET", "/chat/completions", None),
            ("POST", "/nothing", None),
            ("POST", "/", None),
            ("POST", "", None),
        ];
        for (method, path, expected) in rows {
            let told = meant(method, path);
            match expected {
                Some((route, base)) => {
                    assert!(told.as_ref().is_some_and(|told| told.contains(route) && told.contains(base)), "{path}: {told:?}");
                }
                None => assert_eq!(told, None, "{path}"),
            }
        }
        assert_eq!(meant("POST", &"/a".repeat(30_000)), None);
    }

    #[test]
    fn a_key_in_the_query_is_told() {
        for (query, told) in
            [(Some("key=x"), true), (Some("a=1&API_KEY=x"), true), (Some("a=bzk_1"), true), (Some("alt=sse"), false), (None, false)]
        {
            assert_eq!(key_in_query("no".to_owned(), query).contains("in the query is not read"), told, "{query:?}");
        }
    }
}
