use std::{sync::Arc, time::Duration};

use http::Request;

use super::{
    AgentToken, AgentVerdict, CustomerToken, CustomerVerdict,
    tokens::{agent_trio, agent_verdict, customer_trio, customer_verdict},
};
use crate::{
    BoxError, Verifier,
    store::{Store, StoreError},
    token::{Issued, Register, RegisterError},
};

/// [`Tokens`](super::Tokens) that can be revoked, and used up: they are recorded in a [`Store`].
///
/// ```
/// use std::time::Duration;
///
/// use http::Request;
/// use tower_verify::{
///     BoxError, Verifier,
///     diyalog::{CustomerToken, CustomerVerdict, Tokens},
///     store::MemoryStore,
///     token::KeyRing,
/// };
///
/// # futures::executor::block_on(async {
/// let tokens = Tokens::new("example.com", KeyRing::generate()?)?
///     .store(MemoryStore::new())
///     .single_use_with_grace(Duration::from_secs(60));
///
/// let issued = tokens.customer_token("1234567", "123456789aacaaca").await?;
/// let trio = CustomerToken::new("123456789aacaaca", issued.token, "1234567");
/// assert_eq!(tokens.verify(Request::new(trio.clone())).await?, CustomerVerdict::Validated);
///
/// tokens.revoke_customer("1234567").await?;
/// assert_eq!(tokens.verify(Request::new(trio)).await?, CustomerVerdict::InvalidToken);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
///
/// A token that was revoked or used up is `InvalidToken`. If the store is unavailable, there is no verdict. If the
/// store loses its data, no revoked or used token becomes good again: see [`Register`] for the conditions.
///
/// Clones share the store.
#[derive(Debug)]
pub struct StoredTokens<S> {
    customers: Register<Arc<S>>,
    agents: Register<Arc<S>>,
}

impl<S: Store> StoredTokens<S> {
    pub(super) fn new(customers: Register<Arc<S>>, agents: Register<Arc<S>>) -> Self {
        Self { customers, agents }
    }

    /// Lets each token be used once, and again during `grace` after its first use.
    ///
    /// By default, a token can be used until it expires. Diyalog can ask about one activation more than once, and an
    /// iframe can be loaded again: a `grace` of zero refuses both.
    pub fn single_use_with_grace(self, grace: Duration) -> Self {
        Self {
            customers: self.customers.single_use_with_grace(grace),
            agents: self.agents.single_use_with_grace(grace),
        }
    }

    /// Issues a token for the activation of this customer's SDK on this device: Diyalog's `dlgToken`.
    ///
    /// # Errors
    /// If the token cannot be made or recorded.
    pub async fn customer_token(&self, customer_no: &str, device_id: &str) -> Result<Issued, RegisterError> {
        self.customers.issue(customer_no.as_bytes(), &[device_id.as_bytes()]).await
    }

    /// Issues a token for the iframe of this agent's session: the `dlgToken` of its address.
    ///
    /// # Errors
    /// If the token cannot be made or recorded.
    pub async fn agent_token(&self, user_no: &str, session_id: &str) -> Result<Issued, RegisterError> {
        self.agents.issue(user_no.as_bytes(), &[session_id.as_bytes()]).await
    }

    /// Revokes every token that this customer has now.
    ///
    /// # Errors
    /// If the store fails. The tokens may still be good.
    pub async fn revoke_customer(&self, customer_no: &str) -> Result<(), StoreError> {
        self.customers.revoke(customer_no.as_bytes()).await
    }

    /// Revokes every token that this agent has now.
    ///
    /// # Errors
    /// If the store fails. The tokens may still be good.
    pub async fn revoke_agent(&self, user_no: &str) -> Result<(), StoreError> {
        self.agents.revoke(user_no.as_bytes()).await
    }
}

impl<S: Store> Verifier<CustomerToken> for StoredTokens<S> {
    async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
        let (customer_no, token, binding) = customer_trio(request.body());
        Ok(customer_verdict(self.customers.check(customer_no, token, &binding).await?))
    }
}

impl<S: Store> Verifier<AgentToken> for StoredTokens<S> {
    async fn verify(&self, request: Request<AgentToken>) -> Result<AgentVerdict, BoxError> {
        let (user_no, token, binding) = agent_trio(request.body());
        let checked = self.agents.check(user_no, token, &binding).await?;
        Ok(agent_verdict(checked, request))
    }
}

impl<S> Clone for StoredTokens<S> {
    fn clone(&self) -> Self {
        Self { customers: self.customers.clone(), agents: self.agents.clone() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use bytes::Bytes;
    use futures::executor::block_on;
    use static_assertions::assert_impl_all;

    use super::*;
    use crate::{
        ManualClock, Secret,
        diyalog::Tokens,
        store::{MemoryStore, SharedStore},
        token::{Key, KeyRing},
    };

    assert_impl_all!(StoredTokens<MemoryStore>: Send, Sync, Clone, std::fmt::Debug);
    assert_impl_all!(StoredTokens<SharedStore>: Verifier<CustomerToken>, Verifier<AgentToken>);

    fn tokens<S: Store>(store: impl FnOnce(&ManualClock) -> S) -> (StoredTokens<S>, ManualClock) {
        let clock = ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_784_000_000));
        let keys = KeyRing::new(Key::from_bytes("k7", &[7; 32]).unwrap());
        let tokens = Tokens::new("example.com", keys).unwrap().clock(clock.clone());
        (tokens.store(store(&clock)), clock)
    }

    fn in_memory() -> (StoredTokens<MemoryStore>, ManualClock) {
        tokens(|clock| MemoryStore::new().clock(clock.clone()))
    }

