//! TapTalk's four endpoints and the app's own one under the laws. Each answer of the four is a whole envelope, even the
//! answer to noise: `status` is a number, and the three members of `error` are strings.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use proptest::{collection::vec, prelude::*, sample::select};
use serde::Deserialize;
use serde_json::{Map, Value};
use tower_verify::taptalk::{
    AccessTokenEndpoint, AccessVerdict, AppTicketEndpoint, AppTicketVerdict, AuthTicketEndpoint, ConnectEndpoint,
    KeyRefusal, Profile, RefreshEndpoint, Ticket, TicketVerdict, TokenPair, TokenVerdict, User,
};

use crate::laws::{Subject, changed};

/// A part of every value that only a positive verdict may send.
pub(crate) const SECRET: &str = "605b32dd";

pub(crate) const SERVER_KEYS: &[&str] = &["a2V5LTE6c2VjcmV0LTE=", "YTpiOmM6"];
pub(crate) const APP_KEYS: &[&str] = SERVER_KEYS;
pub(crate) const NO_KEYS: &[&str] =
    &["", "key-1:secret-1", "a2V5LTE6c2VjcmV0LTE", "a2V5LTE=", "OnNlY3JldA==", "a2V5Og==", "YTr/"];
pub(crate) const BEARERS: &[&str] = &["Bearer abc", "bEARER   aZ0-._~+/=="];
pub(crate) const NO_BEARERS: &[&str] =
    &["", "Bearer", "Bearer ", "Bearer a b", "Basic abc", "abc", "Bearer a,b", "Bearer \u{e9}"];

/// The envelope as the strictest client reads it: each member is there, and none is null.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    status: u16,
    error: ErrorMember,
    data: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorMember {
    code: String,
    message: String,
    field: String,
}

pub(crate) fn admitted(answer: &Response<Bytes>) -> bool {
    let text = String::from_utf8_lossy(answer.body()).to_lowercase();
    let value: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let good = value["status"] == 200
        || value["status"] == "200"
        || value["data"].as_object().is_none_or(|data| !data.is_empty());
    good || ["accesstoken", "\"ticket\"", SECRET].iter().any(|word| text.contains(word))
}

/// Whether an answer is documented. `failed` is the HTTP status of an answer without a verdict.
pub(crate) fn documented(answer: &Response<Bytes>, mirrored: bool, failed: u16) -> bool {
    const CODES: &[&str] = &[
        "40001", "40002", "40101", "40102", "40103", "40104", "40105", "40106", "49101", "49102", "49103", "49104",
        "49106", "49201", "49202", "49203", "42901", "50001",
    ];

    let Ok(Envelope { status, error, data }) = serde_json::from_slice(answer.body()) else { return false };
    let as_documented = if status == 200 {
        [&error.code, &error.message, &error.field].iter().all(|member| member.is_empty())
    } else {
        CODES.contains(&&*error.code) && error.code.starts_with(&status.to_string()) && data.is_empty()
    };
    let numbered = error.field.is_empty() || error.field.parse().is_ok_and(|field| (101..=112).contains(&field));
    let http_status = match (mirrored, &*error.code) {
        (true, _) => status,
        (false, "50001") => failed,
        (false, _) => 200,
    };
    let challenged = answer.headers().contains_key("www-authenticate") == (http_status == 401);
    as_documented
        && numbered
        && challenged
        && answer.status().as_u16() == http_status
        && answer.headers()["content-type"] == "application/json"
}

/// Generates a header as all four endpoints read it: good if it is there once, with one of the `good` values.
pub(crate) fn header(name: &'static str, good: &'static [&str], bad: &'static [&str]) -> BoxedStrategy<Headers> {
    let once = |values| select(values).prop_map(move |value| vec![(name, value)]);
    let twice = (once(good), once(good)).prop_map(|(one, other)| [one, other].concat());
    prop_oneof![12 => once(good), 3 => once(bad), 1 => twice, 1 => Just(Vec::new())].boxed()
}

pub(crate) type Headers = Vec<(&'static str, &'static str)>;

pub(crate) fn request(method: &str, uri: &str, headers: &Headers, body: Vec<u8>) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    request.body(body.into()).unwrap()
}

