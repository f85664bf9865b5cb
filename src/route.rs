//! Where an endpoint is served: see [`Route`].

use http::{Method, Request, uri::PathAndQuery};

use crate::ConfigError;

/// The method and the path of an endpoint.
///
/// A request is the endpoint's when its method is the same and its path is, byte for byte: no trailing slash is added,
/// no percent-encoding is decoded. Anything else belongs to the app.
///
/// ```
/// use http::{Method, Request};
/// use tower_verify::Route;
///
/// let route = Route::new(Method::POST, "/auth")?;
/// assert!(route.matches(&Request::post("/auth?tenant=7").body(())?));
/// assert!(!route.matches(&Request::get("/auth").body(())?));
/// assert!(!route.matches(&Request::post("/auth/").body(())?));
/// # Ok::<(), tower_verify::BoxError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    path: Box<str>,
    method: Method,
}

impl Route {
    /// A route for `method` and `path`.
    ///
    /// # Errors
    /// If `path` does not begin with a slash, has a query, or has a character that no path can have.
    pub fn new(method: Method, path: &str) -> Result<Self, ConfigError> {
        let valid = path.starts_with('/')
            && PathAndQuery::try_from(path).is_ok_and(|parsed| parsed.as_str() == path && parsed.query().is_none());
        if !valid {
            return Err(ConfigError::new(format!("{path:?} is not the path of a route: it must look like \"/auth\"")));
        }
        Ok(Self { path: path.into(), method })
    }

    /// A route whose path the platform's contract gives.
    pub(crate) fn documented(method: Method, path: &'static str) -> Self {
        Self { path: path.into(), method }
    }

    /// The same method at another path.
    ///
    /// # Errors
    /// As [`Route::new`].
    pub fn with_path(self, path: &str) -> Result<Self, ConfigError> {
        Self::new(self.method, path)
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path, which begins with a slash.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether `request` has this method and this path; its query does not matter.
    #[inline(always)]
    pub fn matches<B>(&self, request: &Request<B>) -> bool {
        // Every request of the app comes by here. Paths differ in length more often than not, and asking for the length
        // apart spares those the rest.
        let uri = request.uri();
        uri.path().len() == self.path.len() && uri.path() == &*self.path && request.method() == self.method
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_no_request_can_have_are_refused() {
        for path in ["", "auth", "/auth?x=1", "/au th", "/auth#top", "*", "http://example.com/auth", "/\u{e9}\n"] {
            assert!(Route::new(Method::POST, path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn matching_is_exact() {
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
            assert_eq!(route.matches(&Request::get(uri).body(()).unwrap()), matches, "{uri}");
        }
        assert!(!route.matches(&Request::head("/CheckToken").body(()).unwrap()));
        assert!(!route.matches(&Request::options("*").body(()).unwrap()));
    }
}
