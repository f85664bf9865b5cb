use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, Uri, header::AUTHORIZATION, request::Parts, uri::PathAndQuery};

use super::connect::{self, AccessVerdict};
use crate::taptalk::{
    wire::api_key::{APP_KEY, ApiKey},
    wire::bearer,
    wire::device::{DEVICE_IDENTIFIER, DEVICE_PLATFORM, Device},
    wire::envelope::Writer,
    wire::tokens::User,
};
use crate::{Contract, Credential, Failure, GuardContract, Outcome, Rejection, Secret, Verdict, wire::query};

/// The web SDK's query parameters, for the values that the other clients send in headers.
const NAMES: [&str; 4] = ["authorization", "app_key", "device_identifier", "device_platform"];

/// An app's request to open the chat's socket: see [`SocketGuard`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SocketRequest {
    /// The access token.
    pub access_token: Secret,
    /// The app's own key, if the app sent it.
    pub app_key: Option<ApiKey>,
    /// The device that the app claims to run on.
    pub device: Device,
}

impl SocketRequest {
    /// A request without an app key and a device, such as for a test of a verifier.
    pub fn new(access_token: impl Into<Secret>) -> Self {
        Self { access_token: access_token.into(), app_key: None, device: Device::default() }
    }
}

impl Credential for SocketRequest {
    type Verdict = SocketVerdict;
}

/// The verdict on a [`SocketRequest`]: see [`SocketGuard`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketVerdict {
    /// The access token is good and belongs to this user.
    Verified(Box<User>),
    /// The access token or the app key is not good.
    ///
    /// [`AccessVerdict::Valid`] must not be in here: it counts as a failure, because there is no user.
    Refused(AccessVerdict),
}

impl Verdict for SocketVerdict {
    fn admits(&self) -> bool {
        matches!(self, Self::Verified(_))
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Verified(_) => "verified",
            Self::Refused(verdict) => verdict.name(),
        }
    }
}

/// `GET /connect`: guards the chat's socket, which needs a good access token.
///
/// Put it in a [`GuardLayer`](crate::GuardLayer) in front of the socket that your app serves.
///
/// The web SDK sends its values in the query (`authorization`, `app_key`, `device_identifier`), because a browser's
/// WebSocket cannot set headers. The other SDKs send headers. The guard removes the values from the URI, so that no log
/// shows them. An admitted request has its [`User`] in its extensions.
///
/// A refused request gets the envelope with its status as HTTP status: the client's socket fails on every such status.
///
/// Source: what TapTalk.io's published clients send.
///
/// # Examples
///
/// With a verifier of your own ([`TicketOffice`](crate::taptalk::TicketOffice) is a ready-made one):
///
/// ```
/// use axum::{Extension, Router, body::Body, routing::any};
/// use http::Request;
/// use http_body_util::BodyExt;
/// use tower::ServiceExt;
/// use tower_verify::{
///     BoxError, GuardLayer,
///     taptalk::{AccessVerdict, Profile, SocketGuard, SocketRequest, SocketVerdict, User},
///     verifier_fn,
/// };
///
/// /// A real socket also takes axum's `WebSocketUpgrade` and responds with its `on_upgrade`.
/// async fn socket(Extension(user): Extension<User>) -> String {
///     format!("the socket of user {}", user.user_id)
/// }
///
/// # futures::executor::block_on(async {
/// let sessions = verifier_fn(|request: Request<SocketRequest>| async move {
///     Ok::<_, BoxError>(match request.body().access_token == "605b32dd" {
///         true => SocketVerdict::Verified(Box::new(User::new("6", Profile::new("287", "Ann Example")))),
///         false => SocketVerdict::Refused(AccessVerdict::Expired),
///     })
/// });
/// let app: Router = Router::new().route("/connect", any(socket).layer(GuardLayer::new(SocketGuard::new(), sessions)));
///
/// let open = Request::get("/connect?authorization=Bearer%20605b32dd").body(Body::empty())?;
/// let answer = app.clone().oneshot(open).await?.into_body().collect().await?.to_bytes();
/// assert_eq!(answer, "the socket of user 6");
///
/// let open = Request::get("/connect").header("Authorization", "Bearer 7a6c").body(Body::empty())?;
/// assert_eq!(app.oneshot(open).await?.status(), 401);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct SocketGuard {
    writer: Writer,
}

impl SocketGuard {
    /// A guard for the socket as the clients open it.
    pub fn new() -> Self {
        Self { writer: Writer { mirror_status: true, no_verdict: StatusCode::SERVICE_UNAVAILABLE } }
    }
}

impl Default for SocketGuard {
    fn default() -> Self {
        Self::new()
    }
}

impl Contract for SocketGuard {
    type Credential = SocketRequest;
    type Context = ();
    const NAME: &'static str = "taptalk.socket";
    const READS_BODY: bool = false;

    fn decode(&self, head: &mut Parts, _body: Bytes, (): &mut ()) -> Result<SocketRequest, Rejection> {
        take_query(head)?;
        let access_token = bearer::take(&mut head.headers)?;
        let app_key = ApiKey::take_if_given(&mut head.headers)?;
        Ok(SocketRequest { access_token, app_key, device: Device::read(&mut head.headers) })
    }

