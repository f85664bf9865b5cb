//! Costs by the size of a body, and by the number of fields in Talkdesk's `auth`.

use http::Request;
use http_body_util::Full;

use crate::{
    apps,
    scenario::{Scenario, repeat},
    support::{Incoming, TOKEN, bare::TEXT, hand_written},
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    let sizes = [128, 256, 512, 1024, 2048, 4096, 8192, 16384];
    let mut scenarios = Vec::new();
    for (filling, unit) in [("one long text", "a"), ("many members", "\",\"a\":\"aaaaaaaaaaaaaaaa")] {
        let check = move |size| {
            Request::post("/checkauthtoken").body(Full::from(check(size as usize, unit))).expect("a request")
        };
        let validated = |answer: &str| answer == "Validated";
        for size in sizes {
            let layer = move |times| repeat(apps::customer(), &check(size), validated, times);
            scenarios.push(Scenario::new("body", filling, size, layer));
            let by_hand = move |times| repeat(hand_written::app(), &check(size), validated, times);
            scenarios.push(Scenario::new("body", format!("{filling}, by hand"), size, by_hand));
        }
    }
    for count in [1, 3, 10, 30, 100, 300, 1_000, 4_000] {
        scenarios.push(Scenario::new("fields", "a guarded call", count, move |times| {
            repeat(apps::guard(), &call(count), |answer| answer == TEXT, times);
        }));
    }
    scenarios
}

/// Returns a valid check of `size` bytes, filled with as many of `unit` as fit.
fn check(size: usize, unit: &str) -> String {
    let mut body = format!(r#"{{"deviceId":"1234","dlgToken":"{TOKEN}","customerNo":"1234567","note":""#);
    while body.len() + unit.len() + 2 <= size {
        body += unit;
    }
    body += "\"}";
    format!("{body:size$}")
}

/// Returns a call with this many fields, which are not sorted.
fn call(count: u64) -> Incoming {
    let fields = (0..count).map(|number| format!(r#""f{}":"605b32dd""#, number * 7919 % count));
    let body = format!(r#"{{"auth":{{{}}}}}"#, fields.collect::<Vec<_>>().join(","));
    Request::post("/contacts").body(Full::from(body)).expect("a request")
}
