//! TapTalk's callers: suites of checks for any server, with the feature `conformance`.
//!
//! [`TicketServerCalls`] plays a backend and the published SDKs against a ticket server, and [`SocketCalls`] plays the SDKs
//! that open the chat's socket. [`AppTicketCalls`] plays an app against its own backend. Every documented call is made,
//! good and bad, and the answers are held to the rows of the [contract](super).
//!
//! [`conformance`](crate::conformance) has an example that runs such a suite, in process and over HTTP.

mod app;
mod backend;
mod envelope;
mod sdk;
mod socket;
mod socket_calls;
mod ticket_server;

pub use self::{app::AppTicketCalls, socket_calls::SocketCalls, ticket_server::TicketServerCalls};
