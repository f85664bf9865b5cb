//! Hostile requests for each endpoint, as large as the layer's limit, and a normal one for comparison.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, request::Builder};
use http_body::Body;
use http_body_util::Full;
use tower::Service;
use tower_verify::PeerAddr;

use crate::{
    apps,
    scenario::{Scenario, repeat},
    support::{Incoming, TOKEN, bare::TEXT, hand_written, largest::LIMIT},
};

/// The name of the request that an endpoint's other requests are compared with.
pub(crate) const NORMAL: &str = "normal";

pub(crate) const PLOT: &str = "hostile";

/// The requests for one endpoint, each with its name.
type Requests = Vec<(&'static str, Incoming)>;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let auth = || post("/auth");
    let from_app = || {
        let peer = PeerAddr(([203, 0, 113, 7], 605).into());
        post("/taptalk/auth_ticket").header("user-agent", "Example/1").extension(peer)
    };
    let mut s = Scenarios(Vec::new());
    s.add("Diyalog `CustomerEndpoint`", apps::customer, "Validated", bodies(|| post("/checkauthtoken"), CUSTOMER));
    s.add("the same by hand, with serde", hand_written::app, "Validated", bodies(|| post("/checkauthtoken"), CUSTOMER));
    s.add("Diyalog `AgentEndpoint`", apps::agent, "verified", queries());
    s.add("Talkdesk `Validator`", apps::validator, "login_id", bodies(auth, AUTH));
    s.add(
        "Talkdesk `Validator`, in `auth`",
        apps::validator,
        "login_id",
        bodies_within(auth, "{\"auth\":", LOGIN, "}"),
    );
    s.add("Talkdesk `GuardLayer`", apps::guard, TEXT, bodies_within(auth, "{\"auth\":", LOGIN, "}"));
    s.add("TapTalk `AuthTicketEndpoint`", apps::auth_ticket, "287", auth_tickets());
    s.add("TapTalk `AccessTokenEndpoint`", apps::access_token, "accessToken", bearers("/v1/auth/access_token/request"));
    s.add("TapTalk `RefreshEndpoint`", apps::refresh, "accessToken", bearers("/v1/auth/access_token/refresh"));
    s.add("TapTalk `ConnectEndpoint`", apps::connect, "\"status\":200", connects());
    s.add("TapTalk `AppTicketEndpoint`", apps::app_ticket, "287", bodies(from_app, DEVICE));
    s.0
}

struct Scenarios(Vec<Scenario>);

