mod key;
mod look_up;
mod verdicts;

use std::{
    fmt,
    pin::pin,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use futures_util::future::{Either, select};
use http::Request;
use tokio::{runtime::Handle, sync::Semaphore, time::timeout};

pub use self::key::CacheKey;
use self::{
    look_up::{KnownVerdicts, LookUp, ResultReceiver, SharedVerdicts, lock, wait},
    verdicts::{Life, VerdictKey, VerdictOrLookUp, Verdicts},
};
use crate::{BoxError, Clock, ConfigError, Credential, SystemClock, Verdict, Verifier, clock::millis, token::TagKey};

/// Caches the verdicts of another verifier.
///
/// Use it if a platform checks the same credential many times.
///
/// Positive verdicts are cached for a minute and negative ones for five seconds. Errors are never cached. A positive
/// verdict can expire sooner: see [`expires_at`](Self::expires_at). These times are measured with the monotonic clock,
/// so that setting the wall clock back does not prolong them.
///
/// Callers with the same key at the same time share one look-up. It is a tokio task of its own: if all its callers give
/// up (the deadline, a lost connection), it goes on, and the next caller finds the verdict. At most 16 look-ups go on
/// [unattended](Self::unattended_look_ups). Any other one ends with its last caller. All waiters receive the error of a
/// look-up, as a [`Failure`](crate::Failure) of the same kind. The verifier sees the request of the first caller. **Put
/// everything that the verdict depends on into the key**, or one caller gets another's verdict.
///
/// The cache keeps neither credentials nor principals. Its keys are MACs under a random key of this process.
///
/// It needs a tokio runtime, and returns an error outside of one. Clones share the cached verdicts: keep a clone to
/// call [`invalidate`](Self::invalidate).
///
/// ```
/// use http::Request;
/// use tower_verify::{
///     BoxError, Verifier,
///     diyalog::{CustomerToken, CustomerVerdict},
///     policy::{CacheKey, Cached},
///     verifier_fn,
/// };
///
/// async fn verify(request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
///     let known = request.body().dlg_token == "2121sa"; // ask your database
///     Ok(if known { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
/// }
///
/// fn key(request: &Request<CustomerToken>, key: &mut CacheKey) {
///     let token = request.body();
///     key.principal(token.customer_no.expose_secret());
///     key.part(token.device_id.expose_secret()).part(token.dlg_token.expose_secret());
/// }
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let verifier = Cached::new(verifier_fn(verify), key)?;
///
/// let token = CustomerToken::new("1234", "2121sa", "1234567");
/// assert_eq!(verifier.verify(Request::new(token)).await?, CustomerVerdict::Validated);
///
/// verifier.invalidate("1234567"); // the customer has logged out
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
pub struct Cached<V, K, D> {
    verifier: Arc<V>,
    key: Arc<K>,
    tags: TagKey,
    memory: Memory<D>,
    look_up_timeout: Duration,
    unattended: Arc<Semaphore>,
    on_lookup: Option<Arc<dyn Fn(CacheLookup) + Send + Sync>>,
}

/// The result of a look-up in the cache, for [`Cached::on_lookup`].
///
/// ```
/// use tower_verify::policy::CacheLookup;
///
/// assert_eq!(CacheLookup::Shared.as_str(), "shared");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheLookup {
    /// The verdict is cached. The verifier is not called.
    Hit,
    /// The verdict is not cached. The verifier is called.
    Miss,
    /// A look-up of the same key is under way. Both callers get its verdict.
    Shared,
}

impl CacheLookup {
    /// The name of the result in metrics and logs: `hit`, `miss` or `shared`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Shared => "shared",
        }
    }
}

type ExpiresAt<D> = dyn Fn(&D) -> Option<SystemTime> + Send + Sync;

/// The cached verdicts, and the rules for how long they are cached.
struct Memory<D> {
    verdicts: Arc<SharedVerdicts<D>>,
    clock: Arc<dyn Clock>,
    positive_ttl: Duration,
    negative_ttl: Duration,
    expires_at: Arc<ExpiresAt<D>>,
    max_entries: usize,
}

