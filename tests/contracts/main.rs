//! The platforms' contracts: every vector of `tests/vectors`, each sent in process and over a socket.

mod diyalog;
mod vectors;
