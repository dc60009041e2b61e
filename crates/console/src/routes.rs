//! The list of routes, and the way of one request: where from → who → what → answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, RawPathParams, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::routing::{MethodFilter, on};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::access::{authenticate, authorise};
use crate::control::Control;
use crate::detection::{native, presidio};
use crate::input::{Input, read_json};
use crate::origin::Hosts;
use crate::problem::Problem;
use crate::{Connection, handlers as does};

/// Longer work is answered with 504 and goes on.
const PATIENCE: Duration = Duration::from_mins(5);

/// The same for texts that are scanned, where what is left of the work is dropped.
const PATIENCE_FOR_TEXTS: Duration = Duration::from_secs(30);

/// Requests that work at a time; others wait.
const AT_A_TIME: usize = 16;

/// Requests with texts at a time, whether they are read, wait or are scanned. Others are told to come again.
const WITH_TEXTS: usize = 64;

/// Largest body in MiB, for administration and for texts.
const BODY: usize = 1;
const BODY_OF_TEXTS: usize = 4;

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

/// What a route is for, by which its bounds go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// Administration.
    Admin,
    /// Texts that are scanned.
    Texts,
    /// The same, for clients that were made for Presidio.
    Presidio,
}

struct Route {
    method: Method,
    path: &'static str,
    access: Access,
    work: Work,
    handler: Handler,
}

const fn route(method: Method, path: &'static str, handler: Handler) -> Route {
    Route { method, path, access: Access::Token, work: Work::Admin, handler }
}

const fn open(path: &'static str, access: Access, handler: Handler) -> Route {
    Route { method: Method::GET, path, access, work: Work::Admin, handler }
}

const fn texts(work: Work, method: Method, path: &'static str, handler: Handler) -> Route {
    Route { method, path, access: Access::Token, work, handler }
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
    texts(Work::Texts, Method::POST, "/api/v1/detect", native::detect),
    texts(Work::Texts, Method::POST, "/api/v1/redact", native::redact),
    texts(Work::Presidio, Method::POST, "/analyze", presidio::analyze),
    texts(Work::Presidio, Method::POST, "/anonymize", presidio::anonymize),
    texts(Work::Presidio, Method::POST, "/deanonymize", presidio::deanonymize),
    texts(Work::Presidio, Method::GET, "/supportedentities", presidio::supported_entities),
    texts(Work::Presidio, Method::GET, "/recognizers", presidio::recognizers),
    texts(Work::Presidio, Method::GET, "/anonymizers", presidio::anonymizers),
    texts(Work::Presidio, Method::GET, "/deanonymizers", presidio::deanonymizers),
    open("/health", Access::Anybody, presidio::health),
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
    /// Places for requests with texts, and for those of them that are scanned.
    texts: Arc<Semaphore>,
    scanning: Arc<Semaphore>,
}

/// Texts are scanned on half of the processors: the others are the gate's.
fn scanners() -> usize {
    std::thread::available_parallelism().map_or(1, |count| (count.get() / 2).clamp(1, 16))
}

/// The router over all routes.
pub(crate) fn router(control: Arc<dyn Control>, hosts: Vec<String>) -> Router {
    let places = |count| Arc::new(Semaphore::new(count));
    let hosts = Arc::new(Hosts::new(hosts));
    let shared = Shared { control, hosts, working: places(AT_A_TIME), texts: places(WITH_TEXTS), scanning: places(scanners()) };
    let mut router = Router::new();
    for route in ROUTES {
        let filter = MethodFilter::try_from(route.method.clone()).unwrap_or(MethodFilter::GET);
        let way = move |State(shared): State<Shared>, Extension(from): Extension<Connection>, params: RawPathParams, request: Request| async move {
            let params = params.iter().map(|(_, value)| value.to_owned()).collect();
            let told = |problem: Problem| if route.work == Work::Presidio { problem.for_presidio() } else { problem };
            handle(&shared, route, from, params, request).await.unwrap_or_else(|problem| told(problem).into_response())
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
    // Before the body is read: bodies that wait take memory.
    let place = (route.work != Work::Admin).then(|| a_place(shared)).transpose()?;
    let (limit, patience) = if place.is_some() { (BODY_OF_TEXTS, PATIENCE_FOR_TEXTS) } else { (BODY, PATIENCE) };
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = if route.method == Method::POST { read_json(request, limit).await? } else { serde_json::Value::Null };
    let input = Input { params, query, body, deadline: Instant::now() + patience };
    let answer = match tokio::time::timeout(patience, work(shared, route, input, place)).await {
        Ok(answer) => answer?,
        Err(_) if route.work == Work::Admin => {
            let detail = "this takes longer than expected and goes on in the background; look at its result later";
            return Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, "slow", detail));
        }
        Err(_) => {
            let detail = "these texts take too long; send fewer or shorter ones at a time";
            return Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, "slow", detail));
        }
    };
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    Ok(response)
}

/// A place among the requests with texts.
fn a_place(shared: &Shared) -> Result<OwnedSemaphorePermit, Problem> {
    Arc::clone(&shared.texts).try_acquire_owned().map_err(|_| {
        let detail = "too many texts are being scanned; send this again in a moment";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
    })
}

/// Has the handler run on a thread that may block. Who gives up waiting leaves its places taken until the work ends.
async fn work(shared: &Shared, route: &'static Route, input: Input, place: Option<OwnedSemaphorePermit>) -> Result<Answer, Problem> {
    let working = if place.is_some() { &shared.scanning } else { &shared.working };
    let working = Arc::clone(working).acquire_owned().await;
    let control = Arc::clone(&shared.control);
    let work = tokio::task::spawn_blocking(move || {
        let _one_of_a_few = (working, place);
        (route.handler)(&*control, &input)
    });
    let bug = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "bug", "this is a fault of ours; see the log");
    work.await.map_err(bug)?
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
    let detail = "there is nothing here; the paths are `/healthz`, `/readyz`, `/metrics`, those of Presidio, and those under `/api/v1/` in the documentation";
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