impl<V, K, D> Cached<V, K, D> {
    /// Caches the verdicts of `verifier` under the keys that `key` fills in.
    ///
    /// # Errors
    /// If the operating system gives no random bytes for the key of the MACs.
    pub fn new<C>(verifier: V, key: K) -> Result<Self, ConfigError>
    where
        C: Credential<Verdict = D>,
        V: Verifier<C>,
        K: Fn(&Request<C>, &mut CacheKey) + Send + Sync + 'static,
        D: Verdict + Clone + Sync,
    {
        let mut random = [0; 32];
        getrandom::fill(&mut random)
            .map_err(|_| ConfigError::new("the operating system gives no random bytes for a key"))?;
        Ok(Self {
            verifier: Arc::new(verifier),
            key: Arc::new(key),
            tags: TagKey::new(&random),
            memory: Memory {
                verdicts: Arc::new(Mutex::new(Verdicts::new())),
                clock: Arc::new(SystemClock),
                positive_ttl: Duration::from_secs(60),
                negative_ttl: Duration::from_secs(5),
                expires_at: Arc::new(|_| None),
                max_entries: 10_000,
            },
            look_up_timeout: Duration::from_secs(30),
            unattended: Arc::new(Semaphore::new(16)),
            on_lookup: None,
        })
    }

    /// Sets how long a positive verdict is cached. The default is a minute. With zero, it is not cached.
    pub fn positive_ttl(mut self, ttl: Duration) -> Self {
        self.memory.positive_ttl = ttl;
        self
    }

    /// Sets how long a negative verdict is cached. The default is 5 s. With zero, it is not cached.
    pub fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.memory.negative_ttl = ttl;
        self
    }

    /// Sets when a positive verdict expires by itself. The default is never.
    ///
    /// A verdict is not used after this time by the wall clock. Nor is it cached for longer than the time that is left
    /// when the verifier returns it.
    pub fn expires_at(mut self, expires_at: impl Fn(&D) -> Option<SystemTime> + Send + Sync + 'static) -> Self {
        self.memory.expires_at = Arc::new(expires_at);
        self
    }

    /// Sets the most cached positive verdicts, cached negative verdicts, and look-ups under way. The default is 10,000
    /// each.
    ///
    /// At the limit, a new verdict evicts the one that expires first. A new look-up is not shared, and ends with its
    /// caller.
    pub fn max_entries(mut self, max_entries: usize) -> Self {
        self.memory.max_entries = max_entries;
        self
    }

    /// Sets how long a look-up may take, with or without waiters. The default is 30 s.
    ///
    /// It should be more than the layer's deadline.
    pub fn look_up_timeout(mut self, timeout: Duration) -> Self {
        self.look_up_timeout = timeout;
        self
    }

    /// Sets how many look-ups may go on without waiters. The default is 16.
    pub fn unattended_look_ups(mut self, look_ups: usize) -> Self {
        self.unattended = Arc::new(Semaphore::new(look_ups.min(Semaphore::MAX_PERMITS)));
        self
    }

    /// Calls `on_lookup` for each check with the result of the look-up in the cache.
    ///
    /// It must not block. The default does nothing.
    pub fn on_lookup(mut self, on_lookup: impl Fn(CacheLookup) + Send + Sync + 'static) -> Self {
        self.on_lookup = Some(Arc::new(on_lookup));
        self
    }

    /// Sets the clock. The default is [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.memory.clock = Arc::new(clock);
        self
    }

    /// Removes every verdict on a principal.
    ///
    /// The waiters of a look-up that is under way still get its verdict, but the verdict is not cached. Later callers
    /// begin another look-up.
    pub fn invalidate(&self, principal: impl AsRef<[u8]>) {
        let principal = CacheKey::principal_tag(&self.tags, principal.as_ref());
        let mut verdicts = lock(&self.memory.verdicts);
        verdicts.forget(principal);
        let removed = verdicts.take_removed();
        drop(verdicts);
        drop(removed);
    }

    /// Removes every verdict, as [`invalidate`](Self::invalidate) does for one principal.
    pub fn invalidate_all(&self) {
        let forgotten = std::mem::replace(&mut *lock(&self.memory.verdicts), Verdicts::new());
        drop(forgotten);
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
        let found = self.memory.find(key);
        if let Some(on_lookup) = &self.on_lookup {
            on_lookup(found.kind());
        }
        match found {
            Found::Verdict(verdict) => Ok(D::clone(&verdict)),
            Found::LookUp(result) => wait(result).await,
            Found::Nothing(look_up, result) => {
                self.drive(look_up, request)?;
                wait(result).await
            }
            Found::NoRoom => self.verifier.verify(request).await,
        }
    }
}

