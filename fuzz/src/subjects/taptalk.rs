use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, header::AUTHORIZATION, request::Parts};
use http_body::Body;
use serde_json::Value;
use tower_verify::{
    BoxError, Secret, Verifier,
    taptalk::{
        AccessCheck, AccessTokenEndpoint, AccessVerdict, ApiKey, AppTicketEndpoint, AppTicketRequest, AppTicketVerdict,
        AuthTicketEndpoint, ConfigsRequest, ConfigsVerdict, ConnectEndpoint, Device, KeyRefusal, Logout,
        LogoutEndpoint, Profile, ProjectConfigsEndpoint, RefreshEndpoint, SocketGuard, SocketRequest, SocketVerdict,
        Ticket, TicketExchange, TicketRequest, TicketVerdict, TokenPair, TokenRefresh, TokenVerdict, User, UserUpdate,
        UserUpdateEndpoint, UserVerdict,
    },
};

use super::{endpoint, guard};
use crate::{
    reference,
    subject::{Fields, Reached, Settings, Subject, call_endpoint, call_guard},
};

type Pair = (String, String);

fn said(secret: &Secret) -> Option<String> {
    Some(secret.expose_secret().to_owned())
}

fn given(secret: &Option<Secret>) -> Option<String> {
    secret.as_ref().and_then(said)
}

fn key_fields(key: Option<&ApiKey>) -> Fields {
    vec![key.and_then(|key| said(&key.id)), key.and_then(|key| said(&key.secret))]
}

fn pair_fields(pair: Option<Pair>) -> Fields {
    let (id, secret) = pair.unzip();
    vec![id, secret]
}

fn device_fields(device: &Device) -> Fields {
    vec![given(&device.identifier), given(&device.platform)]
}

fn expected_device(head: &Parts) -> Fields {
    ["device-identifier", "device-platform"].map(|name| reference::first_text(&head.headers, name)).into()
}

fn refusal(choice: u8) -> KeyRefusal {
    use KeyRefusal::{Expired, NotEnabled, OtherPlatform, Suspended, Unknown, WithoutOwner};

    [Unknown, OtherPlatform, Expired, NotEnabled, Suspended, WithoutOwner][usize::from(choice % 6)]
}

fn access_refused(choice: u8) -> AccessVerdict {
    match choice % 5 {
        0 => AccessVerdict::Invalid,
        1 => AccessVerdict::Expired,
        2 => AccessVerdict::OtherClient,
        3 => AccessVerdict::NoUser,
        _ => AccessVerdict::KeyRefused(refusal(choice / 5)),
    }
}

fn token_refused(choice: u8) -> TokenVerdict {
    match choice % 5 {
        0 => TokenVerdict::Invalid,
        1 => TokenVerdict::Expired,
        2 => TokenVerdict::OtherClient,
        3 => TokenVerdict::NoUser,
        _ => TokenVerdict::KeyRefused(refusal(choice / 5)),
    }
}

fn tokens() -> TokenVerdict {
    let user = User::new("6", Profile::new("287", "Ann \"A\" \u{1f600}"));
    TokenVerdict::Issued(Box::new(TokenPair::new(("a", SystemTime::now()), ("r", SystemTime::UNIX_EPOCH), user)))
}

fn is_envelope_of_success(answer: &Response<Bytes>) -> bool {
    serde_json::from_slice::<Value>(answer.body()).is_ok_and(|said| said["status"] == 200)
}

fn assert_envelope(answer: &Response<Bytes>) {
    let said: Value = serde_json::from_slice(answer.body()).expect("every answer is JSON");
    let status = said["status"].as_u64().expect("the status is a number");
    let code = said["error"]["code"].as_str().expect("the code is text");
    assert!(said["error"]["message"].is_string() && said["error"]["field"].is_string());
    let data = said["data"].as_object().expect("the data is an object");
    if status == 200 {
        assert_eq!(code, "");
    } else {
        assert!(code.len() == 5 && code.starts_with(&status.to_string()) && data.is_empty());
    }
}

