use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::UNIX_EPOCH,
};

use futures::executor::block_on;
use http::Request;
use proptest::prelude::*;

use super::*;
use crate::ManualClock;

// The values of the published tests of Standard Webhooks.
const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const TIME: u64 = 1614265330;
const BODY: &str = r#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const OTHER: &str = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";

const HEADER: HeaderName = HeaderName::from_static("x-signature");
const TIMESTAMP: HeaderName = HeaderName::from_static("x-timestamp");

fn keys() -> SigningKeys {
    let unused = SigningKey::from_bytes(&[7; 32]).unwrap();
    SigningKeys::new([unused, SigningKey::from_base64(KEY).unwrap()]).unwrap()
}

fn at(signature: CallerSignature, seconds: u64) -> CallerSignature {
    signature.clock(ManualClock::new(UNIX_EPOCH + Duration::from_secs(seconds)))
}

fn standard() -> CallerSignature {
    at(CallerSignature::standard_webhooks(keys()), TIME)
}

/// Whether a request with these headers is accepted.
fn accepts(signature: &CallerSignature, headers: &[(&str, &str)], body: &str) -> bool {
    let mut request = Request::post("/checkauthtoken");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (mut head, ()) = request.body(()).unwrap().into_parts();
    let known = block_on(signature.check(&mut head, &Bytes::copy_from_slice(body.as_bytes()))).unwrap();
    assert!(!head.headers.contains_key(&signature.scheme.signature), "the signature must not reach the verifier");
    known
}

fn sent(id: &str, time: &str, signature: &str) -> bool {
    let headers = [("webhook-id", id), ("webhook-timestamp", time), ("webhook-signature", signature)];
    accepts(&standard(), &headers, BODY)
}

#[test]
fn the_published_signature_is_accepted() {
    assert!(sent(ID, &TIME.to_string(), SIGNATURE));
    let key = SigningKey::from_base64(KEY.strip_prefix("whsec_").unwrap()).unwrap();
    let signature = format!("{ID}.{TIME}.");
    let signature = key.sign(&[signature.as_bytes(), BODY.as_bytes()]);
    assert_eq!(standard().scheme.text(&signature), SIGNATURE);
}

#[test]
fn one_of_several_signatures_is_enough() {
    let time = TIME.to_string();
    for signatures in [
        format!("{OTHER} v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= {SIGNATURE} {OTHER}"),
        format!("{SIGNATURE} {OTHER}"),
        format!("v1a,AAAA  {SIGNATURE}"),
    ] {
        assert!(sent(ID, &time, &signatures), "{signatures}");
    }
    // Twice the right one is right too.
    assert!(sent(ID, &time, &format!("{SIGNATURE} {SIGNATURE}")));
}

#[test]
fn anything_else_is_refused() {
    let time = TIME.to_string();
    let raw = SIGNATURE.strip_prefix("v1,").unwrap();
    for (id, time, signature) in [
        (ID, &*time, OTHER),
        (ID, &time, "v1,"),
        (ID, &time, ""),
        (ID, &time, &SIGNATURE[..11]),
        (ID, &time, raw),
        (ID, &time, &format!("v2,{raw}")),
        (ID, &time, &format!("V1,{raw}")),
        (ID, &time, &format!("v1,{}", raw.trim_end_matches('='))),
        (ID, &time, &format!("{OTHER},{SIGNATURE}")),
        ("msg_other", &time, SIGNATURE),
        ("", &time, SIGNATURE),
        (ID, "", SIGNATURE),
        (ID, "1614265331", SIGNATURE),
        (ID, "+1614265330", SIGNATURE),
        (ID, "1614265330.0", SIGNATURE),
        (ID, "hello", SIGNATURE),
    ] {
        assert!(!sent(id, time, signature), "{id} {time} {signature}");
    }
    let (id, time, signature) = (("webhook-id", ID), ("webhook-timestamp", &*time), ("webhook-signature", SIGNATURE));
    for headers in [
        &[time, signature][..],
        &[id, signature],
        &[id, time],
        &[id, id, time, signature],
        &[id, time, time, signature],
        &[id, time, signature, signature],
    ] {
        assert!(!accepts(&standard(), headers, BODY), "{headers:?}");
    }
    assert!(!accepts(&standard(), &[id, time, signature], "{\"test\": 2432232315}"));
    let stranger = SigningKeys::new([SigningKey::from_bytes(&[8; 24]).unwrap()]).unwrap();
    assert!(!accepts(&at(CallerSignature::standard_webhooks(stranger), TIME), &[id, time, signature], BODY));
}

