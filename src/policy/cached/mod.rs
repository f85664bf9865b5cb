mod key;
mod look_up;
mod verdicts;

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use http::Request;
use tokio::{runtime::Handle, time::timeout};

pub use self::key::CacheKey;
use self::{
    look_up::{LookUp, SharedResult, SharedVerdicts, lock, wait},
    verdicts::{VerdictKey, VerdictOrLookUp, Verdicts},
};
use super::mac::DigestKey;
use crate::{BoxError, Clock, ConfigError, Credential, SystemClock, Verdict, Verifier, clock::millis, unix_millis};

/// A verifier that asks another one, and remembers its verdicts for a while: for the many calls of one platform with one
/// credential.
///
/// Positive verdicts are remembered for a minute, and negative ones for five seconds. An error is never remembered. A
/// positive verdict can end sooner, when what it says expires: see [`expires_at`](Self::expires_at).
///
/// Callers who ask the same at the same time share one look-up. It is a tokio task of its own: when all of them have
/// given up (the deadline, a lost connection) it goes on, and the next one finds the verdict. An error is everybody's who
/// waits, as a [`Failure`](crate::Failure) of the same kind. The verifier sees the request of the caller who came first;
/// **what the verdict depends on must be in the key**, or one caller is given another's verdict.
///
/// Neither credentials nor principals are kept: keys are MACs under a random key of this process.
///
/// It is used within a tokio runtime, and is an error outside of one. Clones share what is remembered: keep one to
/// invalidate by.
///
/// ```
/// use http::Request;
/// use tower_verify::{BoxError, Verifier, diyalog, policy::{Cached, CacheKey}, verifier_fn};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let verifier = verifier_fn(|_: Request<diyalog::CustomerToken>| async {
///     Ok::<_, BoxError>(diyalog::CustomerVerdict::Validated)
/// });
/// let verifier = Cached::new(verifier, |request: &Request<diyalog::CustomerToken>, key: &mut CacheKey| {
///     let token = request.body();
///     key.principal(token.customer_no.expose_secret());
///     key.part("diyalog customer").part(token.device_id.expose_secret()).part(token.dlg_token.expose_secret());
/// })?;
///
/// let token = diyalog::CustomerToken::new("1234", "2121sa", "1234567");
/// assert_eq!(verifier.verify(Request::new(token)).await?, diyalog::CustomerVerdict::Validated);
/// verifier.invalidate("1234567");
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
pub struct Cached<V, K, D> {
    verifier: Arc<V>,
    key: Arc<K>,
    tags: DigestKey,
    memory: Memory<D>,
    look_up_timeout: Duration,
}

type ExpiresAt<D> = dyn Fn(&D) -> Option<SystemTime> + Send + Sync;

/// The remembered verdicts, and for how long.
struct Memory<D> {
    verdicts: SharedVerdicts<D>,
    clock: Arc<dyn Clock>,
    positive_ttl: Duration,
    negative_ttl: Duration,
    expires_at: Arc<ExpiresAt<D>>,
    max_entries: usize,
}

impl<V, K, D> Cached<V, K, D> {
    /// Remembers the verdicts of `verifier` under the keys that `key` writes.
    ///
    /// # Errors
    /// If the operating system has no randomness for the key of the MACs.
    pub fn new<C>(verifier: V, key: K) -> Result<Self, ConfigError>
    where
        C: Credential<Verdict = D>,
        V: Verifier<C>,
        K: Fn(&Request<C>, &mut CacheKey) + Send + Sync + 'static,
        D: Verdict + Clone + Sync,
    {
        let mut random = [0; 32];
        getrandom::fill(&mut random)
            .map_err(|_| ConfigError::new("the operating system has no randomness for a key"))?;
        Ok(Self {
            verifier: Arc::new(verifier),
            key: Arc::new(key),
            tags: DigestKey::new(&random),
            memory: Memory {
                verdicts: Arc::new(Mutex::new(Verdicts::new())),
                clock: Arc::new(SystemClock),
                positive_ttl: Duration::from_secs(60),
                negative_ttl: Duration::from_secs(5),
                expires_at: Arc::new(|_| None),
                max_entries: 10_000,
            },
            look_up_timeout: Duration::from_secs(30),
        })
    }

    /// How long a positive verdict is remembered. The default is a minute; zero is not at all.
    pub fn positive_ttl(mut self, ttl: Duration) -> Self {
        self.memory.positive_ttl = ttl;
        self
    }

