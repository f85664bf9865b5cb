//! TapTalk's check of an access token.

use http::{HeaderMap, HeaderName, HeaderValue, Request, header::AUTHORIZATION};
use http_body::Body;

use super::{
    Answer, agent, read, same,
    taptalk::{Fault, Key, fixed},
};
use crate::support::TOKEN;

const APP_KEY: HeaderName = HeaderName::from_static("app-key");
const DEVICE_IDENTIFIER: HeaderName = HeaderName::from_static("device-identifier");
const DEVICE_PLATFORM: HeaderName = HeaderName::from_static("device-platform");

/// What is verified.
struct AccessCheck<'a> {
    access_token: &'a str,
    _app_key: Option<Key>,
    _device: [Option<&'a str>; 2],
}

pub(super) async fn check<B: Body>(request: Request<B>) -> Answer {
    let (mut head, body) = request.into_parts();
    let read = read(body).await;
    let asked = async {
        // The body says nothing, but it must be there, and not too large.
        read.map_err(Fault::unread)?;
        let (headers, query) = (&mut head.headers, head.uri.query().unwrap_or_default());
        let authorization = take_authorization(headers)?;
        let access_token =
            bearer(&authorization).ok_or(Fault::new("40102", "Authorization must be 'Bearer', a space and a token"))?;
        let app_key = Key::take(headers, &APP_KEY, "App-Key")?;
        if !says_check(query) {
            return Err(Fault::new("40002", "Param 'check' must be '1'"));
        }
        let device = [DEVICE_IDENTIFIER, DEVICE_PLATFORM].map(|name| headers.get(name)?.to_str().ok());
        let asked = AccessCheck { access_token, _app_key: app_key, _device: device };
        Ok::<_, Fault>(verify(&asked).await)
    };
    match asked.await {
        Ok(true) => fixed(r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{}}"#),
        Ok(false) => {
            fixed(r#"{"status":401,"error":{"code":"40104","message":"Token has expired","field":""},"data":{}}"#)
        }
        Err(fault) => fault.answer(),
    }
}

async fn verify(asked: &AccessCheck<'_>) -> bool {
    same(asked.access_token, TOKEN)
}

fn take_authorization(headers: &mut HeaderMap) -> Result<HeaderValue, Fault> {
    let twice = headers.get_all(AUTHORIZATION).iter().nth(1).is_some();
    match headers.remove(AUTHORIZATION) {
        Some(_) if twice => Err(Fault::new("40102", "Authorization must be 'Bearer', a space and a token")),
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(Fault::new("40101", "Request headers are required (Authorization)")),
    }
}

/// Whether a well-formed query has `check=1` once.
fn says_check(query: &str) -> bool {
    if query == "check=1" {
        return true;
    }
    let mut checks = 0;
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(value)) = (agent::decode(name), agent::decode(value)) else { return false };
        if name == "check" {
            checks += if value == "1" { 1 } else { 2 };
        }
    }
    checks == 1
}

/// The token, if these are a bearer's credentials (RFC 6750, section 2.1).
fn bearer(authorization: &HeaderValue) -> Option<&str> {
    let (scheme, token) = authorization.to_str().ok()?.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    let unpadded = token.trim_end_matches('=');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    let good = scheme.eq_ignore_ascii_case("bearer") && !unpadded.is_empty() && unpadded.bytes().all(allowed);
    good.then_some(token)
}
