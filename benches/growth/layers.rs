//! Costs by the number of mounted endpoints, each in a layer of its own.

use http::Request;
use http_body_util::Full;
use tower::Layer;
use tower_verify::{Verify, VerifyLayer, diyalog::CustomerEndpoint};

use crate::{
    scenario::{Scenario, repeat},
    support::{
        Incoming, TOKEN,
        bare::{Bare, TEXT},
        layered::OneToken,
    },
};

type One<S> = Verify<S, VerifyLayer<CustomerEndpoint, OneToken>>;
type Two<S> = One<One<S>>;
type Four<S> = Two<Two<S>>;
type Eight<S> = Four<Four<S>>;
type Sixteen<S> = Eight<Eight<S>>;
type ThirtyTwo<S> = Sixteen<Sixteen<S>>;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let scenario = |line: &'static str, request: fn() -> Incoming, word: &'static str, count: u64| {
        Scenario::new("endpoints", line, count, move |times| {
            let (request, expected) = (request(), |answer: &str| answer == word);
            match count {
                1 => repeat(one(Bare, 0), &request, expected, times),
                2 => repeat(two(Bare, 0), &request, expected, times),
                4 => repeat(four(Bare, 0), &request, expected, times),
                8 => repeat(eight(Bare, 0), &request, expected, times),
                16 => repeat(sixteen(Bare, 0), &request, expected, times),
                32 => repeat(thirty_two(Bare, 0), &request, expected, times),
                _ => repeat(thirty_two(thirty_two(Bare, 0), 32), &request, expected, times),
            }
        })
    };
    let counts = || [1, 2, 4, 8, 16, 32, 64];
    let other = counts().map(|count| scenario("another path", other, TEXT, count));
    let alike = counts().map(|count| scenario("a path that differs in its last byte", alike, TEXT, count));
    let innermost = counts().map(|count| scenario("for the innermost", innermost, "Validated", count));
    other.into_iter().chain(alike).chain(innermost).collect()
}

/// Adds a layer; the innermost has the number 0. The paths differ only in their last bytes, the worst case for
/// comparing.
fn one<S>(inner: S, number: u8) -> One<S> {
    VerifyLayer::new(CustomerEndpoint::new(), OneToken).path(&path(number)).expect("a path").layer(inner)
}

fn two<S>(inner: S, number: u8) -> Two<S> {
    one(one(inner, number), number + 1)
}

fn four<S>(inner: S, number: u8) -> Four<S> {
    two(two(inner, number), number + 2)
}

fn eight<S>(inner: S, number: u8) -> Eight<S> {
    four(four(inner, number), number + 4)
}

fn sixteen<S>(inner: S, number: u8) -> Sixteen<S> {
    eight(eight(inner, number), number + 8)
}

fn thirty_two<S>(inner: S, number: u8) -> ThirtyTwo<S> {
    sixteen(sixteen(inner, number), number + 16)
}

fn path(number: u8) -> String {
    format!("/checkauthtoken/of/{number:02}")
}

fn innermost() -> Incoming {
    let body = format!(r#"{{"deviceId": "1234", "dlgToken": "{TOKEN}", "customerNo": "1234567"}}"#);
    Request::post(path(0)).body(Full::from(body)).expect("a request")
}

fn other() -> Incoming {
    Request::post("/api/v1/messages").body(Full::default()).expect("a request")
}

fn alike() -> Incoming {
    Request::post("/checkauthtoken/of/0x").body(Full::default()).expect("a request")
}
