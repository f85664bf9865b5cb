//! TapTalk: a ticket server, and the app's own backend that asks one for the tickets of its users.

use axum::{Router, routing::post};
use bytes::Bytes;
use http::{HeaderName, Method, Request, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use tower_http::cors::{AllowHeaders, Any, CorsLayer};
use tower_verify::{
    BoxError, Verifier, VerifyLayer,
    store::SharedStore,
    taptalk::{
        AccessTokenEndpoint, ApiKey, ApiKeys, AppCaller, AppTicketEndpoint, AppTicketIssuer, Client, ConnectEndpoint,
        Profile, RefreshEndpoint, TicketOffice,
    },
    token::KeyRing,
};

use crate::{sessions::Sessions, settings::Settings};

/// The verifier of TapTalk's four calls.
pub(crate) fn office(
    settings: &Settings,
    store: SharedStore,
    keys: KeyRing,
) -> Result<TicketOffice<SharedStore>, BoxError> {
    Ok(TicketOffice::new("demo", store, keys)?
        .server_keys(ApiKeys::new([server_key()])?)
        .app_keys(ApiKeys::new([ApiKey::new("demo-app", "demo-app-secret")])?)
        .ticket_ttl(settings.ticket_ttl)?
        .access_token_ttl(settings.access_ttl)?
        .refresh_token_ttl(settings.refresh_ttl)?)
}

fn server_key() -> ApiKey {
    ApiKey::new("demo-server", "demo-secret")
}

/// What asks the ticket server at `base` on behalf of whoever is logged in.
pub(crate) type Issuer = AppTicketIssuer<Callers, Client<HttpClient<HttpConnector, Full<Bytes>>>>;

pub(crate) fn issuer(base: &str, sessions: Sessions) -> Result<Issuer, BoxError> {
    let http = HttpClient::builder(TokioExecutor::new()).build_http();
    Ok(AppTicketIssuer::new(Callers(sessions), Client::new(http, server_key())?.base_url(base)?))
}

/// Says who asks for a ticket: the user of the session.
pub(crate) struct Callers(Sessions);

impl Verifier<AppCaller> for Callers {
    async fn verify(&self, request: Request<AppCaller>) -> Result<Option<Profile>, BoxError> {
        let username = self.0.user(request.headers()).await?;
        Ok(username.map(|username| Profile::new(username, "Demo User")))
    }
}

/// The routes that TapTalk's SDKs call from a page.
pub(crate) fn for_pages(office: TicketOffice<SharedStore>, issuer: Issuer) -> Router {
    Router::new()
        .route_service(
            "/v1/auth/access_token/request",
            VerifyLayer::new(AccessTokenEndpoint::new(), office.clone()).into_service(),
        )
        .route_service(
            "/v1/auth/access_token/refresh",
            VerifyLayer::new(RefreshEndpoint::new(), office.clone()).into_service(),
        )
        .route_service("/connect", VerifyLayer::new(ConnectEndpoint::new(), office).into_service())
        .route_service("/taptalk/auth_ticket", VerifyLayer::new(AppTicketEndpoint::new(), issuer).into_service())
        .route("/v1/client/project_configs", post(configs))
        .layer(cors())
}

/// A route that TapTalk's SDKs call first, and that is no check of a credential.
async fn configs() -> ([(HeaderName, &'static str); 1], &'static str) {
    const EMPTY: &str =
        r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{"core":{},"project":{},"custom":{}}}"#;
    ([(CONTENT_TYPE, "application/json")], EMPTY)
}

/// Lets pages of any origin call, as TapTalk's web SDK does, with whatever headers it has: `*` would leave out
/// `Authorization`. A real app names its origins.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
}
