//! The conforming ticket server, and the conforming backend of an app.

use std::time::{Duration, SystemTime};

use http::Request;
use tower::{Layer, service_fn, util::BoxCloneSyncService};
use tower_verify::{
    BoxError, Clock, Credential, Endpoints, Failure, ManualClock, Secret, Verifier, VerifyLayer,
    conformance::Suite,
    store::MemoryStore,
    taptalk::{
        AccessCheck, AccessTokenEndpoint, AccessVerdict, ApiKey, ApiKeys, AppTicketEndpoint, AppTicketRequest,
        AppTicketVerdict, AuthTicketEndpoint, ConfigsRequest, ConnectEndpoint, Device, KeyRefusal, KnownKey, Logout,
        LogoutEndpoint, Profile, ProjectConfigsEndpoint, RefreshEndpoint, SocketRequest, Ticket, TicketExchange,
        TicketOffice, TicketParameters, TicketRequest, TicketVerdict, TokenPair, TokenRefresh, TokenVerdict,
        UserPlatform, UserUpdate, UserUpdateEndpoint,
        conformance::{AppTicketCalls, TicketServerCalls},
    },
    token::KeyRing,
    verifier_fn,
    wire::bearer,
};

use super::apps::{App, not_found};

const SERVER_KEY: (&str, &str) = ("backend", "s3cr3t-of-the-backend");
pub(super) const APP_KEY: (&str, &str) = ("android", "pl:41n-of-the-app");
/// The refusals of the app keys of the same name.
pub(super) const REFUSALS: [KeyRefusal; 4] =
    [KeyRefusal::OtherPlatform, KeyRefusal::NotEnabled, KeyRefusal::Suspended, KeyRefusal::WithoutOwner];

/// A ticket server and the suite that knows its keys. Its clock has advanced since the expired tokens were issued.
pub(crate) async fn ticket_server() -> (App, TicketServerCalls) {
    let (office, clock) = office();
    let (expired_ticket, expired) = (ticket(&office).await, tokens(&office, Device::default()).await);
    clock.advance(Duration::from_secs(31 * 24 * 60 * 60));
    let gone = tokens(&office, Device::default()).await.access_token;

    let mut calls = TicketServerCalls::new(&pair(SERVER_KEY), &pair(APP_KEY))
        .xc_user_id("customer-7")
        .other_app_key("other:s3cr3t")
        .refused_app_key(KeyRefusal::Expired, "Expired:s3cr3t")
        .expired_ticket(expired_ticket)
        .expired_access_token(expired.access_token)
        .expired_refresh_token(expired.refresh_token)
        .token_of_gone_user(gone.clone())
        .failing_server_key("outage:s3cr3t")
        .failing_app_key("outage:s3cr3t")
        .throttled_server_key("throttled:s3cr3t")
        .body_limit(16 * 1024);
    for refusal in REFUSALS {
        calls = calls.refused_app_key(refusal, format!("{refusal:?}:s3cr3t"));
    }
    (Office { office, gone }.app(), calls)
}

/// An office and its clock.
pub(super) fn office() -> (TicketOffice<MemoryStore>, ManualClock) {
    let clock = ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_784_000_000));
    let key = |id: &str| KnownKey::new(ApiKey::new(id, "s3cr3t"));
    let keys = REFUSALS.map(|refusal| key(&format!("{refusal:?}")).refused(refusal));
    let known = [KnownKey::new(api_key(APP_KEY)), key("other"), key("Expired").expires_at(clock.now())];
    let office = TicketOffice::new("", MemoryStore::new().clock(clock.clone()), KeyRing::generate().unwrap())
        .unwrap()
        .server_keys(ApiKeys::new([api_key(SERVER_KEY)]).unwrap())
        .app_keys(ApiKeys::new(keys.into_iter().chain(known)).unwrap())
        .clock(clock.clone());
    (office, clock)
}

pub(super) async fn ticket(office: &TicketOffice<MemoryStore>) -> Secret {
    let profile = Profile::new("customer-7", "Ada");
    let parameters = TicketParameters::new(profile, UserPlatform::Web, "1", "203.0.113.7", "test");
    let request = TicketRequest::new(api_key(SERVER_KEY), parameters);
    let Ok(TicketVerdict::Issued(ticket)) = office.verify(Request::new(request)).await else { panic!("no ticket") };
    ticket.ticket
}

