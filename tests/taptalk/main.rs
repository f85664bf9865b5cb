//! TapTalk's client and the app's own endpoint against a TapTalk on loopback that behaves as badly as it can.

mod app_ticket;
mod client;
mod support;
