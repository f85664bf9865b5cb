use http::Request;
use tracing::Span;

/// Makes the span of a request, without its query, for tower-http's `TraceLayer`.
///
/// Use it if `TraceLayer` is around an app that has endpoints of this crate. The default span of `TraceLayer` has the
/// whole URI, and so writes the tokens of `GET /CheckToken?token=…` and of `/connect` to the log. This span is named
/// `request`, with the level `INFO` and the target `tower_verify`. Its fields are `http.request.method`, `url.path` and
/// `network.protocol.version`.
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
