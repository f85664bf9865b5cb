//! The calls of the published SDKs, from a ticket to the end of the login.

use http::Method;

use super::{
    TicketServerCalls, backend,
    envelope::{error, good, no_verdict},
};
use crate::{
    conformance::{Call, Check, Expected},
    taptalk::KeyRefusal,
};

const EXCHANGE: &str = "/v1/auth/access_token/request";
const REFRESH: &str = "/v1/auth/access_token/refresh";
const CONNECT: &str = "/connect?check=1";
const LOGOUT: &str = "/v1/client/logout";
const CONFIGS: &str = "/v1/client/project_configs";

pub(super) fn checks(calls: &TicketServerCalls) -> Vec<Check> {
    let mut checks = exchanges(calls);
    checks.extend(access_checks());
    checks.extend(refreshes());
    checks.extend(configs());
    checks.extend(bearers());
    checks.extend(app_keys());
    checks.extend(refused_keys());
    checks.extend(outages());
    checks.extend(logout());
    checks
}

/// A call of the app on its device, with a bearer token.
fn call(target: &str, token: &str) -> Call {
    without_device(target, token).header("device-identifier", "conformance-1").header("device-platform", "web")
}

fn without_device(target: &str, token: &str) -> Call {
    let call = if target.starts_with(CONNECT) { Call::get(target) } else { Call::post(target) };
    call.header("authorization", format!("Bearer ${{{token}}}")).header("app-key", "${app_key|base64}")
}

// Contract: TT-9.
/// The pattern of the tokens and their user.
fn tokens(access_token: &str, refresh_token: &str) -> Expected {
    let image = r#"{"thumbnail":"<string>","fullsize":"<string>","*":"<any>"}"#;
    let user = format!(
        r#"{{"userID":"<text>","xcUserID":"${{xc_user_id}}","fullname":"<text>","imageURL":{image},"username":"<string>","email":"<string>","phone":"<string>","*":"<any>"}}"#
    );
    good(&format!(
        r#"{{"accessToken":"{access_token}","accessTokenExpiry":"<integer>","refreshToken":"{refresh_token}","refreshTokenExpiry":"<integer>","user":{user}}}"#
    ))
}

fn any_tokens() -> Expected {
    tokens("<text>", "<text>")
}

/// A check that gets tokens and keeps them under the name of the login and their generation.
fn begins(row: &str, name: &str, call: Call, login: &str) -> Check {
    Check::new(row, name, call, any_tokens())
        .keeps(format!("{login}.access_token"), "/data/accessToken")
        .keeps(format!("{login}.refresh_token"), "/data/refreshToken")
}

fn exchanges(calls: &TicketServerCalls) -> Vec<Check> {
    let web = call(EXCHANGE, "web.ticket").header("content-type", "text/plain;charset=UTF-8").body("\"\"");
    let ios = call(EXCHANGE, "ios.ticket").header("content-type", "application/json").body("{}");
    let mut checks = vec![
        backend::ticket("web.ticket"),
        begins("TT-1", "the web SDK exchanges its ticket", web.clone(), "web"),
        backend::ticket("ios.ticket"),
        begins("TT-1", "the iOS SDK exchanges its ticket", ios, "ios"),
        backend::ticket("android.ticket"),
        begins("TT-1", "the Android SDK exchanges its ticket", call(EXCHANGE, "android.ticket"), "android"),
        Check::new(
            "TT-8",
            "an answer about a token is not stored",
            call(CONNECT, "web.access_token"),
            good("{}").not_stored(),
        ),
        Check::new("TT-1", "an exchange by another method", web.clone().method(Method::GET), Expected::not_admitted()),
        Check::new("TT-40103", "an expired ticket", without_device(EXCHANGE, "expired_ticket"), error("40104")),
        Check::new(
            "TT-40103",
            "an access token in place of a ticket",
            call(EXCHANGE, "web.access_token"),
            error("40103"),
        ),
    ];
    if calls.single_use {
        checks.push(Check::new("TT-9", "a ticket that was exchanged before", web, error("40103")));
    }
    checks
}

