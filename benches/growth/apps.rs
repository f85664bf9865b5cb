//! An app for each endpoint. Its verifier returns a verdict at once.

use std::{convert::Infallible, time::SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, Service, service_fn};
use tower_verify::{
    BoxError, Credential, Endpoint, GuardLayer, VerifyLayer,
    diyalog::{AgentEndpoint, AgentToken, AgentVerdict},
    talkdesk::{AuthVerdict, Call, CallVerdict, Credentials, LaterCalls, Parameters, Validator},
    taptalk::{
        AccessCheck, AccessTokenEndpoint, AccessVerdict, AppTicketEndpoint, AppTicketRequest, AppTicketVerdict,
        AuthTicketEndpoint, ConnectEndpoint, Profile, RefreshEndpoint, Ticket, TicketExchange, TicketRequest,
        TicketVerdict, TokenPair, TokenRefresh, TokenVerdict, User,
    },
    verifier_fn,
};

use crate::support::{
    Incoming,
    bare::{Bare, TEXT},
    layered,
};

type Answer = Response<Full<Bytes>>;

pub(crate) fn customer() -> impl Service<Incoming, Response = Answer, Error = Infallible> {
    layered::one(Bare)
}

pub(crate) fn agent() -> impl Service<Incoming, Response = Answer, Error = Infallible> {
    app(AgentEndpoint::new(), |token: AgentToken| AgentVerdict::validated(token.user_no.expose_secret()))
}

pub(crate) fn validator() -> impl Service<Incoming, Response = Answer, Error = Infallible> {
    app(Validator::new(), |auth: Credentials| match auth.text("username") {
        Some(_) => AuthVerdict::Granted(Parameters::new().with("login_id", 12)),
        None => AuthVerdict::Denied,
    })
}

pub(crate) fn auth_ticket() -> impl Service<Incoming, Response = Answer, Error = Infallible> {
    app(AuthTicketEndpoint::new(), |_: TicketRequest| TicketVerdict::Issued(ticket()))
}

pub(crate) fn access_token() -> impl Service<Incoming, Response = Answer, Error = Infallible> {
    app(AccessTokenEndpoint::new(), |_: TicketExchange| TokenVerdict::Issued(Box::new(tokens())))
}

pub(crate) fn refresh() -> impl Service<Incoming, Response = Answer, Error = Infallible> {
    app(RefreshEndpoint::new(), |_: TokenRefresh| TokenVerdict::Issued(Box::new(tokens())))
}

pub(crate) fn connect() -> impl Service<Incoming, Response = Answer, Error = Infallible> {
    app(ConnectEndpoint::new(), |_: AccessCheck| AccessVerdict::Valid)
}

pub(crate) fn app_ticket() -> impl Service<Incoming, Response = Answer, Error = Infallible> {
    app(AppTicketEndpoint::new(), |_: AppTicketRequest| AppTicketVerdict::Issued(ticket()))
}

pub(crate) fn guard() -> impl Service<Incoming, Response = Answer, Error = Infallible> {
    let verifier = verifier_fn(async |_: Request<Call<()>>| Ok::<_, BoxError>(CallVerdict::Verified(())));
    GuardLayer::new(LaterCalls::new(), verifier).layer(service_fn(async |_: Request<_>| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(TEXT.as_bytes()))))
    }))
}

fn app<E, F>(endpoint: E, verdict: F) -> impl Service<Incoming, Response = Answer, Error = Infallible>
where
    E: Endpoint,
    F: Fn(E::Credential) -> <E::Credential as Credential>::Verdict + Send + Sync + 'static,
{
    let verifier = verifier_fn(move |request: Request<E::Credential>| {
        let verdict = verdict(request.into_body());
        async { Ok::<_, BoxError>(verdict) }
    });
    VerifyLayer::new(endpoint, verifier).layer(Bare)
}

fn ticket() -> Ticket {
    Ticket::new("287", "ttk_2121sasasrwsdss")
}

fn tokens() -> TokenPair {
    let until = SystemTime::UNIX_EPOCH;
    let user = User::new("287", Profile::new("287", "Ann Example"));
    TokenPair::new(("ttka_2121sasasrwsdss", until), ("ttkr_2121sasasrwsdss", until), user)
}
