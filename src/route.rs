//! The routes of endpoints.

use std::{fmt, sync::Arc};

use http::{HeaderMap, Method, Request, Uri, request::Parts, uri::PathAndQuery};

use crate::ConfigError;

/// The methods and the path of an endpoint, and further conditions on the request's head.
///
/// Paths are compared byte for byte: no trailing slash is added, no percent-encoding is decoded, and the query does not
/// matter. Requests that do not match pass through to the app.
///
/// ```
/// use http::{Method, Request};
/// use tower_verify::Route;
///
/// let route = Route::new(Method::POST, "/auth")?;
/// assert!(route.matches(&Request::post("/auth?tenant=7").body(())?));
/// assert!(!route.matches(&Request::get("/auth").body(())?));
/// assert!(!route.matches(&Request::post("/auth/").body(())?));
///
/// let users = Route::prefix("/user/")?.methods([Method::GET, Method::HEAD]);
/// assert!(users.matches(&Request::get("/user/john").body(())?));
///
/// let check = Route::new(Method::GET, "/connect")?.when(|head| head.uri().query() == Some("check=1"));
/// assert!(check.matches(&Request::get("/connect?check=1").body(())?));
/// assert!(!check.matches(&Request::get("/connect").body(())?));
/// # Ok::<(), tower_verify::BoxError>(())
/// ```
#[derive(Clone)]
pub struct Route {
    kind: Kind,
    path: Box<str>,
    /// No method means any.
    methods: Box<[Method]>,
    predicate: Option<Predicate>,
}

type Predicate = Arc<dyn Fn(RequestHead<'_>) -> bool + Send + Sync>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Exact,
    Prefix,
}

/// The head of a request: its method, URI and headers.
///
/// A [predicate of a route](Route::when) and the [choice of a caller's secret](crate::VerifyLayer::caller_secret_by)
/// get one.
///
/// ```
/// use http::{Request, header::UPGRADE};
/// use tower_verify::{RequestHead, Route};
///
/// fn is_upgrade(head: RequestHead<'_>) -> bool {
///     head.headers().contains_key(UPGRADE)
/// }
///
/// let route = Route::exact("/connect")?.when(is_upgrade);
/// assert!(route.matches(&Request::get("/connect").header(UPGRADE, "websocket").body(())?));
/// assert!(!route.matches(&Request::get("/connect").body(())?));
/// # Ok::<(), tower_verify::BoxError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
}

impl<'a> RequestHead<'a> {
    pub(crate) fn from_parts(head: &'a Parts) -> Self {
        Self { method: &head.method, uri: &head.uri, headers: &head.headers }
    }

    pub(crate) fn from_request<B>(request: &'a Request<B>) -> Self {
        Self { method: request.method(), uri: request.uri(), headers: request.headers() }
    }

    /// The method.
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// The URI, with its query.
    pub fn uri(&self) -> &'a Uri {
        self.uri
    }

    /// The headers.
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }
}

impl Route {
    /// A route for one `method` and one `path`.
    ///
    /// # Errors
    /// If `path` does not begin with a slash, has a query, or has a character that no path can have.
    pub fn new(method: Method, path: &str) -> Result<Self, ConfigError> {
        Self::exact(path).map(|route| route.methods([method]))
    }

    /// A route for one `path` and any method.
    ///
    /// # Errors
    /// As [`Route::new`].
    pub fn exact(path: &str) -> Result<Self, ConfigError> {
        if is_path(path) { Ok(Self::at(Kind::Exact, path)) } else { Err(not_a_path(path)) }
    }

    /// A route for every path that begins with `prefix`, and any method. `/user/` does not match `/user`.
    ///
    /// # Errors
    /// As [`Route::new`].
    pub fn prefix(prefix: &str) -> Result<Self, ConfigError> {
        if is_path(prefix) { Ok(Self::at(Kind::Prefix, prefix)) } else { Err(not_a_path(prefix)) }
    }

    /// A documented route of one `method` and one `path`, for [`Endpoint::route`](crate::Endpoint::route).
    ///
    /// # Panics
    /// If [`Route::new`] would return an error.
    pub fn from_static(method: Method, path: &'static str) -> Self {
        assert!(is_path(path), "the path of a route must look like \"/auth\"");
        Self::at(Kind::Exact, path).methods([method])
    }

    /// A route for every request.
    pub fn any() -> Self {
        Self::at(Kind::Prefix, "")
    }

    fn at(kind: Kind, path: &str) -> Self {
        Self { kind, path: path.into(), methods: Box::default(), predicate: None }
    }

