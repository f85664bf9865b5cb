//! TapTalk.io's contract: the vectors of "Authentication" in the PowerTalk server API, of its error codes, and of the
//! requests that its published clients send.

use std::time::{Duration, SystemTime};

use http::Request;
use serde::Deserialize;
use serde_json::{Value, json};
use tower_verify::{
    Secret,
    taptalk::{
        AccessCheck, AccessTokenEndpoint, AccessVerdict, AuthTicketEndpoint, ConnectEndpoint, KeyRefusal, Profile,
        RefreshEndpoint, Ticket, TicketExchange, TicketParameters, TicketRequest, TicketVerdict, TokenPair,
        TokenRefresh, TokenVerdict, User,
    },
};

use crate::vectors::{self, Served, Vector};

// Contract: TT-101, TT-103, TT-104, TT-105, TT-106, TT-107, TT-7, TT-6, TT-40001, TT-40002, TT-40101, TT-49101, TT-49102, TT-42901, TT-50001, TT-13.
#[test]
fn every_vector_gets_its_answer() {
    vectors::run("taptalk.json", 170, serve);
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Own {
    mirror_status: bool,
}

/// The endpoint of `$type` with the options of `$vector`.
macro_rules! endpoint {
    ($type:ident, $vector:expr) => {{
        let Own { mirror_status } = $vector.options.own();
        $type::new().mirror_status(mirror_status)
    }};
}

fn serve(vector: &Vector) -> Served {
    match &*vector.endpoint {
        "taptalk_auth_ticket" => vector.serve(endpoint!(AuthTicketEndpoint, vector), ticket_verdict, ticket_request),
        "taptalk_access_token" => vector.serve(endpoint!(AccessTokenEndpoint, vector), token_verdict, exchange),
        "taptalk_refresh" => vector.serve(endpoint!(RefreshEndpoint, vector), token_verdict, refresh),
        "taptalk_connect" => vector.serve(endpoint!(ConnectEndpoint, vector), access_verdict, access_check),
        other => panic!("unknown endpoint {other}"),
    }
}

fn ticket_request(request: &Request<TicketRequest>) -> Value {
    assert!(!request.headers().contains_key("server-key"));
    let TicketRequest { server_key, parameters, .. } = request.body();
    let TicketParameters { user_ip_address, user_agent, user_platform, user_device_id, profile, .. } = parameters;
    let optional = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose_secret().to_owned());
    json!({
        "keyID": server_key.id.expose_secret(),
        "keySecret": server_key.secret.expose_secret(),
        "userIPAddress": user_ip_address.expose_secret(),
        "userAgent": user_agent.expose_secret(),
        "userPlatform": user_platform.as_str(),
        "userDeviceID": user_device_id.expose_secret(),
        "xcUserID": profile.xc_user_id.expose_secret(),
        "fullName": profile.full_name.expose_secret(),
        "email": optional(&profile.email),
        "phone": optional(&profile.phone),
        "username": optional(&profile.username),
        "photoThumbnailURL": optional(&profile.photo_thumbnail_url),
        "photoFullsizeURL": optional(&profile.photo_fullsize_url),
        "userRoleCode": optional(&profile.user_role_code),
    })
}

fn ticket_verdict(verdict: &Value) -> TicketVerdict {
    let text = |name: &str| verdict["issued"][name].as_str().unwrap().to_owned();
    match verdict.as_str() {
        Some(word) if key_refusal(word).is_some() => TicketVerdict::KeyRefused(key_refusal(word).unwrap()),
        Some("refused") => TicketVerdict::Refused,
        Some(other) => panic!("unknown verdict {other}"),
        None => TicketVerdict::Issued(Ticket::new(text("userID"), text("ticket"))),
    }
}

