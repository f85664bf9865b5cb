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
use crate::digest::DigestKey;
use crate::{BoxError, Clock, ConfigError, Credential, SystemClock, Verdict, Verifier, clock::millis};

/// A verifier that asks another one, and remembers its verdicts for a while: for the many calls of one platform with one
/// credential.
///
/// Positive verdicts are remembered for a minute, and negative ones for five seconds. An error is never remembered. A
/// positive verdict can end sooner, when what it says expires: see [`expires_at`](Self::expires_at). How long a verdict is
/// remembered is told by the monotonic clock: whoever sets the wall clock back does not make it last longer.
///
/// Callers who ask the same at the same time share one look-up. It is a tokio task of its own: when all of them have
/// given up (the deadline, a lost connection) it goes on, and the next one finds the verdict. No more than 16 look-ups go
/// on [unattended](Self::unattended_look_ups), and any other one ends with its last caller. An error is everybody's who
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
    tags: DigestKey,
    memory: Memory<D>,
    look_up_timeout: Duration,
    unattended: Arc<Semaphore>,
    on_lookup: Option<Arc<dyn Fn(CacheLookup) + Send + Sync>>,
}

/// What a look at the cache found: given to [`Cached::on_lookup`].
///
/// ```
/// use tower_verify::policy::CacheLookup;
///
/// assert_eq!(CacheLookup::Shared.as_str(), "shared");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheLookup {
    /// A verdict. The verifier is not asked.
    Hit,
    /// Nothing. The verifier is asked.
    Miss,
    /// Another caller has just asked the verifier the same. Both get its verdict.
    Shared,
}

impl CacheLookup {
    /// Its name in metrics and logs: `hit`, `miss` or `shared`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Shared => "shared",
        }
    }
}

type ExpiresAt<D> = dyn Fn(&D) -> Option<SystemTime> + Send + Sync;

/// The remembered verdicts, and for how long.
struct Memory<D> {
    verdicts: Arc<SharedVerdicts<D>>,
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
            unattended: Arc::new(Semaphore::new(16)),
            on_lookup: None,
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

    /// When a positive verdict ends by itself, if it does. It is not remembered after that moment, nor for longer than it
    /// is away when the verdict is given. The default is never.
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

    /// How many look-ups may go on that nobody waits for any more. The default is 16.
    pub fn unattended_look_ups(mut self, look_ups: usize) -> Self {
        self.unattended = Arc::new(Semaphore::new(look_ups.min(Semaphore::MAX_PERMITS)));
        self
    }

    /// Called for each check, with what the look at the cache found. It must not block. The default is nothing.
    pub fn on_lookup(mut self, on_lookup: impl Fn(CacheLookup) + Send + Sync + 'static) -> Self {
        self.on_lookup = Some(Arc::new(on_lookup));
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
        let principal = CacheKey::principal_tag(&self.tags, principal.as_ref());
        let mut verdicts = lock(&self.memory.verdicts);
        verdicts.forget(principal);
        let removed = verdicts.take_removed();
        drop(verdicts);
        drop(removed);
    }

    /// Forgets every verdict, as [`invalidate`](Self::invalidate) does those on one principal.
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
        let found = self.memory.find(key.finish());
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
    /// Asks the verifier in a task of its own.
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
            // The app is asked before the lock is taken: what it does may need the cache.
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

/// The result of a look at the cache.
enum Found<D> {
    Verdict(Arc<D>),
    LookUp(ResultReceiver<D>),
    /// And has begun to look it up.
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
    fn find(&self, key: VerdictKey) -> Found<D> {
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

    /// Milliseconds of the monotonic time.
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
