//! No observer repeats what a caller sent. Here, every credential of every endpoint and guard contains one mark, which
//! is searched for in everything that can be read about the call.

use std::{
    cell::RefCell,
    convert::Infallible,
    error::Error,
    fmt::Debug,
    future::{Ready, ready},
    panic::{self, PanicHookInfo},
    sync::{Arc, LazyLock, Once},
    time::SystemTime,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn, util::ServiceFn};
use tower_http::trace::TraceLayer;
use tower_verify::{
    BoxError, Credential, Failure, GuardLayer, PeerAddr, Verifier, VerifyLayer,
    diyalog::{AgentEndpoint, AgentToken, AgentVerdict, CustomerEndpoint, CustomerToken, CustomerVerdict},
    layer::GuardedBody,
    observe::{AuditLog, MetricsObserver, Observer, Pseudonym, Pseudonyms, TracingObserver, request_span},
    talkdesk::{AuthVerdict, Call, CallVerdict, Credentials, LaterCalls, Parameters, Validator},
    taptalk::{
        AccessCheck, AccessTokenEndpoint, AccessVerdict, AppTicketEndpoint, AppTicketRequest, AppTicketVerdict,
        AuthTicketEndpoint, ConfigsRequest, ConfigsVerdict, ConnectEndpoint, Logout, LogoutEndpoint, Profile,
        ProjectConfigsEndpoint, RefreshEndpoint, SocketGuard, SocketRequest, SocketVerdict, Ticket, TicketExchange,
        TicketRequest, TicketVerdict, TokenPair, TokenRefresh, TokenVerdict, User, UserUpdate, UserUpdateEndpoint,
        UserVerdict,
    },
};
use tracing::Level;

use crate::{
    logs::{Written, logged},
    metrics::recorded,
    support::now,
};

/// The text that every credential contains.
const MARK: &str = "s3cr3t";

/// The mark as text, and in base64 at each of the three alignments.
static MARKS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let encoded = ["", "x", "xx"].map(|before| {
        let text = BASE64_STANDARD.encode(format!("{before}{MARK}"));
        text[(before.len() * 4).div_ceil(3)..text.len() - 4].to_owned()
    });
    [vec![MARK.to_owned()], encoded.to_vec()].concat()
});

thread_local! {
    /// The messages of this test's panics.
    static PANICS: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What a verifier does after it has logged its whole request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    /// Returns the verdict with this number.
    Decide(usize),
    Fail,
    Panic,
}

struct Shows<C: Credential> {
    does: Does,
    verdicts: fn() -> Vec<C::Verdict>,
}

impl<C: Credential + Debug> Verifier<C> for Shows<C> {
    async fn verify(&self, request: Request<C>) -> Result<C::Verdict, BoxError> {
        tracing::trace!(?request, "asked");
        match self.does {
            Does::Decide(number) => Ok((self.verdicts)().swap_remove(number)),
            Does::Fail => Err(Failure::from_error("the database is away").into()),
            Does::Panic => panic!("{request:?}"),
        }
    }
}

type App<B> = ServiceFn<fn(Request<B>) -> Ready<Result<Response<Full<Bytes>>, Infallible>>>;

fn app<B>(_: Request<B>) -> Ready<Result<Response<Full<Bytes>>, Infallible>> {
    ready(Ok(Response::new(Full::default())))
}

/// Sends one call, and returns everything that can be read about it.
fn all_that_is_seen<I, L>(layer: impl FnOnce(Arc<dyn Observer>) -> L, request: Request<Full<Bytes>>) -> String
where
    L: Layer<App<I>> + Debug,
    L::Service: Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = Infallible>,
{
    let audit = Written::default();
    let (mut seen, mut metrics) = (String::new(), None);
    let logs = logged(Level::TRACE, || {
        metrics = Some(recorded(|| {
            let log = AuditLog::new(audit.clone(), Pseudonyms::new([7; 32]));
            let layer = layer(Arc::new((log, (TracingObserver::new(), MetricsObserver::new()))));
            seen += &format!("{layer:?}");
            let traced = TraceLayer::new_for_http().make_span_with(request_span);
            let app = ServiceBuilder::new().layer(traced).layer(layer).service(service_fn(app as fn(_) -> _));
            let response = now(app.oneshot(request)).unwrap();
            let mut error = response.extensions().get::<Failure>().map(|failure| failure as &dyn Error);
            while let Some(cause) = error {
                seen += &format!("{cause} {cause:?}");
                error = cause.source();
            }
        }));
    });
    let audit = audit.text();
    assert!(logs.contains("tower_verify.outcome") && logs.contains("url.path") && audit.contains("outcome"), "{logs}");
    seen + &logs + &audit + &format!("{metrics:?}") + &PANICS.take()
}

