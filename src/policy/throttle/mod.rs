mod account;
mod bucket;
mod local_accounts;
mod record;

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Request;

use self::{
    account::{Accounts, Reservation, ReserveError},
    bucket::SLOTS,
    local_accounts::LocalAccounts,
    record::Rules,
};
use crate::digest::{DigestKey, KeyedDigest};
use crate::{
    BoxError, ClientAddr, Clock, ConfigError, Credential, SystemClock, Verdict, Verifier, clock::millis, store::Store,
};

/// A verifier that asks another one, unless there were too many failed attempts before.
///
/// ```
/// use std::time::Duration;
///
/// use http::Request;
/// use tower_verify::{
///     BoxError, Credential, Failure, FailureKind, Verifier, policy::Throttle, store::MemoryStore, verifier_fn,
/// };
///
/// struct Pin {
///     account: String,
///     pin: u32,
/// }
///
/// impl Credential for Pin {
///     type Verdict = bool;
/// }
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let verifier = verifier_fn(|request: Request<Pin>| async move { Ok::<_, BoxError>(request.body().pin == 2580) });
/// let key = [7; 32]; // 32 random bytes, from where your secrets are
/// let verifier = Throttle::new(verifier, MemoryStore::new(), key, |request: &Request<Pin>| {
///     Some(request.body().account.clone())
/// })
/// .limit(3, Duration::from_secs(15 * 60))?;
///
/// let attempt = async |pin| verifier.verify(Request::new(Pin { account: "ann".to_owned(), pin })).await;
/// for pin in 0..3 {
///     assert!(!attempt(pin).await?);
/// }
/// let failure = Failure::from_error(attempt(2580).await.unwrap_err());
/// assert_eq!(failure.kind(), FailureKind::Throttled); // the right PIN too, for a minute
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
///
/// # What to count by
///
/// A throttle is for what can be guessed: a password, a PIN, a short code. There, count by **principal**, which is what
/// [`new`](Self::new) does: guesses from many addresses at one account add up.
///
/// A random key or token of 128 bits cannot be guessed, and counting by its principal protects nothing: it only lets
/// anybody who knows a key's id or a user's id lock its owner out, be that owner a whole platform. There, count by
/// **caller** with [`callers`](Throttle::callers), so as to slow down whoever tries many; or by **principal and caller**
/// with [`per_caller`](Self::per_caller), so that somebody else's failures are not the owner's.
///
/// ```
/// use tower_verify::{ClientAddr, SharedVerifier, diyalog::CustomerToken, policy::Throttle, store::SharedStore};
///
/// type Verifier = SharedVerifier<CustomerToken>;
///
/// /// Diyalog's tokens are random: who presents many wrong ones from one address is slowed down.
/// fn throttled(verifier: Verifier, store: SharedStore, key: [u8; 32]) -> Verifier {
///     SharedVerifier::new(Throttle::callers(verifier, store, key, ClientAddr::peer()))
/// }
/// ```
///
/// # How it counts
///
/// An attempt fails when the verdict on it is negative. What ends without a verdict (an error, a panic, the deadline, a
/// caller who hangs up) does not count; neither does a rejected request, which never gets here. After 10 failures
/// within 15 minutes the principal is throttled: for a minute, and after each further failure for twice as long, up to
/// 15 minutes. While it lasts the verifier is not asked, and a right credential is refused like any other, with
/// [`Failure::throttled`](crate::Failure::throttled). After a wait one attempt at a time is admitted; it is forgotten
/// when there was no failure for the length of the window. A success does not end it sooner: somebody else's guesses at
/// an account are not forgiven because its owner logged in.
///
/// # Attempts at the same time
///
/// An attempt is reserved before the verifier is asked, and only if the limit is kept should it and all others under
/// way fail: of fifty guesses sent at once no more than ten are verified. The others wait until enough of those under
/// way are settled. If these failed, what waits is throttled; if they succeeded, it is admitted: of fifty valid logins
/// at once none is refused, but no more are verified at a time than there may still be failures.
///
/// Those who wait on one node are admitted in the order in which they came, at most 100 of them for one account
/// ([`max_pending`](Self::max_pending)). The first in line is told at once of attempts that are settled on the same node,
/// and polls for other nodes every 20 ms at first and every 200 ms at last. An attempt that is still undecided after two
/// seconds ([`pending_timeout`](Self::pending_timeout)), or for which there is no place in line, is throttled for a second.
///
/// A reservation is settled in the background when the future of its check is dropped: as a failure, if the verdict was
/// there already. If the store is away, it is settled when it is there again; that of a node that crashes expires after
/// 30 seconds ([`reservation`](Self::reservation)), which has to be longer than a check may take. A failure that becomes
/// known later still counts.
///
/// # Room
///
/// Accounts are made up by whoever guesses, and so they have a room of their own: about 131,000 of them
/// ([`max_accounts`](Self::max_accounts)), eight to a value of the store. When eight accounts with failures share a value
/// and a ninth one comes, the one with the fewest failures is forgotten. Nobody can choose which accounts share one. A
/// million guesses at a million accounts neither fill the store nor make the throttle forget an account with several
/// failures.
///
/// # Security
///
/// Nobody's principal is in the store: its keys are MACs under the key given to [`new`](Self::new), which all nodes
/// share. If the store is away or full nobody is verified, unless [`fail_open`](Self::fail_open) says so. An attacker
/// can keep a principal throttled by failing in its name; throttling [callers](Self::by_caller) too, and a second
/// channel for the principals that matter, are answers to that. The nodes' clocks have to agree to a few seconds;
/// whatever they did, nobody is throttled for longer than the longest wait from now.
///
/// It is used within a tokio runtime, and costs two operations of the store for an attempt at a principal that has not
/// failed lately, three for another.
pub struct Throttle<V, S, P> {
    verifier: V,
    principal: P,
    caller: Option<Caller>,
    per_caller: Option<ClientAddr>,
    tags: DigestKey,
    rules: Rules,
    accounts: Accounts<S>,
    fail_open: bool,
}

