use http::Request;
use tracing::Span;

/// The span of a request, without its query: for tower-http's `TraceLayer` around an app that has endpoints of this
/// crate.
///
/// The span that `TraceLayer` makes by default shows the whole URI, and so writes the agents' tokens of
/// `GET /CheckToken?token=…` and the access tokens of `/connect` to the log. This one is named `request`, at the level
/// `INFO`, with the target `tower_verify`. Its fields are `http.request.method`, `url.path` and `network.protocol.version`.
///
/// ```
/// use axum::Router;
/// use tower_http::trace::TraceLayer;
/// use tower_verify::observe::request_span;
///
/// let app: Router = Router::new(); // with its endpoints
/// let app = app.layer(TraceLayer::new_for_http().make_span_with(request_span));
/// ```
pub fn request_span<B>(request: &Request<B>) -> Span {
    tracing::info_span!(
        target: "tower_verify",
        "request",
        http.request.method = request.method().as_str(),
        url.path = request.uri().path(),
        network.protocol.version = ?request.version(),
    )
}