/// Asserts that the mark is in no output: for each verdict, for failures, and for faulty requests.
fn assert_unseen<C: Credential + Debug, I, L>(
    verdicts: fn() -> Vec<C::Verdict>,
    layer: impl Fn(Shows<C>, Arc<dyn Observer>) -> L,
    request: impl Fn() -> Request<Full<Bytes>>,
) where
    L: Layer<App<I>> + Debug,
    L::Service: Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = Infallible>,
{
    catch_what_panics_print();
    let numbers = (0..verdicts().len()).map(Does::Decide);
    for does in numbers.chain([Does::Fail, Does::Panic]) {
        for (fault, request) in faults(&request) {
            let seen = all_that_is_seen(|observer| layer(Shows { does, verdicts }, observer), request);
            assert!(fault != "none" || seen.contains("asked"), "the verifier was not called: {seen}");
            for mark in &*MARKS {
                let at = seen.find(&**mark).map(|at| &seen[at.saturating_sub(200)..seen.len().min(at + 100)]);
                assert_eq!(at, None, "{does:?}, fault: {fault}");
            }
        }
    }
}

fn catch_what_panics_print() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            PANICS.with_borrow_mut(|panics| *panics += &info.to_string());
            print(info);
        }));
    });
}

/// Returns the request itself, and variants with one fault each.
fn faults(request: &impl Fn() -> Request<Full<Bytes>>) -> Vec<(&'static str, Request<Full<Bytes>>)> {
    let mut none = request();
    let body = now(http_body_util::BodyExt::collect(none.body_mut())).unwrap().to_bytes();
    let with_body = |body: Bytes| request().map(|_| Full::new(body));
    let mut twice = request();
    let headers: Vec<_> = twice.headers().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    for (name, value) in headers {
        twice.headers_mut().append(name, value);
    }
    let mut query = request();
    if let Some(text) = query.uri().query() {
        *query.uri_mut() = format!("{}&{text}", query.uri()).parse().unwrap();
    }
    vec![
        ("none", request()),
        ("the body breaks off", with_body(body.slice(..body.len() / 2))),
        ("something follows the body", with_body([&body[..], MARK.as_bytes()].concat().into())),
        ("the body is an array", with_body([b"[", &body[..], b"]"].concat().into())),
        ("each header is there twice", twice),
        ("the query is there twice", query),
    ]
}

fn pseudonym() -> Option<Pseudonym> {
    Some(Pseudonyms::new([7; 32]).of(MARK))
}

/// Makes a test of each line. All lines have the same kind of layer, and of body that the app gets.
macro_rules! tests {
    ($layer:ident, $body:ty; $($name:ident: $contract:expr, $credential:ty, $verdicts:expr, $request:expr;)*) => {$(
        #[test]
        fn $name() {
            let layer = |verifier: Shows<$credential>, observer| {
                $layer::new($contract, verifier).observer(observer).principal(|_| pseudonym())
            };
            assert_unseen::<$credential, $body, _>(|| $verdicts, layer, || $request);
        }
    )*};
}