    fn customer<S: Store>(tokens: &StoredTokens<S>, token: &Secret, customer_no: &str) -> CustomerVerdict {
        let trio = CustomerToken::new("device", token.clone(), customer_no);
        block_on(tokens.verify(Request::new(trio))).unwrap()
    }

    fn agent<S: Store>(tokens: &StoredTokens<S>, token: &Secret, user_no: &str) -> AgentVerdict {
        let trio = AgentToken::new("s-7", token.clone(), user_no);
        block_on(tokens.verify(Request::new(trio))).unwrap()
    }

    #[test]
    fn a_revoked_customer_can_get_a_new_token() {
        let (tokens, _) = in_memory();
        let before = block_on(tokens.customer_token("7", "device")).unwrap().token;
        let of_agent = block_on(tokens.agent_token("7", "s-7")).unwrap().token;
        assert_eq!(customer(&tokens, &before, "7"), CustomerVerdict::Validated);
        block_on(tokens.revoke_customer("7")).unwrap();
        let after = block_on(tokens.customer_token("7", "device")).unwrap().token;
        assert_eq!(customer(&tokens, &before, "7"), CustomerVerdict::InvalidToken);
        assert_eq!(customer(&tokens, &after, "7"), CustomerVerdict::Validated);
        assert_eq!(agent(&tokens, &of_agent, "7"), AgentVerdict::validated("7"), "only the customer was revoked");

        block_on(tokens.revoke_agent("7")).unwrap();
        assert_eq!(agent(&tokens, &of_agent, "7"), AgentVerdict::InvalidToken);
        assert_eq!(customer(&tokens, &after, "7"), CustomerVerdict::Validated);
    }

    #[test]
    fn repeats_of_one_activation_are_validated_during_the_grace() {
        let (tokens, clock) = in_memory();
        let tokens = tokens.single_use_with_grace(Duration::from_secs(60));
        let of_customer = block_on(tokens.customer_token("7", "device")).unwrap().token;
        let of_agent = block_on(tokens.agent_token("7", "s-7")).unwrap().token;
        for _ in 0..2 {
            assert_eq!(customer(&tokens, &of_customer, "7"), CustomerVerdict::Validated);
            assert_eq!(agent(&tokens, &of_agent, "7"), AgentVerdict::validated("7"));
            clock.advance(Duration::from_secs(30));
        }
        assert_eq!(customer(&tokens, &of_customer, "7"), CustomerVerdict::InvalidToken);
        assert_eq!(agent(&tokens, &of_agent, "7"), AgentVerdict::InvalidToken);
        clock.advance(Duration::from_secs(240));
        assert_eq!(customer(&tokens, &of_customer, "7"), CustomerVerdict::ExpiredToken);
    }

    #[test]
    fn by_default_a_token_is_validated_until_it_expires() {
        let (tokens, clock) = in_memory();
        let token = block_on(tokens.customer_token("7", "device")).unwrap().token;
        for _ in 0..3 {
            assert_eq!(customer(&tokens, &token, "7"), CustomerVerdict::Validated);
            clock.advance(Duration::from_secs(100));
        }
        assert_eq!(customer(&tokens, &token, "7"), CustomerVerdict::ExpiredToken);
    }

    /// A store that fails at every operation.
    struct Away;

    fn away<T>() -> Result<T, StoreError> {
        Err(StoreError::Unavailable("the connection was refused".into()))
    }

    impl Store for Away {
        async fn get(&self, _: &str) -> Result<Option<Bytes>, StoreError> {
            away()
        }

        async fn put(&self, _: &str, _: Bytes, _: Duration) -> Result<(), StoreError> {
            away()
        }

        async fn claim(&self, _: &str, _: Bytes, _: Duration) -> Result<Option<Bytes>, StoreError> {
            away()
        }

        async fn take(&self, _: &str) -> Result<Option<Bytes>, StoreError> {
            away()
        }

        async fn replace(&self, _: &str, _: Bytes, _: Bytes, _: Duration) -> Result<bool, StoreError> {
            away()
        }
    }

    #[test]
    fn an_unavailable_store_gives_no_verdict() {
        let (tokens, _) = in_memory();
        let of_customer = block_on(tokens.customer_token("7", "device")).unwrap().token;
        let of_agent = block_on(tokens.agent_token("7", "s-7")).unwrap().token;
        let (away, _) = self::tokens(|_| Away);
        assert!(block_on(away.customer_token("7", "device")).is_err());
        assert!(block_on(away.agent_token("7", "s-7")).is_err());
        assert!(block_on(away.revoke_customer("7")).is_err());
        assert!(block_on(away.revoke_agent("7")).is_err());
        let trio = CustomerToken::new("device", of_customer.clone(), "7");
        assert!(block_on(away.verify(Request::new(trio))).is_err());
        assert!(block_on(away.verify(Request::new(AgentToken::new("s-7", of_agent, "7")))).is_err());
        assert_eq!(customer(&away, &of_customer, "8"), CustomerVerdict::InvalidToken, "the verdict needs no store");
    }

    #[test]
    fn an_emptied_store_makes_no_token_good() {
        let (before, _) = in_memory();
        let token = block_on(before.customer_token("7", "device")).unwrap().token;
        block_on(before.revoke_customer("7")).unwrap();
        let (after, _) = in_memory();
        assert_eq!(customer(&after, &token, "7"), CustomerVerdict::InvalidToken);
        block_on(after.customer_token("7", "device")).unwrap();
        assert_eq!(customer(&after, &token, "7"), CustomerVerdict::InvalidToken);
    }
}