macro_rules! answered_by_envelope {
    () => {
        fn is_admitted(answer: &Response<Bytes>) -> bool {
            is_envelope_of_success(answer)
        }

        fn assert_well_formed(answer: &Response<Bytes>) {
            assert_envelope(answer);
        }
    };
}

const NUMBERED: [&str; 8] =
    ["xcUserID", "fullName", "email", "phone", "username", "photoThumbnailURL", "photoFullsizeURL", "userRoleCode"];

fn profile_fields(profile: &Profile) -> Fields {
    let required = [said(&profile.xc_user_id), said(&profile.full_name)];
    let optional = [
        &profile.email,
        &profile.phone,
        &profile.username,
        &profile.photo_thumbnail_url,
        &profile.photo_fullsize_url,
        &profile.user_role_code,
    ];
    required.into_iter().chain(optional.map(given)).collect()
}

fn expected_profile(members: &[Option<Value>]) -> Option<Fields> {
    let [xc_user_id, full_name, optional @ ..] = members else { return None };
    let xc_user_id = reference::text(xc_user_id).filter(|id| id.chars().count() <= 50)?;
    let mut fields = vec![Some(xc_user_id), Some(reference::text(full_name)?)];
    for member in optional {
        fields.push(reference::optional(member)?);
    }
    Some(fields)
}

impl Subject for AuthTicketEndpoint {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/server/auth_ticket/request";

    endpoint!(Self::new());

    fn fields(asked: &TicketRequest) -> Fields {
        let parameters = &asked.parameters;
        let own = [
            said(&parameters.user_ip_address),
            said(&parameters.user_agent),
            Some(parameters.user_platform.as_str().to_owned()),
            said(&parameters.user_device_id),
        ];
        [key_fields(Some(&asked.server_key)), own.into(), profile_fields(&parameters.profile)].concat()
    }

    fn expected(head: &Parts, body: &[u8]) -> Option<Fields> {
        let key = reference::api_key(&head.headers, "server-key")?;
        let own = ["userIPAddress", "userAgent", "userPlatform", "userDeviceID"];
        let names: [&str; 12] = [&own[..], &NUMBERED].concat().try_into().expect("they are twelve");
        let members = reference::members(body, names)?;
        let mut fields = pair_fields(Some(key));
        for member in &members[..4] {
            fields.push(Some(reference::text(member)?));
        }
        let platform = fields[4].as_deref()?;
        if !["android", "ios", "web"].contains(&platform) {
            return None;
        }
        fields.extend(expected_profile(&members[4..])?);
        Some(fields)
    }

    fn positive() -> TicketVerdict {
        TicketVerdict::Issued(Ticket::new("6", "t"))
    }

    fn negative(choice: u8) -> TicketVerdict {
        if choice == 255 { TicketVerdict::Refused } else { TicketVerdict::KeyRefused(refusal(choice)) }
    }

    answered_by_envelope!();
}

impl Subject for UserUpdateEndpoint {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/server/user/update";

    endpoint!(Self::new());

    fn fields(asked: &UserUpdate) -> Fields {
        [key_fields(Some(&asked.server_key)), profile_fields(&asked.profile)].concat()
    }

    fn expected(head: &Parts, body: &[u8]) -> Option<Fields> {
        let key = reference::api_key(&head.headers, "server-key")?;
        // It has the names of a ticket request too: one that is given twice is refused.
        let others = ["userIPAddress", "userAgent", "userPlatform", "userDeviceID"];
        let names: [&str; 12] = [&NUMBERED[..], &others].concat().try_into().expect("they are twelve");
        let members = reference::members(body, names)?;
        Some([pair_fields(Some(key)), expected_profile(&members[..8])?].concat())
    }

