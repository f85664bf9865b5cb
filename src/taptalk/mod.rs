//! TapTalk.io's tickets.

mod code;
mod envelope;

pub use self::envelope::ApiError;