pub(crate) fn has_one_of(request: &Request<Bytes>, name: &str, good: &[&str]) -> bool {
    let values: Vec<_> = request.headers().get_all(name).iter().collect();
    values.len() == 1 && good.iter().any(|good| values[0] == good)
}

pub(crate) fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(Vec::new()), Just(b"{}".to_vec()), Just(b"\"\"".to_vec()), vec(any::<u8>(), 0..32)]
}

/// Generates requests with a bearer token, an app key and a body.
pub(crate) fn bearer_and_key(request: fn(&Headers, Vec<u8>) -> Request<Bytes>) -> BoxedStrategy<Request<Bytes>> {
    (header("authorization", BEARERS, NO_BEARERS), header("app-key", APP_KEYS, NO_KEYS), any_body())
        .prop_map(move |(bearer, key, body)| request(&[bearer, key].concat(), body))
        .boxed()
}

/// Declares subjects with the option `mirror_status`, each with its requests and a function that returns it without and
/// with the option.
macro_rules! subjects {
    ($($subjects:ident: $Subject:ident, $path:literal;)*) => {$(
        pub(crate) fn $subjects() -> [$Subject; 2] {
            [false, true].map(|mirrored| $Subject { mirrored })
        }

        #[derive(Debug, Clone)]
        pub(crate) struct $Subject {
            mirrored: bool,
        }

        impl $Subject {
            fn request(headers: &Headers, body: Vec<u8>) -> Request<Bytes> {
                request("POST", $path, headers, body)
            }
        }
    )*};
}
pub(crate) use subjects;

subjects! {
    auth_tickets: AuthTicketSubject, "/v1/server/auth_ticket/request";
    access_tokens: AccessTokenSubject, "/v1/auth/access_token/request";
    refreshes: RefreshSubject, "/v1/auth/access_token/refresh";
}

impl Subject for AuthTicketSubject {
    type Endpoint = AuthTicketEndpoint;

    fn endpoint(&self) -> AuthTicketEndpoint {
        AuthTicketEndpoint::new().mirror_status(self.mirrored)
    }

    fn verdicts(&self) -> Vec<TicketVerdict> {
        let issued = TicketVerdict::Issued(Ticket::new("6", SECRET));
        let refused = key_refusals().map(TicketVerdict::KeyRefused);
        [issued, TicketVerdict::Refused].into_iter().chain(refused).collect()
    }

    fn fit_request(&self) -> Request<Bytes> {
        let body = r#"{"userIPAddress":"::1","userAgent":"a","userPlatform":"ios","userDeviceID":"7","xcUserID":"287","fullName":"Ann"}"#;
        Self::request(&vec![("server-key", SERVER_KEYS[0])], body.into())
    }

