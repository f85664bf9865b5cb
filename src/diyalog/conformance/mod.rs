//! Diyalog as a caller: suites of checks for any server, with the feature `conformance`.
//!
//! [`CustomerCalls`] plays the check of a customer, [`AgentCalls`] that of an agent. Every documented call is made, good
//! and bad, and the answers are held to the rows of the [contract](super). The good call is repeated, as Diyalog may
//! repeat it: a token that is good once only fails. A run makes at most seven attempts with a wrong token of one
//! principal, so that a throttle is not reached.
//!
//! [`conformance`](crate::conformance) has an example that runs one, in process and over HTTP.

mod agent;
mod customer;

pub use self::{agent::AgentCalls, customer::CustomerCalls};

use crate::conformance::{Call, Check, Expected};

/// The contract, from which failures quote.
const CONTRACT: &str = include_str!("../contract.md");

/// The header of the caller's secret.
const AUTH_TOKEN: &str = "auth-token";

/// Calls of a caller without its secret, if one is required.
fn strangers(good: &Call, refused: &Expected) -> Vec<Check> {
    let secret = "${caller_secret}";
    let call = good.clone().without_header(AUTH_TOKEN);
    [
        ("a caller without its secret", call.clone()),
        ("a caller with an empty secret", call.clone().header(AUTH_TOKEN, "")),
        ("a caller with the beginning of its secret", call.clone().header(AUTH_TOKEN, "${caller_secret.shorter}")),
        ("a caller with another secret", call.clone().header(AUTH_TOKEN, format!("{secret}x"))),
        ("a caller with its secret in quotes", call.clone().header(AUTH_TOKEN, format!("\"{secret}\""))),
        ("a caller with its secret twice", call.header(AUTH_TOKEN, secret).header(AUTH_TOKEN, secret)),
    ]
    .into_iter()
    .map(|(name, call)| Check::new("DY-5", name, call, refused.clone()).requires("caller_secret"))
    .collect()
}
