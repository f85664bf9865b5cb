use std::{sync::Arc, time::Duration};

use http::Request;

use super::{AgentToken, AgentVerdict, CustomerToken, CustomerVerdict, StoredTokens};
use crate::{
    BoxError, Clock, ConfigError, Verifier,
    store::Store,
    token::{Checked, IssueError, Issued, KeyRing, Refused, Register, Signer},
};

/// Makes the tokens that Diyalog asks about, and verifies them, without storing anything.
///
/// A customer's token begins with `dlgc_` and an agent's with `dlga_`; neither is ever good in the place of the other.
/// They are [signed](crate::token), bound to the other two of their trio, and can be checked any number of times until
/// they expire. For tokens that can be revoked or used up, see [`store`](Self::store).
///
/// ```
/// use http::Request;
/// use tower_verify::{
///     BoxError, Verifier, VerifyLayer,
///     diyalog::{Customer, CustomerToken, CustomerVerdict, Tokens},
///     token::KeyRing,
/// };
///
/// # futures::executor::block_on(async {
/// let tokens = Tokens::new("example.com", KeyRing::generate()?)?;
///
/// // Where your app has logged its user in:
/// let issued = tokens.customer_token("1234567", "123456789aacaaca")?;
///
/// // Where Diyalog calls:
/// let layer = VerifyLayer::new(Customer::new(), tokens.clone());
/// # let trio = CustomerToken::new("123456789aacaaca", issued.token.clone(), "1234567");
/// # assert_eq!(tokens.verify(Request::new(trio)).await?, CustomerVerdict::Validated);
/// # let trio = CustomerToken::new("another", issued.token, "1234567");
/// # assert_eq!(tokens.verify(Request::new(trio)).await?, CustomerVerdict::InvalidDeviceId);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
///
/// If several things are wrong with a token, the verdict is the first of these: `InvalidToken` when it is not a token of
/// this customer or agent, `InvalidDeviceId` or `InvalidSessionId`, `ExpiredToken`.
#[derive(Debug, Clone)]
pub struct Tokens {
    customers: Signer,
    agents: Signer,
    ttl: Duration,
}

impl Tokens {
    const DEFAULT_TTL: Duration = Duration::from_secs(300);

    /// Tokens that are signed with `keys` and good for 300 seconds.
    ///
    /// `tenant` is whose tokens these are, if the keys serve more than one app, site or environment; it may be empty. The
    /// tokens of one tenant are not good for another.
    ///
    /// # Errors
    /// If a [`Signer`] cannot work with these.
    pub fn new(tenant: &str, keys: KeyRing) -> Result<Self, ConfigError> {
        Ok(Self {
            customers: Signer::new("dlgc", "diyalog customer", tenant, keys.clone())?,
            agents: Signer::new("dlga", "diyalog agent", tenant, keys)?,
            ttl: Self::DEFAULT_TTL,
        })
    }

    /// How long a token is good. It is used within seconds of being made, so a few minutes are enough.
    ///
    /// # Errors
    /// If it is less than a millisecond.
    pub fn ttl(mut self, ttl: Duration) -> Result<Self, ConfigError> {
        if ttl < Duration::from_millis(1) {
            return Err(ConfigError::new("a token must be good for at least a millisecond"));
        }
        self.ttl = ttl;
        Ok(self)
    }

    /// Tells the time by another clock than the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        let clock = Arc::new(clock);
        self.customers = self.customers.clock(Arc::clone(&clock));
        self.agents = self.agents.clock(clock);
        self
    }

    /// Tokens that are written down in `store` and can be revoked. Those that were made without it are not among them.
    pub fn store<S: Store>(self, store: S) -> StoredTokens<S> {
        let store = Arc::new(store);
        StoredTokens::new(
            Register::new(self.customers, Arc::clone(&store), self.ttl),
            Register::new(self.agents, store, self.ttl),
        )
    }

    /// A token for the activation of this customer's SDK on this device: Diyalog's `dlgToken`.
    ///
    /// # Errors
    /// If the operating system has no randomness.
    pub fn customer_token(&self, customer_no: &str, device_id: &str) -> Result<Issued, IssueError> {
        self.customers.issue_for(customer_no.as_bytes(), &[device_id.as_bytes()], self.ttl)
    }

    /// A token for the iframe of this agent's session: the `dlgToken` of its address.
    ///
    /// # Errors
    /// If the operating system has no randomness.
    pub fn agent_token(&self, user_no: &str, session_id: &str) -> Result<Issued, IssueError> {
        self.agents.issue_for(user_no.as_bytes(), &[session_id.as_bytes()], self.ttl)
    }
}

impl Verifier<CustomerToken> for Tokens {
    async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
        let (customer_no, token, binding) = customer_trio(request.body());
        Ok(customer_verdict(self.customers.check_for(customer_no, token, &binding)))
    }
}

impl Verifier<AgentToken> for Tokens {
    async fn verify(&self, request: Request<AgentToken>) -> Result<AgentVerdict, BoxError> {
        let (user_no, token, binding) = agent_trio(request.body());
        let checked = self.agents.check_for(user_no, token, &binding);
        Ok(agent_verdict(checked, request))
    }
}

/// Whose token it is said to be, the token, and what it is said to be bound to.
pub(super) type Trio<'a> = (&'a [u8], &'a str, [&'a [u8]; 1]);

pub(super) fn customer_trio(asked: &CustomerToken) -> Trio<'_> {
    let CustomerToken { device_id, dlg_token, customer_no, .. } = asked;
    (customer_no.expose_secret().as_bytes(), dlg_token.expose_secret(), [device_id.expose_secret().as_bytes()])
}

pub(super) fn agent_trio(asked: &AgentToken) -> Trio<'_> {
    let AgentToken { session_id, token, user_no } = asked;
    (user_no.expose_secret().as_bytes(), token.expose_secret(), [session_id.expose_secret().as_bytes()])
}

pub(super) fn customer_verdict(checked: Result<Checked, Refused>) -> CustomerVerdict {
    match checked {
        Ok(_) => CustomerVerdict::Validated,
        Err(Refused::BoundToOther) => CustomerVerdict::InvalidDeviceId,
        Err(Refused::Expired) => CustomerVerdict::ExpiredToken,
        Err(Refused::NotOurs | Refused::Revoked | Refused::Used) => CustomerVerdict::InvalidToken,
    }
}

pub(super) fn agent_verdict(checked: Result<Checked, Refused>, request: Request<AgentToken>) -> AgentVerdict {
    match checked {
        Ok(_) => AgentVerdict::validated(request.into_body().user_no),
        Err(Refused::BoundToOther) => AgentVerdict::InvalidSessionId,
        Err(Refused::Expired) => AgentVerdict::ExpiredToken,
        Err(Refused::NotOurs | Refused::Revoked | Refused::Used) => AgentVerdict::InvalidToken,
    }
}
