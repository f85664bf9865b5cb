use std::{error::Error, fmt, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::future::try_join_all;

use super::{CheckError, Checked, IssueError, Issued, Signer, TokenId, keyed_digest::KeyedDigest};
use crate::store::{Store, StoreError};

/// Issues tokens that can be revoked, or that are for single use.
///
/// It records the tokens of a [`Signer`] in a [`Store`].
///
/// ```
/// use std::time::Duration;
/// use tower_verify::{store::MemoryStore, token::{KeyRing, CheckError, Register, Signer}};
///
/// # futures::executor::block_on(async {
/// let signer = Signer::new("dlgc", "activation", "example.com", KeyRing::generate()?)?;
/// let register = Register::new(signer, MemoryStore::new(), Duration::from_secs(300));
///
/// let token = register.issue(b"ann", &[b"device-7"]).await?.token;
/// assert!(register.check(b"ann", token.expose_secret(), &[b"device-7"]).await?.is_ok());
/// register.revoke(b"ann").await?;
/// let checked = register.check(b"ann", token.expose_secret(), &[b"device-7"]).await?;
/// assert_eq!(checked.unwrap_err(), CheckError::Revoked);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # When the store loses its data
///
/// The store lists good tokens, and never bad ones. Each token belongs to a generation of its subject's tokens. Issuing
/// a token writes it and the present generation into the store, and a check must find both. Revoking removes the
/// generation. The next token starts a new one, so that it is good at once. The first use of a token marks its entry as
/// used.
///
/// So a store that comes back empty has lost good tokens: they are refused as [`CheckError::Revoked`], and their
/// holders need new ones. No lost entry makes a refused token good again.
///
/// One risk remains: the store may return to an older state, for example when Redis is restored from a snapshot, or
/// when a replica takes over without the last writes. A token that was revoked or used in between is then good again
/// until it expires. Keep the time to live short, and restore no snapshot: nothing in it outlives its tokens.
///
/// # What is in the store
///
/// | key | value | until |
/// |---|---|---|
/// | `<prefix>:token:<id>` | the subject's pseudonym, the generation, and whether the token is used | the token expires |
/// | `<prefix>:grace:<id>` | empty | the use may no longer be repeated |
/// | `<prefix>:subject:<pseudonym>` | the present generation | the subject's last token expires |
///
/// No token can be made from these entries. The pseudonym is a code over the subject under the ring's keys.
#[derive(Clone)]
pub struct Register<S> {
    signer: Signer,
    store: S,
    ttl: Duration,
    grace: Option<Duration>,
}

/// Error of [`Register::issue`].
#[derive(Debug)]
#[non_exhaustive]
pub enum RegisterError {
    /// The signer could not issue the token.
    Issue(IssueError),
    /// The store could not record the token.
    Store(StoreError),
}

/// The value in the store under a token's id.
struct TokenRecord {
    subject: KeyedDigest,
    generation: Bytes,
    used: bool,
}

impl<S: Store> Register<S> {
    /// Creates a register that issues tokens with `signer`, each good for `ttl`, and records them in `store`.
    ///
    /// All nodes that share a store should have the same `ttl`: a shorter one also shortens the life of the other
    /// nodes' tokens.
    pub fn new(signer: Signer, store: S, ttl: Duration) -> Self {
        Self { signer, store, ttl, grace: None }
    }

    /// Lets each token be used once, and lets that use be repeated for the time `grace`.
    ///
    /// By default a token can be used until it expires. The grace is for a platform that did not get the answer and
    /// asks again. As the token is bound to its user, the repeats belong to the same use. With a grace of zero, a token
    /// is used up even if the answer never arrived.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use tower_verify::{
    ///     ManualClock,
    ///     store::MemoryStore,
    ///     token::{CheckError, KeyRing, Register, Signer},
    /// };
    ///
    /// # futures::executor::block_on(async {
    /// let clock = ManualClock::new(SystemTime::now());
    /// let signer = Signer::new("dlgc", "activation", "example.com", KeyRing::generate()?)?.clock(clock.clone());
    /// let store = MemoryStore::new().clock(clock.clone());
    /// let register =
    ///     Register::new(signer, store, Duration::from_secs(300)).single_use_with_grace(Duration::from_secs(10));
    ///
    /// let token = register.issue(b"ann", &[b"device-7"]).await?.token;
    /// assert!(register.check(b"ann", token.expose_secret(), &[b"device-7"]).await?.is_ok());
    /// assert!(register.check(b"ann", token.expose_secret(), &[b"device-7"]).await?.is_ok()); // a repeat
    /// clock.advance(Duration::from_secs(10));
    /// let checked = register.check(b"ann", token.expose_secret(), &[b"device-7"]).await?;
    /// assert_eq!(checked, Err(CheckError::Used));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn single_use_with_grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// Issues a token for `subject` that is bound to `binding`: see [`Signer::issue_for`].
    ///
    /// # Errors
    /// If the token cannot be issued or recorded.
    pub async fn issue(&self, subject: &[u8], binding: &[&[u8]]) -> Result<Issued, RegisterError> {
        loop {
            let issued = self.signer.issue_for(subject, binding, self.ttl)?;
            let subject = self.signer.pseudonym(subject);
            // A new generation has the id of its first token.
            let generation = self.generation(&subject, Bytes::copy_from_slice(&issued.id.0)).await?;
            let entry = TokenRecord { subject, generation, used: false };
            // A present id belongs to a forked process: see `TokenId`.
            if self.store.claim(&self.token_key(issued.id), entry.encode(), self.ttl).await?.is_none() {
                return Ok(issued);
            }
        }
    }

    /// Checks a token that must be issued for `subject` and bound to `binding`, and uses it if it is for single use.
    ///
    /// The inner result says whether the token is good. The store is asked only about tokens that the signer accepts.
    ///
    /// # Errors
    /// If the store fails: it is then unknown whether the token is good.
    pub async fn check(
        &self,
        subject: &[u8],
        token: &str,
        binding: &[&[u8]],
    ) -> Result<Result<Checked, CheckError>, StoreError> {
        match self.signer.check_for(subject, token, binding) {
            Ok(checked) => Ok(self.redeem(checked).await?.map(|()| checked)),
            Err(refused) => Ok(Err(refused)),
        }
    }

    /// Revokes every token that was issued for `subject` until now.
    ///
    /// Tokens that are issued afterwards are good.
    ///
    /// # Errors
    /// If the store fails: the tokens may still be good.
    pub async fn revoke(&self, subject: &[u8]) -> Result<(), StoreError> {
        // All at once: if this future is dropped, the store was asked to remove either none of them or all.
        let pseudonyms = self.signer.pseudonyms(subject);
        try_join_all(pseudonyms.iter().map(async |pseudonym| self.store.take(&self.subject_key(pseudonym)).await))
            .await?;
        Ok(())
    }

    /// Returns the subject's generation, which is `new` if there was none, and renews its `ttl`.
    async fn generation(&self, subject: &KeyedDigest, new: Bytes) -> Result<Bytes, StoreError> {
        let key = self.subject_key(subject);
        loop {
            let Some(present) = self.store.claim(&key, new.clone(), self.ttl).await? else { return Ok(new) };
            if self.store.replace(&key, present.clone(), present.clone(), self.ttl).await? {
                return Ok(present);
            }
            // The generation was revoked or expired between the two operations: this token starts another one.
        }
    }

    async fn redeem(&self, checked: Checked) -> Result<Result<(), CheckError>, StoreError> {
        let key = self.token_key(checked.id);
        let Some(value) = self.store.get(&key).await? else { return Ok(Err(CheckError::Revoked)) };
        let entry = TokenRecord::decode(&value)?;
        if self.store.get(&self.subject_key(&entry.subject)).await? != Some(entry.generation.clone()) {
            return Ok(Err(CheckError::Revoked));
        }
        let Some(grace) = self.grace else { return Ok(Ok(())) };

        if !entry.used {
            // The store measures the grace, not a clock that may be set meanwhile. The grace starts before the token is
            // marked as used: if this future is dropped between the two, the token is still unused.
            if !grace.is_zero() {
                self.store.put(&self.grace_key(checked.id), Bytes::new(), grace).await?;
            }
            let used = TokenRecord { used: true, ..entry };
            if self.store.replace(&key, value, used.encode(), self.ttl).await? {
                return Ok(Ok(()));
            }
            // Another check used the token at the same time, or its entry is gone.
            if self.store.get(&key).await?.is_none() {
                return Ok(Err(CheckError::Revoked));
            }
        }
        let repeated = !grace.is_zero() && self.store.get(&self.grace_key(checked.id)).await?.is_some();
        Ok(if repeated { Ok(()) } else { Err(CheckError::Used) })
    }

    fn grace_key(&self, id: TokenId) -> String {
        format!("{}:grace:{id}", self.signer.prefix())
    }

    fn token_key(&self, id: TokenId) -> String {
        format!("{}:token:{id}", self.signer.prefix())
    }

    fn subject_key(&self, pseudonym: &KeyedDigest) -> String {
        format!("{}:subject:{}", self.signer.prefix(), URL_SAFE_NO_PAD.encode(pseudonym))
    }
}

impl TokenRecord {
    fn encode(&self) -> Bytes {
        let mut value = BytesMut::with_capacity(40);
        value.put_slice(&self.subject);
        value.put_slice(&self.generation);
        if self.used {
            value.put_u8(1);
        }
        value.freeze()
    }

    fn decode(value: &Bytes) -> Result<Self, StoreError> {
        let unreadable = || StoreError::Unavailable("the entry of a token cannot be read".into());
        let (subject, rest) = value.split_first_chunk().ok_or_else(unreadable)?;
        let (generation, used) = rest.split_first_chunk::<{ TokenId::LEN }>().ok_or_else(unreadable)?;
        let used = match used {
            [] => false,
            [1] => true,
            _ => return Err(unreadable()),
        };
        Ok(Self { subject: *subject, generation: value.slice_ref(generation), used })
    }
}

impl<S> fmt::Debug for Register<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Register")
            .field("signer", &self.signer)
            .field("ttl", &self.ttl)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no token could be issued")
    }
}

impl Error for RegisterError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Issue(error) => Some(error),
            Self::Store(error) => Some(error),
        }
    }
}

impl From<IssueError> for RegisterError {
    fn from(error: IssueError) -> Self {
        Self::Issue(error)
    }
}

impl From<StoreError> for RegisterError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[cfg(test)]
mod tests;