tests! {
    VerifyLayer, Full<Bytes>;
    no_credential_leaks_from_talkdesk_validator: Validator::new(), Credentials,
        vec![AuthVerdict::Granted(Parameters::new().with("token", MARK)), AuthVerdict::Denied],
        send("POST /auth", &[], r#"{"auth":{"username":"MARK","password":"MARK","sandbox":true},"data":"MARK"}"#);
    no_credential_leaks_from_diyalog_customer: CustomerEndpoint::new(), CustomerToken,
        vec![CustomerVerdict::Validated, CustomerVerdict::InvalidToken],
        send("POST /checkauthtoken", &[],
            r#"{"deviceId":"MARK","dlgToken":"MARK","customerNo":"MARK","deviceHash":"MARK","MARK":1}"#);
    no_credential_leaks_from_diyalog_agent: AgentEndpoint::new(), AgentToken,
        vec![AgentVerdict::validated(MARK), AgentVerdict::InvalidToken],
        send("GET /CheckToken?sessionId=MARK&token=MARK&userNo=MARK&MARK=1", &[], "");
    no_credential_leaks_from_taptalk_auth_ticket: AuthTicketEndpoint::new(), TicketRequest,
        vec![TicketVerdict::Issued(Ticket::new(MARK, MARK)), TicketVerdict::Refused],
        send("POST /v1/server/auth_ticket/request", &[("server-key", KEY)],
            r#"{"userIPAddress":"MARK","userAgent":"MARK","userPlatform":"ios","userDeviceID":"MARK","xcUserID":"MARK","fullName":"MARK","email":"MARK","phone":"MARK","username":"MARK","MARK":1}"#);
    no_credential_leaks_from_taptalk_access_token: AccessTokenEndpoint::new(), TicketExchange, token_verdicts(),
        send("POST /v1/auth/access_token/request", TOKEN_AND_KEY, "{}");
    no_credential_leaks_from_taptalk_refresh: RefreshEndpoint::new(), TokenRefresh, token_verdicts(),
        send("POST /v1/auth/access_token/refresh", TOKEN_AND_KEY, "{}");
    no_credential_leaks_from_taptalk_connect: ConnectEndpoint::new(), AccessCheck, vec![AccessVerdict::Valid, AccessVerdict::Invalid],
        send("GET /connect?check=1", TOKEN_AND_KEY, "");
    no_credential_leaks_from_taptalk_logout: LogoutEndpoint::new(), Logout, vec![AccessVerdict::Valid, AccessVerdict::Expired],
        send("POST /v1/client/logout", TOKEN_AND_KEY, "{}");
    no_credential_leaks_from_taptalk_project_configs: ProjectConfigsEndpoint::new(), ConfigsRequest, vec![ConfigsVerdict::Allowed],
        send("POST /v1/client/project_configs", TOKEN_AND_KEY, "{}");
    no_credential_leaks_from_taptalk_user_update: UserUpdateEndpoint::new(), UserUpdate, vec![UserVerdict::Saved(MARK.into())],
        send("POST /v1/server/user/update", &[("server-key", KEY)],
            r#"{"xcUserID":"MARK","fullName":"MARK","email":"MARK","phone":"MARK","username":"MARK"}"#);
    no_credential_leaks_from_taptalk_app_ticket: AppTicketEndpoint::new(), AppTicketRequest,
        vec![AppTicketVerdict::Issued(Ticket::new(MARK, MARK)), AppTicketVerdict::UnknownCaller],
        send("POST /taptalk/auth_ticket", &[("cookie", "session=MARK"), ("authorization", "Bearer MARK"), ("user-agent", "curl")],
            r#"{"userPlatform":"ios","userDeviceID":"MARK"}"#);
}

tests! {
    GuardLayer, GuardedBody<Full<Bytes>>;
    no_credential_leaks_from_talkdesk_later_calls: LaterCalls::new(), Call<()>, vec![CallVerdict::Verified(()), CallVerdict::Denied],
        send("POST /contacts", &[], r#"{"auth":{"username":"MARK","token":"MARK"},"data":"MARK"}"#);
    no_credential_leaks_from_taptalk_socket_by_headers: SocketGuard::new(), SocketRequest, socket_verdicts(),
        send("GET /connect", TOKEN_AND_KEY, "");
    no_credential_leaks_from_taptalk_socket_by_query: SocketGuard::new(), SocketRequest, socket_verdicts(),
        send("GET /connect?authorization=Bearer%20MARK&app_key=KEY&device_identifier=MARK&device_platform=web", &[], "");
}

/// A placeholder for a key that contains the mark.
const KEY: &str = "KEY";

const TOKEN_AND_KEY: &[(&str, &str)] = &[
    ("authorization", "Bearer MARK"),
    ("app-key", KEY),
    ("device-identifier", "MARK"),
    ("device-platform", "web"),
    ("cookie", "session=MARK"),
];

fn send(line: &str, headers: &[(&str, &str)], body: &str) -> Request<Full<Bytes>> {
    let key = BASE64_STANDARD.encode(format!("{MARK}-id:{MARK}-secret"));
    let fill = |text: &str| text.replace("MARK", MARK).replace(KEY, &key);
    let (method, uri) = line.split_once(' ').unwrap();
    let peer = PeerAddr(([203, 0, 113, 9], 4711).into());
    let mut request = Request::builder().method(method).uri(fill(uri)).extension(peer);
    for (name, value) in headers {
        request = request.header(*name, fill(value));
    }
    request.body(Full::from(fill(body))).unwrap()
}

fn user() -> User {
    User::new(MARK, Profile::new(MARK, MARK))
}

fn token_verdicts() -> Vec<TokenVerdict> {
    let at = SystemTime::UNIX_EPOCH;
    vec![TokenVerdict::Issued(Box::new(TokenPair::new((MARK, at), (MARK, at), user()))), TokenVerdict::Invalid]
}

fn socket_verdicts() -> Vec<SocketVerdict> {
    vec![SocketVerdict::Verified(Box::new(user())), SocketVerdict::Refused(AccessVerdict::Invalid)]
}
