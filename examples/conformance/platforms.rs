//! The suite of each platform, with what the options give.

use tower_verify::{
    BoxError,
    conformance::Suite,
    diyalog::{
        Vocabulary,
        conformance::{AgentCalls, CustomerCalls},
    },
    talkdesk::{
        FieldValue,
        conformance::{GuardedCalls, ValidatorCalls},
    },
    taptalk::{
        KeyRefusal,
        conformance::{AppTicketCalls, SocketCalls, TicketServerCalls},
    },
};

use crate::options::Given;

pub(crate) fn suite(platform: &str, mut given: Given) -> Result<Suite, BoxError> {
    let suite = match platform {
        "talkdesk" => talkdesk(&mut given)?,
        "talkdesk-later" => later_calls(&mut given)?,
        "diyalog-customer" => customer(&mut given)?,
        "diyalog-agent" => agent(&mut given)?,
        "taptalk" => ticket_server(&mut given)?,
        "taptalk-socket" => socket(&mut given)?,
        "taptalk-app" => app_ticket(&mut given)?,
        other => {
            let known =
                "talkdesk, talkdesk-later, diyalog-customer, diyalog-agent, taptalk, taptalk-socket, taptalk-app";
            return Err(format!("there is no platform `{other}`: choose one of {known}").into());
        }
    };
    given.assert_empty(platform)?;
    Ok(suite)
}

/// Calls a builder's method with an option, if that is given.
macro_rules! set {
    ($calls:ident, $($method:ident: $value:expr;)*) => {
        $(if let Some(value) = $value {
            $calls = $calls.$method(value);
        })*
    };
}

fn talkdesk(given: &mut Given) -> Result<Suite, BoxError> {
    let (fields, failing) = (given.pairs("field")?, given.pairs("failing")?);
    if fields.is_empty() {
        return Err("--field is missing".into());
    }
    fn borrowed(pairs: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
        pairs.iter().map(|(name, value)| (&**name, &**value))
    }
    let mut calls = ValidatorCalls::new(borrowed(&fields)).legacy_no_content(given.flag("legacy-no-content"));
    if !failing.is_empty() {
        calls = calls.failing(borrowed(&failing));
    }
    set! { calls,
        path: given.one("path")?;
        body_limit: given.number("body-limit")?;
        no_verdict_status: given.number("no-verdict-status")?;
    }
    Ok(calls.suite())
}

fn later_calls(given: &mut Given) -> Result<Suite, BoxError> {
    let mut fields = typed(given, "field")?;
    let Some((name, FieldValue::Text(secret))) = fields.pop() else {
        return Err("--field is missing, or the last one is no text".into());
    };
    let mut calls = GuardedCalls::new(&name, secret);
    for (name, value) in fields {
        calls = calls.field(&name, value);
    }
    for (name, value) in typed(given, "failing")? {
        calls = calls.failing(&name, value);
    }
    set! { calls,
        contacts: given.one("contacts")?;
        agents: given.one("agents")?;
        activity: given.one("activity")?;
        action: given.one("action")?;
        body_limit: given.number("body-limit")?;
        no_verdict_status: given.number("no-verdict-status")?;
    }
    let suite = calls.suite();
    if suite.is_empty() { Err("give a path: --contacts, --agents, --activity or --action".into()) } else { Ok(suite) }
}

/// The fields of `NAME=TEXT` and `NAME:=VALUE`, where the value is an integer or a boolean.
fn typed(given: &mut Given, option: &str) -> Result<Vec<(String, FieldValue)>, BoxError> {
    let field = |(name, text): (String, String)| {
        let Some(name) = name.strip_suffix(':') else { return Ok((name, text.into())) };
        let integer = text.parse::<i64>().map(FieldValue::from);
        let value = integer.or_else(|_| text.parse::<bool>().map(FieldValue::from));
        let value = value.map_err(|_| format!("--{option} {name}: the value must be an integer, true or false"))?;
        Ok((name.to_owned(), value))
    };
    given.pairs(option)?.into_iter().map(field).collect()
}

