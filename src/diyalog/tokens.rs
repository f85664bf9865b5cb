use std::{sync::Arc, time::Duration};

use http::Request;

use super::{AgentToken, AgentVerdict, CustomerToken, CustomerVerdict, StoredTokens};
use crate::{
    BoxError, Clock, ConfigError, Verifier,
    store::Store,
    token::{CheckError, Checked, IssueError, Issued, KeyRing, Register, Signer, checked_ttl},
};

// Contract: DY-6.
/// Makes the tokens that Diyalog asks about, and verifies them, without storing anything.
///
/// A customer's token begins with `dlgc_` and an agent's with `dlga_`; neither is good in place of the other. A token
/// is [signed](crate::token), bound to the other two of its trio, and can be checked any number of times until it
/// expires. For tokens that can be revoked or used up, see [`store`](Self::store).
///
/// ```
/// use http::Request;
/// use tower_verify::{
///     BoxError, Verifier, VerifyLayer,
///     diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict, Tokens},
///     token::KeyRing,
/// };
///
/// # futures::executor::block_on(async {
/// let tokens = Tokens::new("example.com", KeyRing::generate()?)?;
///
/// // When your app has logged its user in:
/// let issued = tokens.customer_token("1234567", "123456789aacaaca")?;
///
/// // The layer of the app that Diyalog calls:
/// let layer = VerifyLayer::new(CustomerEndpoint::new(), tokens.clone());
///
/// // The verdicts:
/// let trio = CustomerToken::new("123456789aacaaca", issued.token.clone(), "1234567");
/// assert_eq!(tokens.verify(Request::new(trio)).await?, CustomerVerdict::Validated);
/// let trio = CustomerToken::new("another device", issued.token, "1234567");
/// assert_eq!(tokens.verify(Request::new(trio)).await?, CustomerVerdict::InvalidDeviceId);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
///
/// If several things are wrong with a token, the verdict is the first of these: `InvalidToken` when it is not a token
/// of this customer or agent, `InvalidDeviceId` or `InvalidSessionId`, `ExpiredToken`.
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
    /// `tenant` names your app, site or environment, if the keys serve more than one; it may be empty. The tokens of
    /// one tenant are not good for another.
    ///
    /// # Errors
    /// If [`Signer::new`] fails.
    pub fn new(tenant: &str, keys: KeyRing) -> Result<Self, ConfigError> {
        Ok(Self {
            customers: Signer::new("dlgc", "diyalog customer", tenant, keys.clone())?,
            agents: Signer::new("dlga", "diyalog agent", tenant, keys)?,
            ttl: Self::DEFAULT_TTL,
        })
    }

    /// Sets how long a token is good. It is used within seconds of being made, so a few minutes are enough.
    ///
    /// # Errors
    /// If `ttl` is less than a millisecond.
    pub fn ttl(mut self, ttl: Duration) -> Result<Self, ConfigError> {
        self.ttl = checked_ttl(ttl)?;
        Ok(self)
    }

    /// Uses another clock than the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        let clock = Arc::new(clock);
        self.customers = self.customers.clock(Arc::clone(&clock));
        self.agents = self.agents.clock(clock);
        self
    }

    /// Tokens that are recorded in `store` and can be revoked.
    ///
    /// Tokens that were made without the store are `InvalidToken` there.
    pub fn store<S: Store>(self, store: S) -> StoredTokens<S> {
        let store = Arc::new(store);
        StoredTokens::new(
            Register::new(self.customers, Arc::clone(&store), self.ttl),
            Register::new(self.agents, store, self.ttl),
        )
    }

    /// Issues a token for the activation of this customer's SDK on this device: Diyalog's `dlgToken`.
    ///
    /// # Errors
    /// If the operating system has no randomness.
    pub fn customer_token(&self, customer_no: &str, device_id: &str) -> Result<Issued, IssueError> {
        self.customers.issue_for(customer_no.as_bytes(), &[device_id.as_bytes()], self.ttl)
    }

    /// Issues a token for the iframe of this agent's session: the `dlgToken` of its address.
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

/// The claimed owner of the token, the token, and the claimed binding.
pub(super) type Trio<'a> = (&'a [u8], &'a str, [&'a [u8]; 1]);

