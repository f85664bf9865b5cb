mod api_keys;
mod holder;
mod login;
mod revoke;
#[cfg(test)]
mod tests;
mod user;
mod verify;

use std::{fmt, sync::Arc, time::Duration};

pub use self::api_keys::{ApiKeys, KnownKey};
use crate::{
    Clock, ConfigError, SystemClock,
    store::Background,
    token::{KeyRing, Signer, checked_ttl},
};

/// A ready-made verifier for a ticket server: issues, exchanges, refreshes, checks and revokes tokens.
///
/// One office verifies the requests of all of a ticket server's endpoints, and of a
/// [`SocketGuard`](crate::taptalk::SocketGuard). Your app can end logins with [`revoke_user`](Self::revoke_user) and
/// [`revoke_login`](Self::revoke_login). The [module's example](crate::taptalk) puts it behind its endpoints.
///
/// It issues tickets to the backends that have one of its [`server_keys`](Self::server_keys), and exchanges them for
/// the apps that have one of its [`app_keys`](Self::app_keys). By default it knows no keys. Clones share everything but
/// their settings.
///
/// | setting | default | setter |
/// |---|---|---|
/// | lifetime of a ticket | 1 hour, as documented | [`ticket_ttl`](Self::ticket_ttl) |
/// | exchanges of a ticket | one | [`single_use`](Self::single_use) |
/// | lifetime of an access token | 1 hour | [`access_token_ttl`](Self::access_token_ttl) |
/// | lifetime of a refresh token, which is good for one refresh | 30 days | [`refresh_token_ttl`](Self::refresh_token_ttl) |
/// | window in which the same refresh may be repeated | 10 s | [`refresh_grace`](Self::refresh_grace) |
/// | window in which the same exchange may be repeated | none | [`ticket_grace`](Self::ticket_grace) |
/// | time for which a refresh retries a failing store | 3 s | [`refresh_patience`](Self::refresh_patience) |
///
/// # Users
///
/// The first ticket for an `xcUserID` saves a user under a new random `userID`, which then stays the same. Each ticket
/// request replaces the whole profile: members that it leaves out are removed.
///
/// # Logins
///
/// A login is one ticket, the tokens issued for it, and all tokens that come from refreshing those. Its tokens are
/// bound to the app key that the ticket was exchanged under, and to the device if the app sent one. A token from
/// another app key or device is refused, and the login continues.
///
/// A client repeats a refresh if the response was lost, and two tabs of a browser refresh at the same time. So the same
/// refresh may be repeated for 10 s, as long as the new refresh token is unused: each repeat gets the same tokens. The
/// store keeps only the time of the refresh for this. Later reuse of a refresh token means theft: the login ends, and
/// all of its tokens are refused from the next check on (RFC 9700, section 4.14.2). Within a tokio runtime it ends even
/// if the caller hangs up before the response.
///
/// A second exchange of a ticket is refused, and the login continues. An access token stays good until it expires, even
/// if there is a newer one.
///
/// # What is in the store
///
/// A ticket or token is good only if its login is in the store. If the store loses its data, every login ends, and no
/// ticket can be redeemed twice. Tokens are signed, so garbage, expired tokens and tokens of another office are refused
/// without a look-up.
///
/// | key | value | until |
/// |---|---|---|
/// | `tt:{tenant}:l:{login}` | 3 or 9 bytes: the number of refreshes, and the time of the last one | one minute after its tokens expire |
/// | `tt:{tenant}:r:{userID}` | 8 bytes: when the user's logins were [revoked](Self::revoke_user) | the user's tokens have expired |
/// | `tt:{tenant}:u:{userID}` | the user's profile, as a JSON array | 100 years after the last ticket |
/// | `tt:{tenant}:x:{digest of xcUserID}` | 4 bytes: the user's id | 100 years after the first ticket |
///
/// Issuing a ticket and refreshing take two sequential round trips to the store; an exchange and a check take one. In a
/// [`MemoryStore`](crate::store::MemoryStore) a login takes 110 bytes, and a user about 300.
///
/// If a store returns to an older state, such as a snapshot, the office refuses tokens that are newer than that state.
/// But a ticket or refresh token that was used since then is good once more.
///
/// # Examples
///
/// ```
/// use http::Request;
/// use tower_verify::{
///     BoxError, Verifier,
///     store::MemoryStore,
///     taptalk::{
///         AccessCheck, AccessVerdict, ApiKey, ApiKeys, Profile, TicketExchange, TicketOffice, TicketParameters,
///         TicketRequest, TicketVerdict, TokenVerdict, UserPlatform,
///     },
///     token::KeyRing,
/// };
///
/// # futures::executor::block_on(async {
/// let office = TicketOffice::new("example", MemoryStore::new(), KeyRing::generate()?)?
///     .server_keys(ApiKeys::new([ApiKey::new("backend", "s3cr3t")])?)
///     .app_keys(ApiKeys::new([ApiKey::new("android", "pl41n")])?);
///
/// let profile = Profile::new("287", "Ann Example");
/// let parameters = TicketParameters::new(profile, UserPlatform::Android, "7a6c", "203.0.113.7", "okhttp/4.9.1");
/// let request = TicketRequest::new(ApiKey::new("backend", "s3cr3t"), parameters);
/// let TicketVerdict::Issued(ticket) = office.verify(Request::new(request)).await? else { panic!() };
///
/// let exchange = TicketExchange::new(ticket.ticket, ApiKey::new("android", "pl41n"));
/// let TokenVerdict::Issued(tokens) = office.verify(Request::new(exchange.clone())).await? else { panic!() };
/// assert_eq!(tokens.user.user_id, ticket.user_id);
/// assert_eq!(office.verify(Request::new(exchange)).await?, TokenVerdict::Invalid);
///
/// let check = AccessCheck::new(tokens.access_token.clone());
/// assert_eq!(office.verify(Request::new(check.clone())).await?, AccessVerdict::Valid);
/// assert!(office.revoke_login(&tokens.access_token).await?);
/// assert_eq!(office.verify(Request::new(check)).await?, AccessVerdict::Invalid);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
pub struct TicketOffice<S> {
    store: Arc<S>,
    tenant: Arc<str>,
    server_keys: ApiKeys,
    app_keys: ApiKeys,
    ticket: Signer,
    access: Signer,
    refresh: Signer,
    ticket_ttl: Duration,
    access_token_ttl: Duration,
    refresh_token_ttl: Duration,
    single_use: bool,
    refresh_grace: Duration,
    ticket_grace: Duration,
    refresh_patience: Duration,
    clock: Arc<dyn Clock>,
    /// Runs writes to their end, even if the caller hangs up.
    background: Background,
}