#[derive(Clone, Copy)]
struct Caller {
    limit: u32,
    address: ClientAddr,
}

impl<V, S, P> Throttle<V, S, P> {
    /// Throttles `verifier` for each principal that `principal` finds in a request, such as the account that the
    /// credential is for. Where it finds none, the verifier is just asked. If your app takes different texts for the same
    /// principal, such as upper and lower case, bring them to one form here.
    ///
    /// Throttles that share a store and a `key` share what they count: where the same text means different principals,
    /// put a word before it.
    pub fn new<C, B>(verifier: V, store: S, key: [u8; 32], principal: P) -> Self
    where
        C: Credential,
        V: Verifier<C>,
        S: Store,
        P: Fn(&Request<C>) -> Option<B> + Send + Sync + 'static,
        B: AsRef<[u8]>,
    {
        let tags = DigestKey::new(&key);
        let mut name = tags.begin();
        name.part(b"store");
        let prefix = format!("throttle:{}:", URL_SAFE_NO_PAD.encode(&name.end()[..6]));
        Self {
            verifier,
            principal,
            caller: None,
            per_caller: None,
            tags,
            rules: Rules {
                limit: 10,
                window: millis(Duration::from_secs(15 * 60)),
                first_wait: millis(Duration::from_secs(60)),
                longest_wait: millis(Duration::from_secs(15 * 60)),
                reservation: millis(Duration::from_secs(30)),
            },
            accounts: Accounts {
                store: Arc::new(store),
                clock: Arc::new(SystemClock),
                prefix: prefix.into(),
                buckets: buckets(131_072),
                pending_timeout: Duration::from_secs(2),
                max_pending: 100,
                local_accounts: Arc::new(LocalAccounts::default()),
            },
            fail_open: false,
        }
    }