    fn requests(&self) -> BoxedStrategy<Request<Bytes>> {
        let text = |text: &str| Value::from(text).to_string();
        let value = prop_oneof![
            20 => "\\PC{1,20}".prop_map(move |value| text(&value)),
            1 => any::<String>().prop_map(move |value| text(&value)),
            1 => select(&["\"\"", "\"\\u0041\"", "null", "7", "true", "[\"a\"]", "{\"a\":{}}"][..]).prop_map(str::to_owned),
        ];
        let id = prop_oneof![3 => value.clone(), 1 => "[\u{e4}-\u{1f600}]{49,52}".prop_map(move |id| text(&id))];
        let platform = select(&["\"android\"", "\"ios\"", "\"web\"", "\"web\"", "\"Web\""][..]).prop_map(str::to_owned);
        let member = |name: &'static str, value: BoxedStrategy<String>| {
            value.prop_map(move |value| format!("\"{name}\":{value}")).boxed()
        };
        let required = [
            member("userIPAddress", value.clone().boxed()),
            member("userAgent", value.clone().boxed()),
            member("userPlatform", platform.boxed()),
            member("userDeviceID", value.clone().boxed()),
            member("xcUserID", id.boxed()),
            member("fullName", value.clone().boxed()),
        ];
        let name = select(&["email", "phone", "username", "userRoleCode", "x", "", "xcUser\\u0049D"][..]);
        let others = vec((name, value).prop_map(|(name, value)| format!("\"{name}\":{value}")), 0..3);
        let object = (required, others)
            .prop_map(|(required, others)| [required.to_vec(), others].concat())
            .prop_shuffle()
            .prop_map(|members| format!("{{{}}}", members.join(",")).into_bytes())
            .boxed();
        let changed = changed(object.clone());
        let body = prop_oneof![4 => object, 1 => changed, 1 => any_body()];
        (header("server-key", SERVER_KEYS, NO_KEYS), body)
            .prop_map(|(headers, body)| Self::request(&headers, body))
            .boxed()
    }

    fn is_fit(&self, request: &Request<Bytes>) -> bool {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Parameters {
            #[serde(rename = "userIPAddress")]
            user_ip_address: String,
            user_agent: String,
            user_platform: String,
            #[serde(rename = "userDeviceID")]
            user_device_id: String,
            #[serde(rename = "xcUserID")]
            xc_user_id: String,
            full_name: String,
            #[serde(rename = "email")]
            _email: Option<String>,
            #[serde(rename = "phone")]
            _phone: Option<String>,
            #[serde(rename = "username")]
            _username: Option<String>,
            #[serde(rename = "userRoleCode")]
            _user_role_code: Option<String>,
            #[serde(flatten)]
            _others: HashMap<String, Value>,
        }

        let text = std::str::from_utf8(request.body()).unwrap_or_default();
        has_one_of(request, "server-key", SERVER_KEYS)
            && serde_json::from_str::<Parameters>(text).is_ok_and(|parameters| {
                let Parameters { user_ip_address, user_agent, user_device_id, full_name, .. } = &parameters;
                [user_ip_address, user_agent, user_device_id, full_name].iter().all(|text| !text.is_empty())
                    && ["android", "ios", "web"].contains(&&*parameters.user_platform)
                    && (1..=50).contains(&parameters.xc_user_id.chars().count())
            })
    }

    fn admitted(&self, answer: &Response<Bytes>) -> bool {
        admitted(answer)
    }

    fn documented(&self, answer: &Response<Bytes>) -> bool {
        documented(answer, self.mirrored, 200)
    }
}

fn token_verdicts() -> Vec<TokenVerdict> {
    let mut profile = Profile::new(SECRET, SECRET);
    profile.email = Some(SECRET.into());
    let expiry = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    let tokens = TokenPair::new((SECRET, expiry), (SECRET, expiry), User::new(SECRET, profile));
    let refused = key_refusals().map(TokenVerdict::KeyRefused);
    [
        TokenVerdict::Issued(Box::new(tokens)),
        TokenVerdict::Invalid,
        TokenVerdict::Expired,
        TokenVerdict::OtherClient,
        TokenVerdict::NoUser,
    ]
    .into_iter()
    .chain(refused)
    .collect()
}

pub(crate) fn access_verdicts() -> Vec<AccessVerdict> {
    use AccessVerdict::{Expired, Invalid, KeyRefused, NoUser, OtherClient, Valid};
    [Valid, Invalid, Expired, OtherClient, NoUser].into_iter().chain(key_refusals().map(KeyRefused)).collect()
}

pub(crate) fn key_refusals() -> impl Iterator<Item = KeyRefusal> {
    use KeyRefusal::{Expired, NotEnabled, OtherPlatform, Suspended, Unknown, WithoutOwner};
    [Unknown, OtherPlatform, Expired, NotEnabled, Suspended, WithoutOwner].into_iter()
}

impl Subject for AccessTokenSubject {
    type Endpoint = AccessTokenEndpoint;

    fn endpoint(&self) -> AccessTokenEndpoint {
        AccessTokenEndpoint::new().mirror_status(self.mirrored)
    }

    fn verdicts(&self) -> Vec<TokenVerdict> {
        token_verdicts()
    }

    fn fit_request(&self) -> Request<Bytes> {
        Self::request(&vec![("authorization", BEARERS[0]), ("app-key", APP_KEYS[0])], b"\"\"".to_vec())
    }

    fn requests(&self) -> BoxedStrategy<Request<Bytes>> {
        bearer_and_key(Self::request)
    }

