//! The first byte chooses an endpoint whose calls have a body. The rest is the request's headers and the body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_verify::taptalk::{AppTicketEndpoint, AuthTicketEndpoint, UserUpdateEndpoint};
use tower_verify_fuzz::{check, subject::request};

fuzz_target!(|input: &[u8]| {
    let Some((choice, input)) = input.split_first() else { return };
    let _ = match choice % 3 {
        0 => check::<AuthTicketEndpoint>(request::<AuthTicketEndpoint>(input)),
        1 => check::<UserUpdateEndpoint>(request::<UserUpdateEndpoint>(input)),
        _ => check::<AppTicketEndpoint>(request::<AppTicketEndpoint>(input)),
    };
});