    /// Counts a principal's failures for each caller's address apart: whoever fails from elsewhere does not lock out the
    /// principal. The default is to count them together.
    ///
    /// The address is found, and needed, as by [`by_caller`](Self::by_caller).
    pub fn per_caller(mut self, address: ClientAddr) -> Self {
        self.per_caller = Some(address);
        self
    }

    /// About how many accounts are counted at a time, principals and callers together: see [Room](Self#room). The default
    /// is 131,072, of which each takes some 60 bytes of the store, and 8 more for each failure that is remembered. It must
    /// be the same on all nodes.
    pub fn max_accounts(mut self, accounts: usize) -> Self {
        self.accounts.buckets = buckets(accounts);
        self
    }

    /// How many attempts at one account may wait on this node for others to be settled. The default is 100.
    pub fn max_pending(mut self, attempts: usize) -> Self {
        self.accounts.max_pending = attempts.max(1);
        self
    }

    /// How many attempts at a principal may fail within how long. The default is 10 within 15 minutes.
    ///
    /// # Errors
    /// If none may fail: nothing could be verified then.
    pub fn limit(mut self, failures: u32, window: Duration) -> Result<Self, ConfigError> {
        self.rules.limit = at_least_one(failures)?;
        self.rules.window = millis(window);
        Ok(self)
    }

    /// How long a principal is throttled the first time, and how long at most after that was doubled again and again.
    /// The defaults are a minute and 15 minutes.
    ///
    /// # Errors
    /// If either is less than a millisecond: nothing would be throttled.
    pub fn waits(mut self, first: Duration, longest: Duration) -> Result<Self, ConfigError> {
        self.rules.first_wait = at_least_a_millisecond("a wait", first)?;
        self.rules.longest_wait = at_least_a_millisecond("the longest wait", longest)?;
        Ok(self)
    }

    /// How long an attempt waits for others to be settled that are under way. The default is 2 s; it should be less
    /// than the layer's deadline.
    pub fn pending_timeout(mut self, pending_timeout: Duration) -> Self {
        self.accounts.pending_timeout = pending_timeout;
        self
    }

    /// How long an attempt is believed to be under way that is never settled. The default is 30 s; it has to be more
    /// than the layer's deadline.
    ///
    /// # Errors
    /// If it is less than a millisecond: attempts at the same time would not know of each other.
    pub fn reservation(mut self, ttl: Duration) -> Result<Self, ConfigError> {
        self.rules.reservation = at_least_a_millisecond("a reservation", ttl)?;
        Ok(self)
    }

    /// Throttles callers by their address too: after `failures` within the window, whoever they were attempts at.
    ///
    /// `address` finds the caller's address: that of the connection, or what trusted proxies say. An attempt whose
    /// address is not known fails without a verdict: the host has to set [`PeerAddr`](crate::PeerAddr). Of an IPv6 address
    /// the first 64 bits count. Behind one address there may be many: all of a platform's calls, for instance.
    ///
    /// # Errors
    /// If none may fail.
    pub fn by_caller(mut self, failures: u32, address: ClientAddr) -> Result<Self, ConfigError> {
        self.caller = Some(Caller { limit: at_least_one(failures)?, address });
        Ok(self)
    }

    /// Whether the verifier is asked when the store is away or full, so that nothing is throttled then. The default is
    /// `false`.
    pub fn fail_open(mut self, fail_open: bool) -> Self {
        self.fail_open = fail_open;
        self
    }

