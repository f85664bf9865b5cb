//! Proxies that ask before they pass a request on, all by one endpoint: nginx's `auth_request`, Caddy's `forward_auth`,
//! Traefik's ForwardAuth, and Envoy's `ext_authz` over HTTP.
//!
//! Each asks at a path of its own, with its client's headers. The answer to a good token is an empty 200 that says in
//! `X-Auth-User` whose it is. A bad token gets 401 with a challenge, and without a verdict it is 403. The verifier's
//! request has the method and the URI of the client's.
//!
//! Read in `ngx_http_auth_request_module.c`, `forwardauth/caddyfile.go`, `auth/forward.go` and
//! `ext_authz_http_impl.cc`, and seen with nginx 1.22, Caddy 2.6, Traefik 3.7 and Envoy 1.40:
//!
//! | proxy | asks at | reads as admitted | its client gets | and without an answer |
//! |---|---|---|---|---|
//! | nginx | `/forward/nginx` | any 2xx | 401 and 403 as they are, 500 for all else | 500 |
//! | Caddy | `/forward/caddy` | any 2xx | the answer | 502 |
//! | Traefik | `/forward/traefik` | any 2xx | the answer | 500 |
//! | Envoy | `/forward/envoy` and the client's path | 200 alone | the answer, but 403 for a 5xx | 403 |
//!
//! * **Envoy's `failure_mode_allow: true` lets everybody in** at a 5xx and without an answer, under the name that the
//!   client has written into `X-Auth-User`. So no verdict is a 403 here and no 503. Without an answer nothing helps.
//! * **Each proxy says its client's URI in another way**: nginx in a header that its configuration sets, here
//!   `X-Original-URI`; Caddy and Traefik in `X-Forwarded-Uri`; Envoy in the path. A client can write all of these
//!   headers, and a proxy replaces its own alone: so a path believes the one of its proxy. Traefik passes on the
//!   client's if both `forwardedHeaders.insecure` and `trustForwardHeader` are `true`.
//! * **A client can write `X-Auth-User`.** The answer's replaces it by nginx's `auth_request_set` and
//!   `proxy_set_header`, Caddy's `copy_headers`, Traefik's `authResponseHeaders` and Envoy's
//!   `allowed_upstream_headers`. Caddy from 2.10.0 to 2.11.1 keeps the client's if the answer has none
//!   (GHSA-7r4p-vjf4-gxv4); this one always has one. Where a proxy does not ask, nothing replaces it. To a CGI or WSGI
//!   app `X_Auth_User` is the same header, which nginx alone drops.
//! * **nginx makes a 500 of a redirect to a login**: redirect by its `error_page 401`.
//! * **Envoy sends no cookie** that `allowed_headers` does not list.
//! * **The URI is as the client wrote it**: to the app behind, `/photos/..%2fadmin` may be `/admin`.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, request::Parts};
use tower_verify::{Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, wire};

/// The token of a proxy's client, whose verdict is the user.
pub(crate) struct ClientToken(pub(crate) Secret);

impl Credential for ClientToken {
    type Verdict = Option<HeaderValue>;
}

pub(crate) struct ForwardAuth;

impl Contract for ForwardAuth {
    type Credential = ClientToken;
    type Context = ();
    const NAME: &'static str = "forward_auth";
    const READS_BODY: bool = false;

    fn decode(&self, head: &mut Parts, _: Bytes, (): &mut ()) -> Result<ClientToken, Rejection> {
        let told = |name| wire::header::text(&head.headers, name);
        let own = head.uri.path_and_query().map_or("", |uri| uri.as_str());
        let (method, uri) = match head.uri.path() {
            "/forward/nginx" => (told("x-original-method")?, told("x-original-uri")?),
            "/forward/caddy" | "/forward/traefik" => (told("x-forwarded-method")?, told("x-forwarded-uri")?),
            _ => (head.method.as_str(), own.strip_prefix("/forward/envoy").unwrap_or_default()),
        };
        let unreadable = "the client's request cannot be read";
        (head.method, head.uri) = method.parse().ok().zip(uri.parse().ok()).ok_or(Rejection::malformed(unreadable))?;
        wire::bearer::take(&mut head.headers).map(ClientToken)
    }

    fn refused(&self, outcome: Outcome<Option<HeaderValue>>, (): ()) -> Response<Bytes> {
        match outcome {
            Outcome::Failed(_) => wire::response::empty(StatusCode::FORBIDDEN),
            _ => wire::response::unauthorized("Bearer"),
        }
    }
}

impl Endpoint for ForwardAuth {
    fn route(&self) -> Route {
        Route::prefix("/forward/").expect("a path")
    }

    fn admitted(&self, user: Option<HeaderValue>, (): ()) -> Response<Bytes> {
        let mut response = wire::response::empty(StatusCode::OK);
        response.headers_mut().extend(user.map(|user| (HeaderName::from_static("x-auth-user"), user)));
        response
    }
}
