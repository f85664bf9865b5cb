//! The first byte chooses an endpoint whose credentials are in headers or in the query. The rest is the request.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_verify::taptalk::{
    AccessTokenEndpoint, ConnectEndpoint, LogoutEndpoint, ProjectConfigsEndpoint, RefreshEndpoint, SocketGuard,
};
use tower_verify_fuzz::{check, subject::request};

fuzz_target!(|input: &[u8]| {
    let Some((choice, input)) = input.split_first() else { return };
    let _ = match choice % 6 {
        0 => check::<AccessTokenEndpoint>(request::<AccessTokenEndpoint>(input)),
        1 => check::<RefreshEndpoint>(request::<RefreshEndpoint>(input)),
        2 => check::<ConnectEndpoint>(request::<ConnectEndpoint>(input)),
        3 => check::<LogoutEndpoint>(request::<LogoutEndpoint>(input)),
        4 => check::<ProjectConfigsEndpoint>(request::<ProjectConfigsEndpoint>(input)),
        _ => check::<SocketGuard>(request::<SocketGuard>(input)),
    };
});