    fn refused(&self, outcome: Outcome<SocketVerdict>, (): ()) -> Response<Bytes> {
        connect::refused(
            self.writer,
            match outcome {
                Outcome::Verdict(SocketVerdict::Refused(verdict)) => Outcome::Verdict(verdict),
                Outcome::Verdict(SocketVerdict::Verified(_)) => Failure::panicked().into(),
                Outcome::Rejected(rejection) => Outcome::Rejected(rejection),
                Outcome::Failed(failure) => Outcome::Failed(failure),
            },
        )
    }
}

impl GuardContract for SocketGuard {
    fn admitted(&self, verdict: SocketVerdict, head: &mut Parts) {
        head.extensions.remove::<User>();
        if let SocketVerdict::Verified(user) = verdict {
            head.extensions.insert(*user);
        }
    }
}

/// Moves the query's values into the headers that the other clients send. A value in both counts as given twice.
fn take_query(head: &mut Parts) -> Result<(), Rejection> {
    let text = query::take(&mut head.uri)?;
    // A field is the number of a ticket's parameter: these have none.
    let without_field = |rejection: Rejection| Rejection::malformed(rejection.detail().to_owned());
    let parameters = query::parameters(&text, &NAMES).map_err(without_field)?;
    let [authorization, app_key, identifier, platform] = parameters;
    let authorization = authorization.map(|text| match text.starts_with("Bearer ") {
        true => text,
        false => format!("Bearer {text}").into(),
    });
    let values = [
        (&AUTHORIZATION, authorization),
        (&APP_KEY, app_key),
        (&DEVICE_IDENTIFIER, identifier),
        (&DEVICE_PLATFORM, platform),
    ];
    for (name, value) in values {
        if let Some(value) = value {
            let value = HeaderValue::try_from(&*value);
            let mut value = value.map_err(|_| Rejection::malformed("the query has what no header can have"))?;
            value.set_sensitive(true);
            head.headers.append(name, value);
        }
    }
    let is_other = |pair: &&str| {
        let values = query::parameters(pair, &NAMES);
        values.is_ok_and(|values| values.iter().all(Option::is_none))
    };
    let rest: Vec<&str> = text.split('&').filter(is_other).filter(|pair| !pair.is_empty()).collect();
    if !rest.is_empty() {
        put_query(&mut head.uri, &rest.join("&"))?;
    }
    Ok(())
}

fn put_query(uri: &mut Uri, query: &str) -> Result<(), Rejection> {
    let not_a_uri = || Rejection::malformed("the request's target is not a URI");
    let path_and_query = PathAndQuery::try_from(format!("{}?{query}", uri.path()));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.map_err(|_| not_a_uri())?);
    *uri = Uri::from_parts(parts).map_err(|_| not_a_uri())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn decode(uri: &str, headers: &[(&str, &str)]) -> (Result<SocketRequest, Rejection>, Parts) {
        let request = headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        (SocketGuard::new().decode(&mut head, Bytes::new(), &mut ()), head)
    }

    #[test]
    fn the_values_are_taken_from_the_query_or_the_headers() {
        let query = "/connect?a=b&authorization=Bearer%20605b32dd&app_key=YTpi&device_identifier=7a6c&c=d";
        let bare = "/connect?a=b&%61uthorization=605b32dd&app_key=YTpi&device_identifier=7a6c&c=d";
        let headers = [("authorization", "Bearer 605b32dd"), ("app-key", "YTpi"), ("device-identifier", "7a6c")];
        for (uri, headers) in [(query, &[][..]), (bare, &[]), ("/connect?a=b&c=d", &headers)] {
            let (request, head) = decode(uri, headers);
            let SocketRequest { access_token, app_key, device } = request.unwrap();
            let app_key = app_key.unwrap();
            assert_eq!((access_token.expose_secret(), app_key.id.expose_secret()), ("605b32dd", "a"));
            assert_eq!(device.identifier, Some("7a6c".into()));
            assert_eq!(head.uri, "/connect?a=b&c=d");
            assert!(!format!("{head:?}").contains("605b"), "{head:?}");
        }
    }

    #[test]
    fn duplicate_and_missing_values_are_refused() {
        let code = |uri: &str, headers: &[(&str, &str)]| decode(uri, headers).0.unwrap_err().code();
        let bearer = [("authorization", "Bearer 605b32dd")];
        assert_eq!(code("/connect", &[]), Some("40101"));
        assert_eq!(code("/connect?authorization=605b32dd", &bearer), Some("40102"));
        assert_eq!(code("/connect?authorization=a&authorization=b", &[]), None);
        assert_eq!(decode("/connect?app_key=a&app_key=b", &[]).0.unwrap_err().field(), None);
        assert_eq!(code("/connect?authorization=a%0ab", &[]), None);
        assert!(decode("/connect", &bearer).0.unwrap().app_key.is_none());
    }
}
