//! Whether the time of a denial tells more than its answer: the instructions of each check for each kind of wrong
//! credential, without the layer around it.

use std::{
    hint::black_box,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use tower_verify::{
    BoxError, Credential, ManualClock, Verdict, Verifier,
    caller::{CallerCheck, CallerSecret, CallerSignature, SigningKey, SigningKeys},
    diyalog::{CustomerToken, CustomerVerdict, Tokens},
    policy::Throttle,
    store::MemoryStore,
    taptalk::{
        ApiKey, ApiKeys, Profile, TicketExchange, TicketOffice, TicketParameters, TicketRequest, TicketVerdict,
        UserPlatform,
    },
    token::{Key, KeyRing, Signer},
    verifier_fn,
};

use crate::valgrind;

/// The most that two denials of a check may differ by, if nothing explains more.
const TOLERANCE: f64 = 0.01;

/// How many times a difference is counted anew.
const RECOUNTS: usize = 3;

struct Denial {
    check: &'static str,
    sent: &'static str,
    /// Why a difference to the first denial of the check tells nothing.
    reason: Option<&'static str>,
    run: fn(u32),
}

const SENDER_KNOWS: Option<&str> = Some("the sender knows it");
const ANSWER_SAYS: Option<&str> = Some("the answer says so");
const GENUINE: Option<&str> = Some("the token is genuine: its holder knows it");

macro_rules! denials {
    ($($check:literal { $($sent:literal $(($reason:expr))?: $run:expr;)* })*) => {
        &[$($(Denial { check: $check, sent: $sent, reason: [$($reason,)? None][0], run: $run },)*)*]
    };
}

const DENIALS: &[Denial] = denials! {
    "CallerSecret" {
        "the first byte is wrong": |times| caller_secret(&["x05b32dd605b32dd605b32dd605b32dd"], times);
        "the last byte is wrong": |times| caller_secret(&["605b32dd605b32dd605b32dd605b32dx"], times);
        "the length is wrong" (Some("the length of a `Secret` is not hidden")): |times| caller_secret(&["605b32dd605b32dd605b32dd605b32d"], times);
        "nothing" (SENDER_KNOWS): |times| caller_secret(&[], times);
        "two values" (SENDER_KNOWS): |times| caller_secret(&[SECRET, SECRET], times);
    }
    "CallerSignature" {
        "the first byte is wrong": |times| caller_signature(&[b'0'; 64], times);
        "the last byte is wrong": |times| caller_signature(&wrong_at_the_end(), times);
        "the length is wrong" (SENDER_KNOWS): |times| caller_signature(&[b'0'; 63], times);
    }
    "Signer" {
        "the first byte of the MAC is wrong": |times| signer(|token| changed(token, 51), b"ann", b"device-7", 0, times);
        "the last byte of the MAC is wrong": |times| signer(|token| changed(token, 71), b"ann", b"device-7", 0, times);
        "the subject is wrong": |times| signer(|token| token, b"bob", b"device-7", 0, times);
        "the key is unknown" (Some("every token shows the id of its key")): |times| signer(|token| token.replace(".k1.", ".k3."), b"ann", b"device-7", 0, times);
        "the length is wrong" (SENDER_KNOWS): |times| signer(|token| token[1..].to_owned(), b"ann", b"device-7", 0, times);
        "the binding is wrong": |times| signer(|token| token, b"ann", b"device-8", 0, times);
        "the token has expired": |times| signer(|token| token, b"ann", b"device-7", 60, times);
    }
    "diyalog::Tokens" {
        "the token is made up": |times| tokens(|token| changed(token, 30), "287", "device-7", 0, times);
        "the customer is wrong": |times| tokens(|token| token, "288", "device-7", 0, times);
        "the device is wrong": |times| tokens(|token| token, "287", "device-8", 0, times);
        "the token has expired": |times| tokens(|token| token, "287", "device-7", 301, times);
    }
    "diyalog::StoredTokens" {
        "the token is made up": |times| stored_tokens(|token| changed(token, 30), "287", times);
        "the customer is wrong": |times| stored_tokens(|token| token, "288", times);
        "the token is revoked" (GENUINE): |times| stored_tokens(|token| token, "287", times);
    }
    "TicketOffice, server key" {
        "the id is unknown": |times| server_key(ApiKey::new("backenx", "s3cr3t"), times);
        "the secret is wrong": |times| server_key(ApiKey::new("backend", "s3cr3x"), times);
        "the length is wrong": |times| server_key(ApiKey::new("backend", "s3cr3"), times);
    }
    "TicketOffice, app key" {
        "the id is unknown": |times| ticket(ApiKey::new("androix", "pl41n"), |ticket| ticket, times);
        "the secret is wrong": |times| ticket(ApiKey::new("android", "pl41x"), |ticket| ticket, times);
        "the length is wrong": |times| ticket(ApiKey::new("android", "pl41"), |ticket| ticket, times);
    }
    "TicketOffice, ticket" {
        "the first byte of the MAC is wrong": |times| ticket(ApiKey::new("android", "pl41n"), |ticket| changed(ticket, 51), times);
        "the last byte of the MAC is wrong": |times| ticket(ApiKey::new("android", "pl41n"), |ticket| changed(ticket, 71), times);
        "the ticket is used" (GENUINE): |times| ticket(ApiKey::new("android", "pl41n"), |ticket| ticket, times);
    }
    "Throttle" {
        "a wrong credential of an account": |times| throttle("ann", false, times);
        "the same of another account": |times| throttle("bob", false, times);
        "an account that must wait" (ANSWER_SAYS): |times| throttle("ann", true, times);
    }
};

/// Runs the denial with this name `times` times, if there is one.
pub(crate) fn run(name: &str, times: u32) -> bool {
    let Some(denial) = DENIALS.iter().find(|denial| denial.name() == name) else { return false };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _entered = runtime.enter();
    (denial.run)(times);
    true
}

/// Prints all denials as a table, and returns what differs without a reason.
pub(crate) fn complaints() -> Vec<String> {
    println!(
        "| check | wrong credential | instructions | difference | it tells nothing, as |\n|---|---|---:|---:|---|"
    );
    let mut complaints = Vec::new();
    for of_check in DENIALS.chunk_by(|one, next| one.check == next.check) {
        let mut first = of_check[0].instructions();
        for (number, denial) in of_check.iter().enumerate() {
            let mut instructions = if number == 0 { first } else { denial.instructions() };
            let differs = |first: f64, instructions: f64| {
                denial.reason.is_none() && (instructions / first - 1.0).abs() > TOLERANCE
            };
            // The memory store's hash has a random key: its collisions differ from run to run, and a real difference does not.
            for _ in 0..RECOUNTS {
                if differs(first, instructions) {
                    (first, instructions) = (of_check[0].instructions(), denial.instructions());
                }
            }
            let difference = 100.0 * (instructions / first - 1.0);
            let reason = denial.reason.unwrap_or_default();
            println!("| {} | {} | {instructions} | {difference:+.1} % | {reason} |", denial.check, denial.sent);
            if differs(first, instructions) {
                complaints.push(format!("{}: it takes {difference:+.1} % of the first", denial.name()));
            }
        }
    }
    complaints
}

impl Denial {
    fn name(&self) -> String {
        format!("denial/{}/{}", self.check, self.sent)
    }

    fn instructions(&self) -> f64 {
        valgrind::instructions(&self.name()) as f64
    }
}

/// Denies `times` times. Only `denied` is counted, and it must return whether the answer was a denial.
fn repeat<T>(times: u32, mut prepare: impl FnMut() -> T, mut denied: impl FnMut(T) -> bool) {
    for _ in 0..times {
        let sent = prepare();
        assert!(counted_denial(|| denied(sent)));
    }
}

#[inline(never)]
fn counted_denial(denied: impl FnOnce() -> bool) -> bool {
    black_box(denied())
}

const SECRET: &str = "605b32dd605b32dd605b32dd605b32dd";

fn caller_secret(sent: &[&'static str], times: u32) {
    let header = HeaderName::from_static("auth-token");
    let secret = CallerSecret::new(header.clone(), [SECRET]).expect("a secret");
    let headers: HeaderMap = sent.iter().map(|value| (header.clone(), HeaderValue::from_static(value))).collect();
    repeat(times, || headers.clone(), |mut headers| secret.check(&mut headers).is_err());
}

const BODY: Bytes = Bytes::from_static(br#"{"deviceId": "123456789aacaaca", "dlgToken": "2121sasasrwsdss"}"#);

fn caller_signature(sent: &[u8], times: u32) {
    let header = HeaderName::from_static("x-signature");
    let keys = SigningKeys::new([SigningKey::from_bytes(&[7; 32]).expect("a key")]).expect("keys");
    let signature = CallerSignature::in_header(header.clone(), keys);
    let request = || {
        let sent = HeaderValue::from_bytes(sent).expect("a value");
        Request::post("/checkauthtoken").header(&header, sent).body(()).expect("a request").into_parts().0
    };
    let denied = |mut head| matches!(signature.check(&mut head, &BODY).now_or_never(), Some(Ok(false)));
    repeat(times, request, denied);
}

/// The signature of `BODY`, except for the last digit.
fn wrong_at_the_end() -> Vec<u8> {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&[7; 32]).expect("an HMAC takes a key of any length");
    mac.update(&BODY);
    let mut digits: Vec<u8> =
        mac.finalize().into_bytes().iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
    let last = digits.last_mut().expect("there are digits");
    *last = if *last == b'0' { b'1' } else { b'0' };
    digits
}

/// The token with another character in this place, counted from the end of its head.
fn changed(token: String, at: usize) -> String {
    let mut bytes = token.into_bytes();
    let at = bytes.len() - 72 + at;
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).expect("text")
}

fn keys() -> KeyRing {
    let key = |id| Key::from_bytes(id, &[7; 32]).expect("a key");
    KeyRing::new(key("k1")).with_next(key("k2")).expect("a ring")
}

fn signer(sent: fn(String) -> String, subject: &[u8], binding: &[u8], after_seconds: u64, times: u32) {
    let clock = ManualClock::new(SystemTime::now());
    let signer = Signer::new("dlgc", "activation", "example.com", keys()).expect("a signer").clock(clock.clone());
    let issued = signer.issue_for(b"ann", &[b"device-7"], Duration::from_secs(60)).expect("a token");
    clock.advance(Duration::from_secs(after_seconds));
    let sent = sent(issued.token.expose_secret().to_owned());
    repeat(times, || (), |()| signer.check_for(black_box(subject), &sent, &[binding]).is_err());
}

fn verify<C: Credential>(verifier: &impl Verifier<C>, credential: C) -> bool {
    let verdict = verifier.verify(Request::new(credential)).now_or_never();
    verdict.is_some_and(|verdict| verdict.is_ok_and(|verdict| !verdict.admits()))
}

fn tokens(sent: fn(String) -> String, customer_no: &str, device_id: &str, after_seconds: u64, times: u32) {
    let clock = ManualClock::new(SystemTime::now());
    let tokens = Tokens::new("example.com", keys()).expect("tokens").clock(clock.clone());
    let issued = tokens.customer_token("287", "device-7").expect("a token");
    clock.advance(Duration::from_secs(after_seconds));
    let sent = sent(issued.token.expose_secret().to_owned());
    repeat(times, || CustomerToken::new(device_id, &*sent, customer_no), |trio| verify(&tokens, trio));
}

fn stored_tokens(sent: fn(String) -> String, customer_no: &str, times: u32) {
    let tokens = Tokens::new("example.com", keys()).expect("tokens").store(MemoryStore::new());
    let issued = tokens.customer_token("287", "device-7").now_or_never().expect("at once").expect("a token");
    tokens.revoke_customer("287").now_or_never().expect("at once").expect("it is revoked");
    let sent = sent(issued.token.expose_secret().to_owned());
    repeat(times, || CustomerToken::new("device-7", &*sent, customer_no), |trio| verify(&tokens, trio));
}

fn office() -> TicketOffice<MemoryStore> {
    let office = TicketOffice::new("example", MemoryStore::new(), keys()).expect("an office");
    let server_keys = ApiKeys::new([ApiKey::new("backend", "s3cr3t")]).expect("keys");
    let app_keys = ApiKeys::new([ApiKey::new("android", "pl41n"), ApiKey::new("ios", "pl41n")]).expect("keys");
    office.server_keys(server_keys).app_keys(app_keys)
}

fn ticket_request(key: ApiKey) -> TicketRequest {
    let profile = Profile::new("287", "Ann Example");
    let parameters = TicketParameters::new(profile, UserPlatform::Android, "7a6c", "203.0.113.7", "okhttp/4.9.1");
    TicketRequest::new(key, parameters)
}

fn server_key(key: ApiKey, times: u32) {
    let office = office();
    repeat(times, || ticket_request(key.clone()), |request| verify(&office, request));
}

/// Exchanges a ticket that is used already.
fn ticket(key: ApiKey, sent: fn(String) -> String, times: u32) {
    let office = office();
    let request = Request::new(ticket_request(ApiKey::new("backend", "s3cr3t")));
    let issued = office.verify(request).now_or_never().expect("at once").expect("a verdict");
    let TicketVerdict::Issued(ticket) = issued else { panic!("no ticket") };
    let ticket = ticket.ticket.expose_secret().to_owned();
    assert!(!verify(&office, TicketExchange::new(&*ticket, ApiKey::new("android", "pl41n"))), "it is good once");
    let sent = sent(ticket);
    repeat(times, || TicketExchange::new(&*sent, key.clone()), |exchange| verify(&office, exchange));
}

/// Denies an account's first failure, or an attempt while it must wait.
fn throttle(account: &str, waits: bool, times: u32) {
    let denies = verifier_fn(|_: Request<CustomerToken>| async { Ok::<_, BoxError>(CustomerVerdict::InvalidToken) });
    let principal = |request: &Request<CustomerToken>| Some(request.body().customer_no.expose_secret().to_owned());
    let throttle = Throttle::new(denies, MemoryStore::new(), [7; 32], principal).limit(1, Duration::from_secs(60));
    let throttle = throttle.expect("a limit");
    let mut attempt = 0;
    let prepare = || {
        attempt += u32::from(!waits);
        CustomerToken::new("device-7", "605b32dd", format!("{account}{attempt:06}"))
    };
    let denied = |trio| {
        let verdict = throttle.verify(Request::new(trio)).now_or_never().expect("at once");
        !verdict.is_ok_and(|verdict| verdict.admits())
    };
    repeat(times, prepare, denied);
}
