//! The input is the query of an agent check.

#![no_main]

use bytes::Bytes;
use http::{Request, Uri};
use libfuzzer_sys::fuzz_target;
use tower_verify::diyalog::AgentEndpoint;
use tower_verify_fuzz::check;

fuzz_target!(|query: &[u8]| {
    let Ok(uri) = Uri::from_maybe_shared(Bytes::from([b"/CheckToken?", query].concat())) else { return };
    check::<AgentEndpoint>(Request::get(uri).body(Bytes::new()).expect("the request is valid"));
});
