//! The calls of a backend: tickets for its users, and users that it saves.

use http::Method;

use super::envelope::{error, error_in, good, no_verdict};
use crate::conformance::{Call, Check, Expected, traps};

const TICKET: &str = "/v1/server/auth_ticket/request";
const UPDATE: &str = "/v1/server/user/update";

type Members = [(&'static str, &'static str); 6];

const REQUIRED: Members = [
    ("userIPAddress", "203.0.113.7"),
    ("userAgent", "conformance"),
    ("userPlatform", "web"),
    ("userDeviceID", "conformance-1"),
    ("xcUserID", "${xc_user_id}"),
    ("fullName", "Conformance Test"),
];
const OPTIONAL: Members = [
    ("email", "conformance@example.com"),
    ("phone", "+442079460000"),
    ("username", "conformance"),
    ("photoThumbnailURL", "https://example.com/s.png"),
    ("photoFullsizeURL", "https://example.com/l.png"),
    ("userRoleCode", "tester"),
];
/// The rows of the required parameters, in the order of their numbers.
const ROWS: [&str; 6] = ["TT-101", "TT-101", "TT-103", "TT-104", "TT-105", "TT-106"];

pub(super) fn checks() -> Vec<Check> {
    let mut checks = tickets();
    checks.extend(parameters());
    for (row, path, body, what) in [
        ("TT-6", TICKET, traps::object(&REQUIRED), "a ticket request"),
        ("TT-14", UPDATE, traps::object(&REQUIRED[4..]), "a user update"),
    ] {
        checks.extend(keys(path, &body, what));
        checks.extend(bodies(row, path, &body, what));
    }
    checks.extend(updates());
    checks.extend(sizes());
    checks
}

/// A check that gets a ticket and keeps it as `name`.
pub(super) fn ticket(name: &str) -> Check {
    Check::new("TT-6", format!("a ticket, kept as `{name}`"), call(TICKET, traps::object(&REQUIRED)), issued())
        .keeps(name, "/data/ticket")
}

