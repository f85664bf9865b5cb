//! Signed requests: one is known only if it has a signature that was made for exactly this request.

#![no_main]

use std::time::{Duration, SystemTime};

use arbitrary::Arbitrary;
use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use futures_util::FutureExt;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use libfuzzer_sys::fuzz_target;
use sha2::Sha256;
use tower_verify::{
    CallerCheck, CallerSignature, ManualClock,
    caller::{SigningKey, SigningKeys},
};

const KEYS: [&[u8]; 3] = [b"the first key is live.", b"the second key is, too.", b"the third key is not."];
const NOW: u64 = 1_800_000_000;

#[derive(Arbitrary, Debug)]
struct Sent<'a> {
    scheme: Scheme,
    /// Seconds that the request's time differs from the clock.
    late: i16,
    time: Option<&'a str>,
    id: &'a str,
    id_twice: bool,
    signed_body: &'a [u8],
    other_body: Option<&'a [u8]>,
    signatures: Vec<Piece<'a>>,
    twice: bool,
}

#[derive(Arbitrary, Debug, Clone, Copy, PartialEq)]
enum Scheme {
    StandardWebhooks,
    Hexadecimal,
    Base64,
    WithTime,
}

/// A part of the header with the signatures.
#[derive(Arbitrary, Debug)]
enum Piece<'a> {
    /// The signature by a key, with its prefix.
    Signed(u8),
    Uppercase(u8),
    Cut(u8, u8),
    Space,
    Text(&'a str),
}

fuzz_target!(|sent: Sent<'_>| {
    let webhooks = sent.scheme == Scheme::StandardWebhooks;
    let prefix = match sent.scheme {
        Scheme::StandardWebhooks => "v1,",
        Scheme::Hexadecimal => "sha256=",
        Scheme::Base64 | Scheme::WithTime => "",
    };
    let timed = webhooks || sent.scheme == Scheme::WithTime;
    let time = sent.time.map_or((NOW as i64 + i64::from(sent.late)).to_string(), str::to_owned);

    let mut parts = Vec::new();
    if webhooks {
        parts.extend([sent.id.as_bytes(), b"."]);
    }
    if timed {
        parts.extend([time.as_bytes(), b"."]);
    }
    parts.push(sent.signed_body);
    let is_base64 = matches!(sent.scheme, Scheme::StandardWebhooks | Scheme::Base64);
    let signature = |key: u8| {
        let mut mac: Hmac<Sha256> = Hmac::new_from_slice(KEYS[usize::from(key % 3)]).expect("any length is a key");
        parts.iter().for_each(|part| mac.update(part));
        let mac = mac.finalize().into_bytes();
        format!("{prefix}{}", if is_base64 { BASE64.encode(&mac) } else { HEXLOWER.encode(&mac) })
    };
    let pieces = sent.signatures.iter().map(|piece| match piece {
        Piece::Signed(key) => signature(*key),
        Piece::Uppercase(key) => signature(*key).to_ascii_uppercase(),
        Piece::Cut(key, length) => signature(*key).chars().take(usize::from(*length)).collect(),
        Piece::Space => " ".to_owned(),
        Piece::Text(text) => (*text).to_owned(),
    });
    let presented: String = pieces.collect();

    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: &str| {
        let value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        Some(headers.append(HeaderName::from_static(name), value))
    };
    if set("webhook-id", sent.id).is_none() || set("webhook-timestamp", &time).is_none() {
        return;
    }
    if set("webhook-signature", &presented).is_none() {
        return;
    }
    if sent.id_twice {
        set("webhook-id", sent.id);
    }
    if sent.twice {
        set("webhook-signature", &presented);
    }

    let keys = KEYS[..2].iter().map(|key| SigningKey::from_bytes(key).expect("it is long enough"));
    let keys = SigningKeys::new(keys).expect("there are some");
    let header = HeaderName::from_static("webhook-signature");
    let clock = ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW));
    let check = match sent.scheme {
        Scheme::StandardWebhooks => CallerSignature::standard_webhooks(keys),
        Scheme::Hexadecimal => CallerSignature::in_header(header.clone(), keys).prefix(prefix),
        Scheme::Base64 => CallerSignature::in_header(header.clone(), keys).base64(),
        Scheme::WithTime => {
            CallerSignature::in_header(header.clone(), keys).timestamp(HeaderName::from_static("webhook-timestamp"))
        }
    };
    let check = check.clock(clock);

    let body = sent.other_body.unwrap_or(sent.signed_body);
    let live: Vec<String> = (0..2).map(&signature).collect();
    let is_live = |text: &str| match is_base64 {
        true => live.iter().any(|live| live == text),
        false => live.iter().any(|live| live.eq_ignore_ascii_case(text)),
    };
    let listed = if webhooks { presented.split(' ').any(is_live) } else { is_live(&presented) };
    let digits = !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit());
    let recent = time.parse::<u64>().is_ok_and(|time| digits && time.abs_diff(NOW) <= 300);
    let identified = !webhooks || !(sent.id.is_empty() || sent.id.contains('.') || sent.id_twice);
    let known = listed && identified && (recent || !timed) && !sent.twice && body == sent.signed_body;

    let (mut head, ()) = Request::new(()).into_parts();
    head.headers = headers;
    let checked = check.check(&mut head, &Bytes::copy_from_slice(body)).now_or_never();
    assert_eq!(checked.expect("nothing is pending").expect("no look-up fails"), known);
    assert!(!head.headers.contains_key(&header), "the signature reaches the verifier");
});
