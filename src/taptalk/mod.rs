//! TapTalk.io's tickets.

mod access_token;
mod api_key;
mod app_device;
mod app_ticket;
mod app_ticket_issuer;
mod auth_ticket;
mod bearer;
mod client;
mod client_error;
mod code;
mod connect;
mod envelope;
#[cfg(feature = "rustls")]
mod https;
#[cfg(feature = "token")]
mod office;
mod parameters;
mod profile;
mod refresh;
mod ticket_parameters;
mod tokens;

#[cfg(feature = "rustls")]
pub use self::https::HttpsClient;
#[cfg(feature = "token")]
pub use self::office::{ApiKeys, TicketOffice};
pub use self::{
    access_token::{AccessToken, TicketExchange},
    api_key::ApiKey,
    app_device::{AppCaller, AppDevice, AppTicketRequest, AppTicketVerdict},
    app_ticket::AppTicket,
    app_ticket_issuer::AppTicketIssuer,
    auth_ticket::{AuthTicket, Ticket, TicketRequest, TicketVerdict},
    client::Client,
    client_error::{ClientError, ClientErrorKind},
    connect::{AccessCheck, AccessVerdict, Connect},
    envelope::ApiError,
    profile::{Profile, UserPlatform},
    refresh::{AccessTokenRefresh, TokenRefresh},
    ticket_parameters::TicketParameters,
    tokens::{TokenVerdict, Tokens, User},
};