    /// How long a negative verdict is remembered. The default is 5 s; zero is not at all.
    pub fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.memory.negative_ttl = ttl;
        self
    }

    /// When a positive verdict ends by itself, if it does. It is not remembered longer than that. The default is never.
    pub fn expires_at(mut self, expires_at: impl Fn(&D) -> Option<SystemTime> + Send + Sync + 'static) -> Self {
        self.memory.expires_at = Arc::new(expires_at);
        self
    }

    /// How many positive verdicts are remembered, how many negative ones, and how many look-ups may be under way. The
    /// default is 10,000. When there are more verdicts, the one that expires first is forgotten; when there are more
    /// look-ups, they are not shared and end with their callers.
    pub fn max_entries(mut self, max_entries: usize) -> Self {
        self.memory.max_entries = max_entries;
        self
    }

    /// How long a look-up may take, with or without anybody waiting for it. The default is 30 s; it should be more than
    /// the layer's deadline.
    pub fn look_up_timeout(mut self, timeout: Duration) -> Self {
        self.look_up_timeout = timeout;
        self
    }

    /// Tells the time by `clock`. The default is [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.memory.clock = Arc::new(clock);
        self
    }

    /// Forgets every verdict on a principal. One that is being looked up is told to those who wait for it already, and
    /// is not remembered; who comes after this begins another look-up.
    pub fn invalidate(&self, principal: impl AsRef<[u8]>) {
        lock(&self.memory.verdicts).forget(CacheKey::principal_tag(&self.tags, principal.as_ref()));
    }

    /// Forgets every verdict, as [`invalidate`](Self::invalidate) does those on one principal.
    pub fn invalidate_all(&self) {
        *lock(&self.memory.verdicts) = Verdicts::new();
    }
}

impl<C, V, K, D> Verifier<C> for Cached<V, K, D>
where
    C: Credential<Verdict = D>,
    V: Verifier<C>,
    K: Fn(&Request<C>, &mut CacheKey) + Send + Sync + 'static,
    D: Verdict + Clone + Sync,
{
    async fn verify(&self, request: Request<C>) -> Result<D, BoxError> {
        let mut key = CacheKey::new(&self.tags);
        (self.key)(&request, &mut key);
        match self.memory.find(key.finish()) {
            Found::Verdict(verdict) => Ok(verdict),
            Found::LookUp(answer) => wait(answer).await,
            Found::Nothing(look_up, answer) => {
                self.drive(look_up, request)?;
                wait(answer).await
            }
            Found::NoRoom => self.verifier.verify(request).await,
        }
    }
}

impl<V, K, D: Verdict + Clone + Sync> Cached<V, K, D> {
    /// Asks the verifier in a task of its own.
    fn drive<C>(&self, look_up: LookUp<D>, request: Request<C>) -> Result<(), BoxError>
    where
        C: Credential<Verdict = D>,
        V: Verifier<C>,
    {
        let (verifier, memory, limit) = (Arc::clone(&self.verifier), self.memory.clone(), self.look_up_timeout);
        Handle::try_current()?.spawn(async move {
            let result = timeout(limit, verifier.verify(request)).await;
            let result = result.unwrap_or_else(|elapsed| Err(elapsed.into()));
            look_up.end(result, |verdicts, key, verdict| memory.remember(verdicts, key, verdict));
        });
        Ok(())
    }
}

/// The result of a look at the cache.
enum Found<D> {
    Verdict(D),
    LookUp(SharedResult<D>),
    /// And has begun to look it up.
    Nothing(LookUp<D>, SharedResult<D>),
    NoRoom,
}

impl<D: Verdict + Clone> Memory<D> {
    fn find(&self, key: VerdictKey) -> Found<D> {
        let mut verdicts = lock(&self.verdicts);
        match verdicts.get(&key, self.clock.unix_millis()) {
            Some(VerdictOrLookUp::Verdict(verdict)) => Found::Verdict(verdict.clone()),
            Some(VerdictOrLookUp::LookUp(answer)) => Found::LookUp(answer.clone()),
            None if verdicts.looking_up() >= self.max_entries => Found::NoRoom,
            None => {
                let (look_up, answer) = LookUp::begin(&self.verdicts, &mut verdicts, key);
                Found::Nothing(look_up, answer)
            }
        }
    }

    fn remember(&self, verdicts: &mut Verdicts<D, SharedResult<D>>, key: VerdictKey, verdict: &D) {
        let positive = verdict.admits();
        let ttl = if positive { self.positive_ttl } else { self.negative_ttl };
        let ttl = millis(ttl);
        let now = self.clock.unix_millis();
        let end = if positive { (self.expires_at)(verdict) } else { None };
        let expires = now.saturating_add(ttl).min(end.map_or(u64::MAX, unix_millis));
        verdicts.sweep(now);
        if now < expires {
            verdicts.remember(key, verdict.clone(), positive, expires, self.max_entries);
        }
    }
}

impl<D> Clone for Memory<D> {
    fn clone(&self) -> Self {
        Self {
            verdicts: Arc::clone(&self.verdicts),
            clock: Arc::clone(&self.clock),
            expires_at: Arc::clone(&self.expires_at),
            ..*self
        }
    }
}

impl<V, K, D> Clone for Cached<V, K, D> {
    fn clone(&self) -> Self {
        Self {
            verifier: Arc::clone(&self.verifier),
            key: Arc::clone(&self.key),
            tags: self.tags.clone(),
            memory: self.memory.clone(),
            look_up_timeout: self.look_up_timeout,
        }
    }
}

impl<V, K, D> fmt::Debug for Cached<V, K, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("positive_ttl", &self.memory.positive_ttl)
            .field("negative_ttl", &self.memory.negative_ttl)
            .field("max_entries", &self.memory.max_entries)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
