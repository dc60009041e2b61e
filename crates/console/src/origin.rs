//! Which names this port may be addressed by, and from which pages: the defence against DNS rebinding and cross-site requests.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::{Request, StatusCode, Uri};

use crate::Connection;
use crate::problem::Problem;

/// Names besides loopback names and the address that was called.
#[derive(Clone, Debug)]
pub(crate) struct Hosts(Vec<String>);

impl Hosts {
    pub(crate) fn new(hosts: Vec<String>) -> Self {
        Self(hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect())
    }

    /// Refuses a request that is addressed to somebody else or comes from another site's page.
    pub(crate) fn check<B>(&self, request: &Request<B>, connection: Connection) -> Result<(), Problem> {
        let authority = authority(request)?;
        let host = host_of(&authority).ok_or_else(|| Problem::bad("the `Host` header cannot be read; send a name and a port"))?;
        if !self.allows(&host, connection.local) {
            let detail =
                format!("this port is not known as `{host}`; call it by `127.0.0.1` or `localhost`, or add the name to `admin.hosts`");
            return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "wrong_host", detail));
        }
        let mut origins = request.headers().get_all(ORIGIN).iter();
        let foreign = origins.any(|origin| !origin.to_str().is_ok_and(|origin| is_same(origin, &authority)));
        if foreign {
            let detail = "a page of another origin may not call this API; call it from a program, or from the console's own page";
            return Err(Problem::new(StatusCode::FORBIDDEN, "wrong_origin", detail));
        }
        Ok(())
    }

    fn allows(&self, host: &str, local: IpAddr) -> bool {
        let address: Option<IpAddr> = host.parse().ok();
        let here = address.is_some_and(|address| address.is_loopback() || address.to_canonical() == local.to_canonical());
        here || host == "localhost" || self.0.iter().any(|known| known == host)
    }
}

/// The one name that a request is addressed to.
fn authority<B>(request: &Request<B>) -> Result<String, Problem> {
    let mut hosts = request.headers().get_all(HOST).iter().map(|host| host.to_str().ok().map(str::to_ascii_lowercase));
    let header = hosts.next();
    let uri = request.uri().authority().map(|authority| authority.as_str().to_ascii_lowercase());
    match (header, uri, hosts.next()) {
        (None, Some(uri), None) => Ok(uri),
        (Some(Some(header)), None, None) => Ok(header),
        (Some(Some(header)), Some(uri), None) if header == uri => Ok(header),
        _ => Err(Problem::bad("send exactly one `Host` header")),
    }
}

/// The host without its port and brackets.
fn host_of(authority: &str) -> Option<String> {
    let uri: Uri = format!("http://{authority}/").parse().ok()?;
    let found = uri.authority().filter(|found| !found.as_str().contains('@'))?;
    Some(found.host().trim_start_matches('[').trim_end_matches(']').to_owned())
}

/// Whether an origin is the place that was called.
fn is_same(origin: &str, authority: &str) -> bool {
    let origin = origin.to_ascii_lowercase();
    let place = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    place.is_some_and(|place| place == authority)
}