    /// Tells the time by `clock`. The default is [`SystemClock`]. How long an attempt waits for others is told by
    /// tokio's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.accounts.clock = Arc::new(clock);
        self
    }

    /// The accounts that an attempt is at, in the one order that all attempts reserve them in.
    ///
    /// # Errors
    /// If the caller's address is needed and not known.
    fn accounts<C, B>(&self, request: &Request<C>) -> Result<Vec<(Rules, KeyedDigest)>, BoxError>
    where
        P: Fn(&Request<C>) -> Option<B>,
        B: AsRef<[u8]>,
    {
        let network = |address: ClientAddr| {
            let address = address.find(request.headers(), request.extensions());
            address.map(network).ok_or("the caller's address is not known: the host has to set `PeerAddr`")
        };
        let mut accounts = Vec::new();
        if let Some(Caller { limit, address }) = self.caller {
            accounts.push((Rules { limit, ..self.rules }, self.digest(&[b"caller", &network(address)?])));
        }
        if let Some(name) = (self.principal)(request) {
            let name = name.as_ref();
            let digest = match self.per_caller {
                Some(address) => self.digest(&[b"principal and caller", name, &network(address)?]),
                None => self.digest(&[b"principal", name]),
            };
            accounts.push((self.rules, digest));
        }
        Ok(accounts)
    }

    fn digest(&self, parts: &[&[u8]]) -> KeyedDigest {
        let mut digest = self.tags.begin();
        parts.iter().for_each(|part| digest.part(part));
        digest.end()
    }
}

/// A principal function that finds none in any request.
type NoPrincipal<C> = fn(&Request<C>) -> Option<&'static [u8]>;

impl<V, S> Throttle<V, S, ()> {
    /// Throttles `verifier` for each caller's address, whatever its requests are for: for credentials that cannot be
    /// guessed. After 10 failures, as [`by_caller`](Throttle::by_caller) has it.
    pub fn callers<C>(verifier: V, store: S, key: [u8; 32], address: ClientAddr) -> Throttle<V, S, NoPrincipal<C>>
    where
        C: Credential,
        V: Verifier<C>,
        S: Store,
    {
        let nobody: NoPrincipal<C> = |_| None;
        let throttle = Throttle::new(verifier, store, key, nobody);
        let limit = throttle.rules.limit;
        Throttle { caller: Some(Caller { limit, address }), ..throttle }
    }
}

impl<C, V, S, P, B> Verifier<C> for Throttle<V, S, P>
where
    C: Credential,
    V: Verifier<C>,
    S: Store,
    P: Fn(&Request<C>) -> Option<B> + Send + Sync + 'static,
    B: AsRef<[u8]>,
{
    async fn verify(&self, request: Request<C>) -> Result<C::Verdict, BoxError> {
        let mut reservations = Vec::new();
        for (rules, digest) in self.accounts(&request)? {
            match Reservation::new(&self.accounts, rules, digest).await {
                Ok(reservation) => reservations.push(reservation),
                Err(ReserveError::Unavailable(_)) if self.fail_open => {}
                Err(ReserveError::Unavailable(error)) => return Err(error),
                Err(ReserveError::Throttled(failure)) => return Err(failure.into()),
            }
        }
        let verdict = self.verifier.verify(request).await;
        let failed = verdict.as_ref().is_ok_and(|verdict| !verdict.admits());
        // All are marked before any of them is waited for: the caller may hang up meanwhile.
        reservations.iter_mut().for_each(|reservation| reservation.failed = failed);
        for reservation in reservations {
            let settled = reservation.settle().await;
            // A guess that was not counted is not told that it was wrong. A right credential is not refused because a
            // reservation could not be given back: it expires.
            if failed && !self.fail_open {
                settled?;
            }
        }
        verdict
    }
}

/// How many values of the store so many accounts share.
fn buckets(accounts: usize) -> u64 {
    accounts.div_ceil(SLOTS).max(1) as u64
}

fn at_least_one(failures: u32) -> Result<u32, ConfigError> {
    if failures == 0 { Err(ConfigError::new("a throttle must let one attempt fail")) } else { Ok(failures) }
}

fn at_least_a_millisecond(what: &str, duration: Duration) -> Result<u64, ConfigError> {
    match millis(duration) {
        0 => Err(ConfigError::new(format!("{what} of a throttle must last a millisecond at least"))),
        millis => Ok(millis),
    }
}

/// The network that one caller is expected to have for itself: an IPv4 address, or a /64 of IPv6.
fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => Ipv6Addr::octets(&address)[..8].to_vec(),
    }
}

impl<V, S, P> fmt::Debug for Throttle<V, S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("rules", &self.rules)
            .field("fail_open", &self.fail_open)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