fn access_checks() -> Vec<Check> {
    let other_device = without_device(CONNECT, "web.access_token").header("device-identifier", "conformance-2");
    let other_app =
        call(CONNECT, "web.access_token").without_header("app-key").header("app-key", "${other_app_key|base64}");
    let valid = || good("{}");
    [
        ("TT-3", "a good access token", call(CONNECT, "web.access_token"), valid()),
        ("TT-3", "the same check again", call(CONNECT, "web.access_token"), valid()),
        ("TT-3", "other parameters beside the check", call(&format!("{CONNECT}&x=1"), "web.access_token"), valid()),
        ("TT-12", "no check", call(CONNECT, "web.access_token").target("/connect"), Expected::not_admitted()),
        (
            "TT-12",
            "a check of 0",
            call(CONNECT, "web.access_token").target("/connect?check=0"),
            Expected::not_admitted(),
        ),
        (
            "TT-12",
            "a check by another method",
            call(CONNECT, "web.access_token").method(Method::POST),
            Expected::not_admitted(),
        ),
        ("TT-11", "an access token on another device", other_device, error("40105")),
        ("TT-40105", "an access token of another app", other_app, error("40105")),
        ("TT-40103", "a refresh token in place of an access token", call(CONNECT, "web.refresh_token"), error("40103")),
        ("TT-40103", "an expired access token", without_device(CONNECT, "expired_access_token"), error("40104")),
        (
            "TT-40106",
            "an access token whose user is gone",
            without_device(CONNECT, "token_of_gone_user"),
            error("40106"),
        ),
    ]
    .map(|(row, name, call, answer)| Check::new(row, name, call, answer))
    .into()
}

fn refreshes() -> Vec<Check> {
    let refresh = |token| call(REFRESH, token);
    let plain = |row: &str, name: &str, call, answer| Check::new(row, name, call, answer);
    let repeated = tokens("${ios-2.access_token}", "${ios-2.refresh_token}").or(error("40103"));
    let other_device = without_device(REFRESH, "web.refresh_token").header("device-identifier", "conformance-2");
    vec![
        plain("TT-11", "a refresh on another device", other_device, error("40105")),
        plain("TT-40103", "an access token in place of a refresh token", refresh("web.access_token"), error("40103")),
        plain("TT-40103", "an expired refresh token", without_device(REFRESH, "expired_refresh_token"), error("40104")),
        begins("TT-2", "a refresh", refresh("web.refresh_token"), "web-2"),
        plain("TT-2", "the new access token", call(CONNECT, "web-2.access_token"), good("{}")),
        begins("TT-2", "a refresh of the iOS SDK", refresh("ios.refresh_token"), "ios-2"),
        // Within the window the same tokens come again. A strict server, or a late repeat, ends the login.
        plain("TT-10", "the same refresh again", refresh("ios.refresh_token"), repeated),
        begins("TT-2", "a refresh of the Android SDK", refresh("android.refresh_token"), "android-2"),
        begins("TT-2", "its second refresh", refresh("android-2.refresh_token"), "android-3"),
        plain("TT-10", "a refresh token whose successor was used", refresh("android.refresh_token"), error("40103")),
        plain("TT-10", "the login has ended by that", refresh("android-3.refresh_token"), error("40103")),
        plain("TT-10", "and its access token too", call(CONNECT, "android-3.access_token"), error("40103")),
    ]
}

fn configs() -> Vec<Check> {
    let call = Call::post(CONFIGS).header("app-key", "${app_key|base64}");
    [
        ("the first call of the web SDK", call.clone().header("authorization", ""), good("\"<object>\"")),
        ("the project's settings without Authorization", call.clone(), good("\"<object>\"")),
        ("the project's settings by another method", call.method(Method::GET), Expected::not_admitted()),
    ]
    .map(|(name, call, answer)| Check::new("TT-5", name, call, answer))
    .into()
}

