//! TapTalk.io's tickets.
