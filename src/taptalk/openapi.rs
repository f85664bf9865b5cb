//! Descriptions of TapTalk's calls for an OpenAPI document.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use super::{
    AccessTokenEndpoint, AccessVerdict, AppTicketEndpoint, AppTicketVerdict, AuthTicketEndpoint, ConfigsVerdict,
    ConnectEndpoint, KeyRefusal, LogoutEndpoint, Profile, ProjectConfigsEndpoint, RefreshEndpoint, SocketGuard,
    SocketVerdict, Ticket, TicketVerdict, TokenPair, TokenVerdict, User, UserUpdateEndpoint, UserVerdict,
};
use crate::{
    Verdict,
    openapi::{Described, Description},
};

/// `key-1:secret-1` in base64.
const KEY: &str = "a2V5LTE6c2VjcmV0LTE=";
const TOKEN: &str = "2121sasasrwsdss";
const KEY_REFUSALS: [KeyRefusal; 6] = [
    KeyRefusal::Unknown,
    KeyRefusal::OtherPlatform,
    KeyRefusal::Expired,
    KeyRefusal::NotEnabled,
    KeyRefusal::Suspended,
    KeyRefusal::WithoutOwner,
];

/// The text of every call that is answered with an envelope.
macro_rules! envelope_text {
    ($($text:literal),*) => {
        concat!(
            $($text, " ",)*
            "The real status is `status` in the body: 200 is good, and everything else has an `error.code`, whose first \
             three digits are the status."
        )
    };
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties})
}

/// An object with these members and no other.
fn exactly(properties: Value) -> Value {
    let names: Vec<_> = properties.as_object().into_iter().flat_map(Map::keys).collect();
    json!({"type": "object", "required": names, "additionalProperties": false, "properties": properties})
}

// Contract: TT-8.
fn envelope(status: Value, code: &str, data: Value) -> Value {
    let error = exactly(json!({
        "code": {"type": "string", "pattern": code},
        "message": {"type": "string"},
        "field": {"type": "string", "pattern": "^(1[01][0-9])?$", "description": "the number of the wrong parameter"},
    }));
    exactly(json!({"status": status, "error": error, "data": data}))
}

/// A description whose answers are envelopes with such `data`.
fn enveloped<V: Verdict>(summary: &'static str, text: &'static str, data: Value) -> Description<V> {
    let admitted = envelope(json!({"const": 200}), "^$", data);
    let refused = envelope(json!({"type": "integer", "minimum": 400, "maximum": 599}), "^[45][0-9]{4}$", nothing());
    Description::new("TapTalk.io", summary).text(text).answers(admitted, refused)
}