    fn positive() -> UserVerdict {
        UserVerdict::Saved("6".to_owned())
    }

    fn negative(choice: u8) -> UserVerdict {
        UserVerdict::KeyRefused(refusal(choice))
    }

    answered_by_envelope!();
}

impl Subject for AppTicketEndpoint {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/taptalk/auth_ticket";

    endpoint!(Self::new());

    fn fields(asked: &AppTicketRequest) -> Fields {
        let device = &asked.device;
        let address = device.user_ip_address.map(|address| address.to_string());
        let platform = device.user_platform.as_str().to_owned();
        vec![Some(platform), said(&device.user_device_id), said(&device.user_agent), address]
    }

    fn expected(head: &Parts, body: &[u8]) -> Option<Fields> {
        let [platform, device] = reference::members(body, ["userPlatform", "userDeviceID"])?;
        let platform = reference::text(&platform).filter(|word| ["android", "ios", "web"].contains(&&**word))?;
        let user_agent = head.headers.get("user-agent").filter(|value| !value.is_empty())?;
        let user_agent = String::from_utf8_lossy(user_agent.as_bytes()).into_owned();
        Some(vec![Some(platform), Some(reference::text(&device)?), Some(user_agent), None])
    }

    fn positive() -> AppTicketVerdict {
        AppTicketVerdict::Issued(Ticket::new("6", "t"))
    }

    fn negative(_: u8) -> AppTicketVerdict {
        AppTicketVerdict::UnknownCaller
    }

    fn is_admitted(answer: &Response<Bytes>) -> bool {
        answer.status().is_success()
    }

    fn assert_well_formed(answer: &Response<Bytes>) {
        let said: Value = serde_json::from_slice(answer.body()).expect("every answer is JSON");
        assert_eq!(answer.status() == 200, said["ticket"].is_string());
        assert_eq!(answer.status() == 200, said["error"].is_null());
        assert_eq!(answer.status() == 401, answer.headers().contains_key("www-authenticate"));
    }
}

impl Subject for AccessTokenEndpoint {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/auth/access_token/request";

    endpoint!(Self::new());

    fn fields(asked: &TicketExchange) -> Fields {
        [vec![said(&asked.ticket)], key_fields(Some(&asked.app_key)), device_fields(&asked.device)].concat()
    }

    fn expected(head: &Parts, _: &[u8]) -> Option<Fields> {
        let ticket = reference::bearer(&head.headers)?;
        let key = reference::api_key(&head.headers, "app-key")?;
        Some([vec![Some(ticket)], pair_fields(Some(key)), expected_device(head)].concat())
    }

    fn positive() -> TokenVerdict {
        tokens()
    }

    fn negative(choice: u8) -> TokenVerdict {
        token_refused(choice)
    }

    answered_by_envelope!();
}

impl Subject for RefreshEndpoint {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/auth/access_token/refresh";

    endpoint!(Self::new());

    fn fields(asked: &TokenRefresh) -> Fields {
        [vec![said(&asked.refresh_token)], key_fields(asked.app_key.as_ref()), device_fields(&asked.device)].concat()
    }

    fn expected(head: &Parts, _: &[u8]) -> Option<Fields> {
        let token = reference::bearer(&head.headers)?;
        let key = reference::api_key_if_given(&head.headers, "app-key")?;
        Some([vec![Some(token)], pair_fields(key), expected_device(head)].concat())
    }

    fn positive() -> TokenVerdict {
        tokens()
    }

    fn negative(choice: u8) -> TokenVerdict {
        token_refused(choice)
    }

    answered_by_envelope!();
}

impl Subject for ConnectEndpoint {
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/connect?check=1";

    endpoint!(Self::new());

    fn fields(asked: &AccessCheck) -> Fields {
        [vec![said(&asked.access_token)], key_fields(asked.app_key.as_ref()), device_fields(&asked.device)].concat()
    }

