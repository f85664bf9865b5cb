//! TapTalk: a ticket server, and the backend that asks one for tickets of the app's users.

use axum::{
    Extension, Router,
    extract::ws::{Message, WebSocket, WebSocketUpgrade},
    response::Response,
    routing::any,
};
use bytes::Bytes;
use http::{Method, Request, header::AUTHORIZATION};
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::json;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};
use tower_verify::{
    BoxError, GuardLayer, Verifier, VerifyLayer,
    openapi::OpenApi,
    store::SharedStore,
    taptalk::{
        AccessCheck, AccessTokenEndpoint, ApiKey, ApiKeys, AppCaller, AppTicketEndpoint, AppTicketIssuer, Client,
        ConfigsRequest, ConnectEndpoint, KeyRefusal, KnownKey, Logout, LogoutEndpoint, Profile, ProjectConfigsEndpoint,
        RefreshEndpoint, SocketGuard, SocketRequest, TicketExchange, TicketOffice, TicketRequest, TokenRefresh, User,
        UserPlatform, UserUpdate,
    },
    token::KeyRing,
};

use crate::{observing::Observers, outage::Outage, sessions::Sessions, settings::Settings};

/// The verifier of all calls to the ticket server.
pub(crate) fn office(
    settings: &Settings,
    store: SharedStore,
    keys: KeyRing,
) -> Result<TicketOffice<SharedStore>, BoxError> {
    Ok(TicketOffice::new("demo", store, keys)?
        .server_keys(ApiKeys::new([server_key()])?)
        .app_keys(ApiKeys::new([
            KnownKey::new(ApiKey::new("demo-app", "demo-app-secret")),
            KnownKey::new(ApiKey::new("demo-web", "demo-web-secret")).for_platforms([UserPlatform::Web]),
            KnownKey::new(ApiKey::new("demo-other", "demo-other-secret")),
            KnownKey::new(ApiKey::new("demo-expired", "demo-secret")).refused(KeyRefusal::Expired),
            KnownKey::new(ApiKey::new("demo-disabled", "demo-secret")).refused(KeyRefusal::NotEnabled),
            KnownKey::new(ApiKey::new("demo-suspended", "demo-secret")).refused(KeyRefusal::Suspended),
            KnownKey::new(ApiKey::new("demo-ownerless", "demo-secret")).refused(KeyRefusal::WithoutOwner),
        ])?)
        .ticket_ttl(settings.ticket_ttl)?
        .access_token_ttl(settings.access_ttl)?
        .refresh_token_ttl(settings.refresh_ttl)?
        .refresh_grace(settings.refresh_grace)?)
}

fn server_key() -> ApiKey {
    ApiKey::new("demo-server", "demo-secret")
}

/// The principal of a backend's request for a ticket.
pub(crate) fn backend_of_ticket(request: &TicketRequest) -> Option<String> {
    Some(format!("taptalk:{}", request.server_key.id.expose_secret()))
}

/// The principal of a backend's request to save a user.
pub(crate) fn backend_of_update(update: &UserUpdate) -> Option<String> {
    Some(format!("taptalk:{}", update.server_key.id.expose_secret()))
}

/// The principal of an app's call, if it sends its key.
fn app(key: Option<&ApiKey>) -> Option<String> {
    Some(format!("taptalk app:{}", key?.id.expose_secret()))
}

/// Asks a ticket server for tickets of the users who are logged in.
pub(crate) type Issuer = AppTicketIssuer<Callers, Client<HttpClient<HttpConnector, Full<Bytes>>>>;

pub(crate) fn issuer(base: &str, sessions: Sessions) -> Result<Issuer, BoxError> {
    let http = HttpClient::builder(TokioExecutor::new()).build_http();
    Ok(AppTicketIssuer::new(Callers(sessions), Client::new(http, server_key())?.base_url(base)?))
}

/// Finds the user who asks for a ticket by the session.
pub(crate) struct Callers(Sessions);

impl Verifier<AppCaller> for Callers {
    async fn verify(&self, request: Request<AppCaller>) -> Result<Option<Profile>, BoxError> {
        if request.headers().get(AUTHORIZATION).is_some_and(|value| value == "Bearer outage") {
            return Err("the sessions are away".into());
        }
        let username = self.0.user(request.headers()).await?;
        Ok(username.map(|username| Profile::new(username, "Demo User")))
    }
}

/// The routes that TapTalk's SDKs call from a page, and the document with them.
pub(crate) fn for_pages(
    office: TicketOffice<SharedStore>,
    issuer: Issuer,
    observers: Observers,
    document: OpenApi,
) -> Result<(Router, OpenApi), BoxError> {
    let exchange = Outage::new(office.clone(), |asked: &TicketExchange| app(Some(&asked.app_key)));
    let exchange = VerifyLayer::new(AccessTokenEndpoint::new(), exchange).observer(observers.clone());
    let refresh = Outage::new(office.clone(), |asked: &TokenRefresh| app(asked.app_key.as_ref()));
    let refresh = VerifyLayer::new(RefreshEndpoint::new(), refresh).observer(observers.clone());
    let logout = Outage::new(office.clone(), |asked: &Logout| app(Some(&asked.app_key)));
    let logout = VerifyLayer::new(LogoutEndpoint::new(), logout).observer(observers.clone());
    let configs = Outage::new(office.clone(), |asked: &ConfigsRequest| app(Some(&asked.app_key)));
    let configs = VerifyLayer::new(ProjectConfigsEndpoint::new(), configs).observer(observers.clone());
    let check = Outage::new(office.clone(), |asked: &AccessCheck| app(asked.app_key.as_ref()));
    let check = VerifyLayer::new(ConnectEndpoint::new(), check).observer(observers.clone());
    let tickets = VerifyLayer::new(AppTicketEndpoint::new(), issuer).observer(observers.clone());
    let document = document
        .endpoint(&exchange)?
        .endpoint(&refresh)?
        .endpoint(&logout)?
        .endpoint(&configs)?
        .endpoint(&check)?
        .endpoint(&tickets)?;
    // One path for two things: the endpoint answers the check, and the guard verifies the upgrade to the socket.
    let sockets = Outage::new(office, |asked: &SocketRequest| app(asked.app_key.as_ref()));
    let guard = GuardLayer::new(SocketGuard::new(), sockets).observer(observers);
    let open = json!({"responses": {"101": {"description": "The chat's socket is open: this was no check."}}});
    let document = document.guarded(&guard, Method::GET, "/connect", open)?;
    let connect = Router::new().route("/connect", any(socket)).layer(guard).layer(check);
    let routes = Router::new()
        .route_service("/v1/auth/access_token/request", exchange.into_service())
        .route_service("/v1/auth/access_token/refresh", refresh.into_service())
        .route_service("/v1/client/logout", logout.into_service())
        .route_service("/v1/client/project_configs", configs.into_service())
        .route_service("/taptalk/auth_ticket", tickets.into_service())
        .merge(connect)
        .layer(cors());
    Ok((routes, document))
}

/// A stand-in for the chat's socket: it sends the user's id, and then repeats each message.
async fn socket(Extension(user): Extension<User>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |mut socket: WebSocket| {
        let mut answer = Some(Message::text(user.user_id));
        while let Some(message) = answer.take() {
            if socket.send(message).await.is_err() {
                return;
            }
            answer = socket.recv().await.and_then(Result::ok);
        }
    })
}

/// Lets TapTalk's web SDK call from pages of any origin. The headers are mirrored because `*` would not allow
/// `Authorization`. A real app names its origins.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
}