impl Scenarios {
    /// Adds a scenario for each request. The answer to the normal one must contain `word`.
    fn add<S, B>(&mut self, endpoint: &str, app: fn() -> S, word: &'static str, requests: Requests)
    where
        S: Service<Incoming, Response = Response<B>, Error = Infallible> + 'static,
        B: Body<Data = Bytes>,
    {
        for (name, request) in requests {
            let normal = name == NORMAL;
            let size = if normal { 0 } else { LIMIT as u64 };
            self.0.push(Scenario::new(PLOT, format!("{endpoint}: {name}"), size, move |times| {
                repeat(app(), &request, |answer| !normal || answer.contains(word), times);
            }));
        }
    }
}

const CUSTOMER: &str = r#"{"deviceId":"1234","dlgToken":"TEXT","customerNo":"1234567"}"#;
const AUTH: &str = r#"{"auth":{"username":"TEXT","password":"605b32dd"}}"#;
const LOGIN: &str = r#"{"username":"TEXT","password":"605b32dd"}"#;
const DEVICE: &str = r#"{"userPlatform":"ios","userDeviceID":"TEXT"}"#;
const TICKET: &str = r#"{"userIPAddress":"203.0.113.7","userAgent":"Example/1","userPlatform":"ios","userDeviceID":"7a6c","xcUserID":"287","fullName":"TEXT"}"#;

fn bodies(request: impl Fn() -> Builder, object: &str) -> Requests {
    bodies_within(request, "", object, "")
}

/// Returns requests with bodies made from `object`, each between `before` and `after`.
fn bodies_within(request: impl Fn() -> Builder, before: &str, object: &str, after: &str) -> Requests {
    let members = &object[1..];
    let body = |normal: &str| format!("{before}{normal}{after}");
    let filled = |start: &str, unit: &str, end: &str| {
        let times = (LIMIT - before.len() - start.len() - end.len() - after.len()) / unit.len();
        body(&format!("{start}{}{end}", unit.repeat(times)))
    };
    let normal = object.replace("TEXT", TOKEN);
    let end = |end: &str| format!("{end}{}", members.replace("TEXT", TOKEN));
    let (first, _) = members.split_once(':').expect("the object has no member");
    let (text_before, text_after) = object.split_once("TEXT").expect("the object has no TEXT");
    let mut numbered = String::from("{");
    for number in 0.. {
        let member = format!(r#""{number}":1,"#);
        if before.len() + numbered.len() + member.len() + normal.len() + after.len() > LIMIT {
            break;
        }
        numbered += &member;
    }
    let bodies = [
        (NORMAL, body(&normal)),
        ("`[`", filled("", "[", "")),
        ("`{\"a\":`", filled("", "{\"a\":", "")),
        ("arrays in an array", filled("{\"a\":[", "[],", &end("[]],"))),
        ("digits in an array", filled("{\"a\":[", "1,", &end("1],"))),
        ("`\"a\":1,`", filled("{", "\"a\":1,", &end(""))),
        ("`\"\\u0061\":1,`", filled("{", "\"\\u0061\":1,", &end(""))),
        ("many names", body(&format!("{numbered}{}", end("")))),
        ("one name many times", filled("{", &format!("{first}:\"a\","), &end(""))),
        ("`\\u0041`", filled(text_before, "\\u0041", text_after)),
        ("one long text", filled(text_before, "A", text_after)),
        ("one long number", filled("{\"a\":0.", "1", &end(","))),
        ("whitespace", filled("{", " ", &end(""))),
    ];
    bodies.map(|(name, body)| (name, request().body(Full::from(body)).expect("a request"))).into()
}

fn auth_tickets() -> Requests {
    let request = |key: &str| post("/v1/server/auth_ticket/request").header("server-key", key);
    let mut requests = bodies(|| request("YmFja2VuZDpzM2NyM3Q="), TICKET);
    let key = format!("YmFja2VuZDpz{}", "M2Ny".repeat(LIMIT / 4));
    requests.push(("a long key", request(&key).body(Full::from(TICKET)).expect("a request")));
    requests
}

fn queries() -> Requests {
    let normal = "sessionId=1234&token=2121sasasrwsdss&userNo=605";
    let filled = |unit: &str| format!("{}&{normal}", unit.repeat((LIMIT - normal.len() - 1) / unit.len()));
    let queries = [
        (NORMAL, normal.to_owned()),
        ("`&`", filled("&")),
        ("`a=1&`", filled("a=1&")),
        ("`%61=1&`", filled("%61=1&")),
        ("`%41`", format!("{normal}{}", "%41".repeat((LIMIT - normal.len()) / 3))),
        ("`+`", format!("{normal}{}", "+".repeat(LIMIT - normal.len()))),
        ("one long text", format!("{normal}{}", "A".repeat(LIMIT - normal.len()))),
        ("one name many times", filled("token=1&")),
    ];
    let request = |query| Request::get(format!("/CheckToken?{query}")).body(Full::default()).expect("a request");
    queries.map(|(name, query)| (name, request(query))).into()
}

fn bearers(path: &'static str) -> Requests {
    headers(&|| post(path))
}

fn connects() -> Requests {
    let mut requests = headers(&|| Request::get("/connect?check=1"));
    let query = format!("/connect?check=1{}", "&a=1".repeat(LIMIT / 4));
    let request = Request::get(query).header("authorization", "Bearer 2121sasasrwsdss").body(Full::default());
    requests.push(("a long query", request.expect("a request")));
    requests
}

fn headers(request: &dyn Fn() -> Builder) -> Requests {
    let with = |bearer: &str, key: &str, body: String| {
        let request = request().header("authorization", bearer).header("app-key", key);
        request.body(Full::from(body)).expect("a request")
    };
    let (bearer, key) = ("Bearer 2121sasasrwsdss", "YW5kcm9pZDpwbDQxbg==");
    vec![
        (NORMAL, with(bearer, key, String::new())),
        ("a long token", with(&format!("{bearer}{}", "A".repeat(LIMIT)), key, String::new())),
        ("a token of `=`", with(&format!("{bearer}{}", "=".repeat(LIMIT)), key, String::new())),
        ("spaces", with(&format!("Bearer {}A", " ".repeat(LIMIT)), key, String::new())),
        ("a long key", with(bearer, &format!("YW5kcm9pZDpw{}", "bDQx".repeat(LIMIT / 4)), String::new())),
        ("a long body", with(bearer, key, "[".repeat(LIMIT))),
    ]
}

fn post(path: &'static str) -> Builder {
    Request::post(path)
}