fn customer(given: &mut Given) -> Result<Suite, BoxError> {
    let [device, token, customer] =
        [given.required("device-id")?, given.required("dlg-token")?, given.required("customer-no")?];
    let vocabulary = if given.flag("older") { Vocabulary::Older } else { Vocabulary::Current };
    let mut calls = CustomerCalls::new(&device, &token, &customer).vocabulary(vocabulary).quoted(given.flag("quoted"));
    if let Some([device, token, customer]) = given.trio("failing")? {
        calls = calls.failing(&device, &token, &customer);
    }
    set! { calls,
        path: given.one("path")?;
        body_limit: given.number("body-limit")?;
        expired_token: given.one("expired-token")?;
        caller_secret: given.one("caller-secret")?;
    }
    Ok(calls.suite())
}

fn agent(given: &mut Given) -> Result<Suite, BoxError> {
    let [session, token, user] =
        [given.required("session-id")?, given.required("dlg-token")?, given.required("user-no")?];
    let mut calls = AgentCalls::new(&session, &token, &user);
    if let Some([session, token, user]) = given.trio("failing")? {
        calls = calls.failing(&session, &token, &user);
    }
    set! { calls,
        path: given.one("path")?;
        expired_token: given.one("expired-token")?;
        caller_secret: given.one("caller-secret")?;
    }
    Ok(calls.suite())
}

/// The options of TapTalk's app keys that the server refuses.
const REFUSED_APP_KEYS: [(&str, KeyRefusal); 5] = [
    ("limited-app-key", KeyRefusal::OtherPlatform),
    ("expired-app-key", KeyRefusal::Expired),
    ("disabled-app-key", KeyRefusal::NotEnabled),
    ("suspended-app-key", KeyRefusal::Suspended),
    ("ownerless-app-key", KeyRefusal::WithoutOwner),
];

fn refused_app_keys(given: &mut Given) -> Result<Vec<(KeyRefusal, String)>, BoxError> {
    let mut keys = Vec::new();
    for (name, refusal) in REFUSED_APP_KEYS {
        keys.extend(given.one(name)?.map(|key| (refusal, key)));
    }
    Ok(keys)
}

fn ticket_server(given: &mut Given) -> Result<Suite, BoxError> {
    let [server_key, app_key] = [given.required("server-key")?, given.required("app-key")?];
    let mut calls = TicketServerCalls::new(&server_key, &app_key).single_use(!given.flag("reusable-tickets"));
    if let Some(xc_user_id) = given.one("xc-user-id")? {
        calls = calls.xc_user_id(&xc_user_id);
    }
    for (refusal, key) in refused_app_keys(given)? {
        calls = calls.refused_app_key(refusal, key);
    }
    set! { calls,
        body_limit: given.number("body-limit")?;
        other_app_key: given.one("other-app-key")?;
        expired_ticket: given.one("expired-ticket")?;
        expired_access_token: given.one("expired-access-token")?;
        expired_refresh_token: given.one("expired-refresh-token")?;
        token_of_gone_user: given.one("token-of-gone-user")?;
        failing_server_key: given.one("failing-server-key")?;
        failing_app_key: given.one("failing-app-key")?;
        throttled_server_key: given.one("throttled-server-key")?;
    }
    Ok(calls.suite())
}

fn socket(given: &mut Given) -> Result<Suite, BoxError> {
    let [token, app_key, device] =
        [given.required("access-token")?, given.required("app-key")?, given.required("device-identifier")?];
    let mut calls = SocketCalls::new(&token, &app_key, &device);
    for (refusal, key) in refused_app_keys(given)? {
        calls = calls.refused_app_key(refusal, key);
    }
    set! { calls,
        path: given.one("path")?;
        other_app_key: given.one("other-app-key")?;
        failing_app_key: given.one("failing-app-key")?;
        expired_access_token: given.one("expired-access-token")?;
        ended_access_token: given.one("ended-access-token")?;
        token_of_gone_user: given.one("token-of-gone-user")?;
        refresh_token: given.one("refresh-token")?;
        ticket: given.one("ticket")?;
    }
    Ok(calls.suite())
}

fn app_ticket(given: &mut Given) -> Result<Suite, BoxError> {
    let mut calls = AppTicketCalls::new(given.required("authorization")?);
    set! { calls,
        path: given.one("path")?;
        body_limit: given.number("body-limit")?;
        failing_authorization: given.one("failing-authorization")?;
    }
    Ok(calls.suite())
}
