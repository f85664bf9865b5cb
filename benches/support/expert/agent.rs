//! Diyalog's agent check.

use std::{borrow::Cow, fmt, mem};

use http::{Request, StatusCode};
use http_body::Body;
use serde::Serialize;

use super::{Answer, JSON, LIMIT, Unread, answer, read, same};
use crate::support::TOKEN;

const NAMES: [&str; 3] = ["sessionId", "token", "userNo"];

pub(super) async fn check<B: Body>(request: Request<B>) -> Answer {
    let (mut head, body) = request.into_parts();
    // The body says nothing, but it must be complete, and not too large.
    match read(body).await {
        Ok(_) => {}
        Err(Unread::TooLarge) => return bad_request(&format!("the body is larger than {LIMIT} bytes")),
        Err(Unread::Incomplete) => return bad_request("the body ended before it was complete"),
    }
    // The credential does not stay in the request.
    let uri = mem::take(&mut head.uri);
    let [session_id, token, user_no] = match trio(uri.query().unwrap_or_default()) {
        Ok(trio) => trio,
        Err(fault) => return bad_request(&fault),
    };
    if verify(&session_id, &token, &user_no).await {
        json(&Success { success: true, result: format_args!("agent {user_no} verified") })
    } else {
        refuse(r#"{"success":false,"errorMessage":"token not valid","result":"InvalidToken"}"#)
    }
}

async fn verify(_session_id: &str, token: &str, _user_no: &str) -> bool {
    same(token, TOKEN)
}

/// Reads the parameters of a query, each given once and not empty.
fn trio(query: &str) -> Result<[Cow<'_, str>; 3], Cow<'static, str>> {
    let mut trio = [const { None }; 3];
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(value)) = (decode(name), decode(value)) else {
            return Err("the query is not percent-encoded UTF-8".into());
        };
        if let Some(index) = NAMES.iter().position(|known| *known == name)
            && trio[index].replace(value).is_some()
        {
            return Err(format!("`{name}` is given more than once").into());
        }
    }
    match trio {
        [Some(session_id), Some(token), Some(user_no)]
            if !session_id.is_empty() && !token.is_empty() && !user_no.is_empty() =>
        {
            Ok([session_id, token, user_no])
        }
        _ => {
            let given = |value: &Option<Cow<'_, str>>| value.as_ref().is_some_and(|value| !value.is_empty());
            let missing = trio.iter().position(|value| !given(value)).unwrap_or_default();
            Err(format!("`{}` must be given and not empty", NAMES[missing]).into())
        }
    }
}

/// Decodes a name or a value. Text that is not encoded is borrowed.
pub(super) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => (digit()? * 16 + digit()?) as u8,
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

#[derive(Serialize)]
struct Success<'a> {
    success: bool,
    result: fmt::Arguments<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refusal<'a> {
    success: bool,
    error_message: &'a str,
    result: &'static str,
}

fn bad_request(error_message: &str) -> Answer {
    json(&Refusal { success: false, error_message, result: "BadRequest" })
}

fn json(body: &impl Serialize) -> Answer {
    answer(StatusCode::OK, JSON, serde_json::to_vec(body).expect("text is JSON"))
}

fn refuse(body: &'static str) -> Answer {
    answer(StatusCode::OK, JSON, body)
}

pub(super) fn failed() -> Answer {
    refuse(r#"{"success":false,"errorMessage":"token not verified","result":"InternalError"}"#)
}
