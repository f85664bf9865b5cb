//! Eleven faulty endpoints that the conformance kit catches, and a correct one that it passes.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header::WWW_AUTHENTICATE, request::Parts};
use tower_verify::{
    Contract, Credential, Endpoint, FailureKind, Outcome, Rejection, RejectionKind, Route, conformance::EndpointTest,
    wire::response,
};

/// The fault that an endpoint has.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    AdmitsDenied,
    AdmitsErrors,
    AdmitsPanics,
    AdmitsDeadlines,
    AdmitsMalformed,
    AdmitsUnknownCallers,
    RefusesPositive,
    TellsTheSource,
    NoChallenge,
    PanicsOnThrottled,
    LeavesTheToken,
}

struct Token;

impl Credential for Token {
    type Verdict = bool;
}

/// An endpoint that reads a token from a header and wants the body `x`. The status 204 admits.
struct Careless(Fault);

impl Contract for Careless {
    type Credential = Token;
    type Context = ();
    const NAME: &'static str = "careless";

    fn decode(&self, head: &mut Parts, body: Bytes, (): &mut ()) -> Result<Token, Rejection> {
        let token = match self.0 {
            Fault::LeavesTheToken => head.headers.get("token").cloned(),
            _ => head.headers.remove("token"),
        };
        let token = token.ok_or(Rejection::no_credential("there is no token"))?;
        token.to_str().map_err(|_| Rejection::malformed("the token is not text"))?;
        if body == "x" { Ok(Token) } else { Err(Rejection::malformed("the body is not `x`")) }
    }

    fn refused(&self, outcome: Outcome<bool>, (): ()) -> Response<Bytes> {
        let admits = match &outcome {
            Outcome::Verdict(_) => self.0 == Fault::AdmitsDenied,
            Outcome::Rejected(rejection) => match rejection.kind() {
                RejectionKind::Malformed => self.0 == Fault::AdmitsMalformed,
                RejectionKind::UnknownCaller => self.0 == Fault::AdmitsUnknownCallers,
                _ => false,
            },
            Outcome::Failed(failure) => match failure.kind() {
                FailureKind::Error if self.0 == Fault::TellsTheSource => {
                    let source = std::error::Error::source(failure).unwrap().to_string();
                    return response::text(StatusCode::SERVICE_UNAVAILABLE, source);
                }
                FailureKind::Error => self.0 == Fault::AdmitsErrors,
                FailureKind::Panicked => self.0 == Fault::AdmitsPanics,
                FailureKind::DeadlineExceeded => self.0 == Fault::AdmitsDeadlines,
                FailureKind::Throttled if self.0 == Fault::PanicsOnThrottled => panic!("no answer for this outcome"),
                _ => false,
            },
            _ => false,
        };
        if admits {
            return response::empty(StatusCode::NO_CONTENT);
        }
        let mut response = response::empty(StatusCode::UNAUTHORIZED);
        if self.0 != Fault::NoChallenge {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Token"));
        }
        response
    }
}

impl Endpoint for Careless {
    fn route(&self) -> Route {
        Route::from_static(Method::POST, "/careless")
    }

    fn admitted(&self, verdict: bool, (): ()) -> Response<Bytes> {
        match self.0 {
            Fault::RefusesPositive => self.refused(Outcome::Verdict(verdict), ()),
            _ => response::empty(StatusCode::NO_CONTENT),
        }
    }
}

fn violations(fault: Fault) -> Vec<String> {
    let fit = || Request::post("/careless").header("token", "605b32dd").body(Bytes::from_static(b"x")).unwrap();
    let test = EndpointTest::new(Careless(fault), fit, || vec![true, false], |response| response.status() == 204);
    let test = test.secrets(["605b32dd"]);
    crate::laws::on_paused_time(async { test.violations().await })
}

#[test]
fn the_conformance_kit_passes_a_careful_endpoint() {
    let violations = violations(Fault::None);
    assert!(violations.is_empty(), "{violations:#?}");
}

#[test]
fn the_conformance_kit_catches_each_careless_endpoint() {
    for (fault, said) in [
        (
            Fault::AdmitsDenied,
            "verdict number 1: the platform reads the response with status 204 No Content as admitted",
        ),
        (Fault::AdmitsErrors, "failing verifier: the platform reads"),
        (Fault::AdmitsPanics, "panicking verifier: the platform reads"),
        (Fault::AdmitsDeadlines, "response to deadline exceeded: the platform reads"),
        (Fault::AdmitsMalformed, "body that breaks off: the platform reads"),
        (Fault::AdmitsUnknownCallers, "caller without its secret: the platform reads"),
        (Fault::RefusesPositive, "as not admitted"),
        (Fault::TellsTheSource, "failing verifier: the response contains the text of the failure's source"),
        (Fault::NoChallenge, "a 401 without `WWW-Authenticate`"),
        (Fault::PanicsOnThrottled, "response to throttled: `refused` panics"),
        (Fault::LeavesTheToken, "the head that the verifier gets shows a secret"),
    ] {
        let violations = violations(fault);
        assert!(violations.iter().any(|line| line.contains(said)), "{fault:?}: {violations:#?}");
    }
}

#[test]
fn the_conformance_kit_needs_a_fit_request_on_the_route_and_both_kinds_of_verdict() {
    let elsewhere = || Request::post("/elsewhere").header("token", "605b32dd").body(Bytes::from_static(b"x")).unwrap();
    let test = EndpointTest::new(Careless(Fault::None), elsewhere, || vec![true], |response| response.status() == 204);
    let violations = crate::laws::on_paused_time(async { test.violations().await });
    assert_eq!(violations[0], "`verdicts` must make a positive and a negative verdict");
    assert_eq!(violations[1], "`request` must make a request that matches the endpoint's route");

    let unfit = || Request::post("/careless").body(Bytes::from_static(b"x")).unwrap();
    let test =
        EndpointTest::new(Careless(Fault::None), unfit, || vec![true, false], |response| response.status() == 204);
    let violations = crate::laws::on_paused_time(async { test.violations().await });
    assert!(violations.iter().any(|line| line.contains("the verifier is not called exactly once")), "{violations:#?}");
}
