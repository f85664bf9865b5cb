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

/// A ready-made verifier of a ticket server: it issues, exchanges, refreshes, checks and revokes.
///
/// One office is the verifier of all of a ticket server's endpoints, and of a
/// [`SocketGuard`](crate::taptalk::SocketGuard). Its host ends logins too: [`revoke_user`](Self::revoke_user),
/// [`revoke_login`](Self::revoke_login). The [module's example](crate::taptalk) puts it behind its endpoints.
///
/// It issues to the backends whose [`server_keys`](Self::server_keys) it knows and exchanges for the apps whose
/// [`app_keys`](Self::app_keys) it knows; at first it knows none. Clones share everything but their settings.
///
/// | what | default | setter |
/// |---|---|---|
/// | a ticket is good for | 1 hour, as documented | [`ticket_ttl`](Self::ticket_ttl) |
/// | a ticket is good for | one exchange | [`single_use`](Self::single_use) |
/// | an access token is good for | 1 hour | [`access_token_ttl`](Self::access_token_ttl) |
/// | a refresh token is good for | 30 days, and one refresh | [`refresh_token_ttl`](Self::refresh_token_ttl) |
/// | the same refresh may be repeated for | 10 s | [`refresh_grace`](Self::refresh_grace) |
/// | the same exchange may be repeated for | no time | [`ticket_grace`](Self::ticket_grace) |
/// | a refresh waits for a store that fails for | 3 s | [`refresh_patience`](Self::refresh_patience) |
///
/// # Users
///
/// The first ticket for an `xcUserID` saves a user under a new random `userID`; it stays the same from then on. Each
/// ticket request replaces the whole profile: what is not given any more is not kept.
///
/// # Logins
///
/// A ticket, the tokens that are given for it, and those given for their refresh tokens are one login. They belong to the
/// app key that the ticket was exchanged under, and to the device that the app named then, if it named one: shown by
/// another they are refused, and the login goes on.
///
/// A client repeats a refresh when the answer was lost, and two tabs of a browser refresh at the same time. So the same
/// refresh may be repeated for 10 s, as long as the new refresh token was not used: each is given the same tokens. Nothing
/// is kept for that but when the login was renewed. Later reuse of a refresh token means theft: the login
/// ends, and every token of it is refused from the next check on (RFC 9700 section 4.14.2). Within a tokio runtime it ends
/// even if the caller hangs up before the response.
///
/// A ticket that is used a second time is refused, and the login goes on. An access token stays good until it expires,
/// even if there is a newer one.
///
/// # What is in the store
///
/// The store says what is good, and what it does not have is refused: one that comes back empty ends every login, and
/// redeems nothing a second time. Tokens are signed, so that garbage, expired tokens and those of another office are
/// refused without asking it.
///
/// | key | value | until |
/// |---|---|---|
/// | `tt:{tenant}:l:{login}` | 3 or 9 bytes: how often the login was renewed, and when the last time was | its tokens have expired, and a minute more |
/// | `tt:{tenant}:r:{userID}` | 8 bytes: when the user's logins were [revoked](Self::revoke_user) | its tokens have expired |
/// | `tt:{tenant}:u:{userID}` | the user's profile, as a JSON array | 100 years after the last ticket |
/// | `tt:{tenant}:x:{digest of xcUserID}` | 4 bytes: the user's id | 100 years after the first ticket |
///
/// A ticket and a refresh take two round trips, one after another; an exchange and a check take one. In a
/// [`MemoryStore`](crate::store::MemoryStore) a login takes 110 bytes, and a user some 300.
///
/// A store that goes back to an older state, such as one restored from a snapshot, knows what was good then. It refuses
/// tokens that are newer than itself; but a ticket or a refresh token that was used in between is good once more.
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
    /// The end of a login does not depend on who waits for it.
    background: Background,
}

impl<S> TicketOffice<S> {
    /// An office that keeps users and logins in `store` and signs with `keys`.
    ///
    /// Offices that share a store or keys but not their users need different tenants. With a single one it may be empty.
    ///
    /// # Errors
    /// If the tenant has more than 32 characters, or others than `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`.
    pub fn new(tenant: &str, store: S, keys: KeyRing) -> Result<Self, ConfigError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if tenant.len() > 32 || !tenant.bytes().all(allowed) {
            return Err(ConfigError::new("a tenant must have at most 32 letters, digits, `.`, `_` and `-`"));
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

    /// The backends that may ask for tickets.
    pub fn server_keys(mut self, keys: ApiKeys) -> Self {
        self.server_keys = keys;
        self
    }

    /// The apps that may exchange tickets.
    pub fn app_keys(mut self, keys: ApiKeys) -> Self {
        self.app_keys = keys;
        self
    }

    /// How long a ticket is good for. The default is the documented hour.
    ///
    /// # Errors
    /// If it is less than a millisecond.
    pub fn ticket_ttl(mut self, ttl: Duration) -> Result<Self, ConfigError> {
        self.ticket_ttl = checked_ttl(ttl)?;
        Ok(self)
    }

    /// How long an access token is good for. The default is an hour.
    ///
    /// # Errors
    /// If it is less than a millisecond.
    pub fn access_token_ttl(mut self, ttl: Duration) -> Result<Self, ConfigError> {
        self.access_token_ttl = checked_ttl(ttl)?;
        Ok(self)
    }

    /// How long a refresh token is good for, and so how long an app can be away before its user must log in again. The
    /// default is 30 days.
    ///
    /// # Errors
    /// If it is less than a millisecond.
    pub fn refresh_token_ttl(mut self, ttl: Duration) -> Result<Self, ConfigError> {
        self.refresh_token_ttl = checked_ttl(ttl)?;
        Ok(self)
    }

    /// Whether a ticket is good for a single exchange. The default is `true`. If not, each exchange of it begins a login
    /// of its own.
    pub fn single_use(mut self, single_use: bool) -> Self {
        self.single_use = single_use;
        self
    }

    /// For how long a refresh may be repeated, by the same app on the same device. The default is 10 s; zero is strict: a
    /// client that did not get the answer to its refresh has to log its user in again.
    ///
    /// # Errors
    /// If it is more than a minute.
    pub fn refresh_grace(mut self, grace: Duration) -> Result<Self, ConfigError> {
        self.refresh_grace = checked_grace(grace)?;
        Ok(self)
    }

    /// For how long the exchange of a ticket that is good once may be repeated, by the same app on the same device. The
    /// default is zero: not at all.
    ///
    /// # Errors
    /// If it is more than a minute.
    pub fn ticket_grace(mut self, grace: Duration) -> Result<Self, ConfigError> {
        self.ticket_grace = checked_grace(grace)?;
        Ok(self)
    }

    /// For how long a refresh is tried again when the store fails, within a tokio runtime. The default is 3 s: less than
    /// the layer's deadline. Without a [window](Self::refresh_grace) for repeats it is not tried again.
    pub fn refresh_patience(mut self, patience: Duration) -> Self {
        self.refresh_patience = patience;
        self
    }

    /// Tells the time by another clock than the system's. The store has its own.
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
        return Err(ConfigError::new("what was used may be repeated for a minute at most"));
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