    fn is_fit(&self, request: &Request<Bytes>) -> bool {
        has_one_of(request, "authorization", BEARERS) && has_one_of(request, "app-key", APP_KEYS)
    }

    fn admitted(&self, answer: &Response<Bytes>) -> bool {
        admitted(answer)
    }

    fn documented(&self, answer: &Response<Bytes>) -> bool {
        documented(answer, self.mirrored, 200)
    }
}

impl Subject for RefreshSubject {
    type Endpoint = RefreshEndpoint;

    fn endpoint(&self) -> RefreshEndpoint {
        RefreshEndpoint::new().mirror_status(self.mirrored)
    }

    fn verdicts(&self) -> Vec<TokenVerdict> {
        token_verdicts()
    }

    fn fit_request(&self) -> Request<Bytes> {
        Self::request(&vec![("authorization", BEARERS[0])], b"{}".to_vec())
    }

    fn requests(&self) -> BoxedStrategy<Request<Bytes>> {
        // The app key is optional.
        bearer_and_key(Self::request)
    }

    fn is_fit(&self, request: &Request<Bytes>) -> bool {
        let given = request.headers().get_all("app-key").iter().any(|key| !key.is_empty());
        has_one_of(request, "authorization", BEARERS) && (!given || has_one_of(request, "app-key", APP_KEYS))
    }

    fn admitted(&self, answer: &Response<Bytes>) -> bool {
        admitted(answer)
    }

    fn documented(&self, answer: &Response<Bytes>) -> bool {
        documented(answer, self.mirrored, 503)
    }
}

pub(crate) fn connects() -> [ConnectSubject; 2] {
    [false, true].map(|mirrored| ConnectSubject { mirrored })
}

#[derive(Debug, Clone)]
pub(crate) struct ConnectSubject {
    mirrored: bool,
}

impl ConnectSubject {
    fn request(query: &str, headers: &Headers, body: Vec<u8>) -> Request<Bytes> {
        request("GET", &format!("/connect{query}"), headers, body)
    }
}

impl Subject for ConnectSubject {
    type Endpoint = ConnectEndpoint;

    fn endpoint(&self) -> ConnectEndpoint {
        ConnectEndpoint::new().mirror_status(self.mirrored)
    }

    fn verdicts(&self) -> Vec<AccessVerdict> {
        access_verdicts()
    }

    fn fit_request(&self) -> Request<Bytes> {
        // The body means nothing. It is there for the body limit to be tested.
        Self::request("?check=1", &vec![("authorization", BEARERS[0])], b"{}".to_vec())
    }

    fn requests(&self) -> BoxedStrategy<Request<Bytes>> {
        let pair = select(&["check=1", "check=1", "check=0", "check", "check=", "xcheck=1", "a=b", ""][..]);
        // Each query has `check=1`: without it, the request is not on the endpoint's route.
        let query = prop_oneof![
            4 => Just("?check=1".to_owned()),
            4 => vec(pair, 0..4).prop_map(|pairs| format!("?{}&check=1", pairs.join("&"))),
            1 => "\\?check=1&[a-z=&0-9]{0,16}",
        ];
        (query, header("authorization", BEARERS, NO_BEARERS), any_body())
            .prop_map(|(query, bearer, body)| Self::request(&query, &bearer, body))
            .boxed()
    }

    fn is_fit(&self, request: &Request<Bytes>) -> bool {
        let pairs = request.uri().query().unwrap_or_default().split('&');
        let checks: Vec<_> = pairs.filter(|pair| pair.split('=').next() == Some("check")).collect();
        has_one_of(request, "authorization", BEARERS) && checks == ["check=1"]
    }

    fn admitted(&self, answer: &Response<Bytes>) -> bool {
        admitted(answer)
    }

    fn documented(&self, answer: &Response<Bytes>) -> bool {
        documented(answer, self.mirrored, 200)
    }
}

pub(crate) fn app_tickets() -> [AppTicketSubject; 1] {
    [AppTicketSubject]
}

#[derive(Debug, Clone)]
pub(crate) struct AppTicketSubject;

