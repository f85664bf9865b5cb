//! The platforms' contracts: every vector of `tests/vectors`, each sent in process and over a socket, and the laws that
//! hold for every endpoint.

mod diyalog;
mod laws;
mod taptalk;
mod taptalk_laws;
#[cfg(feature = "token")]
mod taptalk_office;
mod vectors;
