//! The platforms' contracts: all vectors of `tests/vectors`, sent in process and over a socket, and the laws that hold
//! for every endpoint.

mod careless;
#[cfg(all(feature = "conformance", feature = "policy"))]
mod conformance;
mod diyalog;
mod laws;
mod laws_talkdesk;
mod laws_taptalk;
mod laws_taptalk_client;
mod talkdesk;
mod taptalk;
#[cfg(feature = "token")]
mod taptalk_office;
mod vectors;
