//! Exhaustive tests: all inputs over a small alphabet, beside the plainest code that does the same.

use std::{any::Any, panic::resume_unwind};

use bytes::Bytes;
use futures::FutureExt;
use http::{Method, Request, Response, StatusCode, request::Parts};
use http_body_util::{BodyExt, Full};
use percent_encoding::percent_decode_str;
use tower::{Layer, ServiceExt, service_fn};

use crate::{
    BoxError, Contract, Credential, Endpoint, Endpoints, Failure, Outcome, Rejection, Route, Verdict, VerifyLayer,
    verifier_fn,
    wire::{query, response},
};

/// All texts of at most `longest` of these characters.
fn texts(alphabet: &str, longest: usize) -> Vec<String> {
    let mut texts = vec![String::new()];
    let mut first = 0;
    for _ in 0..longest {
        let last = texts.len();
        for at in first..last {
            texts.extend(alphabet.chars().map(|c| format!("{}{c}", texts[at])).collect::<Vec<_>>());
        }
        first = last;
    }
    texts
}

fn paths(longest: usize) -> Vec<String> {
    texts("/ab", longest).into_iter().filter(|text| text.starts_with('/')).collect()
}

#[test]
fn a_route_matches_its_methods_and_its_path_byte_for_byte() {
    let paths = paths(5);
    let methods = [&[][..], &[Method::GET], &[Method::GET, Method::POST]];
    let requests = paths.iter().flat_map(|path| {
        [Method::GET, Method::POST].map(|method| Request::builder().method(method).uri(&**path).body(()).unwrap())
    });
    let requests: Vec<_> = requests.collect();
    let mut compared = 0;
    for path in &paths {
        let (exact, prefix) = (Route::exact(path).unwrap(), Route::prefix(path).unwrap());
        for allowed in methods {
            let (exact, prefix) = (exact.clone().methods(allowed.to_vec()), prefix.clone().methods(allowed.to_vec()));
            for request in &requests {
                let asked = request.uri().path();
                let method = allowed.is_empty() || allowed.contains(request.method());
                assert_eq!(exact.matches(request), method && asked == path, "{asked} and {exact:?}");
                assert_eq!(prefix.matches(request), method && asked.starts_with(&**path), "{asked} and {prefix:?}");
                compared += 2;
            }
        }
    }
    assert_eq!(compared, 2 * 3 * 2 * 121 * 121);
}

#[test]
fn of_several_endpoints_the_first_that_matches_responds() {
    let paths = paths(3);
    let mut routes: Vec<Route> = paths.iter().map(|path| Route::exact(path).unwrap()).collect();
    routes.extend(["/", "/a", "/ab"].map(|path| Route::prefix(path).unwrap()));
    routes.push(Route::new(Method::POST, "/a").unwrap());
    let app =
        service_fn(|_: Request<Full<Bytes>>| async { Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("app"))) });
    let endpoint = |route: &Route, name: &'static str| {
        let positive = verifier_fn(|_| async { Ok::<_, BoxError>(Answer { admits: true, ..Answer::default() }) });
        VerifyLayer::new(Scripted { name }, positive).route(route.clone())
    };
    let mut asked = 0;
    for (a, b, c) in (0..routes.len()).flat_map(|a| (0..a).flat_map(move |b| (0..b).map(move |c| (a, b, c)))) {
        for [a, b, c] in [[a, b, c], [c, b, a], [b, a, c]].map(|three| three.map(|index| &routes[index])) {
            let endpoints = Endpoints::new().with(endpoint(a, "first"));
            let endpoints = endpoints.and_then(|endpoints| endpoints.with(endpoint(b, "second")));
            // A route that an earlier one hides is a mistake.
            let Ok(endpoints) = endpoints.and_then(|endpoints| endpoints.with(endpoint(c, "third"))) else { continue };
            let service = endpoints.layer(app);
            for path in &paths {
                let request = Request::get(&**path).body(Full::default()).unwrap();
                let names = [(a, "first"), (b, "second"), (c, "third")];
                let expected =
                    names.into_iter().find(|(route, _)| route.matches(&request)).map_or("app", |(_, name)| name);
                let answer = service.clone().oneshot(request).now_or_never().unwrap().unwrap();
                let answer = answer.into_body().collect().now_or_never().unwrap().unwrap().to_bytes();
                assert_eq!(answer, expected, "{path} with {endpoints:?}");
                asked += 1;
            }
        }
    }
    assert!(asked > 20_000, "{asked}");
}

/// The value of the one parameter `c`, by another decoder.
fn plain(query: &str) -> Option<Option<String>> {
    let decode = |text: &str| {
        let hex = |text: &str| text.len() >= 2 && text.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit);
        let whole = text.split('%').skip(1).all(hex);
        whole.then(|| percent_decode_str(&text.replace('+', " ")).decode_utf8().ok().map(String::from))?
    };
    let mut found = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        if name == "c" && found.replace(value).is_some() {
            return None;
        }
    }
    Some(found)
}

#[test]
fn a_query_is_decoded_as_another_decoder_does_it() {
    let texts = texts("%c3a=&+", 6);
    assert_eq!(texts.len(), (7_usize.pow(7) - 1) / 6);
    for text in texts {
        let read = query::parameters(&text, &["c"]).ok().map(|[value]| value.map(String::from));
        assert_eq!(read, plain(&text), "{text}");
    }
}