fn issued() -> Expected {
    good(r#"{"userID":"<text>","ticket":"<text>"}"#)
}

fn call(path: &str, body: impl Into<Vec<u8>>) -> Call {
    keyed(path, "${server_key|base64}", body)
}

fn keyed(path: &str, key: &str, body: impl Into<Vec<u8>>) -> Call {
    Call::post(path).header("server-key", key).header("content-type", "application/json").body(body)
}

fn tickets() -> Vec<Check> {
    let body = || traps::object(&REQUIRED);
    let check = |row: &str, name: &str, call| Check::new(row, name, call, issued());
    let all = [REQUIRED, OPTIONAL].concat();
    let none = |value: &str| {
        let optional: Vec<_> = OPTIONAL.iter().map(|(name, _)| format!("\"{name}\":{value}")).collect();
        with_member(&body(), &optional.join(","))
    };
    let long = traps::object(&REQUIRED).replace("${xc_user_id}", &"é".repeat(50));
    let mut checks = vec![
        check("TT-6", "a ticket", call(TICKET, body())).keeps("user_id", "/data/userID"),
        Check::new(
            "TT-7",
            "the same user again",
            call(TICKET, body()),
            good(r#"{"userID":"${user_id}","ticket":"<text>"}"#),
        ),
        check("TT-107", "every optional parameter", call(TICKET, traps::object(&all))),
        check("TT-107", "optional parameters that are null", call(TICKET, none("null"))),
        check("TT-107", "optional parameters that are empty", call(TICKET, none("\"\""))),
        check("TT-105", "an xcUserID of 50 characters of two bytes each", call(TICKET, long)),
        check("TT-6", "no content type", call(TICKET, body()).without_header("content-type")),
        check("TT-6", "a chunked body", call(TICKET, body()).header("transfer-encoding", "chunked")),
    ];
    let no_key = Call::post(TICKET).body(body());
    checks.push(Check::new("TT-8", "a ticket is not stored", call(TICKET, body()), issued().not_stored()));
    checks.push(Check::new("TT-8", "a refusal is not stored", no_key, error("40001").not_stored()));
    let variations = traps::object_variations(&REQUIRED).into_iter();
    checks.extend(variations.map(|trap| check("TT-6", &trap.name, call(TICKET, trap.text))));
    checks.extend(traps::elsewhere("TT-6", &call(TICKET, body()), [Method::GET, Method::PUT]));
    checks
}

fn parameters() -> Vec<Check> {
    let mut checks = Vec::new();
    for (index, (name, _)) in REQUIRED.iter().enumerate() {
        let number = (101 + index).to_string();
        for trap in traps::member(&REQUIRED, name) {
            let row = if trap.name.ends_with("is empty") { "TT-7" } else { ROWS[index] };
            checks.push(Check::new(row, trap.name, call(TICKET, trap.text), error_in("40002", &number)));
        }
    }
    for (index, (name, _)) in OPTIONAL.iter().enumerate() {
        let (number, body) = ((107 + index).to_string(), traps::object(&REQUIRED));
        let call = call(TICKET, with_member(&body, &format!("\"{name}\":7")));
        checks.push(Check::new("TT-107", format!("`{name}` is a number"), call, error_in("40002", &number)));
    }
    let without = |names: &[&str]| {
        let members: Vec<_> = REQUIRED.iter().copied().filter(|(name, _)| !names.contains(name)).collect();
        call(TICKET, traps::object(&members))
    };
    let with = |name: &str, value: &str| {
        let replaced = |(known, good)| (known, if known == name { value } else { good });
        call(TICKET, traps::object(&REQUIRED.map(replaced)))
    };
    for (row, name, call, number) in [
        ("TT-103", "a platform in another case", with("userPlatform", "Android"), "103"),
        ("TT-103", "an unknown platform", with("userPlatform", "windows"), "103"),
        ("TT-103", "a platform with a space after it", with("userPlatform", "web "), "103"),
        ("TT-105", "an xcUserID of 51 characters", with("xcUserID", &"a".repeat(51)), "105"),
        ("TT-8", "two parameters are missing: the first is told", without(&["fullName", "userAgent"]), "102"),
    ] {
        checks.push(Check::new(row, name, call, error_in("40002", number)));
    }
    checks
}

/// Calls whose `Server-Key` is not one good key.
fn keys(path: &str, body: &str, what: &str) -> Vec<Check> {
    let good = "${server_key|base64}";
    let none = Call::post(path).header("content-type", "application/json").body(body);
    let mut checks = vec![
        ("TT-40001", "without Server-Key", none.clone(), error("40001")),
        ("TT-40001", "with an empty Server-Key", none.clone().header("server-key", ""), error("40001")),
        ("TT-40001", "with its key in Authorization", none.header("authorization", good), error("40001")),
        ("TT-8", "without Server-Key and without JSON", Call::post(path).body("x"), error("40001")),
        ("TT-49102", "with two Server-Keys", keyed(path, good, body).header("server-key", good), error("49102")),
        ("TT-50001", "and a failing verifier", keyed(path, "${failing_server_key|base64}", body), no_verdict(200)),
        ("TT-42901", "after too many attempts", keyed(path, "${throttled_server_key|base64}", body), error("42901")),
    ];
    for (name, value, code) in [
        ("with a scheme before its Server-Key", "Basic ${server_key|base64}", "49102"),
        ("with a Server-Key that is not base64", "demo:secret", "49102"),
        ("with a Server-Key that has no colon", "bm8gY29sb24=", "49102"),
        ("with a Server-Key that has no secret", "ZGVtbzo=", "49102"),
        ("with an unknown Server-Key", "dW5rbm93bjpzZWNyZXQ=", "49103"),
        ("with a wrong secret in its Server-Key", "${server_key.shorter|base64}", "49103"),
    ] {
        checks.push(("TT-49102", name, keyed(path, value, body), error(code)));
    }
    let check = |(row, name, call, answer)| Check::new(row, format!("{what} {name}"), call, answer);
    checks.into_iter().map(check).collect()
}

fn bodies(row: &str, path: &str, body: &str, what: &str) -> Vec<Check> {
    let bad = traps::bodies(body).into_iter();
    // An empty object lacks a parameter, so that it is not among them.
    bad.map(|trap| Check::new("TT-40002", format!("{what}: {}", trap.name), call(path, trap.text), error("40002")))
        .chain([Check::new(
            row,
            format!("{what} with a query"),
            call(&format!("{path}?x=1"), body),
            match row {
                "TT-6" => issued(),
                _ => saved(),
            },
        )])
        .collect()
}

fn saved() -> Expected {
    good(r#"{"userID":"${user_id}"}"#)
}

fn updates() -> Vec<Check> {
    let user = &REQUIRED[4..];
    let all = [user, &OPTIONAL[..]].concat();
    let mut checks = vec![
        Check::new("TT-14", "a user that is saved again keeps its id", call(UPDATE, traps::object(user)), saved()),
        Check::new("TT-14", "a user with every optional parameter", call(UPDATE, traps::object(&all)), saved()),
        Check::new(
            "TT-14",
            "GET of an update is not answered",
            call(UPDATE, traps::object(user)).method(Method::GET),
            Expected::not_admitted(),
        ),
    ];
    for (name, number) in [("xcUserID", "105"), ("fullName", "106")] {
        for trap in traps::member(user, name) {
            let name = format!("a user update: {}", trap.name);
            checks.push(Check::new("TT-14", name, call(UPDATE, trap.text), error_in("40002", number)));
        }
    }
    checks
}

fn sizes() -> Vec<Check> {
    let body = traps::object(&REQUIRED);
    let deep = call(TICKET, with_member(&body, &format!("\"x\":{}{}", "[".repeat(2000), "]".repeat(2000))));
    let deep = Check::new("TT-40002", "an unknown member of 2,000 arrays", deep, issued().or(error("40002")));
    let sizes = traps::sizes("TT-40002", &call(TICKET, body), &issued(), &error("40002"));
    [deep].into_iter().chain(sizes).collect()
}

fn with_member(body: &str, member: &str) -> String {
    format!("{},{member}}}", &body[..body.len() - 1])
}