#[test]
fn a_dot_in_an_id_cannot_move_a_part_into_another() {
    let key = SigningKey::from_base64(KEY).unwrap();
    let text = |parts: &[&[u8]]| standard().scheme.text(&key.sign(parts)).expose_secret().to_owned();
    let time = TIME.to_string();
    // Signed as the id `a`, the time and a body that begins with a time and a dot.
    let body = format!("{time}.{BODY}");
    let signature = text(&[b"a.", time.as_bytes(), b".", body.as_bytes()]);
    let as_signed = [("webhook-id", "a"), ("webhook-timestamp", &*time), ("webhook-signature", &*signature)];
    assert!(accepts(&standard(), &as_signed, &body));
    let id = format!("a.{time}");
    let moved = [("webhook-id", &*id), ("webhook-timestamp", &time), ("webhook-signature", &signature)];
    assert!(!accepts(&standard(), &moved, BODY));
}

#[test]
fn a_right_signature_over_a_wrong_id_or_time_is_refused() {
    let key = SigningKey::from_base64(KEY).unwrap();
    for (id, time, known) in
        [(ID, "1614265330", true), ("", "1614265330", false), (ID, "+1614265330", false), (ID, "", false)]
    {
        let signed = [id.as_bytes(), b".", time.as_bytes(), b".", BODY.as_bytes()];
        let signature = standard().scheme.text(&key.sign(&signed)).expose_secret().to_owned();
        assert_eq!(sent(id, time, &signature), known, "{id} {time}");
    }
}

#[test]
fn the_time_must_be_within_the_window() {
    let headers = [("webhook-id", ID), ("webhook-timestamp", "1614265330"), ("webhook-signature", SIGNATURE)];
    let within = |signature: CallerSignature, now| accepts(&at(signature, now), &headers, BODY);
    for (now, known) in [(TIME - 301, false), (TIME - 300, true), (TIME + 300, true), (TIME + 301, false), (0, false)] {
        assert_eq!(within(standard(), now), known, "{now}");
    }
    let narrow = || standard().tolerance(Duration::from_secs(1)).unwrap();
    assert!(within(narrow(), TIME + 1) && !within(narrow(), TIME + 2));
    assert!(standard().tolerance(Duration::ZERO).is_err());
    assert!(standard().tolerance(Duration::from_secs(24 * 60 * 60)).is_ok());
    assert!(standard().tolerance(Duration::from_secs(24 * 60 * 60 + 1)).is_err());
    let far = [headers[0], ("webhook-timestamp", "18446744073709551615"), headers[2]];
    assert!(!accepts(&standard(), &far, BODY));
}

#[test]
fn a_signature_in_a_header_is_over_the_body() {
    let key = SigningKey::from_base64(KEY).unwrap();
    let hex: String = key.sign(&[BODY.as_bytes()]).iter().map(|byte| format!("{byte:02x}")).collect();
    let plain = CallerSignature::in_header(HEADER, keys());
    let prefixed = plain.clone().prefix("sha256=");
    let base64 = plain.clone().base64();
    let in_base64 = STANDARD.encode(key.sign(&[BODY.as_bytes()]));
    for (signature, header, known) in [
        (&plain, &*hex, true),
        (&plain, &hex.to_uppercase(), true),
        (&plain, &format!("{hex} {hex}"), false),
        (&plain, &format!("sha256={hex}"), false),
        (&plain, &hex[1..], false),
        (&plain, "", false),
        (&plain, &in_base64, false),
        (&prefixed, &format!("sha256={hex}"), true),
        (&prefixed, &format!("SHA256={}", hex.to_uppercase()), true),
        (&prefixed, &hex, false),
        (&base64, &in_base64, true),
        (&base64, &in_base64.to_lowercase(), false),
        (&base64, &hex, false),
    ] {
        assert_eq!(accepts(signature, &[("x-signature", header)], BODY), known, "{header}");
    }
}

