//! Signed tokens.