impl<S> TicketOffice<S> {
    /// An office that keeps users and logins in `store` and signs with `keys`.
    ///
    /// The tenant separates offices that share a store or keys but not their users. With one office it may be empty.
    ///
    /// # Errors
    /// If the tenant has more than 32 characters, or characters other than `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`.
    pub fn new(tenant: &str, store: S, keys: KeyRing) -> Result<Self, ConfigError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if tenant.len() > 32 || !tenant.bytes().all(allowed) {
            return Err(ConfigError::new(
                "the tenant must have at most 32 characters, each a letter, a digit, `.`, `_` or `-`",
            ));
        }
        Ok(Self {
            store: Arc::new(store),
            tenant: tenant.into(),
            server_keys: ApiKeys::none(),
            app_keys: ApiKeys::none(),
            ticket: Signer::new("ttk", "ticket", tenant, keys.clone())?,
            access: Signer::new("ttka", "access token", tenant, keys.clone())?,
            refresh: Signer::new("ttkr", "refresh token", tenant, keys)?,
            ticket_ttl: Duration::from_secs(60 * 60),
            access_token_ttl: Duration::from_secs(60 * 60),
            refresh_token_ttl: Duration::from_secs(30 * 24 * 60 * 60),
            single_use: true,
            refresh_grace: Duration::from_secs(10),
            ticket_grace: Duration::ZERO,
            refresh_patience: Duration::from_secs(3),
            clock: Arc::new(SystemClock),
            background: Background::default(),
        })
    }

    /// Sets the keys of the backends that may request tickets. The default is none.
    pub fn server_keys(mut self, keys: ApiKeys) -> Self {
        self.server_keys = keys;
        self
    }

    /// Sets the keys of the apps that may exchange tickets. The default is none.
    pub fn app_keys(mut self, keys: ApiKeys) -> Self {
        self.app_keys = keys;
        self
    }

    /// Sets the lifetime of a ticket. The default is 1 hour, as documented.
    ///
    /// # Errors
    /// If it is less than a millisecond.
    pub fn ticket_ttl(mut self, ttl: Duration) -> Result<Self, ConfigError> {
        self.ticket_ttl = checked_ttl(ttl)?;
        Ok(self)
    }

    /// Sets the lifetime of an access token. The default is 1 hour.
    ///
    /// # Errors
    /// If it is less than a millisecond.
    pub fn access_token_ttl(mut self, ttl: Duration) -> Result<Self, ConfigError> {
        self.access_token_ttl = checked_ttl(ttl)?;
        Ok(self)
    }

    /// Sets the lifetime of a refresh token. The default is 30 days.
    ///
    /// An app that is not used for longer than this must log its user in again.
    ///
    /// # Errors
    /// If it is less than a millisecond.
    pub fn refresh_token_ttl(mut self, ttl: Duration) -> Result<Self, ConfigError> {
        self.refresh_token_ttl = checked_ttl(ttl)?;
        Ok(self)
    }

    /// Sets whether a ticket is good for one exchange only. The default is `true`.
    ///
    /// With `false`, each exchange of a ticket begins a login of its own.
    pub fn single_use(mut self, single_use: bool) -> Self {
        self.single_use = single_use;
        self
    }

    /// Sets how long the same app on the same device may repeat a refresh. The default is 10 s.
    ///
    /// With zero, a client that loses the response to its refresh must log its user in again.
    ///
    /// # Errors
    /// If it is more than a minute.
    pub fn refresh_grace(mut self, grace: Duration) -> Result<Self, ConfigError> {
        self.refresh_grace = checked_grace(grace)?;
        Ok(self)
    }

    /// Sets how long the same app on the same device may repeat the exchange of a single-use ticket. The default is
    /// zero.
    ///
    /// # Errors
    /// If it is more than a minute.
    pub fn ticket_grace(mut self, grace: Duration) -> Result<Self, ConfigError> {
        self.ticket_grace = checked_grace(grace)?;
        Ok(self)
    }

    /// Sets how long a refresh is retried while the store fails. The default is 3 s, less than the layer's deadline.
    ///
    /// It is retried only within a tokio runtime, and only if [`refresh_grace`](Self::refresh_grace) is not zero.
    pub fn refresh_patience(mut self, patience: Duration) -> Self {
        self.refresh_patience = patience;
        self
    }

    /// Sets the clock. The default is the system's. The store has a clock of its own.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        let clock = Arc::new(clock);
        self.ticket = self.ticket.clock(Arc::clone(&clock));
        self.access = self.access.clock(Arc::clone(&clock));
        self.refresh = self.refresh.clock(Arc::clone(&clock));
        self.clock = clock;
        self
    }
}

fn checked_grace(grace: Duration) -> Result<Duration, ConfigError> {
    if grace > Duration::from_secs(60) {
        return Err(ConfigError::new("`refresh_grace` and `ticket_grace` must be at most a minute"));
    }
    Ok(grace)
}

impl<S> Clone for TicketOffice<S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            tenant: Arc::clone(&self.tenant),
            server_keys: self.server_keys.clone(),
            app_keys: self.app_keys.clone(),
            ticket: self.ticket.clone(),
            access: self.access.clone(),
            refresh: self.refresh.clone(),
            background: self.background.clone(),
            clock: Arc::clone(&self.clock),
            ..*self
        }
    }
}

impl<S> fmt::Debug for TicketOffice<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketOffice")
            .field("tenant", &self.tenant)
            .field("server_keys", &self.server_keys)
            .field("app_keys", &self.app_keys)
            .field("ticket_ttl", &self.ticket_ttl)
            .field("access_token_ttl", &self.access_token_ttl)
            .field("refresh_token_ttl", &self.refresh_token_ttl)
            .field("single_use", &self.single_use)
            .field("refresh_grace", &self.refresh_grace)
            .field("ticket_grace", &self.ticket_grace)
            .finish_non_exhaustive()
    }
}