#[test]
fn a_timestamp_is_signed_with_the_body() {
    let key = SigningKey::from_base64(KEY).unwrap();
    let timed = at(CallerSignature::in_header(HEADER, keys()).timestamp(TIMESTAMP), TIME);
    let time = TIME.to_string();
    let text = |parts: &[&[u8]]| timed.scheme.text(&key.sign(parts)).expose_secret().to_owned();
    let (with, without) = (text(&[time.as_bytes(), b".", BODY.as_bytes()]), text(&[BODY.as_bytes()]));
    assert!(accepts(&timed, &[("x-signature", &with), ("x-timestamp", &time)], BODY));
    assert!(!accepts(&timed, &[("x-signature", &without), ("x-timestamp", &time)], BODY));
    assert!(!accepts(&timed, &[("x-signature", &without)], BODY));
    assert!(!accepts(&timed, &[("x-signature", &with), ("x-timestamp", "1614265329")], BODY));
    let late = at(timed.clone(), TIME + 301);
    assert!(!accepts(&late, &[("x-signature", &with), ("x-timestamp", &time)], BODY));
}

#[test]
fn looked_up_keys_are_those_of_the_request() {
    static LOOK_UPS: AtomicUsize = AtomicUsize::new(0);
    let keys = SigningKeys::look_up(|head| {
        LOOK_UPS.fetch_add(1, Ordering::Relaxed);
        let tenant = head.headers.get("host").cloned();
        async move {
            match tenant.as_ref().map(HeaderValue::as_bytes) {
                Some(b"acme") => Ok(vec![SigningKey::from_base64(KEY)?]),
                Some(b"broken") => Err("the database is away".into()),
                _ => Ok(Vec::new()),
            }
        }
    });
    let signature = at(CallerSignature::standard_webhooks(keys), TIME);
    let time = ("webhook-timestamp", "1614265330");
    let signed = |host| [("host", host), ("webhook-id", ID), time, ("webhook-signature", SIGNATURE)];
    assert!(accepts(&signature, &signed("acme"), BODY));
    assert!(!accepts(&signature, &signed("globex"), BODY));
    assert_eq!(LOOK_UPS.load(Ordering::Relaxed), 2);
    // A request that cannot be right costs no look-up.
    assert!(!accepts(&signature, &[("host", "acme"), ("webhook-id", ID), time], BODY));
    assert_eq!(LOOK_UPS.load(Ordering::Relaxed), 2);

    let mut request = Request::post("/");
    for (name, value) in signed("broken") {
        request = request.header(name, value);
    }
    let (mut head, ()) = request.body(()).unwrap().into_parts();
    let error = block_on(signature.check(&mut head, &Bytes::from(BODY))).unwrap_err();
    assert_eq!(error.to_string(), "the database is away");
}

#[test]
fn keys_that_cannot_be_meant_are_config_errors() {
    assert!(SigningKey::from_bytes(b"").is_err());
    assert!(SigningKey::from_bytes(&[7; 16]).is_ok());
    assert!(SigningKey::from_bytes(&[1; 15]).is_err());
    assert!(SigningKey::from_base64("whsec_").is_err());
    assert!(SigningKey::from_base64("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS").is_err());
    assert!(SigningKeys::new([]).is_err());
}

#[test]
fn debug_shows_no_key() {
    let shown = format!("{:?} {:?}", standard(), SigningKey::from_base64(KEY).unwrap());
    assert!(shown.contains("SigningKeys([redacted])"), "{shown}");
    assert!(!shown.contains("MfKQ") && !shown.contains("49, 242"), "{shown}");
}

proptest! {
    #[test]
    fn a_changed_byte_is_refused(body: Vec<u8>, at in 0..1000_usize, bit in 0..8_u32) {
        let key = SigningKey::from_base64(KEY).unwrap();
        let header = standard().scheme.text(&key.sign(&[ID.as_bytes(), b".1614265330.", &body]));
        let check = |body: Vec<u8>, header: &[u8]| {
            let request = Request::post("/").header("webhook-id", ID).header("webhook-timestamp", "1614265330");
            let Ok(request) = request.header("webhook-signature", header).body(()) else { return false };
            block_on(standard().check(&mut request.into_parts().0, &body.into())).unwrap()
        };
        let header = header.expose_secret().as_bytes();
        prop_assert!(check(body.clone(), header));
        if !body.is_empty() {
            let mut changed = body.clone();
            changed[at % body.len()] ^= 1 << bit;
            prop_assert!(!check(changed, header));
        }
        let mut changed = header.to_owned();
        changed[at % header.len()] ^= 1 << bit;
        prop_assert!(!check(body, &changed));
    }
}