fn nothing() -> Value {
    json!({"type": "object", "maxProperties": 0})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn ticket() -> Ticket {
    Ticket::new("6", "ticket.of.287")
}

fn device<V: Verdict>(description: Description<V>) -> Description<V> {
    let identifier = json!({"type": "string", "description": "the device; a token is good on it alone"});
    let platform = json!({"type": "string", "description": "`android`, `ios` or `web`; some keys are for one alone"});
    description.optional_header("Device-Identifier", identifier, "7a6ce5d1").optional_header(
        "Device-Platform",
        platform,
        "android",
    )
}

fn server_key<V: Verdict>(description: Description<V>) -> Description<V> {
    description.key(
        "Server-Key",
        "The base64 of a server key's id, a colon and its secret. No scheme precedes it.",
        KEY,
    )
}

fn app_key<V: Verdict>(description: Description<V>) -> Description<V> {
    description.key("App-Key", "The base64 of an app key's id, a colon and its secret. No scheme precedes it.", KEY)
}

fn optional_app_key<V: Verdict>(description: Description<V>) -> Description<V> {
    let schema = json!({"type": "string", "description": "the base64 of an app key's id, a colon and its secret"});
    description.optional_header("App-Key", schema, KEY)
}

/// The members that describe a user.
// Contract: TT-7, TT-105, TT-106, TT-107.
fn profile() -> Map<String, Value> {
    let mut members = Map::from_iter([
        ("xcUserID".to_owned(), json!({"type": "string", "minLength": 1, "maxLength": 50, "description": "105"})),
        ("fullName".to_owned(), json!({"type": "string", "minLength": 1, "description": "106"})),
    ]);
    let optional = ["email", "phone", "username", "photoThumbnailURL", "photoFullsizeURL", "userRoleCode"];
    for (name, number) in optional.into_iter().zip(107..) {
        members.insert(name.to_owned(), json!({"type": ["string", "null"], "description": number.to_string()}));
    }
    members
}

// Contract: TT-6, TT-101, TT-103, TT-104.
impl Described for AuthTicketEndpoint {
    fn describe(&self) -> Description<TicketVerdict> {
        let mut members = profile();
        for (name, number) in ["userIPAddress", "userAgent", "userPlatform", "userDeviceID"].into_iter().zip(101..) {
            let description = number.to_string();
            members.insert(name.to_owned(), json!({"type": "string", "minLength": 1, "description": description}));
        }
        members["userPlatform"] = json!({"enum": ["android", "ios", "web"], "description": "103"});
        let required = ["userIPAddress", "userAgent", "userPlatform", "userDeviceID", "xcUserID", "fullName"];
        let sample = json!({
            "userIPAddress": "203.0.113.7", "userAgent": "okhttp/4.9.1", "userPlatform": "android",
            "userDeviceID": "7a6ce5d1", "xcUserID": "287", "fullName": "Ann Example",
        });
        let verdicts = [TicketVerdict::Issued(ticket()), TicketVerdict::Refused];
        let refusals = KEY_REFUSALS.map(TicketVerdict::KeyRefused);
        server_key(enveloped(
            "A ticket for a user",
            envelope_text!("A backend asks for a ticket on behalf of its user, who is saved if he is new."),
            exactly(json!({"userID": text(), "ticket": text()})),
        ))
        .json_body(object(&required, members.into()), sample)
        .verdicts(verdicts.into_iter().chain(refusals))
    }
}

// Contract: TT-14.
impl Described for UserUpdateEndpoint {
    fn describe(&self) -> Description<UserVerdict> {
        let refusals = KEY_REFUSALS.map(UserVerdict::KeyRefused);
        server_key(enveloped(
            "Save a user",
            envelope_text!("A backend saves a user, whether he is new or not."),
            exactly(json!({"userID": text()})),
        ))
        .json_body(
            object(&["xcUserID", "fullName"], profile().into()),
            json!({"xcUserID": "287", "fullName": "Ann Example"}),
        )
        .verdicts([UserVerdict::Saved("6".to_owned())].into_iter().chain(refusals))
    }
}

/// The `data` of new tokens.
// Contract: TT-9.
fn tokens() -> Value {
    let millis = || json!({"type": "integer", "minimum": 0, "description": "milliseconds since 1970"});
    let image = exactly(json!({"thumbnail": text(), "fullsize": text()}));
    let user = exactly(json!({
        "userID": text(), "xcUserID": text(), "fullname": text(), "imageURL": image, "username": text(),
        "email": text(), "phone": text(),
    }));
    exactly(json!({
        "accessToken": text(), "accessTokenExpiry": millis(), "refreshToken": text(), "refreshTokenExpiry": millis(),
        "user": user,
    }))
}

fn token_verdicts() -> impl Iterator<Item = TokenVerdict> {
    let after = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let user = User::new("6", Profile::new("287", "Ann Example"));
    let pair = TokenPair::new(("access.of.287", after(1_800_000_000)), ("refresh.of.287", after(1_802_592_000)), user);
    let verdicts = [
        TokenVerdict::Issued(Box::new(pair)),
        TokenVerdict::Invalid,
        TokenVerdict::Expired,
        TokenVerdict::OtherClient,
        TokenVerdict::NoUser,
    ];
    verdicts.into_iter().chain(KEY_REFUSALS.map(TokenVerdict::KeyRefused))
}

// Contract: TT-1.
impl Described for AccessTokenEndpoint {
    fn describe(&self) -> Description<TokenVerdict> {
        let text = envelope_text!("An SDK exchanges its ticket. The body means nothing. A ticket is good once.");
        let description = enveloped("Tokens for a ticket", text, tokens()).verdicts(token_verdicts());
        device(app_key(description.bearer("ticket", "The ticket.", TOKEN)))
    }
}

// Contract: TT-2, TT-13.
impl Described for RefreshEndpoint {
    fn describe(&self) -> Description<TokenVerdict> {
        let text = envelope_text!("An SDK gets new tokens. The body means nothing.");
        let description = enveloped("New tokens for a refresh token", text, tokens()).verdicts(token_verdicts());
        device(optional_app_key(description.bearer("refreshToken", "The refresh token.", TOKEN)))
    }
}

fn access_verdicts() -> impl Iterator<Item = AccessVerdict> {
    let verdicts = [
        AccessVerdict::Valid,
        AccessVerdict::Invalid,
        AccessVerdict::Expired,
        AccessVerdict::OtherClient,
        AccessVerdict::NoUser,
    ];
    verdicts.into_iter().chain(KEY_REFUSALS.map(AccessVerdict::KeyRefused))
}

// Contract: TT-3.
impl Described for ConnectEndpoint {
    fn describe(&self) -> Description<AccessVerdict> {
        let text = envelope_text!("The same path without `check` is the chat's socket, which is not this call.");
        let description = enveloped("Is an access token good?", text, nothing())
            .verdicts(access_verdicts())
            .bearer("accessToken", "The access token.", TOKEN)
            .query("check", json!({"const": "1"}), "1");
        device(optional_app_key(description))
    }
}

// Contract: TT-12.
impl Described for SocketGuard {
    fn describe(&self) -> Description<SocketVerdict> {
        let text = envelope_text!("The values may be in the query instead, as the web SDK has them.");
        let refused = access_verdicts().filter(|verdict| !verdict.admits()).map(SocketVerdict::Refused);
        let description = enveloped("The chat's socket", text, nothing()).verdicts(refused);
        device(optional_app_key(description.bearer("accessToken", "The access token.", TOKEN)))
    }
}

// Contract: TT-4.
impl Described for LogoutEndpoint {
    fn describe(&self) -> Description<AccessVerdict> {
        let text = envelope_text!("The login's access and refresh tokens are refused from then on.");
        let description = enveloped("Log out", text, nothing()).verdicts(access_verdicts());
        device(app_key(description.bearer("accessToken", "The access token.", TOKEN)))
    }
}

// Contract: TT-5.
impl Described for ProjectConfigsEndpoint {
    fn describe(&self) -> Description<ConfigsVerdict> {
        let verdicts = [ConfigsVerdict::Allowed].into_iter().chain(KEY_REFUSALS.map(ConfigsVerdict::KeyRefused));
        let text = envelope_text!("The first call of the web SDK. `Authorization` and the body mean nothing.");
        let description = enveloped("The app's settings", text, json!({"type": "object"})).verdicts(verdicts);
        device(app_key(description))
    }
}

// Contract: TT-16.
impl Described for AppTicketEndpoint {
    fn describe(&self) -> Description<AppTicketVerdict> {
        let members = json!({
            "userPlatform": {"enum": ["android", "ios", "web"]},
            "userDeviceID": {"type": "string", "minLength": 1, "description": "the device, chosen by the app"},
        });
        let errors = ["invalid_request", "invalid_token", "server_error", "temporarily_unavailable"];
        let refused = exactly(json!({"error": {"enum": errors}, "error_description": text()}));
        Description::new("TapTalk.io", "A ticket for the user who is logged in")
            .text("The app asks its own backend, which asks the ticket server.")
            .bearer("session", "The session of the app's own login.", TOKEN)
            .optional_header("User-Agent", json!({"type": "string", "minLength": 1}), "okhttp/4.9.1")
            .json_body(
                object(&["userPlatform", "userDeviceID"], members),
                json!({"userPlatform": "ios", "userDeviceID": "7"}),
            )
            .verdicts([AppTicketVerdict::Issued(ticket()), AppTicketVerdict::UnknownCaller])
            .answers(exactly(json!({"userID": text(), "ticket": text()})), refused)
    }
}