    fn expected(head: &Parts, _: &[u8]) -> Option<Fields> {
        let token = reference::bearer(&head.headers)?;
        let key = reference::api_key_if_given(&head.headers, "app-key")?;
        let [check] = reference::parameters(head.uri.query().unwrap_or_default(), ["check"])?;
        let fields = [vec![Some(token)], pair_fields(key), expected_device(head)].concat();
        (check.as_deref() == Some("1")).then_some(fields)
    }

    fn positive() -> AccessVerdict {
        AccessVerdict::Valid
    }

    fn negative(choice: u8) -> AccessVerdict {
        access_refused(choice)
    }

    answered_by_envelope!();
}

impl Subject for LogoutEndpoint {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/client/logout";

    endpoint!(Self::new());

    fn fields(asked: &Logout) -> Fields {
        [vec![said(&asked.access_token)], key_fields(Some(&asked.app_key)), device_fields(&asked.device)].concat()
    }

    fn expected(head: &Parts, _: &[u8]) -> Option<Fields> {
        AccessTokenEndpoint::expected(head, b"")
    }

    fn positive() -> AccessVerdict {
        AccessVerdict::Valid
    }

    fn negative(choice: u8) -> AccessVerdict {
        access_refused(choice)
    }

    answered_by_envelope!();
}

impl Subject for ProjectConfigsEndpoint {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/client/project_configs";

    endpoint!(Self::new());

    fn fields(asked: &ConfigsRequest) -> Fields {
        [key_fields(Some(&asked.app_key)), device_fields(&asked.device)].concat()
    }

    fn expected(head: &Parts, _: &[u8]) -> Option<Fields> {
        let key = reference::api_key(&head.headers, "app-key")?;
        Some([pair_fields(Some(key)), expected_device(head)].concat())
    }

    fn positive() -> ConfigsVerdict {
        ConfigsVerdict::Allowed
    }

    fn negative(choice: u8) -> ConfigsVerdict {
        ConfigsVerdict::KeyRefused(refusal(choice))
    }

    answered_by_envelope!();
}

impl Subject for SocketGuard {
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/connect";

    guard!(Self::new());

    fn fields(asked: &SocketRequest) -> Fields {
        [vec![said(&asked.access_token)], key_fields(asked.app_key.as_ref()), device_fields(&asked.device)].concat()
    }

    fn expected(head: &Parts, _: &[u8]) -> Option<Fields> {
        let names = ["authorization", "app_key", "device_identifier", "device_platform"];
        let values = reference::parameters(head.uri.query().unwrap_or_default(), names)?;
        let headers = ["authorization", "app-key", "device-identifier", "device-platform"];
        let mut head = head.clone();
        for (name, value) in headers.into_iter().zip(values) {
            let Some(mut value) = value else { continue };
            if name == AUTHORIZATION && !value.starts_with("Bearer ") {
                value = format!("Bearer {value}");
            }
            head.headers.append(HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?);
        }
        RefreshEndpoint::expected(&head, b"")
    }

    fn positive() -> SocketVerdict {
        SocketVerdict::Verified(Box::new(User::new("6", Profile::new("287", "Ann"))))
    }

    fn negative(choice: u8) -> SocketVerdict {
        SocketVerdict::Refused(access_refused(choice))
    }

    fn is_admitted(answer: &Response<Bytes>) -> bool {
        answer.extensions().get::<Reached>().is_some()
    }

    fn assert_well_formed(answer: &Response<Bytes>) {
        let Some(reached) = answer.extensions().get::<Reached>() else { return assert_envelope(answer) };
        assert!(reached.head.extensions.get::<User>().is_some());
        let query = reference::query(reached.head.uri.query().unwrap_or_default()).expect("the rest is well-formed");
        let names = ["authorization", "app_key", "device_identifier", "device_platform"];
        assert!(query.iter().all(|(name, _)| !names.contains(&&**name)), "the app's query has a credential");
    }
}
