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

/// [`Tokens`] that can be revoked, and used up: they are written down in a [`Store`].
///
/// ```
/// use std::time::Duration;
/// use tower_verify::{BoxError, diyalog::Tokens, store::MemoryStore, token::KeyRing};
///
/// # futures::executor::block_on(async {
/// let tokens = Tokens::new("example.com", KeyRing::generate()?)?
///     .store(MemoryStore::new())
///     .single_use(Duration::from_secs(60));
///
/// let issued = tokens.customer_token("1234567", "123456789aacaaca").await?;
/// tokens.revoke_customer("1234567").await?; // `issued` is `InvalidToken` from now on, the next one is not
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
///
/// A token that was revoked or used up is `InvalidToken`. If the store is away, there is no verdict. If it lost its data,
/// no token is good that was not: see [`Register`] for what that takes.
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

    /// Lets each token be used once, and again for the time `repeats` after that. By default it can be used until it
    /// expires.
    ///
    /// By its contract, Diyalog can ask about one activation more than once, and an iframe can be loaded again: a time of
    /// zero refuses both.
    pub fn single_use(self, repeats: Duration) -> Self {
        Self { customers: self.customers.single_use(repeats), agents: self.agents.single_use(repeats) }
    }

    /// A token for the activation of this customer's SDK on this device: Diyalog's `dlgToken`.
    ///
    /// # Errors
    /// If the token could not be made or not be written down.
    pub async fn customer_token(&self, customer_no: &str, device_id: &str) -> Result<Issued, RegisterError> {
        self.customers.issue(customer_no.as_bytes(), &[device_id.as_bytes()]).await
    }

    /// A token for the iframe of this agent's session: the `dlgToken` of its address.
    ///
    /// # Errors
    /// If the token could not be made or not be written down.
    pub async fn agent_token(&self, user_no: &str, session_id: &str) -> Result<Issued, RegisterError> {
        self.agents.issue(user_no.as_bytes(), &[session_id.as_bytes()]).await
    }

    /// Revokes every token that this customer has now.
    ///
    /// # Errors
    /// If the store failed: the tokens may be good still.
    pub async fn revoke_customer(&self, customer_no: &str) -> Result<(), StoreError> {
        self.customers.revoke(customer_no.as_bytes()).await
    }

    /// Revokes every token that this agent has now.
    ///
    /// # Errors
    /// If the store failed: the tokens may be good still.
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
