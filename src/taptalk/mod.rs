//! TapTalk.io's tickets.

mod access_token;
mod api_key;
mod auth_ticket;
mod bearer;
mod code;
mod connect;
mod envelope;
mod parameters;
mod profile;
mod refresh;
mod tokens;

pub use self::{
    access_token::{AccessToken, TicketExchange},
    api_key::ApiKey,
    auth_ticket::{AuthTicket, Ticket, TicketRequest, TicketVerdict},
    connect::{AccessCheck, AccessVerdict, Connect},
    envelope::ApiError,
    profile::{Profile, UserPlatform},
    refresh::{AccessTokenRefresh, TokenRefresh},
    tokens::{TokenVerdict, Tokens, User},
};
