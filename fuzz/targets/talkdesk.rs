//! The first byte chooses the validator or the guard, with or without a type. The rest is the body.

#![no_main]

use bytes::Bytes;
use http::Request;
use libfuzzer_sys::fuzz_target;
use tower_verify::talkdesk::{Auth, Credentials, LaterCalls, Validator};
use tower_verify_fuzz::{
    Login, check,
    subject::{Reached, Subject},
};

fn send<S: Subject>(body: &[u8]) {
    let request = Request::post(S::PATH).body(Bytes::copy_from_slice(body)).expect("the request is valid");
    let answer = check::<S>(request);
    if let Some(reached) = answer.extensions().get::<Reached>() {
        assert_eq!(reached.body.as_deref(), Some(body), "the app's body is not byte for byte as it came");
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, body)) = input.split_first() else { return };
    match choice % 4 {
        0 => send::<Validator<Credentials>>(body),
        1 => send::<Validator<Auth<Login>>>(body),
        2 => send::<LaterCalls<u32, Credentials>>(body),
        _ => send::<LaterCalls<u32, Auth<Login>>>(body),
    }
});