pub(super) fn customer_trio(asked: &CustomerToken) -> Trio<'_> {
    let CustomerToken { device_id, dlg_token, customer_no, .. } = asked;
    (customer_no.expose_secret().as_bytes(), dlg_token.expose_secret(), [device_id.expose_secret().as_bytes()])
}

pub(super) fn agent_trio(asked: &AgentToken) -> Trio<'_> {
    let AgentToken { session_id, token, user_no } = asked;
    (user_no.expose_secret().as_bytes(), token.expose_secret(), [session_id.expose_secret().as_bytes()])
}

pub(super) fn customer_verdict(checked: Result<Checked, CheckError>) -> CustomerVerdict {
    match checked {
        Ok(_) => CustomerVerdict::Validated,
        Err(CheckError::BoundToOther) => CustomerVerdict::InvalidDeviceId,
        Err(CheckError::Expired) => CustomerVerdict::ExpiredToken,
        Err(CheckError::NotOurs | CheckError::Revoked | CheckError::Used) => CustomerVerdict::InvalidToken,
    }
}

pub(super) fn agent_verdict(checked: Result<Checked, CheckError>, request: Request<AgentToken>) -> AgentVerdict {
    match checked {
        Ok(_) => AgentVerdict::validated(request.into_body().user_no),
        Err(CheckError::BoundToOther) => AgentVerdict::InvalidSessionId,
        Err(CheckError::Expired) => AgentVerdict::ExpiredToken,
        Err(CheckError::NotOurs | CheckError::Revoked | CheckError::Used) => AgentVerdict::InvalidToken,
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use futures_util::FutureExt;
    use proptest::prelude::*;

    use super::*;
    use crate::{ManualClock, Secret, token::Key};

    fn keys() -> KeyRing {
        KeyRing::new(Key::from_bytes("k7", &[7; 32]).unwrap())
    }

    fn tokens() -> (Tokens, ManualClock) {
        let clock = ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_784_000_000));
        (Tokens::new("example.com", keys()).unwrap().clock(clock.clone()), clock)
    }

    fn customer(tokens: &Tokens, device_id: &str, token: &Secret, customer_no: &str) -> CustomerVerdict {
        let trio = CustomerToken::new(device_id, token.clone(), customer_no);
        tokens.verify(Request::new(trio)).now_or_never().unwrap().unwrap()
    }

    fn agent(tokens: &Tokens, session_id: &str, token: &Secret, user_no: &str) -> AgentVerdict {
        let trio = AgentToken::new(session_id, token.clone(), user_no);
        tokens.verify(Request::new(trio)).now_or_never().unwrap().unwrap()
    }

    // Contract: DY-6.
    #[test]
    fn verdicts_on_a_customer_have_an_order() {
        use CustomerVerdict::{ExpiredToken, InvalidDeviceId, InvalidToken, Validated};

        let (tokens, clock) = tokens();
        let issued = tokens.customer_token("1234567", "device").unwrap();
        assert_eq!(issued.expires_at, clock.now() + Duration::from_secs(300));
        let verdicts = |tokens: &Tokens| {
            [("device", "1234567"), ("other", "1234567"), ("device", "7654321"), ("other", "7654321")]
                .map(|(device_id, customer_no)| customer(tokens, device_id, &issued.token, customer_no))
        };
        for _ in 0..2 {
            assert_eq!(verdicts(&tokens), [Validated, InvalidDeviceId, InvalidToken, InvalidToken]);
        }
        clock.advance(Duration::from_millis(299_999));
        assert_eq!(verdicts(&tokens)[0], Validated);
        clock.advance(Duration::from_millis(1));
        assert_eq!(verdicts(&tokens), [ExpiredToken, InvalidDeviceId, InvalidToken, InvalidToken]);
        assert_eq!(customer(&tokens, "device", &Secret::from("2121sasasrwsdss"), "1234567"), InvalidToken);
    }

    #[test]
    fn verdicts_on_an_agent_have_an_order() {
        use AgentVerdict::{ExpiredToken, InvalidSessionId, InvalidToken};

        let (tokens, clock) = tokens();
        let issued = tokens.agent_token("45186", "s-7").unwrap();
        let verdicts = |tokens: &Tokens| {
            [("s-7", "45186"), ("s-8", "45186"), ("s-7", "45187"), ("s-8", "45187")]
                .map(|(session_id, user_no)| agent(tokens, session_id, &issued.token, user_no))
        };
        let validated = AgentVerdict::validated("45186");
        assert_eq!(verdicts(&tokens), [validated, InvalidSessionId, InvalidToken, InvalidToken]);
        clock.advance(Duration::from_secs(300));
        assert_eq!(verdicts(&tokens), [ExpiredToken, InvalidSessionId, InvalidToken, InvalidToken]);
    }

    #[test]
    fn a_token_of_one_endpoint_is_invalid_at_the_other() {
        let (tokens, _) = tokens();
        let of_customer = tokens.customer_token("7", "7").unwrap().token;
        let of_agent = tokens.agent_token("7", "7").unwrap().token;
        assert!(of_customer.expose_secret().starts_with("dlgc_"));
        assert!(of_agent.expose_secret().starts_with("dlga_"));
        for (token, other_head) in [(&of_customer, "dlga"), (&of_agent, "dlgc")] {
            let disguised = Secret::from(format!("{other_head}{}", &token.expose_secret()[4..]));
            assert_eq!(customer(&tokens, "7", &disguised, "7"), CustomerVerdict::InvalidToken);
            assert_eq!(agent(&tokens, "7", &disguised, "7"), AgentVerdict::InvalidToken);
        }
        assert_eq!(customer(&tokens, "7", &of_agent, "7"), CustomerVerdict::InvalidToken);
        assert_eq!(agent(&tokens, "7", &of_customer, "7"), AgentVerdict::InvalidToken);
    }

    #[test]
    fn a_token_of_another_tenant_is_invalid() {
        let (tokens, clock) = tokens();
        let other = Tokens::new("example.org", keys()).unwrap().clock(clock);
        let token = other.customer_token("7", "7").unwrap().token;
        assert_eq!(customer(&other, "7", &token, "7"), CustomerVerdict::Validated);
        assert_eq!(customer(&tokens, "7", &token, "7"), CustomerVerdict::InvalidToken);
    }

    #[test]
    fn a_token_is_good_for_the_ttl() {
        let (tokens, clock) = tokens();
        assert!(tokens.clone().ttl(Duration::from_nanos(999_999)).is_err());
        let tokens = tokens.ttl(Duration::from_millis(1)).unwrap();
        let token = tokens.customer_token("7", "7").unwrap().token;
        assert_eq!(customer(&tokens, "7", &token, "7"), CustomerVerdict::Validated);
        clock.advance(Duration::from_millis(1));
        assert_eq!(customer(&tokens, "7", &token, "7"), CustomerVerdict::ExpiredToken);
    }

    #[test]
    fn tokens_need_no_encoding_in_a_url() {
        let (tokens, _) = tokens();
        for issued in [tokens.customer_token("1234567", "device"), tokens.agent_token("45186", "s-7")] {
            let token = issued.unwrap().token;
            let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            assert!(token.len() <= 100 && token.expose_secret().bytes().all(unreserved));
        }
    }

    proptest! {
        #[test]
        fn only_the_exact_trio_is_validated(
            made in ("[a-c]{1,2}", "[a-c]{1,2}"),
            asked in ("[a-c]{1,2}", "[a-c]{1,2}"),
        ) {
            let (tokens, _) = tokens();
            let of_customer = tokens.customer_token(&made.0, &made.1).unwrap().token;
            let of_agent = tokens.agent_token(&made.0, &made.1).unwrap().token;
            let verdict = customer(&tokens, &asked.1, &of_customer, &asked.0);
            prop_assert_eq!(verdict, match (made.0 == asked.0, made.1 == asked.1) {
                (true, true) => CustomerVerdict::Validated,
                (true, false) => CustomerVerdict::InvalidDeviceId,
                (false, _) => CustomerVerdict::InvalidToken,
            });
            let verdict = agent(&tokens, &asked.1, &of_agent, &asked.0);
            prop_assert_eq!(verdict == AgentVerdict::validated(asked.0.as_str()), made == asked);
        }
    }
}
