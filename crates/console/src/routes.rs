//! The list of routes, and the way of one request: where from → who → what → answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, RawPathParams, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::routing::{MethodFilter, on};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use tokio::sync::Semaphore;

use crate::access::{authenticate, authorise};
use crate::control::Control;
use crate::input::{Input, read_json};
use crate::origin::Hosts;
use crate::problem::Problem;
use crate::{Connection, handlers as does};

/// Longer work is answered with 504 and goes on.
const PATIENCE: Duration = Duration::from_mins(5);

/// Requests that work at a time; others wait.
const AT_A_TIME: usize = 16;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody: it says nothing.
    Anybody,
    /// Callers on this machine, and tokens that the table names.
    Loopback,
    /// Tokens that the table names.
    Token,
}

/// An answer of a handler.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
}

type Handler = fn(&dyn Control, &Input) -> Result<Answer, Problem>;

struct Route {
    method: Method,
    path: &'static str,
    access: Access,
    handler: Handler,
}

const fn route(method: Method, path: &'static str, handler: Handler) -> Route {
    Route { method, path, access: Access::Token, handler }
}

const fn open(path: &'static str, access: Access, handler: Handler) -> Route {
    Route { method: Method::GET, path, access, handler }
}

static ROUTES: &[Route] = &[
    open("/healthz", Access::Anybody, does::healthz),
    open("/readyz", Access::Loopback, does::readyz),
    open("/metrics", Access::Loopback, does::metrics),
    route(Method::GET, "/api/v1/events", does::events),
    route(Method::GET, "/api/v1/keys", does::list_keys),
    route(Method::POST, "/api/v1/keys", does::create_key),
    route(Method::DELETE, "/api/v1/keys/{id}", does::revoke_key),
    route(Method::GET, "/api/v1/tokens", does::list_tokens),
    route(Method::POST, "/api/v1/tokens", does::create_token),
    route(Method::DELETE, "/api/v1/tokens/{id}", does::revoke_token),
    route(Method::POST, "/api/v1/erase", does::erase),
    route(Method::POST, "/api/v1/backup", does::backup),
    route(Method::POST, "/api/v1/reload", does::reload),
    route(Method::GET, "/api/v1/policy", does::policy),
    route(Method::GET, "/api/v1/checkpoint", does::checkpoint),
];

/// Method, path with `{name}` for a segment, and access of every route.
pub fn routes() -> Vec<(String, &'static str, Access)> {
    ROUTES.iter().map(|route| (route.method.to_string(), route.path, route.access)).collect()
}

#[derive(Clone)]
struct Shared {
    control: Arc<dyn Control>,
    hosts: Arc<Hosts>,
    working: Arc<Semaphore>,
}

/// The router over all routes.
pub(crate) fn router(control: Arc<dyn Control>, hosts: Vec<String>) -> Router {
    let shared = Shared { control, hosts: Arc::new(Hosts::new(hosts)), working: Arc::new(Semaphore::new(AT_A_TIME)) };
    let mut router = Router::new();
    for route in ROUTES {
        let filter = MethodFilter::try_from(route.method.clone()).unwrap_or(MethodFilter::GET);
        let way = move |State(shared): State<Shared>, Extension(from): Extension<Connection>, params: RawPathParams, request: Request| async move {
            let params = params.iter().map(|(_, value)| value.to_owned()).collect();
            handle(&shared, route, from, params, request).await.unwrap_or_else(Problem::into_response)
        };
        router = router.route(route.path, on(filter, way));
    }
    let router = router.fallback(unknown).method_not_allowed_fallback(wrong_method);
    router.layer(from_fn_with_state(shared.clone(), at_the_door)).with_state(shared)
}

/// Before anything else: is this request for us? After everything: headers that every answer has.
async fn at_the_door(State(shared): State<Shared>, Extension(from): Extension<Connection>, request: Request, next: Next) -> Response<Body> {
    let mut response = match shared.hosts.check(&request, from) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("content-security-policy", HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

async fn handle(
    shared: &Shared,
    route: &'static Route,
    from: Connection,
    params: Vec<String>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    permit(shared, route, from, request.headers())?;
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = if route.method == Method::POST { read_json(request).await? } else { serde_json::Value::Null };
    let input = Input { params, query, body };
    let working = Arc::clone(&shared.working).acquire_owned().await;
    let control = Arc::clone(&shared.control);
    let work = tokio::task::spawn_blocking(move || {
        let _one_of_a_few = working;
        (route.handler)(&*control, &input)
    });
    let answer = match tokio::time::timeout(PATIENCE, work).await {
        Ok(Ok(answer)) => answer?,
        Ok(Err(_)) => return Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "bug", "this is a fault of ours; see the log")),
        Err(_) => {
            let detail = "this takes longer than expected and goes on in the background; look at its result later";
            return Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, "slow", detail));
        }
    };
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    Ok(response)
}

fn permit(shared: &Shared, route: &Route, from: Connection, headers: &HeaderMap) -> Result<(), Problem> {
    let is_open = match route.access {
        Access::Anybody => true,
        Access::Loopback => from.peer.to_canonical().is_loopback(),
        Access::Token => false,
    };
    if is_open {
        return Ok(());
    }
    let scope = authenticate(&*shared.control, headers)?;
    authorise(scope, route.method.as_str(), route.path)
}

/// A path that does not exist. Under `/api/` only token holders learn that.
async fn unknown(State(shared): State<Shared>, request: Request) -> Response<Body> {
    let path = request.uri().path();
    if path.starts_with("/api/")
        && let Err(problem) = authenticate(&*shared.control, request.headers())
    {
        return problem.into_response();
    }
    let detail = "there is nothing here; the paths are `/healthz`, `/readyz`, `/metrics` and those under `/api/v1/` in the documentation";
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail).into_response()
}

async fn wrong_method(request: Request) -> Response<Body> {
    let path: Vec<&str> = request.uri().path().split('/').collect();
    let fits = |pattern: &str| {
        let parts: Vec<&str> = pattern.split('/').collect();
        parts.len() == path.len() && parts.iter().zip(&path).all(|(part, word)| part.starts_with('{') || part == word)
    };
    let methods: Vec<&str> = ROUTES.iter().filter(|route| fits(route.path)).map(|route| route.method.as_str()).collect();
    let detail = format!("this path takes {}", methods.join(" and "));
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", detail).allowing(methods.join(", ")).into_response()
}