#[test]
fn two_encoded_bytes_are_decoded_if_they_are_utf8() {
    for bytes in (0..=u16::MAX).map(u16::to_be_bytes) {
        let text = format!("c=%{:02x}%{:02X}", bytes[0], bytes[1]);
        let read = query::parameters(&text, &["c"]);
        let expected = std::str::from_utf8(&bytes).ok();
        assert_eq!(read.ok().map(|[value]| value.unwrap().into_owned()).as_deref(), expected, "{text}");
    }
}

#[cfg(feature = "token")]
#[test]
fn every_edit_of_a_token_is_refused() {
    use std::time::Duration;

    use crate::token::{Key, KeyRing, Signer};

    let keys = KeyRing::new(Key::from_bytes("k", &[7; 32]).unwrap());
    let signer = Signer::new("a", "a test", "", keys.with_next(Key::from_bytes("k2", &[8; 32]).unwrap()).unwrap());
    let signer = signer.unwrap();
    let issued = signer.issue(&[], Duration::from_secs(3600)).unwrap();
    let token = issued.token.expose_secret();
    let is_good = |text: &str| signer.check(text, &[]).is_ok();
    assert!(is_good(token));
    let mut edits = 0;
    for at in 0..=token.len() {
        let (before, after) = token.split_at(at);
        for byte in 0..=127_u8 {
            let byte = char::from(byte);
            assert!(!is_good(&format!("{before}{byte}{after}")), "{byte:?} is inserted at {at}");
            if let Some(rest) = after.get(1..) {
                let edited = format!("{before}{byte}{rest}");
                assert_eq!(is_good(&edited), edited == token, "{byte:?} is at {at}");
            }
            edits += 2;
        }
        // Every beginning, every end, and the token without any part of it.
        for until in at + 1..=token.len() {
            assert!(!is_good(&format!("{before}{}", &token[until..])), "{at} to {until} is left out");
            edits += 1;
        }
    }
    assert!(edits > 20_000, "{edits}");
}

/// The behaviour of a verdict and of an endpoint.
#[derive(Debug, Clone, Copy, Default)]
struct Answer {
    admits: bool,
    admits_panics: bool,
    admitted_panics: bool,
    refused_panics: bool,
}

impl Verdict for Answer {
    fn admits(&self) -> bool {
        if self.admits_panics { panics() } else { self.admits }
    }
}

/// Panics without the panic hook, which prints.
fn panics() -> ! {
    let payload: Box<dyn Any + Send> = Box::new("the test wants a panic");
    resume_unwind(payload)
}

struct Scripted {
    name: &'static str,
}

impl Credential for Answer {
    type Verdict = Self;
}

impl Contract for Scripted {
    type Credential = Answer;
    type Context = Answer;
    const NAME: &'static str = "scripted";

    fn decode(&self, head: &mut Parts, _: Bytes, context: &mut Answer) -> Result<Answer, Rejection> {
        *context = head.extensions.get().copied().unwrap_or_default();
        match head.extensions.remove::<Rejection>() {
            Some(rejection) => Err(rejection),
            None => Ok(*context),
        }
    }

    fn refused(&self, _: Outcome<Answer>, context: Answer) -> Response<Bytes> {
        if context.refused_panics { panics() } else { response::empty(StatusCode::FORBIDDEN) }
    }
}

impl Endpoint for Scripted {
    fn route(&self) -> Route {
        Route::from_static(Method::GET, "/")
    }

    fn admitted(&self, _: Answer, context: Answer) -> Response<Bytes> {
        if context.admitted_panics { panics() } else { response::text(StatusCode::OK, self.name) }
    }
}

#[test]
fn only_a_positive_verdict_without_a_panic_is_admitted() {
    let failures = [
        Failure::from_error("away"),
        Failure::panicked(),
        Failure::deadline_exceeded(),
        Failure::throttled(std::time::Duration::MAX),
        Failure::overloaded(),
        Failure::disabled(),
    ];
    let rejections = [
        Rejection::malformed("m"),
        Rejection::no_credential("n"),
        Rejection::too_large(1),
        Rejection::unknown_caller(),
    ];
    let ends = [None].into_iter().chain(failures.map(Some));
    let ends: Vec<_> = ends
        .flat_map(|failure| {
            [None].into_iter().chain(rejections.clone().map(Some)).map(move |rejection| (failure.clone(), rejection))
        })
        .collect();
    for bits in 0..16_u8 {
        let bit = |at: u8| bits >> at & 1 == 1;
        let answer = Answer { admits: bit(0), admits_panics: bit(1), admitted_panics: bit(2), refused_panics: bit(3) };
        for (failure, rejection) in &ends {
            let failing = failure.clone();
            let verifier = verifier_fn(move |_| std::future::ready(failing.clone().map_or(Ok(answer), Err)));
            let mut request = Request::new(Full::<Bytes>::default());
            request.extensions_mut().insert(answer);
            if let Some(rejection) = rejection {
                request.extensions_mut().insert(rejection.clone());
            }
            let service = VerifyLayer::new(Scripted { name: "admitted" }, verifier).into_service();
            let Ok(response) = service.oneshot(request).now_or_never().unwrap();

            let is_decided = rejection.is_none() && failure.is_none();
            let status = match answer {
                Answer { admits_panics: true, .. } if is_decided => 500,
                Answer { admits: true, admitted_panics, .. } if is_decided => {
                    if admitted_panics {
                        500
                    } else {
                        200
                    }
                }
                Answer { refused_panics, .. } => {
                    if refused_panics {
                        500
                    } else {
                        403
                    }
                }
            };
            assert_eq!(response.status(), status, "{answer:?}, {failure:?}, {rejection:?}");
            let failed = rejection.is_none() && failure.is_some();
            assert_eq!(response.extensions().get::<Failure>().is_some(), failed || status == 500);
        }
    }
}
