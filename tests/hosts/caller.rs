//! The checks of the caller: a secret for each tenant, and a check over the whole request.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use http::{Request, header::HeaderName, request::Parts};
use tower::{ServiceBuilder, ServiceExt};
use tower_verify::{
    BoxError, CallerCheck, CallerSecret, VerifyLayer,
    diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
    verifier_fn,
};

use crate::support::{Answer, GOOD, PARTNER_PATH, app};

const SECRET: HeaderName = HeaderName::from_static("x-secret");

/// Diyalog's words for an admitted request, a rejected request, and no verdict.
const ADMITTED: &str = "Validated";
const REJECTED: &str = "BadRequest";
#[cfg(feature = "deadline")]
const FAILED: &str = "InternalError";

/// A layer whose verifier admits every credential, and the count of the verifier's calls.
fn layer() -> (VerifyLayer<CustomerEndpoint, impl tower_verify::Verifier<CustomerToken>>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let verifier = verifier_fn(move |request: Request<CustomerToken>| {
        counter.fetch_add(1, Ordering::SeqCst);
        let headers = request.headers();
        let leaked = headers.contains_key(SECRET) || headers.contains_key("x-signature");
        async move { if leaked { Err(BoxError::from("a secret was leaked")) } else { Ok(CustomerVerdict::Validated) } }
    });
    (VerifyLayer::new(CustomerEndpoint::new(), verifier), asked)
}

async fn word<V>(layer: VerifyLayer<CustomerEndpoint, V>, headers: &[(&str, &str)]) -> String
where
    V: tower_verify::Verifier<CustomerToken>,
{
    let request =
        headers.iter().fold(Request::post(PARTNER_PATH), |request, (name, value)| request.header(*name, *value));
    let service = ServiceBuilder::new().layer(layer).service_fn(app);
    Answer::of(service.oneshot(request.body(String::from(GOOD)).unwrap()).await.unwrap()).await.body
}

#[tokio::test]
async fn each_tenant_has_a_secret_of_its_own() {
    let secret = |live: &str| CallerSecret::new(SECRET, [live]).unwrap();
    let (one, two) = (secret("605b32dd"), secret("9f1c77ab"));
    let (layer, asked) = layer();
    let layer = layer.caller_secret_by(move |head| match head.headers().get("host")?.to_str().ok()? {
        "one.example.com" => Some(one.clone()),
        "two.example.com" => Some(two.clone()),
        _ => None,
    });
    for (host, secret, answer) in [
        ("one.example.com", "605b32dd", ADMITTED),
        ("two.example.com", "9f1c77ab", ADMITTED),
        ("one.example.com", "9f1c77ab", REJECTED),
        ("two.example.com", "605b32dd", REJECTED),
        ("three.example.com", "605b32dd", REJECTED),
        ("one.example.com", "", REJECTED),
    ] {
        assert_eq!(word(layer.clone(), &[("host", host), ("x-secret", secret)]).await, answer, "{host} {secret}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

/// A check that requires the length of the body in `x-signature`.
///
/// With the values `away`, `hangs` and `panics` it returns an error, never ends, or panics.
#[cfg(feature = "deadline")]
struct Signed;

#[cfg(feature = "deadline")]
impl CallerCheck for Signed {
    async fn check(&self, head: &mut Parts, body: &Bytes) -> Result<bool, BoxError> {
        tokio::task::yield_now().await;
        let signature = head.headers.remove("x-signature").ok_or("there is no signature")?;
        match signature.to_str()? {
            "away" => Err("the keys cannot be read".into()),
            "hangs" => std::future::pending().await,
            "panics" => panic!("as the test asks"),
            signature => Ok(signature == body.len().to_string()),
        }
    }
}

#[cfg(feature = "deadline")]
#[tokio::test(start_paused = true)]
async fn a_check_sees_the_whole_body_before_it_is_decoded() {
    let (layer, asked) = layer();
    let layer = layer.caller_check(Signed).deadline(std::time::Duration::from_secs(3));
    let length = GOOD.len().to_string();
    for (signature, answer) in
        [(&*length, ADMITTED), ("1", REJECTED), ("away", FAILED), ("hangs", FAILED), ("panics", FAILED)]
    {
        assert_eq!(word(layer.clone(), &[("x-signature", signature)]).await, answer, "{signature}");
    }
    assert_eq!(word(layer.clone(), &[]).await, FAILED);
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    let body = String::from("not JSON");
    let request = Request::post(PARTNER_PATH).header("x-signature", "1").body(body).unwrap();
    let service = ServiceBuilder::new().layer(layer).service_fn(app);
    // Status 401 is for an unknown caller: the body was not decoded.
    Answer::of(service.oneshot(request).await.unwrap()).await.is(401, REJECTED);
}

#[tokio::test]
async fn the_secret_is_checked_first() {
    struct Unreached;

    impl CallerCheck for Unreached {
        async fn check(&self, _: &mut Parts, _: &Bytes) -> Result<bool, BoxError> {
            Err("the check was called for an unknown caller".into())
        }
    }

    let (layer, _) = layer();
    let layer = layer.caller_check(Unreached).caller_secret(CallerSecret::new(SECRET, ["605b32dd"]).unwrap());
    assert_eq!(word(layer, &[("x-secret", "wrong")]).await, REJECTED);
}

#[tokio::test]
async fn credentials_in_headers_are_not_shown_by_debug() {
    let verifier = verifier_fn(async |request: Request<CustomerToken>| {
        let shown = format!("{request:?}");
        assert!(shown.contains("text/plain") && !shown.contains("605b32dd"), "{shown}");
        Ok::<_, BoxError>(CustomerVerdict::Validated)
    });
    let layer = VerifyLayer::new(CustomerEndpoint::new(), verifier);
    let credentials = [
        ("accept", "text/plain"),
        ("authorization", "Bearer 605b32dd"),
        ("proxy-authorization", "Basic 605b32dd"),
        ("cookie", "one=605b32dd"),
        ("cookie", "two=605b32dd"),
    ];
    assert_eq!(word(layer, &credentials).await, ADMITTED);
}

#[cfg(feature = "signature")]
#[tokio::test]
async fn a_signed_request_is_admitted_and_an_unsigned_one_does_not_reach_the_verifier() {
    use std::time::{Duration, UNIX_EPOCH};
    use tower_verify::{
        CallerSignature, ManualClock,
        caller::{SigningKey, SigningKeys},
    };

    let keys = || SigningKeys::new([SigningKey::from_base64("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?]);
    let signature = || {
        let clock = ManualClock::new(UNIX_EPOCH + Duration::from_secs(1614265330));
        CallerSignature::standard_webhooks(keys().unwrap()).clock(clock)
    };
    // Computed with OpenSSL over the id, the time and `GOOD`.
    let good = "v1,+37XC94UKDFKE4E0C4zyWOh/fHn5bsYZ9oITrXfI9YE=";
    let headers =
        |signature| [("webhook-id", "msg_1"), ("webhook-timestamp", "1614265330"), ("webhook-signature", signature)];
    let (layer, asked) = layer();
    let checked = layer.caller_check(signature());
    assert_eq!(word(checked.clone(), &headers(good)).await, ADMITTED);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    for headers in [&headers("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")[..], &headers(good)[..2], &[]] {
        assert_eq!(word(checked.clone(), headers).await, REJECTED);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}
