use std::time::SystemTime;

use bytes::Bytes;
use http::Response;
use serde::Serialize;

use crate::taptalk::{
    wire::api_key::KeyRefusal, wire::envelope::Writer, wire::profile::Profile, wire::refusal::Refusal,
};
use crate::{Failure, Outcome, Secret, Verdict, unix_millis};

/// A user as TapTalk knows it: see [`SocketGuard`](crate::taptalk::SocketGuard).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// `userID`: see [`Ticket::user_id`](crate::taptalk::Ticket::user_id).
    pub user_id: String,
    /// The profile that the customer's backend sent last.
    pub profile: Profile,
}

impl User {
    /// A user with this `userID` and profile.
    pub fn new(user_id: impl Into<String>, profile: Profile) -> Self {
        Self { user_id: user_id.into(), profile }
    }
}

/// The response to a ticket or a refresh token: a pair of tokens, and their user.
///
/// The example of [`AccessTokenEndpoint`](crate::taptalk::AccessTokenEndpoint) issues one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenPair {
    /// `accessToken`: the app sends it with each call.
    pub access_token: Secret,
    /// `accessTokenExpiry`: sent as milliseconds since the Unix epoch.
    pub access_token_expiry: SystemTime,
    /// `refreshToken`: the app exchanges it for the next pair.
    pub refresh_token: Secret,
    /// `refreshTokenExpiry`: sent as milliseconds since the Unix epoch.
    pub refresh_token_expiry: SystemTime,
    /// `user`.
    pub user: User,
}

impl TokenPair {
    /// A pair of tokens, each with the time at which it expires.
    pub fn new(access: (impl Into<Secret>, SystemTime), refresh: (impl Into<Secret>, SystemTime), user: User) -> Self {
        Self {
            access_token: access.0.into(),
            access_token_expiry: access.1,
            refresh_token: refresh.0.into(),
            refresh_token_expiry: refresh.1,
            user,
        }
    }
}

/// The verdict on a [`TicketExchange`](crate::taptalk::TicketExchange) or a
/// [`TokenRefresh`](crate::taptalk::TokenRefresh).
///
/// The example of [`AccessTokenEndpoint`](crate::taptalk::AccessTokenEndpoint) returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenVerdict {
    /// The ticket or refresh token is good. These are the new tokens.
    Issued(Box<TokenPair>),
    /// The ticket or refresh token is unknown, used or revoked. The app ends its session.
    Invalid,
    /// The ticket or refresh token has expired. The app ends its session.
    Expired,
    /// It is good, but belongs to another app key or device. The app ends its session.
    OtherClient,
    /// It is good, but its user no longer exists. The app ends its session.
    NoUser,
    /// The app key is not accepted.
    KeyRefused(KeyRefusal),
}

impl Verdict for TokenVerdict {
    fn admits(&self) -> bool {
        matches!(self, Self::Issued(_))
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Issued(_) => "issued",
            Self::Invalid => "invalid",
            Self::Expired => "expired",
            Self::OtherClient => "other_client",
            Self::NoUser => "no_user",
            Self::KeyRefused(refusal) => refusal.name(),
        }
    }
}

/// The response to a positive verdict, for both exchanges: of a ticket and of a refresh token.
pub(in crate::taptalk) fn admitted(writer: Writer, verdict: TokenVerdict) -> Response<Bytes> {
    match verdict {
        TokenVerdict::Issued(tokens) => writer.data(Data::new(&tokens)),
        other => refused(writer, &Outcome::Verdict(other)),
    }
}

/// The response to everything else, for both exchanges.
pub(in crate::taptalk) fn refused(writer: Writer, outcome: &Outcome<TokenVerdict>) -> Response<Bytes> {
    match outcome {
        Outcome::Verdict(TokenVerdict::Invalid) => writer.refuse(Refusal::TOKEN_INVALID),
        Outcome::Verdict(TokenVerdict::Expired) => writer.refuse(Refusal::TOKEN_EXPIRED),
        Outcome::Verdict(TokenVerdict::OtherClient) => writer.refuse(Refusal::TOKEN_OF_OTHER_CLIENT),
        Outcome::Verdict(TokenVerdict::NoUser) => writer.refuse(Refusal::NO_USER),
        Outcome::Verdict(TokenVerdict::KeyRefused(refusal)) => writer.refuse(Refusal::of_app_key(*refusal)),
        Outcome::Verdict(TokenVerdict::Issued(_)) => writer.failed(&Failure::panicked()),
        Outcome::Rejected(rejection) => writer.rejected(rejection),
        Outcome::Failed(failure) => writer.failed(failure),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    access_token: &'a str,
    access_token_expiry: u64,
    refresh_token: &'a str,
    refresh_token_expiry: u64,
    user: UserData<'a>,
}

// Contract: TT-9.
/// Absent members are `""`, because the clients do not expect null.
#[derive(Serialize)]
struct UserData<'a> {
    #[serde(rename = "userID")]
    user_id: &'a str,
    #[serde(rename = "xcUserID")]
    xc_user_id: &'a str,
    fullname: &'a str,
    #[serde(rename = "imageURL")]
    image_url: ImageUrl<'a>,
    username: &'a str,
    email: &'a str,
    phone: &'a str,
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    thumbnail: &'a str,
    fullsize: &'a str,
}

impl<'a> Data<'a> {
    fn new(tokens: &'a TokenPair) -> Self {
        let User { user_id, profile } = &tokens.user;
        let optional = |member: &'a Option<Secret>| member.as_ref().map_or("", Secret::expose_secret);
        Self {
            access_token: tokens.access_token.expose_secret(),
            access_token_expiry: unix_millis(tokens.access_token_expiry),
            refresh_token: tokens.refresh_token.expose_secret(),
            refresh_token_expiry: unix_millis(tokens.refresh_token_expiry),
            user: UserData {
                user_id,
                xc_user_id: profile.xc_user_id.expose_secret(),
                fullname: profile.full_name.expose_secret(),
                image_url: ImageUrl {
                    thumbnail: optional(&profile.photo_thumbnail_url),
                    fullsize: optional(&profile.photo_fullsize_url),
                },
                username: optional(&profile.username),
                email: optional(&profile.email),
                phone: optional(&profile.phone),
            },
        }
    }
}