impl AppTicketSubject {
    fn request(headers: &Headers, body: Vec<u8>) -> Request<Bytes> {
        request("POST", "/taptalk/auth_ticket", headers, body)
    }
}

const USER_AGENTS: &[&str] = &["Acme/1.0", "\u{e9}"];

impl Subject for AppTicketSubject {
    type Endpoint = AppTicketEndpoint;

    fn endpoint(&self) -> AppTicketEndpoint {
        AppTicketEndpoint::new()
    }

    fn verdicts(&self) -> Vec<AppTicketVerdict> {
        vec![AppTicketVerdict::Issued(Ticket::new("6", SECRET)), AppTicketVerdict::UnknownCaller]
    }

    fn fit_request(&self) -> Request<Bytes> {
        let body = r#"{"userPlatform":"ios","userDeviceID":"7"}"#;
        Self::request(&vec![("user-agent", USER_AGENTS[0])], body.into())
    }

    fn requests(&self) -> BoxedStrategy<Request<Bytes>> {
        let member = |name: &'static str, values: &'static [&str]| {
            select(values).prop_map(move |value| format!("\"{name}\":{value}")).boxed()
        };
        let platform =
            member("userPlatform", &["\"android\"", "\"ios\"", "\"web\"", "\"we\\u0062\"", "\"Web\"", "null"]);
        let device_id = member("userDeviceID", &["\"7\"", "\"\\u00e9\"", "\" \"", "\"\"", "7"]);
        let name = select(&["userPlatform", "userDeviceID", "user\\u0044eviceID", "userIPAddress", "x", ""][..]);
        let others = vec(name.prop_map(|name| format!("\"{name}\":\"web\"")), 0..2);
        let object = (platform, device_id, others)
            .prop_map(|(platform, device_id, others)| [vec![platform, device_id], others].concat())
            .prop_shuffle()
            .prop_map(|members| format!("{{{}}}", members.join(",")).into_bytes());
        let body = prop_oneof![4 => object, 1 => any_body()];
        // The header is never repeated here: it is passed on to TapTalk, and nothing depends on it.
        let user_agent = prop_oneof![
            4 => select(USER_AGENTS).prop_map(|value| vec![("user-agent", value)]),
            1 => select(vec![vec![], vec![("user-agent", "")]]),
        ];
        (user_agent, body).prop_map(|(headers, body)| Self::request(&headers, body)).boxed()
    }

    fn is_fit(&self, request: &Request<Bytes>) -> bool {
        #[derive(Deserialize)]
        struct Device {
            #[serde(rename = "userPlatform")]
            user_platform: String,
            #[serde(rename = "userDeviceID")]
            user_device_id: String,
            #[serde(flatten)]
            _others: HashMap<String, Value>,
        }

        let text = std::str::from_utf8(request.body()).unwrap_or_default();
        has_one_of(request, "user-agent", USER_AGENTS)
            && serde_json::from_str::<Device>(text).is_ok_and(|device| {
                ["android", "ios", "web"].contains(&&*device.user_platform) && !device.user_device_id.is_empty()
            })
    }

    fn admitted(&self, answer: &Response<Bytes>) -> bool {
        let text = String::from_utf8_lossy(answer.body());
        answer.status().as_u16() < 400 || text.contains("\"ticket\"") || text.contains(SECRET)
    }

    fn documented(&self, answer: &Response<Bytes>) -> bool {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Problem {
            error: String,
            #[serde(rename = "error_description")]
            _error_description: String,
        }

        let error = serde_json::from_slice(answer.body()).map(|Problem { error, .. }| error).unwrap_or_default();
        let as_documented = match answer.status().as_u16() {
            200 => *answer.body() == format!(r#"{{"userID":"6","ticket":"{SECRET}"}}"#),
            400 | 413 => error == "invalid_request",
            401 => error == "invalid_token",
            429 => error == "temporarily_unavailable" && answer.headers().contains_key("retry-after"),
            500 => error == "server_error",
            502 => error == "temporarily_unavailable",
            _ => false,
        };
        let challenged = answer.headers().contains_key("www-authenticate") == (answer.status() == 401);
        as_documented && challenged && answer.headers()["content-type"] == "application/json"
    }
}
