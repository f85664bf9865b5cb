//! The input is the body of a customer check.

#![no_main]

use bytes::Bytes;
use http::Request;
use libfuzzer_sys::fuzz_target;
use tower_verify::diyalog::CustomerEndpoint;
use tower_verify_fuzz::check;

fuzz_target!(|body: &[u8]| {
    let request = Request::post("/checkauthtoken").body(Bytes::copy_from_slice(body)).expect("the request is valid");
    check::<CustomerEndpoint>(request);
});
