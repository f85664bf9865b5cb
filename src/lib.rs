//! Tower middleware that answers a partner platform's credential checks.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod client_addr;
mod clock;
mod config_error;
mod endpoint;
mod json;
pub mod layer;
mod outcome;
pub mod policy;
mod query;
mod route;
mod secret;
pub mod store;
#[cfg(feature = "token")]
pub mod token;
mod verifier;

pub mod diyalog;
pub mod talkdesk;
pub mod taptalk;

pub use crate::{
    client_addr::{ClientAddr, PeerAddr},
    clock::{Clock, ManualClock, SystemClock},
    config_error::ConfigError,
    endpoint::Endpoint,
    layer::{CallerSecret, Verify, VerifyLayer, VerifyService},
    outcome::{Failure, FailureKind, Outcome, Rejection, RejectionKind},
    route::Route,
    secret::Secret,
    verifier::{BoxError, BoxVerifier, Credential, Verdict, Verifier, VerifierFn, verifier_fn},
};
