//! Talkdesk as a caller: suites of checks for any server, with the feature `conformance`.
//!
//! [`ValidatorCalls`] plays the activation of an integration, [`GuardedCalls`] the calls that follow it: contact and agent
//! synchronization, contact activity and actions. Every documented call is made, good and bad, and the answers are held
//! to the rows of the [contract](super). The good call is repeated, as Talkdesk may repeat it. A run makes fewer than ten
//! attempts with a wrong secret, so that a throttle of ten is not reached.
//!
//! [`conformance`](crate::conformance) has an example that runs such a suite, in process and over HTTP.

mod fields;
mod guarded;
mod route;
mod validator;

pub use self::{guarded::GuardedCalls, validator::ValidatorCalls};

/// The contract, from which failures quote.
const CONTRACT: &str = include_str!("../contract.md");