/// Each call whose `Authorization` is not one bearer token that somebody was given.
fn bearers() -> Vec<Check> {
    let mut checks = Vec::new();
    for (what, target) in
        [("an exchange", EXCHANGE), ("a refresh", REFRESH), ("a check", CONNECT), ("a logout", LOGOUT)]
    {
        let none = call(target, "").without_header("authorization");
        let with = |value: &str| none.clone().header("authorization", value);
        let good = "Bearer ${web.access_token}";
        for (row, name, call, code) in [
            ("TT-40101", "without Authorization", none.clone(), "40101"),
            ("TT-40101", "with an empty Authorization", with(""), "40101"),
            ("TT-40101", "with another scheme", with("Basic ${web.access_token}"), "40102"),
            ("TT-40101", "with a token alone", with("${web.access_token}"), "40102"),
            ("TT-40101", "with two tokens", with("Bearer ${web.access_token} ${web.access_token}"), "40102"),
            ("TT-40101", "with two headers", with(good).header("authorization", good), "40102"),
            ("TT-40103", "with a made-up token", with("Bearer made-up"), "40103"),
        ] {
            checks.push(Check::new(row, format!("{what} {name}"), call, error(code)));
        }
    }
    checks
}

/// Each call whose required `App-Key` is not one good key.
fn app_keys() -> Vec<Check> {
    let mut checks = Vec::new();
    for (what, target) in [("an exchange", EXCHANGE), ("a logout", LOGOUT), ("the project's settings", CONFIGS)] {
        let none = call(target, "web.access_token").without_header("app-key");
        let with = |value: &str| none.clone().header("app-key", value);
        let good = "${app_key|base64}";
        for (row, name, call, code) in [
            ("TT-49101", "without App-Key", none.clone(), "49101"),
            ("TT-49101", "with an empty App-Key", with(""), "49101"),
            ("TT-49102", "with two App-Keys", with(good).header("app-key", good), "49102"),
            ("TT-49102", "with an App-Key that is not base64", with("demo:secret"), "49102"),
            ("TT-49102", "with an App-Key that has no colon", with("bm8gY29sb24="), "49102"),
            ("TT-49102", "with an unknown App-Key", with("dW5rbm93bjpzZWNyZXQ="), "49103"),
            ("TT-49102", "with a wrong secret in its App-Key", with("${app_key.shorter|base64}"), "49103"),
        ] {
            checks.push(Check::new(row, format!("{what} {name}"), call, error(code)));
        }
    }
    checks
}

/// Known keys that are refused.
fn refused_keys() -> Vec<Check> {
    let mut checks = Vec::new();
    for (row, name, refusal, code) in [
        ("TT-49104", "a key of another platform", KeyRefusal::OtherPlatform, "49104"),
        ("TT-49106", "an expired key", KeyRefusal::Expired, "49106"),
        ("TT-49201", "a key that is not enabled", KeyRefusal::NotEnabled, "49201"),
        ("TT-49201", "a suspended key", KeyRefusal::Suspended, "49202"),
        ("TT-49201", "a key whose app is gone", KeyRefusal::WithoutOwner, "49203"),
    ] {
        for (what, target) in [("an exchange", EXCHANGE), ("the project's settings", CONFIGS)] {
            let call =
                Call::post(target).header("authorization", "Bearer ${web.ticket}").header("device-platform", "android");
            let call = call.header("app-key", format!("${{{}|base64}}", refusal.name()));
            checks.push(Check::new(row, format!("{what} with {name}"), call, error(code)));
        }
    }
    checks
}

fn outages() -> Vec<Check> {
    [
        ("an exchange", EXCHANGE, 200),
        ("a refresh", REFRESH, 503),
        ("a check", CONNECT, 200),
        ("a logout", LOGOUT, 200),
        ("the project's settings", CONFIGS, 200),
    ]
    .map(|(what, target, status)| {
        let call = call(target, "web-2.access_token").without_header("app-key");
        let call = call.header("app-key", "${failing_app_key|base64}");
        Check::new("TT-13", format!("{what} and a failing verifier"), call, no_verdict(status))
    })
    .into()
}

fn logout() -> Vec<Check> {
    let invalid = || error("40103");
    [
        ("a logout", call(LOGOUT, "web-2.access_token"), good("{}")),
        ("the access token after the logout", call(CONNECT, "web-2.access_token"), invalid()),
        ("the refresh token after the logout", call(REFRESH, "web-2.refresh_token"), invalid()),
        ("a logout after the logout", call(LOGOUT, "web-2.access_token"), invalid()),
    ]
    .map(|(name, call, answer)| Check::new("TT-4", name, call, answer))
    .into()
}
