//! The contract's messages: the envelope and its codes, keys, tokens, users and parameters.

pub(in crate::taptalk) mod api_key;
pub(in crate::taptalk) mod bearer;
pub(in crate::taptalk) mod code;
pub(in crate::taptalk) mod device;
pub(in crate::taptalk) mod envelope;
pub(in crate::taptalk) mod parameters;
pub(in crate::taptalk) mod profile;
pub(in crate::taptalk) mod refusal;
pub(in crate::taptalk) mod ticket_parameters;
pub(in crate::taptalk) mod tokens;