impl<V, K, D: Verdict + Clone + Sync> Cached<V, K, D> {
    /// Calls the verifier in a task of its own.
    fn drive<C>(&self, look_up: LookUp<D>, request: Request<C>) -> Result<(), BoxError>
    where
        C: Credential<Verdict = D>,
        V: Verifier<C>,
    {
        let (verifier, memory, limit) = (Arc::clone(&self.verifier), self.memory.clone(), self.look_up_timeout);
        let unattended = Arc::clone(&self.unattended);
        Handle::try_current()?.spawn(async move {
            let result = {
                let verification = pin!(timeout(limit, verifier.verify(request)));
                match select(verification, pin!(look_up.given_up(&unattended))).await {
                    Either::Left((result, _)) => result.unwrap_or_else(|elapsed| Err(elapsed.into())),
                    Either::Right(_) => return,
                }
            };
            // The app's code runs before the lock is taken, because it may use the cache.
            let life = result.as_ref().ok().map(|verdict| memory.life(verdict));
            look_up.end(result.map(Arc::new), |verdicts, key, verdict| {
                if let Some(life) = life {
                    memory.remember(verdicts, key, verdict, life);
                }
            });
        });
        Ok(())
    }
}

/// The result of a look-up in the cache.
enum Found<D> {
    Verdict(Arc<D>),
    LookUp(ResultReceiver<D>),
    /// Not cached. The look-up has begun.
    Nothing(LookUp<D>, ResultReceiver<D>),
    NoRoom,
}

impl<D> Found<D> {
    fn kind(&self) -> CacheLookup {
        match self {
            Self::Verdict(_) => CacheLookup::Hit,
            Self::LookUp(_) => CacheLookup::Shared,
            Self::Nothing(..) | Self::NoRoom => CacheLookup::Miss,
        }
    }
}

impl<D: Verdict> Memory<D> {
    fn find(&self, key: CacheKey) -> Found<D> {
        let (key, mut principal) = key.finish();
        let mut verdicts = lock(&self.verdicts);
        match verdicts.get(&key, self.now()) {
            Some(VerdictOrLookUp::Verdict(verdict, ends)) if ends.is_none_or(|ends| self.clock.now() < ends) => {
                return Found::Verdict(Arc::clone(verdict));
            }
            Some(VerdictOrLookUp::LookUp(result)) => return Found::LookUp(result.subscribe()),
            _ => {}
        }
        if verdicts.looking_up() >= self.max_entries {
            return Found::NoRoom;
        }
        let key = VerdictKey { principal: principal.end(), key };
        let (look_up, result) = LookUp::begin(&self.verdicts, &mut verdicts, key);
        let removed = verdicts.take_removed();
        drop(verdicts);
        drop(removed);
        Found::Nothing(look_up, result)
    }

    fn life(&self, verdict: &D) -> Life {
        let positive = verdict.admits();
        let ttl = if positive { self.positive_ttl } else { self.negative_ttl };
        let ends = if positive { (self.expires_at)(verdict) } else { None };
        let left = ends.map(|ends| ends.duration_since(self.clock.now()).unwrap_or_default());
        Life { positive, ends, expires: self.now().saturating_add(millis(left.map_or(ttl, |left| left.min(ttl)))) }
    }

    fn remember(&self, verdicts: &mut KnownVerdicts<D>, key: VerdictKey, verdict: &Arc<D>, life: Life) {
        let now = self.now();
        verdicts.sweep(now);
        if now < life.expires {
            verdicts.remember(key, Arc::clone(verdict), life, self.max_entries);
        }
    }

    /// The monotonic time in milliseconds.
    fn now(&self) -> u64 {
        millis(self.clock.monotonic())
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
            unattended: Arc::clone(&self.unattended),
            on_lookup: self.on_lookup.clone(),
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