    /// The same route for these methods. No method means any.
    #[must_use]
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods = methods.into_iter().collect();
        self
    }

    /// The same route, limited to requests for which `predicate` returns `true`. It replaces an earlier predicate.
    ///
    /// `predicate` is called only for requests whose method and path match.
    #[must_use]
    pub fn when(mut self, predicate: impl Fn(RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.predicate = Some(Arc::new(predicate));
        self
    }

    /// The same route at another exact path.
    ///
    /// # Errors
    /// As [`Route::new`].
    pub fn with_path(self, path: &str) -> Result<Self, ConfigError> {
        let Self { path, kind, .. } = Self::exact(path)?;
        Ok(Self { path, kind, ..self })
    }

    /// The allowed methods. None means any.
    pub(crate) fn allowed(&self) -> &[Method] {
        &self.methods
    }

    /// Whether `method` is allowed.
    pub(crate) fn allows(&self, method: &Method) -> bool {
        self.methods.is_empty() || self.methods.contains(method)
    }

    /// Whether the route matches `request`.
    pub fn matches<B>(&self, request: &Request<B>) -> bool {
        self.has_path(request.uri().path()) && self.matches_below(RequestHead::from_request(request))
    }

    /// Whether the route matches this path.
    #[inline]
    pub(crate) fn has_path(&self, path: &str) -> bool {
        match self.kind {
            Kind::Exact => path == &*self.path,
            Kind::Prefix => path.starts_with(&*self.path),
        }
    }

    /// Whether the route matches a request whose path it matches.
    #[inline]
    pub(crate) fn matches_below(&self, head: RequestHead<'_>) -> bool {
        self.allows(head.method) && self.predicate.as_ref().is_none_or(|predicate| predicate(head))
    }

    /// The path, if the route has a single one.
    pub(crate) fn exact_path(&self) -> Option<&str> {
        (self.kind == Kind::Exact).then_some(&self.path)
    }

    /// Whether `self`, asked first, takes all requests of `later`, for one method at least.
    pub(crate) fn hides(&self, later: &Self) -> bool {
        let methods = self.methods.is_empty()
            || later.methods.is_empty()
            || later.methods.iter().any(|method| self.methods.contains(method));
        self.predicate.is_none() && self.kind == later.kind && self.path == later.path && methods
    }
}

fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && PathAndQuery::try_from(path).is_ok_and(|parsed| parsed.as_str() == path && parsed.query().is_none())
}

fn not_a_path(path: &str) -> ConfigError {
    ConfigError::new(format!("{path:?} is not the path of a route: it must look like \"/auth\""))
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("kind", &self.kind)
            .field("path", &self.path)
            .field("methods", &self.methods)
            .field("predicate", &self.predicate.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(uri: &str) -> Request<()> {
        Request::get(uri).body(()).unwrap()
    }

    #[test]
    fn impossible_paths_are_config_errors() {
        for path in ["", "auth", "/auth?x=1", "/au th", "/auth#top", "*", "http://example.com/auth", "/\u{e9}\n"] {
            assert!(Route::new(Method::POST, path).is_err(), "{path:?}");
            assert!(Route::prefix(path).is_err(), "{path:?}");
            assert!(Route::from_static(Method::POST, "/auth").with_path(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn another_path_is_exact_even_if_the_first_was_a_prefix() {
        let route = Route::prefix("/tenants").unwrap().with_path("/auth").unwrap();
        assert!(route.matches(&get("/auth")) && !route.matches(&get("/auth/x")) && !route.matches(&get("/tenants/x")));
    }

    #[test]
    fn a_predicate_sees_the_head_of_the_request() {
        let route = Route::exact("/auth").unwrap().when(|head| {
            head.method() == Method::PUT && head.uri().query() == Some("a=1") && head.headers().contains_key("x")
        });
        let request = |method| Request::builder().method(method).uri("/auth?a=1").header("x", "1").body(()).unwrap();
        assert!(route.matches(&request("PUT")) && !route.matches(&request("GET")));
    }

    #[test]
    fn an_exact_path_matches_byte_for_byte() {
        let route = Route::new(Method::GET, "/CheckToken").unwrap();
        for (uri, matches) in [
            ("/CheckToken", true),
            ("/CheckToken?sessionId=1", true),
            ("/CheckToken?", true),
            ("/CheckTokens", false),
            ("/CheckTokem?x=1", false),
            ("/Check?Token", false),
            ("/CheckToke?", false),
            ("http://example.com", false),
            ("http://example.com/CheckToken", true),
            ("/checktoken", false),
            ("/CheckToken/", false),
            ("/Check%54oken", false),
            ("//CheckToken", false),
            ("/", false),
        ] {
            assert_eq!(route.matches(&get(uri)), matches, "{uri}");
        }
        assert!(!route.matches(&Request::head("/CheckToken").body(()).unwrap()));
        assert!(!route.matches(&Request::options("*").body(()).unwrap()));
    }

    #[test]
    fn a_prefix_matches_every_path_below_it() {
        let route = Route::prefix("/user/").unwrap();
        for (uri, matches) in [("/user/", true), ("/user/a/b?c", true), ("/user", false), ("/User/a", false)] {
            assert_eq!(route.matches(&get(uri)), matches, "{uri}");
        }
        assert!(Route::any().matches(&Request::options("*").body(()).unwrap()));
    }

    #[test]
    fn several_methods_or_any_match() {
        let route = Route::exact("/auth").unwrap();
        assert!(route.matches(&get("/auth")) && route.allowed().is_empty());
        let route = route.methods([Method::POST, Method::GET]);
        assert!(route.matches(&get("/auth")) && route.allows(&Method::POST) && !route.allows(&Method::PUT));
        assert!(!route.methods([Method::POST]).matches(&get("/auth")));
    }

    #[test]
    fn a_predicate_sees_the_head() {
        let upgrades = |head: RequestHead<'_>| head.headers().contains_key("upgrade") && *head.method() == Method::GET;
        for route in [Route::exact("/connect").unwrap(), Route::any()] {
            let route = route.when(upgrades);
            assert!(!route.matches(&get("/connect")));
            let upgrade = Request::get("/connect").header("upgrade", "websocket").body(()).unwrap();
            assert!(route.matches(&upgrade));
        }
    }
}