fn key_refusal(word: &str) -> Option<KeyRefusal> {
    Some(match word {
        "unknown key" => KeyRefusal::Unknown,
        "key of another platform" => KeyRefusal::OtherPlatform,
        "expired key" => KeyRefusal::Expired,
        "key not enabled" => KeyRefusal::NotEnabled,
        "suspended key" => KeyRefusal::Suspended,
        "key without owner" => KeyRefusal::WithoutOwner,
        _ => return None,
    })
}

fn exchange(request: &Request<TicketExchange>) -> Value {
    let headers = request.headers();
    assert!(!headers.contains_key("authorization") && !headers.contains_key("app-key"));
    let TicketExchange { ticket, app_key, .. } = request.body();
    json!({
        "ticket": ticket.expose_secret(),
        "keyID": app_key.id.expose_secret(),
        "keySecret": app_key.secret.expose_secret(),
    })
}

fn refresh(request: &Request<TokenRefresh>) -> Value {
    assert!(!request.headers().contains_key("authorization"));
    json!({
        "refreshToken": request.body().refresh_token.expose_secret(),
        "appKeyLeft": request.headers().contains_key("app-key"),
        "keyID": request.body().app_key.as_ref().map(|key| key.id.expose_secret()),
        "device": request.body().device.identifier.as_ref().map(Secret::expose_secret),
    })
}

fn token_verdict(verdict: &Value) -> TokenVerdict {
    match verdict.as_str() {
        Some("invalid") => TokenVerdict::Invalid,
        Some("expired") => TokenVerdict::Expired,
        Some("other client") => TokenVerdict::OtherClient,
        Some("no user") => TokenVerdict::NoUser,
        Some(word) if key_refusal(word).is_some() => TokenVerdict::KeyRefused(key_refusal(word).unwrap()),
        Some(other) => panic!("unknown verdict {other}"),
        None => TokenVerdict::Issued(Box::new(tokens(&verdict["issued"]))),
    }
}

/// Reads the tokens from an answer's data. An empty member of the user becomes `None`.
fn tokens(data: &Value) -> TokenPair {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let time = |value: &Value| SystemTime::UNIX_EPOCH + Duration::from_millis(value.as_u64().unwrap());
    let optional = |value: &Value| Some(Secret::from(text(value))).filter(|secret| !secret.is_empty());
    let user = &data["user"];
    let mut profile = Profile::new(text(&user["xcUserID"]), text(&user["fullname"]));
    profile.photo_thumbnail_url = optional(&user["imageURL"]["thumbnail"]);
    profile.photo_fullsize_url = optional(&user["imageURL"]["fullsize"]);
    profile.username = optional(&user["username"]);
    profile.email = optional(&user["email"]);
    profile.phone = optional(&user["phone"]);
    TokenPair::new(
        (text(&data["accessToken"]), time(&data["accessTokenExpiry"])),
        (text(&data["refreshToken"]), time(&data["refreshTokenExpiry"])),
        User::new(text(&user["userID"]), profile),
    )
}

fn access_check(request: &Request<AccessCheck>) -> Value {
    assert!(!request.headers().contains_key("authorization"));
    json!({
        "accessToken": request.body().access_token.expose_secret(),
        "appKeyLeft": request.headers().contains_key("app-key"),
        "keyID": request.body().app_key.as_ref().map(|key| key.id.expose_secret()),
        "device": request.body().device.identifier.as_ref().map(Secret::expose_secret),
    })
}

fn access_verdict(verdict: &Value) -> AccessVerdict {
    match verdict.as_str() {
        Some("valid") => AccessVerdict::Valid,
        Some("invalid") => AccessVerdict::Invalid,
        Some("expired") => AccessVerdict::Expired,
        Some("other client") => AccessVerdict::OtherClient,
        Some("no user") => AccessVerdict::NoUser,
        Some(word) if key_refusal(word).is_some() => AccessVerdict::KeyRefused(key_refusal(word).unwrap()),
        _ => panic!("unknown verdict {verdict}"),
    }
}
