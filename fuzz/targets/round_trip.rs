//! A conforming client may encode in any way: the verifier gets exactly the client's values.

#![no_main]

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use arbitrary::Arbitrary;
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use libfuzzer_sys::fuzz_target;
use tower::{ServiceExt, service_fn};
use tower_verify::{
    BoxError, VerifyLayer,
    diyalog::{AgentEndpoint, CustomerEndpoint},
    talkdesk::{Credentials, LaterCalls, Validator},
    taptalk::{
        AccessTokenEndpoint, ApiKey, AppTicketEndpoint, AuthTicketEndpoint, Client, ConnectEndpoint, LogoutEndpoint,
        Profile, ProjectConfigsEndpoint, RefreshEndpoint, SocketGuard, Ticket, TicketParameters, TicketRequest,
        TicketVerdict, UserPlatform, UserUpdateEndpoint,
    },
    verifier_fn,
};
use tower_verify_fuzz::{
    encode::{Choices, api_key, bearer_token, object, query, string},
    frames::{Frames, Step},
    subject::{Fields, Settings, Subject},
};

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    Customer { texts: [&'a str; 3], hash: Option<&'a str> },
    Agent { texts: [&'a str; 3] },
    Talkdesk { fields: Vec<(&'a str, Field<'a>)>, later: bool },
    Profile { key: [&'a str; 2], texts: [&'a str; 2], optional: [Option<&'a str>; 6], ticket: Option<[&'a str; 3]> },
    AppTicket { platform: u8, device: &'a str },
    Tokens { which: u8, token: &'a [u8], key: Option<[&'a str; 2]>, device: Option<u32>, in_query: bool },
    OwnClient { key: [&'a str; 2], texts: [&'a str; 5], optional: [Option<&'a str>; 6], ticket: [&'a str; 2] },
}

#[derive(Arbitrary, Debug)]
enum Field<'a> {
    Text(&'a str),
    Integer(i64),
    Boolean(bool),
}

fuzz_target!(|input: (&[u8], Input<'_>)| {
    let (choices, input) = (&mut Choices::new(input.0), input.1);
    match input {
        Input::Customer { texts, hash } => customer(texts, hash, choices),
        Input::Agent { texts } => agent(texts, choices),
        Input::Talkdesk { fields, later } => talkdesk(&fields, later, choices),
        Input::Profile { key, texts, optional, ticket } => profile(key, texts, optional, ticket, choices),
        Input::AppTicket { platform, device } => app_ticket(platform, device, choices),
        Input::Tokens { which, token, key, device, in_query } => tokens(which, token, key, device, in_query, choices),
        Input::OwnClient { key, texts, optional, ticket } => own_client(key, texts, optional, ticket),
    }
});

/// Sends a request in frames. The verifier must be asked about exactly `fields`, and who sent it is admitted.
fn assert_arrives<S: Subject>(
    query: &str,
    headers: &HeaderMap,
    body: String,
    fields: Fields,
    choices: &mut Choices<'_>,
) {
    let path = S::PATH.split('?').next().unwrap_or_default();
    let uri = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let last = (choices.next() % 2 == 0).then_some(Step::Trailers);
    let plan = (0..4).map(|_| Step::from(choices.next().min(247))).collect();
    let frames = Frames::new(body.into(), plan, choices.next() % 2 == 0, last);
    let mut request = Request::builder().method(S::METHOD).uri(uri).body(frames).expect("the request is valid");
    *request.headers_mut() = headers.clone();

    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let verifier = verifier_fn(move |request: Request<S::Credential>| {
        log.lock().unwrap().push(S::fields(request.body()));
        async { Ok::<_, BoxError>(S::positive()) }
    });
    // Escapes make a text six times as long.
    let settings = Settings { body_limit: Some(1 << 20), ..Settings::default() };
    let mut answering = Box::pin(S::call(verifier, settings, request));
    let answer = (0..10_000).find_map(|_| answering.as_mut().now_or_never()).expect("it ends");
    assert_eq!(*asked.lock().unwrap(), [fields]);
    assert!(S::is_admitted(&answer));
}

fn customer(texts: [&str; 3], hash: Option<&str>, choices: &mut Choices<'_>) {
    if texts.contains(&"") {
        return;
    }
    let fields = texts.into_iter().map(Some).chain([hash]).map(|text| text.map(str::to_owned)).collect();
    let mut members = Vec::new();
    for (name, text) in ["deviceId", "dlgToken", "customerNo"].into_iter().zip(texts) {
        members.push((name, string(text, choices)));
    }
    members.extend(hash.map(|hash| ("deviceHash", string(hash, choices))));
    assert_arrives::<CustomerEndpoint>("", &HeaderMap::new(), object(&members, choices), fields, choices);
}

fn agent(texts: [&str; 3], choices: &mut Choices<'_>) {
    if texts.contains(&"") {
        return;
    }
    let parameters = ["sessionId", "token", "userNo"].into_iter().zip(texts).collect::<Vec<_>>();
    let query = query(&parameters, choices);
    let fields = texts.map(|text| Some(text.to_owned())).into();
    assert_arrives::<AgentEndpoint>(&query, &HeaderMap::new(), String::new(), fields, choices);
}

fn talkdesk(fields: &[(&str, Field<'_>)], later: bool, choices: &mut Choices<'_>) {
    let mut names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    names.sort();
    names.dedup();
    if names.len() < fields.len() {
        return;
    }
    let mut members = Vec::new();
    let mut expected: Fields = Vec::new();
    for (name, field) in fields {
        let (json, shown) = match field {
            Field::Text(text) => (string(text, choices), format!("{text:?}")),
            Field::Integer(integer) => (integer.to_string(), integer.to_string()),
            Field::Boolean(boolean) => (boolean.to_string(), boolean.to_string()),
        };
        members.push((*name, json));
        expected.push(Some(format!("{name:?}: {shown}")));
    }
    expected.sort();
    // Without other members: those of `auth` are all fields.
    let mut inner = Vec::new();
    for (name, json) in &members {
        inner.push(format!("{}:{json}", string(name, choices)));
    }
    let body = object(&[("auth", format!("{{{}}}", inner.join(",")))], choices);
    if later {
        assert_arrives::<LaterCalls<u32, Credentials>>("", &HeaderMap::new(), body, expected, choices);
    } else {
        assert_arrives::<Validator<Credentials>>("", &HeaderMap::new(), body, expected, choices);
    }
}

const OPTIONAL: [&str; 6] = ["email", "phone", "username", "photoThumbnailURL", "photoFullsizeURL", "userRoleCode"];

fn given(optional: [Option<&str>; 6]) -> [Option<String>; 6] {
    optional.map(|text| text.filter(|text| !text.is_empty()).map(str::to_owned))
}

fn is_key([id, secret]: [&str; 2]) -> bool {
    !id.is_empty() && !secret.is_empty() && !id.contains(':')
}

fn profile(
    key: [&str; 2],
    texts: [&str; 2],
    optional: [Option<&str>; 6],
    ticket: Option<[&str; 3]>,
    choices: &mut Choices<'_>,
) {
    if !is_key(key)
        || texts.contains(&"")
        || texts[0].chars().count() > 50
        || ticket.is_some_and(|ticket| ticket.contains(&""))
    {
        return;
    }
    let mut members = Vec::new();
    for (name, text) in ["xcUserID", "fullName"].into_iter().zip(texts) {
        members.push((name, string(text, choices)));
    }
    for (name, text) in OPTIONAL.into_iter().zip(optional) {
        match text {
            Some(text) => members.push((name, string(text, choices))),
            None if choices.next() % 2 == 0 => members.push((name, "null".to_owned())),
            None => {}
        }
    }
    let mut fields: Fields = key.map(|text| Some(text.to_owned())).into();
    let profile = texts.into_iter().map(|text| Some(text.to_owned())).chain(given(optional));
    let headers = HeaderMap::from_iter([(HeaderName::from_static("server-key"), header(&api_key(key[0], key[1])))]);
    match ticket {
        None => {
            fields.extend(profile);
            assert_arrives::<UserUpdateEndpoint>("", &headers, object(&members, choices), fields, choices);
        }
        Some([address, agent, device]) => {
            let platform = ["android", "ios", "web"][usize::from(choices.next() % 3)];
            let own = [
                ("userIPAddress", address),
                ("userAgent", agent),
                ("userPlatform", platform),
                ("userDeviceID", device),
            ];
            for (name, text) in own {
                members.push((name, string(text, choices)));
                fields.push(Some(text.to_owned()));
            }
            fields.extend(profile);
            assert_arrives::<AuthTicketEndpoint>("", &headers, object(&members, choices), fields, choices);
        }
    }
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("it can be in a header")
}

fn app_ticket(platform: u8, device: &str, choices: &mut Choices<'_>) {
    if device.is_empty() {
        return;
    }
    let platform = ["android", "ios", "web"][usize::from(platform % 3)];
    let members = [("userPlatform", string(platform, choices)), ("userDeviceID", string(device, choices))];
    let headers = HeaderMap::from_iter([(http::header::USER_AGENT, header("okhttp/4.9.1"))]);
    let fields = vec![Some(platform.to_owned()), Some(device.to_owned()), Some("okhttp/4.9.1".to_owned()), None];
    assert_arrives::<AppTicketEndpoint>("", &headers, object(&members, choices), fields, choices);
}

fn tokens(
    which: u8,
    token: &[u8],
    key: Option<[&str; 2]>,
    device: Option<u32>,
    in_query: bool,
    choices: &mut Choices<'_>,
) {
    let which = which % 6;
    // Three of the calls need a key.
    if key.is_some_and(|key| !is_key(key)) || (key.is_none() && which < 3) {
        return;
    }
    let (token, device) = (bearer_token(token), device.map(|device| device.to_string()));
    let mut key_fields: Fields = vec![None, None];
    let mut headers = HeaderMap::new();
    let mut parameters = Vec::new();
    let authorization = match choices.next() % 3 {
        0 => format!("Bearer {token}"),
        1 => format!("bearer  {token}"),
        _ => format!("BEARER {token}"),
    };
    let bare = if choices.next() % 2 == 0 { token.clone() } else { format!("Bearer {token}") };
    let encoded = key.map(|[id, secret]| api_key(id, secret));
    if let Some([id, secret]) = key {
        key_fields = vec![Some(id.to_owned()), Some(secret.to_owned())];
    }
    if in_query && which == 5 {
        parameters.push(("authorization", &*bare));
        parameters.extend(encoded.as_deref().map(|key| ("app_key", key)));
        parameters.extend(device.as_deref().map(|device| ("device_identifier", device)));
    } else {
        headers.insert("authorization", header(&authorization));
        headers.extend(encoded.as_deref().map(|key| (HeaderName::from_static("app-key"), header(key))));
        let name = HeaderName::from_static("device-identifier");
        headers.extend(device.as_deref().map(|device| (name, header(device))));
    }
    if which == 4 {
        parameters.push(("check", "1"));
    }
    let query = query(&parameters, choices);
    let (key_fields, device) = (key_fields, vec![device.clone(), None]);
    let with_token = [vec![Some(token.clone())], key_fields.clone(), device.clone()].concat();
    match which {
        0 => assert_arrives::<AccessTokenEndpoint>("", &headers, String::new(), with_token, choices),
        1 => assert_arrives::<LogoutEndpoint>("", &headers, "{}".to_owned(), with_token, choices),
        2 => {
            let fields = [key_fields, device].concat();
            assert_arrives::<ProjectConfigsEndpoint>("", &headers, String::new(), fields, choices);
        }
        3 => assert_arrives::<RefreshEndpoint>("", &headers, "\"\"".to_owned(), with_token, choices),
        4 => assert_arrives::<ConnectEndpoint>(&query, &headers, String::new(), with_token, choices),
        _ => assert_arrives::<SocketGuard>(&query, &headers, String::new(), with_token, choices),
    }
}

/// The crate's own client asks the crate's own endpoint.
fn own_client(key: [&str; 2], texts: [&str; 5], optional: [Option<&str>; 6], ticket: [&str; 2]) {
    if !is_key(key) || texts.contains(&"") || texts[0].chars().count() > 50 || ticket.contains(&"") {
        return;
    }
    let secret = |text: Option<&str>| text.map(tower_verify::Secret::from);
    let mut profile = Profile::new(texts[0], texts[1]);
    let [email, phone, username, thumbnail, fullsize, role] = optional.map(secret);
    profile.email = email;
    profile.phone = phone;
    profile.username = username;
    profile.photo_thumbnail_url = thumbnail;
    profile.photo_fullsize_url = fullsize;
    profile.user_role_code = role;
    let parameters = TicketParameters::new(profile, UserPlatform::Ios, texts[2], texts[3], texts[4]);

    let issued = Ticket::new(ticket[0], ticket[1]);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (log, answer) = (Arc::clone(&asked), issued.clone());
    let verifier = verifier_fn(move |request: Request<TicketRequest>| {
        log.lock().unwrap().push(AuthTicketEndpoint::fields(request.body()));
        let answer = answer.clone();
        async { Ok::<_, BoxError>(TicketVerdict::Issued(answer)) }
    });
    let endpoint = VerifyLayer::new(AuthTicketEndpoint::new(), verifier).body_limit(1 << 20).into_service();
    let http = service_fn(move |request: Request<Full<Bytes>>| {
        let endpoint = endpoint.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            endpoint.oneshot(Request::from_parts(head, Full::new(body))).await
        }
    });
    let http = tower::util::MapErr::new(http, |never: Infallible| -> Infallible { match never {} });
    let client = Client::new(http, ApiKey::new(key[0], key[1])).expect("the key is valid");
    let got = client.without_deadline().answer_limit(1 << 20).request_ticket(parameters).now_or_never();
    let got = got.expect("nothing is pending").expect("a ticket is issued");
    assert_eq!(got, issued);

    let [_, _, device, address, agent] = texts;
    let own = [address, agent, "ios", device].map(|text| Some(text.to_owned()));
    let profile = [Some(texts[0].to_owned()), Some(texts[1].to_owned())].into_iter().chain(given(optional));
    let expected: Fields = key.map(|text| Some(text.to_owned())).into_iter().chain(own).chain(profile).collect();
    assert_eq!(*asked.lock().unwrap(), [expected]);
}
