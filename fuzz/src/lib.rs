//! Shared by the targets.
//!
//! A target gives any bytes to a part of the crate, and to a reading of the same bytes that was written apart from it
//! ([`reference`]) or is another crate's. It fails if one admits or understands what the other one does not.

pub mod encode;
pub mod frames;
pub mod message;
pub mod reference;
pub mod store;
pub mod subject;

mod subjects;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, Request, Response, header::AUTHORIZATION, request::Parts};
use http_body_util::{BodyExt, Full};
use tower_verify::{BoxError, verifier_fn};

use crate::subject::{Fields, Settings, Subject};

pub use crate::subjects::{Kind, Login};

/// Sends `request` with a verifier that admits everything it is asked about.
///
/// It must be asked about exactly what the reference finds in the request, and nobody is admitted without being asked.
pub fn check<S: Subject>(request: Request<Bytes>) -> Response<Bytes> {
    // Parsers have different limits for the depth.
    let is_deep = request.body().iter().filter(|byte| matches!(byte, b'[' | b'{')).count() > 100;
    let (head, body) = request.into_parts();
    let expected = S::expected(&head, &body);
    let asked = Arc::new(Mutex::new(Vec::<Fields>::new()));
    let log = Arc::clone(&asked);
    let verifier = verifier_fn(move |request: Request<S::Credential>| {
        let (head, credential) = request.into_parts();
        assert_hidden(&head);
        log.lock().unwrap().push(S::fields(&credential));
        async { Ok::<_, BoxError>(S::positive()) }
    });
    let request = Request::from_parts(head, Full::new(body).map_err(|never| match never {}));
    let answer = S::call(verifier, Settings::default(), request).now_or_never().expect("nothing is pending");
    S::assert_well_formed(&answer);
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    assert_eq!(S::is_admitted(&answer), !asked.is_empty(), "admitted without a verdict, or the other way");
    if !is_deep {
        assert_eq!(asked, Vec::from_iter(expected), "the verifier is asked about something else than was sent");
    }
    answer
}

/// `Debug` of what a verifier or an app gets shows no credential that was in a header.
fn assert_hidden(head: &Parts) {
    let is_hidden = |headers: &HeaderMap, name: &str| headers.get_all(name).iter().all(|value| value.is_sensitive());
    assert!(is_hidden(&head.headers, AUTHORIZATION.as_str()), "`Authorization` is shown");
    assert!(is_hidden(&head.headers, "cookie"), "`Cookie` is shown");
}
