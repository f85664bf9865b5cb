//! TapTalk's ticket request.

use std::borrow::Cow;

use http::{HeaderName, Request};
use http_body::Body;
use serde::{Deserialize, Serialize};

use super::{
    Answer,
    json::{self, Members, Object, Value},
    read, same,
    taptalk::{Fault, Key, data, fixed},
};

const SERVER_KEY: HeaderName = HeaderName::from_static("server-key");

/// The parameters by their place, which is their number less 101.
#[derive(Default)]
struct Payload<'a>([Option<Value<'a>>; 12]);

const NAMES: [&str; 12] = [
    "userIPAddress",
    "userAgent",
    "userPlatform",
    "userDeviceID",
    "xcUserID",
    "fullName",
    "email",
    "phone",
    "username",
    "photoThumbnailURL",
    "photoFullsizeURL",
    "userRoleCode",
];
const NUMBERS: [&str; 12] = ["101", "102", "103", "104", "105", "106", "107", "108", "109", "110", "111", "112"];

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Parameter {
    #[serde(rename = "userIPAddress")]
    UserIpAddress,
    UserAgent,
    UserPlatform,
    #[serde(rename = "userDeviceID")]
    UserDeviceId,
    #[serde(rename = "xcUserID")]
    XcUserId,
    FullName,
    Email,
    Phone,
    Username,
    #[serde(rename = "photoThumbnailURL")]
    PhotoThumbnailUrl,
    #[serde(rename = "photoFullsizeURL")]
    PhotoFullsizeUrl,
    UserRoleCode,
    #[serde(other)]
    Other,
}

impl<'a> Members<'a> for Payload<'a> {
    type Name = Parameter;
    type Value = Value<'a>;

    fn member(&mut self, name: Parameter) -> Option<&mut Option<Value<'a>>> {
        self.0.get_mut(name as usize)
    }
}

/// What is asked for.
struct TicketRequest<'a> {
    server_key: Key,
    _required: [Cow<'a, str>; 6],
    _optional: [Option<Cow<'a, str>>; 6],
}

struct Ticket {
    user_id: String,
    ticket: String,
}

pub(super) async fn request<B: Body>(request: Request<B>) -> Answer {
    let (mut head, body) = request.into_parts();
    let read = read(body).await;
    let asked = async {
        let server_key = Key::take(&mut head.headers, &SERVER_KEY, "Server-Key")?
            .ok_or(Fault::new("40001", "Request headers are required (Server-Key)"))?;
        let body = read.map_err(Fault::unread)?;
        let asked = parameters(&body, server_key)?;
        Ok::<_, Fault>(issue(&asked).await)
    };
    match asked.await {
        Ok(Some(Ticket { user_id, ticket })) => data(&Data { user_id: &user_id, ticket: &ticket }),
        Ok(None) => {
            fixed(r#"{"status":491,"error":{"code":"49103","message":"Server-Key is not known","field":""},"data":{}}"#)
        }
        Err(fault) => fault.answer(),
    }
}

#[derive(Serialize)]
struct Data<'a> {
    #[serde(rename = "userID")]
    user_id: &'a str,
    ticket: &'a str,
}

async fn issue(asked: &TicketRequest<'_>) -> Option<Ticket> {
    let known = same(asked.server_key.id(), "backend") & same(asked.server_key.secret(), "s3cr3t");
    known.then(|| Ticket { user_id: "287".into(), ticket: "ttk_2121sasasrwsdss".into() })
}

/// Reads the parameters. The first fault in the order of their numbers is reported.
fn parameters(body: &[u8], server_key: Key) -> Result<TicketRequest<'_>, Fault> {
    let body = std::str::from_utf8(body).map_err(|_| Fault::new("40002", "the body is not UTF-8"))?;
    let Object(Payload(mut values)) = serde_json::from_str(body)
        .map_err(|error| Fault::new("40002", json::fault(&error, "the body is not a JSON object")))?;
    let mut optional = |index: usize| match values[index].take() {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(invalid(index, "must be a string")),
    };
    let mut required = |index| optional(index)?.ok_or_else(|| invalid(index, "is required"));
    let (address, agent) = (required(0)?, required(1)?);
    let platform = required(2)?;
    if !["android", "ios", "web"].contains(&&*platform) {
        return Err(invalid(2, "must be 'android', 'ios' or 'web'"));
    }
    let (device, user) = (required(3)?, required(4)?);
    if user.chars().count() > 50 {
        return Err(invalid(4, "must not have more than 50 characters"));
    }
    Ok(TicketRequest {
        server_key,
        _required: [address, agent, platform, device, user, required(5)?],
        _optional: [optional(6)?, optional(7)?, optional(8)?, optional(9)?, optional(10)?, optional(11)?],
    })
}

fn invalid(index: usize, fault: &str) -> Fault {
    Fault { field: NUMBERS[index], ..Fault::new("40002", format!("Param '{}' {fault}", NAMES[index])) }
}