pub(super) async fn tokens(office: &TicketOffice<MemoryStore>, device: Device) -> TokenPair {
    let exchange = TicketExchange::new(ticket(office).await, api_key(APP_KEY)).with_device(device);
    let Ok(TokenVerdict::Issued(tokens)) = office.verify(Request::new(exchange)).await else { panic!("no tokens") };
    *tokens
}

/// The office, which has no verdict on the keys `outage` and `throttled`.
#[derive(Clone)]
pub(super) struct Office {
    pub(super) office: TicketOffice<MemoryStore>,
    pub(super) gone: Secret,
}

pub(super) trait Keyed {
    fn key(&self) -> Option<&ApiKey>;
}

macro_rules! keyed {
    ($($name:ident: |$request:ident| $key:expr;)*) => {$(
        impl Keyed for $name {
            fn key(&self) -> Option<&ApiKey> {
                let $request = self;
                $key
            }
        }
    )*};
}

keyed! {
    TicketRequest: |request| Some(&request.server_key);
    UserUpdate: |request| Some(&request.server_key);
    TicketExchange: |request| Some(&request.app_key);
    TokenRefresh: |request| request.app_key.as_ref();
    AccessCheck: |request| request.app_key.as_ref();
    SocketRequest: |request| request.app_key.as_ref();
    Logout: |request| Some(&request.app_key);
    ConfigsRequest: |request| Some(&request.app_key);
}

impl<C: Credential + Keyed> Verifier<C> for Office
where
    TicketOffice<MemoryStore>: Verifier<C>,
{
    async fn verify(&self, request: Request<C>) -> Result<C::Verdict, BoxError> {
        match request.body().key() {
            Some(key) if key.id == "outage" => Err("the store of s3cr3t is away".into()),
            Some(key) if key.id == "throttled" => Err(Failure::throttled(Duration::from_secs(9)).into()),
            _ => self.office.verify(request).await,
        }
    }
}

impl Office {
    fn app(self) -> App {
        let office = self.clone();
        let checks = verifier_fn(move |request: Request<AccessCheck>| {
            let office = office.clone();
            async move {
                if request.body().access_token == office.gone {
                    return Ok(AccessVerdict::NoUser);
                }
                Verifier::<AccessCheck>::verify(&office, request).await
            }
        });
        let endpoints = Endpoints::new()
            .with(VerifyLayer::new(AuthTicketEndpoint::new(), self.clone()))
            .and_then(|all| all.with(VerifyLayer::new(UserUpdateEndpoint::new(), self.clone())))
            .and_then(|all| all.with(VerifyLayer::new(AccessTokenEndpoint::new(), self.clone())))
            .and_then(|all| all.with(VerifyLayer::new(RefreshEndpoint::new(), self.clone())))
            .and_then(|all| all.with(VerifyLayer::new(ConnectEndpoint::new(), checks)))
            .and_then(|all| all.with(VerifyLayer::new(LogoutEndpoint::new(), self.clone())))
            .and_then(|all| all.with(VerifyLayer::new(ProjectConfigsEndpoint::new(), self)));
        BoxCloneSyncService::new(endpoints.unwrap().layer(service_fn(not_found)))
    }
}

fn api_key((id, secret): (&str, &str)) -> ApiKey {
    ApiKey::new(id, secret)
}

pub(super) fn pair((id, secret): (&str, &str)) -> String {
    format!("{id}:{secret}")
}

/// A backend's own endpoint, and the suite that knows its user.
pub(crate) fn app_tickets() -> (App, Suite) {
    let verifier = verifier_fn(|mut request: Request<AppTicketRequest>| async move {
        let token = bearer::take(request.headers_mut());
        Ok(match token.as_ref().map(|token| token.expose_secret()) {
            Ok("605b-32dd") => AppTicketVerdict::Issued(Ticket::new("6", "7a6c")),
            Ok("outage") => return Err(BoxError::from("TapTalk is away")),
            _ => AppTicketVerdict::UnknownCaller,
        })
    });
    let app = VerifyLayer::new(AppTicketEndpoint::new(), verifier).layer(service_fn(not_found));
    let calls = AppTicketCalls::new("Bearer 605b-32dd").failing_authorization("Bearer outage").body_limit(16 * 1024);
    (BoxCloneSyncService::new(app), calls.suite())
}
